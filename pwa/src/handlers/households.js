/** 一户一档: a new file with its legal basis, and one household with its members, errands and visits. */
import { bareParts } from "../store/rooms.js";
import { dueAt, hasCome } from "../store/visiting.js";
import { isRefused, judged, limitsOf, needed, newOrigin, options, originOf, telephone, textOf, wholeNumber, within, withoutIdNumber } from "./fields.js";
import { addressOf } from "./addresses.js";
import { basisChecks, basisFacts, basisOf, usualBasis, waysOf } from "./basis.js";
import { mintStamped } from "./edits.js";
import { listOf } from "./homes.js";
import { memberRow } from "./members.js";
import { instant, momentOf, serverNow } from "./moments.js";
import { maskedFacts, openingOf } from "./openings.js";
import { gridChoice, notFound, page, refuse, savedOr } from "./pages.js";
import { fact } from "./records.js";
import { aboutRows, chipOf, rowOf } from "./rows.js";
import { heldBack, refusedRecord } from "./refused.js";

export const HOUSING = Object.freeze(["owner", "tenant", "other"]);
const SHORT_TEXTS = Object.freeze(["building", "unit", "room", "contact_name", "contact_phone"]);
export const FACTS = Object.freeze(["address", ...SHORT_TEXTS, "residents_count", "housing", "needs", "services", "remark"]);

/** `GET /m/homes/new`: `near` names a household of the same building and unit, as an address of the browser's history may. */
export async function showHouseholdForm(input, store, context) {
  const near = await store.filesOf(input.query.near ?? "");
  const { address, building, unit, grid } = near?.household.doc ?? {};
  return page(store, "household-new.html", {
    tab: "homes",
    title: context.t("household.new"),
    back: near ? listOf(near.home) : "/m/homes",
    has_action: true,
    ...(await gridChoice(store, grid)),
    ...choicesOf(context, {}),
    is_open: true,
    hows: waysOf(context),
    limits: limitsOf(context),
    form: { ...newOrigin(store, input.now), ...usualBasis(context, serverNow(store, input.now)), address, ...bareParts({ building, unit }) },
  });
}

/** What is picked from lists in a household's form. @param {any} doc whose words of a place's own stay in the lists */
export function choicesOf(context, doc) {
  return {
    housings: options(context, "housing", HOUSING, doc.housing ?? ""),
    needs: wordsOf(context, "needs", doc.needs),
    services: wordsOf(context, "services", doc.services),
  };
}

/** Check boxes of a list of words. @param {"needs" | "services"} list @param {string[]} [chosen] */
export function wordsOf(context, list, chosen = []) {
  const values = [...new Set([...(context.domain?.[list] ?? []), ...chosen])];
  return values.map((value) => ({ value, label: wordOf(context.t, list, value), chosen: chosen.includes(value) }));
}

/** What a need or a service is called; a place's own words are their own name. */
export function wordOf(t, list, value) {
  const key = `${list}.${value}`;
  return t(key) === key ? value : t(key);
}

/** `POST /m/households` */
export async function saveHousehold(input, store, context) {
  const { form, every } = input;
  const { grids, grid } = await gridChoice(store, form.grid);
  if (!grids.length) return refuse(input, context, { label: "error.no_grid" });
  const { uuid, captured_at } = originOf(form, store, input.now);
  const limits = limitsOf(context);
  const fields = judged({ ...factChecks(form, limits), ...basisChecks(form, limits, serverNow(store, input.now)) });
  if (isRefused(fields)) return refuse(input, context, { label: "error.check" }, fields);
  const known = form.anyway ? null : await sameHome(store, `household:${uuid}`, form);
  if (known) return refuseKnown(input, context, known, fields);
  const lists = Object.fromEntries(["needs", "services"].map((name) => [name, (every[name] ?? []).join("\n")]));
  const refusal = await savedOr(store, input, context, async () => {
    const facts = { ...factsOf({ ...form, ...lists }), basis: basisOf(form, serverNow(store, Date.parse(captured_at))) };
    const doc = await mintStamped(store, "household", { uuid, grid, captured_at }, facts);
    await store.saveRecord({ docs: [{ database: store.databaseFor("home", grid), doc }] });
  });
  return refusal ?? { redirect: `/m/homes/household:${uuid}?saved=1` };
}

/** Another household at this very address, building, unit and room, or null. */
async function sameHome(store, id, form) {
  const { building: b, unit: u, room: r } = bareParts(form);
  const placeOf = (parts) => parts.map((part) => (part ?? "").normalize("NFKC").replace(/\s+/g, "")).join("\n");
  const wanted = placeOf([form.address, b, u, r]);
  return (await store.homes(true)).find((home) => home.id !== id && placeOf([home.a, home.b, home.u, home.r]) === wanted) ?? null;
}

/** Says that there is a file, with the way to it and a button that makes another one all the same. */
function refuseKnown(input, context, { id, n }, fields) {
  const refusal = refuse(input, context, { label: "household.known" }, fields);
  return { ...refusal, data: { ...refusal.data, known: { href: `/m/homes/${id}`, name: n ?? "" } } };
}

/** What may be wrong with the facts of a form, by field; the basis is apart (`basis.js`). */
export function factChecks(form, limits) {
  const of = (name) => textOf(form, name);
  const short = (name) => within(of(name), limits.short, "wrong.address_too_long") ?? withoutIdNumber(of(name));
  return {
    address: needed(of("address"), "wrong.address_missing") ?? short("address"),
    ...Object.fromEntries(SHORT_TEXTS.map((name) => [name, short(name)])),
    contact_phone: telephone(of("contact_phone")),
    residents_count: wholeNumber(of("residents_count"), 100, "wrong.residents"),
    remark: within(of("remark"), limits.text) ?? withoutIdNumber(of("remark")),
  };
}

/** Only what was filled in: an absent fact is unknown, and nobody stamped it. Lists are one word a line. */
export function factsOf(form) {
  const bare = bareParts(form);
  const texts = ["address", ...SHORT_TEXTS, "remark"].map((name) => [name, bare[name] ?? textOf(form, name)]);
  const housing = HOUSING.includes(form.housing) ? form.housing : "";
  const residents = textOf(form, "residents_count");
  const count = residents ? [["residents_count", Number(residents)]] : [];
  return Object.fromEntries([...texts.filter(([, text]) => text), ...(housing ? [["housing", housing]] : []), ...count, ...listsOf(form, ["needs", "services"])]);
}

/** Lists of words as facts; an empty one is none. */
export function listsOf(form, names) {
  return names.map((name) => [name, textOf(form, name).split(/[\r\n]+/).filter(Boolean).sort()]).filter(([, list]) => list.length);
}

/** `GET /m/homes/:id` */
export async function showHousehold(input, store, context) {
  const files = await store.filesOf(input.params.id);
  if (!files) return notFound(store, context, "homes", input.params.id);
  const { household, home, members, errands } = files;
  const { doc, where, id } = household;
  const [about, visits, opening] = await Promise.all([aboutRows(store, context, input.now), store.visitsOf(id), openingOf(input, store, context, files)]);
  return page(store, "household.html", {
    tab: "homes",
    title: context.t("household.page"),
    back: listOf(home, input.query.found === "1"),
    has_action: true,
    just_saved: input.query.saved === "1" && where.place !== "server",
    id,
    address: addressOf(doc, context.t),
    where: chipOf(where),
    refused: refusedRecord(household, context.domain),
    held_back: heldBack(where, context.domain),
    opening,
    phone: opening.is_open ? (doc.contact_phone ?? "").replace(/[^0-9+]/g, "") : "",
    facts: [...visitFacts(home, about), ...householdFacts(doc, about), ...maskedFacts(doc, context, opening.is_open), ...basisFacts(doc, about)],
    members: members.map((member) => memberRow(member, context, { ...about, is_open: opening.is_open })),
    errands: errands.map((errand) => rowOf(errand, about)).reverse(),
    visits: visits.map((visit) => ({ ...rowOf(visit, about), lead: context.t(`kind.${visit.doc.kind}`), about: visit.doc.findings.slice(0, 60) })),
  });
}

/** When the next visit is due, by the same rule as the desk's. @param {import("../store/homes.js").Home} home */
function visitFacts(home, { now_ms }) {
  const due_ms = dueAt(home);
  return due_ms === null ? [] : [fact(hasCome(due_ms, now_ms) ? "household.due" : "visit.next_at", { day: momentOf(instant(due_ms), now_ms) })];
}

function householdFacts(doc, { t }) {
  const { contact_name, residents_count, housing, services = [], remark } = doc;
  const isCounted = typeof residents_count === "number";
  return [
    ...(contact_name ? [fact("household.contact_name", { text: contact_name })] : []),
    ...(isCounted ? [fact("household.residents", { text: t("household.residents_value", { count: residents_count }) })] : []),
    ...(housing ? [fact("household.housing", { key: `housing.${housing}` })] : []),
    ...(services.length ? [fact("household.services", { text: services.map((one) => wordOf(t, "services", one)).join(" · ") })] : []),
    ...(remark ? [fact("household.remark", { text: remark })] : []),
  ];
}
