/** The page of one record: its photos, where it is, what became of it, what it says. */
import { nameIn } from "./catalogue.js";
import { dutyOf } from "./duty.js";
import { minutesBetween, momentOf, momentOfCapture } from "./moments.js";
import { movesOf } from "./notes.js";
import { gridName, isPolice, notFound, page } from "./pages.js";
import { photosIn } from "./photos.js";
import { answerText } from "./questions.js";
import { aboutRows, chipOf, lastMove, pageOf, rowOf, stateLabel } from "./rows.js";
import { raisedAs } from "./raised.js";
import { heldBack, refusedRecord } from "./refused.js";
import { withFates, withSubjects } from "./said.js";
import { refusedPhoto } from "./troubles.js";
import { correctedAt } from "../store/capture.js";
import { ENDED } from "../store/cases.js";

const REPORTED_WITHIN_MS = 7 * 24 * 3_600_000;
const SHOWN = Object.freeze({ report: "cases", visit: "homes", patrol: "today", note: "cases" });

/** `GET /m/records/:id` */
export async function showRecord(input, store, context) {
  const record = await store.getRecord(input.params.id);
  if (!record || !SHOWN[record.doc.type]) return notFound(store, context, "cases", input.params.id);
  const { doc, where } = record;
  await store.noteSeen(record.id);
  const [about, grids, said, raised, forms] = await Promise.all([
    aboutRows(store, context, input.now), store.grids(), store.saidOf(record.id), Promise.all((doc.reports ?? []).map(async (id) => (await raisedAs(store, id)).record)),
    doc.form ? store.reference("form") : [],
  ]);
  const notes = withFates(said.filter((row) => row.doc.type === "note"), where.case);
  const moves = movesOf(record, notes, store.session.author);
  const shown = rowOf((await withSubjects(store, [record]))[0], about);
  const [reason, result] = [shown.reason, resultOf(where.case)];
  return page(store, "record.html", {
    tab: SHOWN[doc.type],
    title: context.t(`${doc.type}.page`),
    back: backOf(doc, store.session.user),
    has_action: moves.intent === "resubmit",
    id: record.id,
    just_saved: input.query.saved === "1" && [record, ...notes].some((row) => row.where.place !== "server"),
    lead: shown.lead,
    why: doc.type === "note" ? shown.why : null,
    photos: photosIn(doc).map((id, at) => ({ id, n: at + 1, is_after: !doc.photos.includes(id) })),
    voice: doc.voice ?? "",
    ...(doc.type === "report" ? await justSent(record, input, store, about) : {}),
    where: shown.where,
    refused: refusedRecord(record, context.domain),
    held_back: heldBack(where, context.domain),
    refused_photos: where.photos_refused.map((photo) => refusedPhoto(photo, context.domain)),
    reason,
    result,
    moves,
    intent_label: `note.${moves.intent}`,
    notes: [...[...raised, ...said].filter((row) => row && row.doc.type !== "note").map((row) => rowOf(row, about)), ...notes.map((note) => ({ ...rowOf(note, about), href: `/m/records/${note.id}` }))],
    list_label: doc.type === "visit" ? "visit.reports" : "note.list",
    report_href: mayReport(doc, raised, store.session.author, about.now_ms) ? `/m/report?visit=${record.id}` : "",
    steps: stepsOf(record, { ...about, units: await unitsOf(store, where.case, context.language), above: [reason, result] }),
    facts: [...FACTS[doc.type](doc, about), ...answerFacts(doc, forms, context), ...commonFacts(record, grids, about)],
  });
}

/** Whether a visit offers to report what was found: the report that it names is not made yet, or it names none and is of the last days. */
function mayReport(doc, raised, author, now_ms) {
  if (doc.type !== "visit" || doc.author !== author) return false;
  return raised.length ? raised.includes(null) : now_ms - correctedAt(doc) < REPORTED_WITHIN_MS;
}

/** `GET /m/records/:id/photos/:n`: one photo, as large as the screen. */
export async function showPhoto(input, store, context) {
  const record = await store.getRecord(input.params.id);
  const photos = record ? photosIn(record.doc) : [];
  const n = Number(input.params.n);
  const photo = photos[n - 1];
  if (!photo) return notFound(store, context, "cases");
  const address = (at) => (photos[at - 1] ? `/m/records/${record.id}/photos/${at}` : "");
  return page(store, "photo.html", {
    tab: SHOWN[record.doc.type] ?? "cases",
    title: context.t("photos.nth", { n, count: photos.length }),
    back: `/m/records/${record.id}`,
    photo,
    others: photos.length > 1,
    previous: address(n - 1),
    next: address(n + 1),
  });
}

/** What a report's page offers while it is young: taking it back, the duty number of an emergency; and originals that wait. */
async function justSent({ id, doc, where }, { query, now }, store, { now_ms, language }) {
  const is_alarm = where.place !== "server" && doc.urgency === "emergency";
  return {
    undo_ms: doc.author === store.session.author ? await store.undoTime(id, now) : 0,
    is_late: query.late === "1",
    originals: await store.originalsWaiting(id),
    duty: is_alarm ? await dutyOf(store, doc.grid, now_ms, language) : [],
    is_alarm,
  };
}

/** Names of the units that moved a case, by party. @returns {Promise<Map<string, string>>} */
export async function unitsOf(store, found, language) {
  const parties = [...new Set((found?.history ?? []).map(({ party }) => party).filter(Boolean))];
  return new Map((await store.known(parties)).map(({ id, doc }) => [id, nameIn(doc.name, language)]));
}

/** Why a case was returned; nothing of one that was not. @returns {string} */
export function returnReason(found) {
  return found?.state === "returned" ? (lastMove(found, "return").reason ?? "") : "";
}

/** What a closed case says of how it was settled; of a merged one, what the case says that it became part of. */
export function resultOf(found) {
  const settled = found?.follows ?? found;
  return settled?.state === "closed" ? (lastMove(settled, "close").result ?? "") : "";
}

function backOf(doc, user) {
  if (doc.type === "visit") return isPolice(user) ? "/m/visits" : `/m/homes/${doc.household}`;
  if (doc.type === "note") return pageOf(doc.of);
  return doc.type === "report" ? "/m/cases" : "/m/";
}

/** The way of a record, done steps and the next one: `[{label, slots, done, at}]`. Texts that stand `above` it already are not repeated. */
export function stepsOf({ doc, where }, { now_ms, t, units, above = /** @type {string[]} */ ([]) }) {
  const step = (label, done, at = null, slots = {}, text = "", who = "") => {
    return { label, slots, done, at: momentOf(at, now_ms), text: above.includes(text) ? "" : text, who };
  };
  const steps = [{ ...step("step.phone", true), at: momentOfCapture(doc, now_ms) }];
  if (where.place === "refused") return [...steps, refusedStep(where.outcome, step)];
  const isThere = where.place === "server";
  steps.push(step(isThere ? "step.server" : "step.server_wait", isThere));
  if (where.photos_unsent) steps.push(step("step.photos_wait", false, null, { count: where.photos_unsent }));
  if (doc.type !== "report" && doc.type !== "errand") return steps;
  if (!where.case) return [...steps, step("step.case_wait", false)];
  return [...steps, ...caseSteps(where.case, step, t, units)];
}

function refusedStep(outcome, step) {
  return outcome?.state === "adopted" ? step("step.adopted", true, outcome.decided_at) : step("step.refused", true);
}

/** What became of it: every move that its reporter may see, and what is waited for. */
function caseSteps({ case_no, state, history, last_event, follows }, step, t, units) {
  const [first, ...later] = history ?? [{}, last_event ?? {}];
  const steps = [step("step.case", true, first.at, { case_no }), ...later.map((one) => step(moveLabel(one.move, t), true, one.at, {}, saidIn(one, t), whoOf(one.party, t, units)))];
  if (follows) steps.push(step("step.follows", true, follows.updated_at, { case_no: follows.case_no, state: t(stateLabel(follows.state)) }));
  if (state === "reported") return [...steps, step("step.accepted_wait", false)];
  return OVER.has(state) ? steps : [...steps, step("step.closed_wait", false)];
}

/** In whose name a move was made: the unit's, or the level's that held the case; never a person's. */
function whoOf(party, t, units) {
  return party ? (units.get(party) ?? t(`party.${party.slice(0, party.indexOf(":"))}`)) : "";
}

/** States after which nothing is waited for. */
const OVER = new Set([...ENDED, "returned"]);

function moveLabel(move, t) {
  return t(`move.${move}`) === `move.${move}` ? "move.other" : `move.${move}`;
}

function saidIn({ reason, result, text, authority, outcome, stars }, t) {
  const found = outcome ? t(`outcome.${outcome}`) : "";
  return [authority, reason ?? result ?? text ?? found, stars ? "★".repeat(stars) : ""].filter(Boolean).join(" · ");
}

/**
 * One line of facts: a text, the key of a text with its slots, a moment, or a day.
 * @typedef {import("./moments.js").Moment} Moment
 * @param {string} label
 * @param {{text?: string, key?: string, slots?: object, at?: Moment | null, day?: Moment | null}} [value]
 */
export function fact(label, { text = "", key = "", slots = {}, at = null, day = null } = {}) {
  return { label, text, key, slots, at, day };
}

const FACTS = Object.freeze({
  report: (doc, { t }) => [
    ...(doc.text ? [fact("record.text", { text: doc.text })] : []),
    fact("record.urgency", { key: `urgency.${doc.urgency}` }),
    ...placeFacts(doc.place, t),
    ...(doc.solved ? [fact("record.solved", doc.solved.text ? { text: doc.solved.text } : { key: "record.solved_yes" })] : []),
    fact("record.source", { key: `source.${doc.source}` }),
  ],
  visit: (doc, { now_ms }) => [
    fact("visit.kind", { key: `kind.${doc.kind}` }),
    fact("visit.findings", { text: doc.findings }),
    ...(doc.next_at ? [fact("visit.next_at", { day: momentOfCapture({ ...doc, captured_at: doc.next_at }, now_ms) })] : []),
  ],
  note: (doc) => [fact("record.text", { text: doc.text })],
  patrol: (doc, { now_ms, t }) => [
    fact("patrol.started_at", { at: momentOf(doc.started_at, now_ms) }),
    fact("patrol.ended_at", { at: momentOf(doc.ended_at, now_ms) }),
    fact("patrol.minutes", { text: t("patrol.minutes_value", { minutes: minutesBetween(doc.started_at, doc.ended_at) }) }),
    ...(doc.cells?.length ? [fact("patrol.cells", { key: "patrol.cells_value", slots: { count: doc.cells.length } })] : []),
  ],
});

/** What was answered at a visit, in the questions' words; of a form that has changed since, in its codes where they are gone. */
function answerFacts({ kind, form, answers = {} }, forms, context) {
  const questions = (form && forms.find((one) => one.kind === kind)?.questions) || [];
  const asked = new Map(questions.map((question) => [question.key, question]));
  return Object.entries(form ? answers : {}).map(([key, answer]) => {
    const question = asked.get(key) ?? { key, kind: "", label: key };
    return fact(nameIn(question.label, context.language), { text: answerText(answer, question, context) });
  });
}

function placeFacts(place, t) {
  if (!place) return [fact("record.place", { key: "place.unknown" })];
  const { lat, lon, accuracy_m, address } = place;
  const isPoint = lat !== null && lat !== undefined;
  const slots = isPoint ? { lat: lat.toFixed(5), lon: lon.toFixed(5), metres: Math.round(accuracy_m ?? 0) } : {};
  return [
    ...(address ? [fact("record.address", { text: address })] : []),
    ...(isPoint ? [fact("record.place", { text: t(accuracy_m ? "place.point_about" : "place.point", slots) })] : []),
  ];
}

function commonFacts({ doc, where }, grids, { now_ms }) {
  const grid = grids.find(({ code }) => code === doc.grid);
  return [
    fact("record.captured_at", { at: momentOfCapture(doc, now_ms) }),
    fact("record.grid", { text: gridName(doc.grid, grid?.doc) }),
    ...(where.case ? [fact("record.case_no", { text: where.case.case_no })] : []),
    ...(where.case?.due_at && !OVER.has(where.case.state) ? [fact("record.due", { at: momentOf(where.case.due_at, now_ms) })] : []),
  ];
}
