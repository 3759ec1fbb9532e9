/**
 * When the compounds of an officer's beat are to be visited again: a fold of the changes of `beat-*`, in one value that says up to which of
 * them. It is kept plainly, for Today says how many are due while visits are locked: it says when, and nothing of what was found. Losing it
 * loses nothing; whoever may show something old asks `refresh` first.
 *
 * @typedef {{v: string, grid: string, next: number | null}} Visited the newest visit of a compound and when the next one is due
 * @typedef {{seqs: Record<string, number>, rows: Record<string, Visited>}} Index `seqs` by database, `rows` by compound
 */
import { namesOf, parse } from "./databases.js";
import { changesSince } from "./documents.js";
import { setState, state } from "./outbox.js";

const NAME = "beatdues";
const STEP = 1000;

/** When visits are due, epoch milliseconds of the server, by compound. @param {import("./meta.js").Session} session @returns {Promise<Map<string, number>>} */
export async function beatDues({ author, grids }) {
  const { rows } = await read(author);
  return new Map(Object.entries(rows).flatMap(([id, { grid, next }]) => (next && grids.includes(grid) ? [[id, next]] : [])));
}

/** Brings it up to what lies on this phone. @param {import("./meta.js").Session} session @throws {import("./errors.js").Locked} */
export async function refresh({ author, databases }) {
  const before = await read(author);
  const index = structuredClone(before);
  for (const name of namesOf(databases.filter(({ pull }) => pull), ["beat"])) index.seqs[name] = await fold(author, name, index.seqs[name] ?? 0, index.rows);
  if (JSON.stringify(index.seqs) !== JSON.stringify(before.seqs)) await setState(author, NAME, index);
}

/** Follows what was written; made good later it is no reason for a saved record to fail. @param {import("./meta.js").Session} session @param {string[]} databases */
export async function followBeat(session, databases) {
  if (!databases.some((name) => parse(name).kind === "beat")) return;
  await refresh(session).catch((error) => console.error("visits were not indexed", error));
}

/** @returns {Promise<Index>} */
async function read(author) {
  return (await state(author, NAME)) ?? { seqs: {}, rows: {} };
}

/** A database that was made anew is read from its beginning: a newer visit stays the newer one. @returns {Promise<number>} up to where it is folded in */
async function fold(author, name, since, rows) {
  for (let at = since; ; ) {
    const { docs, seq, is_reset } = await changesSince(author, name, at, STEP);
    for (const doc of docs) if (doc.compound && (rows[doc.compound]?.v ?? "") <= doc._id) rows[doc.compound] = visited(doc);
    if (docs.length < STEP && !is_reset) return seq;
    at = is_reset ? 0 : seq;
  }
}

/** @returns {Visited} */
function visited({ _id, grid, next_at, clock_offset_ms }) {
  return { v: _id, grid, next: next_at ? Date.parse(next_at) - (clock_offset_ms ?? 0) : null };
}
