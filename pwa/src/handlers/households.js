/** 入户: the list of households, a new one with its legal basis, and one household with its visits. */
import {
  isRefused, judged, limitsOf, needed, newOrigin, oneOf, options, originOf, telephone, textOf, wholeNumber, within,
  withoutIdNumber,
} from "./fields.js";
import { addressOf } from "./addresses.js";
import { momentOf, momentOfCapture } from "./moments.js";
import { gridChoice, isPolice, notFound, page, refuse, savedOr } from "./pages.js";
import { fact } from "./records.js";
import { aboutRows, chipOf, rowOf } from "./rows.js";
import { heldBack, refusedRecord } from "./refused.js";

const PAGE_COUNT = 30;
export const HOUSING = Object.freeze(["owner", "tenant", "other"]);
const HOW = Object.freeze(["consent_spoken", "consent_signed", "statutory_duty"]);
const SHORT_TEXTS = Object.freeze(["building", "unit", "room", "contact_name", "contact_phone"]);

/** `GET /m/homes` */
export async function showHouseholds(input, store, context) {
  if (isPolice(store.session.user)) return { redirect: "/m/visits" };
  const { rows, next } = await store.listHouseholds({ limit: PAGE_COUNT, before: input.query.before ?? null });
  const households = await Promise.all(rows.map(async (row) => {
    const [visit] = await store.visitsOf(row.id, { limit: 1 });
    return householdRow(row, visit, input.now, context);
  }));
  return page(store, "homes.html", {
    tab: "homes",
    title: context.t("homes.title"),
    has_action: true,
    households,
    newer: input.query.before ? "/m/homes" : "",
    older: next ? `/m/homes?before=${encodeURIComponent(next)}` : "",
  });
}

function householdRow({ id, doc, where }, visit, now_ms, context) {
  const next_at = visit?.doc.next_at ?? null;
  return {
    id,
    address: addressOf(doc, context.t),
    name: doc.contact_name ?? "",
    last_visit: visit ? momentOfCapture(visit.doc, now_ms) : null,
    next_visit: momentOf(next_at, now_ms),
    is_due: next_at !== null && Date.parse(next_at) <= now_ms,
    where: where.place === "server" ? null : chipOf(where),
  };
}

/** `GET /m/homes/new` */
export async function showHouseholdForm(input, store, context) {
  return page(store, "household-new.html", {
    tab: "homes",
    title: context.t("household.new"),
    back: "/m/homes",
    has_action: true,
    ...(await gridChoice(store)),
    housings: options(context, "housing", HOUSING, ""),
    hows: options(context, "how", HOW, ""),
    limits: limitsOf(context),
    form: { ...newOrigin(store, input.now), purpose: context.t("household.purpose_default") },
  });
}

/** `POST /m/households` */
export async function saveHousehold(input, store, context) {
  const { form } = input;
  const { grids, grid } = await gridChoice(store, form.grid);
  if (!grids.length) return refuse(input, context, { label: "error.no_grid" });
  const fields = checkHousehold(form, limitsOf(context));
  if (isRefused(fields)) return refuse(input, context, { label: "error.check" }, fields);
  const { uuid, captured_at } = originOf(form, store, input.now);
  const refusal = await savedOr(store, input, context, async () => {
    const facts = { ...factsOf(form), basis: { purpose: textOf(form, "purpose"), given_at: captured_at, how: form.how } };
    const stamp = await store.stamp();
    const stamps = Object.fromEntries(Object.keys(facts).map((name) => [name, stamp]));
    const doc = store.mint("household", { uuid, grid, captured_at, ...facts, stamps });
    await store.saveRecord({ docs: [{ database: store.databaseFor("home", grid), doc }] });
  });
  return refusal ?? { redirect: `/m/homes/household:${uuid}?saved=1` };
}

function checkHousehold(form, limits) {
  const of = (name) => textOf(form, name);
  return judged({
    ...factChecks(form, limits),
    purpose: needed(of("purpose"), "wrong.purpose_missing") ?? within(of("purpose"), limits.short, "wrong.address_too_long") ?? withoutIdNumber(of("purpose")),
    how: oneOf(of("how"), HOW, "wrong.how_missing"),
  });
}

/** What may be wrong with the facts of a form, by field; the basis is apart. */
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

/** Only what was filled in: an absent fact is unknown, and nobody stamped it. */
export function factsOf(form) {
  const texts = ["address", ...SHORT_TEXTS, "remark"].map((name) => [name, textOf(form, name)]);
  const housing = HOUSING.includes(form.housing) ? form.housing : "";
  const residents = textOf(form, "residents_count");
  const count = residents ? [["residents_count", Number(residents)]] : [];
  return Object.fromEntries([...texts.filter(([, text]) => text), ...(housing ? [["housing", housing]] : []), ...count]);
}

/** `GET /m/homes/:id` */
export async function showHousehold(input, store, context) {
  const record = await store.getRecord(input.params.id);
  if (record?.doc.type !== "household") return notFound(store, context, "homes");
  const { doc, where, id } = record;
  const [about, visits] = await Promise.all([aboutRows(store, context, input.now), store.visitsOf(id)]);
  return page(store, "household.html", {
    tab: "homes",
    title: context.t("household.page"),
    back: "/m/homes",
    has_action: true,
    just_saved: input.query.saved === "1" && where.place !== "server",
    id,
    address: addressOf(doc, context.t),
    where: chipOf(where),
    refused: refusedRecord(record, context.domain),
    held_back: heldBack(where, context.domain),
    phone: (doc.contact_phone ?? "").replace(/[^0-9+]/g, ""),
    facts: householdFacts(doc, about),
    visits: visits.map((visit) => ({ ...rowOf(visit, about), lead: context.t(`kind.${visit.doc.kind}`), about: visit.doc.findings.slice(0, 60) })),
  });
}

function householdFacts(doc, { t, now_ms }) {
  const { contact_name, contact_phone, residents_count, housing, remark, basis } = doc;
  const isCounted = typeof residents_count === "number";
  return [
    ...(contact_name ? [fact("household.contact_name", { text: contact_name })] : []),
    ...(contact_phone ? [fact("household.contact_phone", { text: contact_phone })] : []),
    ...(isCounted ? [fact("household.residents", { text: t("household.residents_value", { count: residents_count }) })] : []),
    ...(housing ? [fact("household.housing", { key: `housing.${housing}` })] : []),
    ...(remark ? [fact("household.remark", { text: remark })] : []),
    fact("household.purpose", { text: basis.purpose }),
    fact("household.how", { key: `how.${basis.how}` }),
    fact("record.captured_at", { at: momentOfCapture(doc, now_ms) }),
  ];
}
