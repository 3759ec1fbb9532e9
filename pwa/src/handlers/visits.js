/** 走访: a worker's visit to a household, and a police officer's visit log, which names no household. */
import {
  isRefused, judged, limitsOf, needed, newOrigin, oneOf, options, originOf, textOf, within, withoutIdNumber,
} from "./fields.js";
import { intervalDays } from "../store/visiting.js";
import { addressOf } from "./addresses.js";
import { compoundOf, premisesIn } from "./beats.js";
import { daysAfter } from "./moments.js";
import { gridChoice, isPolice, notFound, page, refuse, savedOr } from "./pages.js";
import { answerOf, checkAnswer, fieldOf, questionOf } from "./questions.js";

const WORKER_KINDS = Object.freeze(["routine", "elderly", "tenant", "safety", "dispute", "errand", "other"]);
const POLICE_KINDS = Object.freeze(["premises", "routine", "tenant", "safety", "dispute", "other"]);
const NEXT_DAYS = Object.freeze({ none: 0, week: 7, month: 30, half_year: 182 });

/** `GET /m/visits/new`: of a police officer, in the compound `compound` or anywhere on the beat. */
export async function showPoliceVisitForm(input, store, context) {
  if (!isPolice(store.session.user)) return { redirect: "/m/homes" };
  const compound = await compoundOf(store, input.query.compound, input.now);
  const place = compound ? { grids: [], grid: compound.grid } : await gridChoice(store);
  const premises = compound ? await premisesIn(store, compound) : [];
  return visitForm(input, store, context, {
    kinds: POLICE_KINDS,
    back: compound ? `/m/compounds/${compound._id}` : "/m/visits",
    household: null,
    compound: compound && { id: compound._id, name: compound.name },
    // The visit's address is both.
    premises_most: compound ? limitsOf(context).short - compound.name.length - 1 : 0,
    premises_label: premises.length ? "visit.other_premises" : "visit.some_premises",
    premises: premises.map((value) => ({ value, label: value, chosen: false, extra: "" })),
    ...place,
  });
}

/**
 * `GET /m/homes/:id/visits/new`: with the questions of the kind that is chosen (`kind`), or that was when what is being typed was kept
 * (`input.draft`); the page puts the rest of it into the fields that are there.
 */
export async function showHouseholdVisitForm(input, store, context) {
  const record = await store.getRecord(input.params.id);
  if (record?.doc.type !== "household") return notFound(store, context, "homes");
  const { id, doc } = record;
  const household = { id, address: addressOf(doc, context.t) };
  const left = Object.fromEntries((await input.draft) ?? []);
  const kind = [input.query.kind, left.kind].find((one) => WORKER_KINDS.includes(one)) ?? WORKER_KINDS[0];
  const { questions } = await formFor(store, kind);
  // As often as the scheme asks, unless the worker knows better.
  const days = intervalDays([doc.needs ?? [], doc.services ?? []].flat());
  const next = Object.keys(NEXT_DAYS).find((name) => NEXT_DAYS[name] === days) ?? "half_year";
  return visitForm(input, store, context, {
    kinds: WORKER_KINDS, kind, next, questions: questions.map((question) => questionOf(question, context)), back: `/m/homes/${id}`, household, grids: [], grid: doc.grid,
  });
}

/** What is asked at a visit of this kind to a household: `{name, questions}`, as the server last told. */
async function formFor(store, kind) {
  return (await store.reference("form")).find((form) => form.kind === kind) ?? { name: null, questions: [] };
}

function visitForm(input, store, context, { kinds, kind = kinds[0], next = "none", ...about }) {
  void store.prepareFor(about.household ? "home-quarter" : "beat", about.grid); // the form is shown meanwhile
  return page(store, "visit-new.html", {
    tab: "homes",
    title: context.t("visit.new"),
    has_action: true,
    kinds: options(context, "kind", kinds, kind),
    questions: [],
    nexts: options(context, "next", Object.keys(NEXT_DAYS), next),
    limits: limitsOf(context),
    form: newOrigin(store, input.now),
    report: store.uuid(input.now),
    ...about,
  });
}

/** `POST /m/visits` */
export async function saveVisit(input, store, context) {
  const found = await subjectOf(input, store, context);
  if (!found) return refuse(input, context, { label: "error.not_found" });
  if (!found.grid) return refuse(input, context, { label: "error.no_grid" });
  const asked = found.household ? await formFor(store, input.form.kind) : { name: null, questions: [] };
  const fields = checkVisit(input.form, found, asked.questions, context);
  if (isRefused(fields)) return refuse(input, context, { label: "error.check" }, fields);
  const { uuid, captured_at } = originOf(input.form, store, input.now);
  const refusal = await savedOr(store, input, context, () => {
    const doc = visitOf(store, input.form, asked, { ...found, uuid, captured_at });
    return store.saveRecord({ docs: [{ database: store.databaseFor(found.database_kind, found.grid), doc }] });
  });
  return refusal ?? { redirect: input.form.raise ? `/m/report?visit=visit:${uuid}` : `/m/records/visit:${uuid}?saved=1` };
}

/** What is visited: `{household, compound, address, grid, database_kind, kinds}`; null for a household this phone does not have. */
async function subjectOf({ form, now }, store, { t }) {
  if (isPolice(store.session.user)) {
    const compound = await compoundOf(store, form.compound, now);
    const grid = compound?.grid ?? (await gridChoice(store, form.grid)).grid;
    const address = [compound?.name, textOf(form, "address") || textOf(form, "picked")].filter(Boolean).join(" ");
    return { household: null, compound: compound?._id ?? null, address, grid, database_kind: "beat", kinds: POLICE_KINDS };
  }
  const record = await store.getRecord(form.household ?? "");
  if (record?.doc.type !== "household") return null;
  const { id, doc } = record;
  return { household: id, compound: null, address: addressOf(doc, t).slice(0, 200), grid: doc.grid, database_kind: "home-quarter", kinds: WORKER_KINDS };
}

function checkVisit(form, { address, kinds }, questions, context) {
  const [findings, limits] = [textOf(form, "findings"), limitsOf(context)];
  return judged({
    address: needed(address, "wrong.address_missing") ?? within(address, limits.short, "wrong.address_too_long"),
    kind: oneOf(form.kind ?? "", kinds, "wrong.kind_missing"),
    ...Object.fromEntries(questions.map((question) => [fieldOf(question), checkAnswer(textOf(form, fieldOf(question)), question, context)])),
    findings: needed(findings, "wrong.findings_missing") ?? within(findings, limits.text) ?? withoutIdNumber(findings),
  });
}

/** The report of a problem that was found is yet to be written; the visit, which never changes, names it already. */
function visitOf(store, form, { name, questions }, { uuid, captured_at, grid, household, compound, address }) {
  const said = questions.filter((question) => textOf(form, fieldOf(question)));
  const days = household || compound ? (NEXT_DAYS[form.next] ?? 0) : 0; // elsewhere nobody would be reminded
  return store.mint("visit", {
    uuid,
    grid,
    captured_at,
    household,
    ...(compound ? { compound } : {}),
    address,
    kind: form.kind,
    findings: textOf(form, "findings"),
    ...(name ? { form: name } : {}),
    answers: Object.fromEntries(said.map((question) => [question.key, answerOf(textOf(form, fieldOf(question)), question)])),
    reports: form.raise ? [`report:${originOf({ uuid: form.report }, store, Date.parse(captured_at)).uuid}`] : [],
    next_at: days ? daysAfter(captured_at, days) : null,
  });
}
