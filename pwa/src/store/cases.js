/**
 * How cases stand for whoever reported them, and what `links` keeps of that, so that no list reads all reports: `needs|<report>` and
 * `going|<report>` are cases that may still move, `news|<report>` one that moved since this phone was enrolled, `seen|<report>` until when
 * its reporter has looked. An errand's case has the same rows by the same uuid (`rowId`). The rows are of everybody's cases; whose a report
 * or errand is, `mine|<its id>` says. Lists check what they read against the cases themselves (`following.js`).
 */

/** States after which a case goes on only when somebody takes it up anew. */
export const ENDED = Object.freeze(["closed", "refused", "withdrawn", "merged", "self_solved", "transferred"]);
/** What a reporter does is no news to them. */
const OWN_MOVES = Object.freeze(["report", "note", "withdraw", "resubmit", "errand"]);

/** `needs` its reporter, is `going` on, or has `ended`. @param {import("./where.js").Where} where @returns {"needs" | "going" | "ended"} */
export function groupOf({ place, outcome, case: found }) {
  if (place === "refused") return outcome?.state === "waiting" ? "going" : "ended";
  return groupOfCase(found);
}

function groupOfCase(found) {
  if (found?.state === "returned") return "needs";
  return ENDED.includes((found?.follows ?? found)?.state) ? "ended" : "going";
}

/** What says in which group a report stands; of one that has ended nothing does. @returns {import("./links.js").Link[]} */
export function groupLinks({ database, id }, group) {
  return ["needs", "going"].map((of) => ({ ...row(of, database, rowId(id)), is_gone: of !== group }));
}

/** The id under which there are rows of a report or an errand: a case's copy does not say which of them it came of. @param {string} id */
export function rowId(id) {
  return id.replace("errand:", "report:");
}

export function caseLinks(database, doc) {
  return groupLinks({ database, id: reportOf(doc) }, groupOfCase(doc));
}

/** A report, or an errand that was begun here, has no case yet. */
export function reportLinks(database, doc) {
  return doc.type === "report" || (doc.type === "errand" && !doc._rev) ? groupLinks({ database, id: doc._id }, "going") : [];
}

/** News among documents that were pulled. @param {import("./meta.js").Session} session @returns {import("./links.js").Link[]} */
export function newsLinks({ enrolled_at, offset_ms }, database, docs) {
  const since = new Date(Date.parse(enrolled_at) - (offset_ms ?? 0)).toISOString();
  return docs.filter(({ type }) => type === "case").map((doc) => ({ ...row("news", database, reportOf(doc)), at: newsAt(doc) })).filter(({ at }) => at > since);
}

/** When a case last moved, or the one it became part of; "" when only its reporter moved it. */
function newsAt({ last_event, follows }) {
  const moves = [last_event, follows?.last_event].filter((one) => one && !OWN_MOVES.includes(one.move));
  return moves.map(({ at }) => at).sort().pop() ?? "";
}

function row(of, database, id) {
  return { key: `${of}|${id}`, of, id, database };
}

function reportOf({ _id }) {
  return _id.replace("case:", "report:");
}
