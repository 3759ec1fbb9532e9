/** 走访: a worker's visit to a household, and a police officer's visit log, which names no household. */
import {
  isRefused, judged, limitsOf, needed, newOrigin, oneOf, options, originOf, textOf, within, withoutIdNumber,
} from "./fields.js";
import { addressOf } from "./addresses.js";
import { daysAfter } from "./moments.js";
import { gridChoice, isPolice, notFound, page, refuse, savedOr } from "./pages.js";
import { aboutRows, rowOf } from "./rows.js";

const PAGE_COUNT = 20;
const WORKER_KINDS = Object.freeze(["routine", "elderly", "tenant", "safety", "dispute", "errand", "other"]);
const POLICE_KINDS = Object.freeze(["premises", "routine", "tenant", "safety", "dispute", "other"]);
const NEXT_DAYS = Object.freeze({ none: 0, week: 7, month: 30, half_year: 182 });

/** `GET /m/visits`: the log of a police officer; a worker's visits are with their households. */
export async function showVisits(input, store, context) {
  if (!isPolice(store.session.user)) return { redirect: "/m/homes" };
  const about = await aboutRows(store, context, input.now);
  const { rows, next } = await store.listVisits({ limit: PAGE_COUNT, before: input.query.before ?? null });
  return page(store, "visits.html", {
    tab: "homes",
    title: context.t("visits.title"),
    has_action: true,
    records: rows.map((row) => rowOf(row, about)),
    newer: input.query.before ? "/m/visits" : "",
    older: next ? `/m/visits?before=${encodeURIComponent(next)}` : "",
  });
}

/** `GET /m/visits/new` */
export async function showPoliceVisitForm(input, store, context) {
  if (!isPolice(store.session.user)) return { redirect: "/m/homes" };
  return visitForm(input, store, context, { kinds: POLICE_KINDS, back: "/m/visits", household: null, ...(await gridChoice(store)) });
}

/** `GET /m/homes/:id/visits/new` */
export async function showHouseholdVisitForm(input, store, context) {
  const record = await store.getRecord(input.params.id);
  if (record?.doc.type !== "household") return notFound(store, context, "homes");
  const { id, doc } = record;
  const household = { id, address: addressOf(doc, context.t) };
  return visitForm(input, store, context, { kinds: WORKER_KINDS, back: `/m/homes/${id}`, household, grids: [], grid: doc.grid });
}

function visitForm(input, store, context, { kinds, ...about }) {
  return page(store, "visit-new.html", {
    tab: "homes",
    title: context.t("visit.new"),
    has_action: true,
    kinds: options(context, "kind", kinds, kinds[0]),
    nexts: options(context, "next", Object.keys(NEXT_DAYS), "none"),
    limits: limitsOf(context),
    form: newOrigin(store, input.now),
    ...about,
  });
}

/** `POST /m/visits` */
export async function saveVisit(input, store, context) {
  const found = await subjectOf(input, store, context);
  if (!found) return refuse(input, context, { label: "error.not_found" });
  if (!found.grid) return refuse(input, context, { label: "error.no_grid" });
  const fields = checkVisit(input.form, found, limitsOf(context));
  if (isRefused(fields)) return refuse(input, context, { label: "error.check" }, fields);
  const { uuid, captured_at } = originOf(input.form, store, input.now);
  const refusal = await savedOr(store, input, context, () => {
    const doc = visitOf(store, input.form, { ...found, uuid, captured_at });
    return store.saveRecord({ docs: [{ database: store.databaseFor(found.database_kind, found.grid), doc }] });
  });
  return refusal ?? { redirect: `/m/records/visit:${uuid}?saved=1` };
}

/** What is visited: `{household, address, grid, database_kind, kinds}`; null for a household this phone does not have. */
async function subjectOf({ form }, store, { t }) {
  if (isPolice(store.session.user)) {
    const { grid } = await gridChoice(store, form.grid);
    return { household: null, address: textOf(form, "address"), grid, database_kind: "beat", kinds: POLICE_KINDS };
  }
  const record = await store.getRecord(form.household ?? "");
  if (record?.doc.type !== "household") return null;
  const { id, doc } = record;
  return { household: id, address: addressOf(doc, t).slice(0, 200), grid: doc.grid, database_kind: "home-quarter", kinds: WORKER_KINDS };
}

function checkVisit(form, { address, kinds }, limits) {
  const findings = textOf(form, "findings");
  return judged({
    address: needed(address, "wrong.address_missing") ?? within(address, limits.short, "wrong.address_too_long"),
    kind: oneOf(form.kind ?? "", kinds, "wrong.kind_missing"),
    findings: needed(findings, "wrong.findings_missing") ?? within(findings, limits.text) ?? withoutIdNumber(findings),
  });
}

function visitOf(store, form, { uuid, captured_at, grid, household, address }) {
  const days = NEXT_DAYS[form.next] ?? 0;
  return store.mint("visit", {
    uuid,
    grid,
    captured_at,
    household,
    address,
    kind: form.kind,
    findings: textOf(form, "findings"),
    answers: {},
    reports: [],
    next_at: days ? daysAfter(captured_at, days) : null,
  });
}
