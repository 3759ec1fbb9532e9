/**
 * Records as rows and chips: what it is, when, and where it stands. Where it stands was found out by the store (`where.js`);
 * here it becomes words, a colour and an icon.
 *
 * @typedef {import("../store/reading.js").Row & {where: import("../store/where.js").Where}} Placed
 */
import { addressOf } from "./addresses.js";
import { categoryName, readCategories } from "./catalogue.js";
import { minutesBetween, momentOfCapture, serverNow } from "./moments.js";
import { photosIn } from "./photos.js";

const MOVING = ["move", "clock"];
const STATE_LOOK = Object.freeze({
  reported: ["move", "server"], escalated: MOVING, accepted: ["good", "server"], filed: MOVING, dispatched: MOVING, in_hand: MOVING,
  handed_back: MOVING, answered: MOVING, verifying: MOVING, rework: MOVING, shelved: MOVING, returned: ["bad", "returned"],
  refused: ["bad", "returned"], withdrawn: ["move", "returned"], merged: MOVING, self_solved: ["good", "server"], transferred: MOVING,
  closed: ["good", "server"],
});

const OUTCOME_LOOK = Object.freeze({
  waiting: ["where.refused", "bad", "alert"],
  adopted: ["where.adopted", "good", "server"],
  dismissed: ["where.dismissed", "bad", "alert"],
});

/** A record's chip: `{label, slots, tone, icon, percent}`; `percent` is 0 when there is nothing to measure. */
export function chipOf({ place, outcome, photos_unsent, photos_refused, percent, case: found }) {
  const look = (label, tone, icon, slots = {}, shown = 0) => ({ label, slots, tone, icon, percent: shown });
  if (place === "refused") return look(...(OUTCOME_LOOK[outcome?.state] ?? OUTCOME_LOOK.waiting));
  if (place === "phone") return look("where.phone", "wait", "phone");
  if (place === "sending") return look("where.sending", "wait", "sending");
  if (found) return look(stateLabel(found.state), ...(STATE_LOOK[found.state] ?? MOVING), {}, photos_unsent ? percent : 0);
  if (photos_unsent) return look("where.photos", "wait", "sending", { percent }, percent);
  if (photos_refused.length) return look("where.photos_refused", "bad", "alert");
  return look("where.server", "good", "server");
}

/** What the office may return. */
const BACK = new Set(["report", "errand"]);

/** The words for a case's state; one for states this version does not know. */
export function stateLabel(state) {
  return STATE_LOOK[state] ? `state.${state}` : "state.other";
}

/**
 * One row of a list.
 * @param {Placed & {kind?: string, fate?: import("./said.js").Fate}} record of what was said about another, seen with that (`said.js`)
 * @param {{categories: any[], language: string, t: Function, now_ms: number}} about
 */
export function rowOf(record, about) {
  const { doc, where } = record;
  const shape = SHAPES[doc.type] ?? SHAPES.visit;
  const reason = BACK.has(doc.type) && where.case?.state === "returned" ? (lastMove(where.case, "return").reason ?? "") : "";
  const why = where.case?.follows ? { why: followsOf(where.case.follows, about.t) } : {};
  return {
    ...shape(doc, about, record), at: momentOfCapture(doc, about.now_ms), where: chipOf(where), reason, ...why, ...lateness(record, about),
  };
}

/** Of a note that asked for what could not be done any more: that it arrived says little. @param {any} record */
function lateness({ doc, where, fate }, { t }) {
  if (fate?.is !== "late") return {};
  const move = t(`move.${fate.after || "other"}`);
  return { where: { ...chipOf(where), tone: "move" }, why: { tone: "bad-text", label: `note.late_${doc.intent}`, slots: { move } } };
}

/** In words: which case a merged one is part of now, and how that one stands. */
function followsOf({ case_no, state }, t) {
  return { tone: "muted", label: "step.follows", slots: { case_no, state: t(stateLabel(state)) } };
}

/** A case's moves as its reporter may see them, oldest first. */
export function movesIn(found) {
  const { history, last_event } = found ?? {};
  return history ?? (last_event ? [last_event] : []);
}

/** What a case's history says of the last such move; nothing when there was none. */
export function lastMove({ history = [], last_event }, move) {
  return [last_event, ...history].filter((one) => one?.move === move).pop() ?? {};
}

const SHAPES = Object.freeze({
  report: (doc, { categories, language }) => ({
    href: `/m/records/${doc._id}`,
    photo: photosIn(doc)[0] ?? "",
    icon: doc.voice ? "mic" : "camera",
    lead: categoryName(categories, doc.category, language),
    about: snippet(doc.text || doc.place?.address || ""),
  }),
  visit: (doc, { t }) => ({
    href: `/m/records/${doc._id}`, photo: "", icon: doc.household ? "homes" : "beat", lead: doc.address, about: t(`kind.${doc.kind}`),
  }),
  errand: (doc, { t }) => ({ href: `/m/errands/${doc._id}`, photo: "", icon: "task", lead: doc.item, about: t(`errand.state_${doc.state}`) }),
  member: (doc, { t }) => ({ href: `/m/homes/${doc.household}`, photo: "", icon: "me", lead: doc.name, about: t("household.members") }),
  household: (doc, { t }) => ({ href: `/m/homes/${doc._id}`, photo: "", icon: "homes", lead: addressOf(doc, t), about: t("household.page") }),
  patrol: (doc, { t }) => ({
    href: `/m/records/${doc._id}`,
    photo: "",
    icon: "walk",
    lead: t("patrol.lead", { minutes: minutesBetween(doc.started_at, doc.ended_at) }),
    about: "",
  }),
  track: (doc, { t }) => ({ href: `/m/records/${doc.patrol}`, photo: "", icon: "walk", lead: t("track.row"), about: "" }),
  note: (doc, { t }) => ({
    href: pageOf(doc.of), photo: doc.photos[0] ?? "", icon: "edit", lead: t(`note.${doc.intent ?? "plain"}`), about: snippet(doc.text),
  }),
  taskreply: (doc, { t }, { kind }) => ({
    href: `/m/tasks/${doc.of}`, photo: doc.photos[0] ?? "", icon: "task", lead: t(`${outcomeWords(kind)}.${doc.outcome}`), about: snippet(doc.text),
  }),
});

/** Which words say the outcome of a task of this kind: what was verified is solved or not. */
export function outcomeWords(kind) {
  return kind === "verify" ? "finding" : "outcome";
}

/** The address of what a note is about. @param {string} id */
export function pageOf(id) {
  return id.startsWith("errand:") ? `/m/errands/${id}` : `/m/records/${id}`;
}

/** Whether lists have a row for such a document. */
export function hasRow({ type }) {
  return type in SHAPES;
}

export function snippet(text) {
  const signs = [...text.replace(/\s+/g, " ")];
  return signs.length > 40 ? `${signs.slice(0, 40).join("")}…` : signs.join("");
}

/** What rows of one page need to know besides the records; `now_ms` in it is the server's. */
export async function aboutRows(store, context, now_ms) {
  return { categories: await readCategories(store, now_ms), language: context.language, t: context.t, now_ms: serverNow(store, now_ms) };
}
