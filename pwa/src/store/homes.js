/**
 * The index of household files: what lists, searches and counts need of each, in one value a grid, so that no keystroke reads two thousand
 * documents. It is a fold of the changes of `home-<grid>` and its quarters and says up to which of them; whoever may show something old
 * asks `refresh` first, which reads on from there, or from the beginning when there is no index. Losing it loses nothing. It is sealed as one
 * value (`vault.js`); only when visits are due is kept plainly, which says of nobody anything.
 *
 * @typedef {{id: string, a?: string, b?: string, u?: string, r?: string, n?: string, m: Record<string, string>, e: Record<string, 0 | 1>, v?: string, at?: number,
 *   next?: number | null, days?: number}} Home `a b u r` are address, building, unit and room (a number without its word), `n` the contact's
 *   name, `m` names of members by id ("" of those who moved out), `e` errands and whether they are under way; `v` is the newest visit, `at` when it
 *   was, `next` when it agreed on the next one, `days` how many may lie between two (`visiting.js`)
 * @typedef {{shape: number, seqs: Record<string, number>, rows: Home[]}} Index `shape` is this version's, `seqs` by database
 */
import { open, seal } from "../crypto/seal.js";
import { correctedAt } from "./capture.js";
import { namesOf, parse } from "./databases.js";
import { changesSince } from "./documents.js";
import { setStates, state } from "./outbox.js";
import { bareParts } from "./rooms.js";
import { keyOf, neededKey, openedOf, vaultOf } from "./vault.js";
import { dueAt, hasCome, intervalDays } from "./visiting.js";

const STEP = 1000;
/** Another one when rows say something else than before: an index of another shape is made anew. */
const SHAPE = 2;
const collator = new Intl.Collator("zh-CN", { numeric: true });
const nameOf = (grid) => `homes:${grid}`;
/** When visits are due, of each grid: a list of instants that says of nobody anything. */
const duesOf = (grid) => `homesdue:${grid}`;
/** Another name with every index that is written: what was opened of the one before is out of date. */
const writingOf = (grid) => `homeswriting:${grid}`;

/** An index as it was opened last while it is open and still the same, else opened now. @param {string} author @param {string} grid @returns {Promise<Index | null>} @throws {import("./errors.js").Locked} */
async function read(author, grid) {
  const [writing, key] = await Promise.all([state(author, writingOf(grid)), keyOf(author)]);
  const held = key && writing ? openedOf(author).get(nameOf(grid)) : null;
  if (held?.writing === writing) return held.index;
  const index = await readKept(author, grid);
  if (index && key && writing) openedOf(author).set(nameOf(grid), { writing, index });
  return index;
}

/** What was kept before there was a vault, or in another shape, counts for nothing. @param {string} author @param {string} grid @returns {Promise<Index | null>} @throws {import("./errors.js").Locked} */
async function readKept(author, grid) {
  const [kept, vault] = await Promise.all([state(author, nameOf(grid)), vaultOf(author)]);
  const index = vault ? kept instanceof Uint8Array && (await open(await neededKey(author), kept, nameOf(grid))) : typeof kept === "string" && JSON.parse(kept);
  return index && index.shape === SHAPE ? index : null;
}

/** @param {string} author @param {string} grid @param {Index} index @throws {import("./errors.js").Locked} */
async function write(author, grid, index) {
  const kept = (await vaultOf(author)) ? await seal(await neededKey(author), index, nameOf(grid)) : JSON.stringify(index);
  const dues = index.rows.flatMap((row) => (row.a ? (dueAt(row) ?? []) : []));
  await setStates(author, { [nameOf(grid)]: kept, [duesOf(grid)]: dues, [writingOf(grid)]: crypto.randomUUID() });
}

/** Grids whose household files this user may see. @param {import("./meta.js").Session} session */
function gridsOf({ databases }) {
  return namesOf(databases.filter(({ pull }) => pull), ["home"]).map((name) => /** @type {string} */ (parse(name).grid));
}

/** All households, by address; an index that is not there is made. @param {import("./meta.js").Session} session @returns {Promise<Home[]>} */
export async function homes(session) {
  const rowsOf = async (grid) => (await read(session.author, grid))?.rows ?? refreshGrid(session, grid);
  const lists = await Promise.all(gridsOf(session).map(rowsOf));
  return lists.flat().filter(({ a }) => a);
}

/** A household's row, and whether others share its address and building. @param {import("./meta.js").Session} session @param {string} id @returns {Promise<Home & {has_neighbours: boolean}>} */
export async function homeOf(session, id) {
  const all = await homes(session);
  const home = all.find((one) => one.id === id) ?? { id, m: {}, e: {} };
  const isNear = (one) => one !== home && one.a === home.a && (one.b ?? "") === (home.b ?? "");
  return { ...home, has_neighbours: all.some(isNear) };
}

/** How many visits are due. @param {import("./meta.js").Session} session @param {number} now_ms of the server */
export async function dueCount(session, now_ms) {
  const lists = await Promise.all(gridsOf(session).map((grid) => state(session.author, duesOf(grid))));
  return lists.flatMap((dues) => dues ?? []).filter((due_ms) => hasCome(due_ms, now_ms)).length;
}

/** Follows what was written into databases; the index made good later is no reason for a saved record to fail. @param {string[]} databases */
export async function follow(session, databases) {
  const grids = new Set(databases.map(parse).flatMap(({ kind, grid }) => (kind?.startsWith("home") ? [grid] : [])));
  for (const grid of grids) await refresh(session, grid).catch((error) => console.error("households were not indexed", error));
}

/** Forgets a grid that is somebody else's now. @param {string} author @param {string} grid */
export async function forget(author, grid) {
  await setStates(author, { [nameOf(grid)]: null, [duesOf(grid)]: null, [writingOf(grid)]: null });
}

/** Brings the index up to what lies on this phone, in all grids or one. @param {import("./meta.js").Session} session @param {string | null} [only] */
export async function refresh(session, only) {
  for (const grid of gridsOf(session)) if (!only || grid === only) await refreshGrid(session, grid);
}

/** @type {Map<string, Promise<any>>} the last turn at each index in this worker */
const turns = new Map();

/**
 * One at a time, in all workers: of two that begin with the same index, whoever wrote last would lose what the other had folded in.
 * @param {string} name @param {() => Promise<any>} work @returns {Promise<any>}
 */
function inTurn(name, work) {
  const { locks } = globalThis.navigator ?? {};
  const turn = (turns.get(name) ?? Promise.resolve()).catch(() => undefined).then(() => (locks?.request ? locks.request(`xunge-homes/${name}`, work) : work()));
  turns.set(name, turn);
  return turn;
}

/** @returns {Promise<Home[]>} */
function refreshGrid(session, grid) {
  return inTurn(`${session.author}/${grid}`, () => foldGrid(session, grid));
}

/** @returns {Promise<Home[]>} */
async function foldGrid(session, grid, isAnew = false) {
  const { author, databases } = session;
  const index = (!isAnew && (await read(author, grid))) || { shape: SHAPE, seqs: {}, rows: [] };
  const rows = new Map(index.rows.map((row) => [row.id, row]));
  /** @type {Record<string, number>} */ const seqs = {};
  const own = databases.filter(({ name, pull }) => pull && parse(name).grid === grid);
  for (const name of namesOf(own, ["home", "home-quarter"])) {
    const seq = await fold(author, name, index.seqs[name] ?? 0, rows);
    if (seq === null) return foldGrid(session, grid, true);
    seqs[name] = seq;
  }
  if (JSON.stringify(seqs) === JSON.stringify(index.seqs)) return index.rows;
  const made = { shape: SHAPE, seqs, rows: [...rows.values()].sort(byPlace) };
  await write(author, grid, made);
  return made.rows;
}

/** @returns {Promise<number | null>} the sequence up to which it is folded in; null for another database of the same name */
async function fold(author, name, since, rows) {
  for (let at = since; ; ) {
    const { docs, seq, is_reset } = await changesSince(author, name, at, STEP);
    if (is_reset) return null;
    docs.forEach((doc) => foldDoc(rows, doc));
    if (docs.length < STEP) return seq;
    at = seq;
  }
}

/** Rows are exchanged, never changed: what a search goes by may be the same ones. @param {Map<string, Home>} rows */
function foldDoc(rows, doc) {
  const [type] = doc._id.split(":");
  if (doc._deleted) remove(rows, type, doc._id);
  else if (FOLDS[type] && (type === "household" || doc.household)) {
    const id = type === "household" ? doc._id : doc.household;
    const row = rows.get(id) ?? { id, m: {}, e: {} };
    rows.set(id, { ...row, ...FOLDS[type](doc, row) });
  }
}

const FOLDS = Object.freeze({
  household: (doc) => {
    const { building: b, unit: u, room: r } = bareParts(doc);
    return { a: doc.address, b, u, r, n: doc.contact_name, days: intervalDays([doc.needs ?? [], doc.services ?? []].flat()) };
  },
  member: ({ _id, name, moved_out_at }, { m }) => ({ m: { ...m, [_id]: moved_out_at ? "" : name } }),
  errand: ({ _id, state: stands }, { e }) => ({ e: { ...e, [_id]: stands === "done" || stands === "withdrawn" ? 0 : 1 } }),
  visit: (doc, { v }) => {
    if (v && doc._id < v) return {};
    return { v: doc._id, at: correctedAt(doc), next: doc.next_at ? Date.parse(doc.next_at) - (doc.clock_offset_ms ?? 0) : null };
  },
});

function remove(rows, type, id) {
  if (type === "household") rows.delete(id);
  const part = { member: "m", errand: "e" }[type];
  for (const [home, row] of part ? rows : []) {
    if (!(id in row[part])) continue;
    const { [id]: _gone, ...others } = row[part];
    rows.set(home, { ...row, [part]: others });
  }
}

function byPlace(one, other) {
  return ["a", "b", "u", "r"].reduce((so_far, part) => so_far || collator.compare(one[part] ?? "", other[part] ?? ""), 0);
}
