/**
 * What was said afterwards, seen with what it is about: the notes of a report with what became of what they ask for, the answers to a task
 * with its kind. What became of a note is told by its words, which the case's history repeats: no two clocks are compared, and a phone's
 * may be a day wrong.
 */
import { movesIn } from "./rows.js";
import { correctedAt } from "../store/capture.js";

/** What a report leaves `reported` by; `resubmit` alone takes it out of `returned`. */
const LEADS_ON = Object.freeze({ withdraw: ["accept", "return", "refuse", "merge", "escalate", "withdraw"], resubmit: ["resubmit"] });

/**
 * @typedef {import("./rows.js").Placed} Placed
 * @typedef {{is: "asked" | "done" | "late", after: string}} Fate `asked`: not answered yet; `late`: the case had gone on `after` a move, and it
 *   is a note like others
 */

/** By id, what became of what notes ask for. @param {Placed[]} said @param {any} found the case's copy, or null @returns {Map<string, Fate>} */
export function fatesOf(said, found) {
  const moves = movesIn(found);
  const left = moves.map((_move, at) => at);
  const notes = [...said].sort((one, other) => one.id.localeCompare(other.id));
  return new Map(notes.map(({ id, doc }) => {
    const at = left.findIndex((n) => [doc.intent, "note"].includes(moves[n].move) && repeats(moves[n], doc));
    const [n = -1] = at < 0 ? [] : left.splice(at, 1);
    return [id, fateOf(doc, moves, n)];
  }));
}

/** @returns {Fate} */
function fateOf(doc, moves, n) {
  const [first] = moves;
  // A long history has lost its beginning, and with it what became of old notes.
  const isForgotten = n < 0 && first && first.move !== "report" && correctedAt(doc) < Date.parse(first.at);
  if (n < 0) return { is: isForgotten ? "done" : "asked", after: "" };
  if (!doc.intent || moves[n].move === doc.intent) return { is: "done", after: "" };
  return { is: "late", after: moves.slice(0, n).filter(({ move }) => LEADS_ON[doc.intent].includes(move)).pop()?.move ?? "" };
}

/** Whether a move says what a note said; a very long text's beginning. */
function repeats({ text, reason }, doc) {
  const [told, said] = [plain(text ?? reason ?? ""), plain(doc.text)];
  return told === said || (told.endsWith("…") && said.startsWith(told.slice(0, -1)));
}

function plain(text) {
  return text.replace(/\s+/g, " ").trim();
}

/** Rows of notes of one report, each with its fate. @param {Placed[]} said @param {any} found */
export function withFates(said, found) {
  const fates = fatesOf(said, found);
  return said.map((row) => ({ ...row, fate: fates.get(row.id) }));
}

/** Rows of any records: answers with their task's `kind`, notes that ask for something with their `fate`. @param {any} store @param {Placed[]} rows */
export async function withSubjects(store, rows) {
  return Promise.all(rows.map(async (row) => {
    const { type, of, intent } = row.doc;
    if (type === "taskreply") return { ...row, kind: (await store.getRecord(of))?.doc.kind };
    if (type !== "note" || !intent) return row;
    const [said, found] = await Promise.all([store.saidOf(of), store.caseOf(of)]);
    return { ...row, fate: fatesOf(said, found).get(row.id) };
  }));
}
