/**
 * The running patrol and where it went. Its document is immutable and written once, when its author has let it go; until then it is
 * one piece of state and a small row for each point, so that a killed browser loses nothing of the way.
 *
 * @typedef {{uuid: string, grid: string, started_at: string, ended_at?: string}} Patrol `ended_at`: over, its track not yet let go
 */
import { done, transact } from "./idb.js";
import { newestQuarter } from "./databases.js";
import { setState, state } from "./outbox.js";
import { openOwn, under } from "./own.js";
import { mint, placeFor, saveRecord } from "./saving.js";

const POINTS_MOST = 5000;

/** @returns {Promise<Patrol | null>} */
export async function current(author) {
  return state(author, "patrol");
}

/** Starts a patrol unless one runs. */
export async function start(author, patrol) {
  if (!(await current(author))) await setState(author, "patrol", patrol, "strict");
  return current(author);
}

/** Nothing is recorded of it any more. @param {string} author @param {Patrol} patrol */
export async function stop(author, patrol) {
  await setState(author, "patrol", patrol, "strict");
}

/**
 * Keeps a point of the running patrol: not one that is over, and not more than fit into a document.
 * @param {string} author @param {string} uuid @param {number[]} point @returns {Promise<boolean>}
 */
export async function addPoint(author, uuid, point) {
  const db = await openOwn(author);
  return transact(db, ["state"], "readwrite", async (tx) => {
    const store = tx.objectStore("state");
    const [running, count] = await Promise.all([done(store.get("patrol")), done(store.count(under(rowsOf(uuid))))]);
    const isRunning = running?.uuid === uuid && !running.ended_at && count < POINTS_MOST;
    if (isRunning) store.put(point, `${rowsOf(uuid)}|${String(count).padStart(6, "0")}`);
    return isRunning;
  });
}

/** Its points in the order they came. @returns {Promise<any[]>} */
export async function points(author, uuid) {
  const db = await openOwn(author);
  return transact(db, ["state"], "readonly", (tx) => done(tx.objectStore("state").getAll(under(rowsOf(uuid)))));
}

function rowsOf(uuid) {
  return `track:${uuid}`;
}

/**
 * Saves the patrol, with its track where its author sends one, and forgets both here. A crash before the end ends it again later, as
 * the same records.
 * @param {import("./meta.js").Session} session @param {Patrol & {ended_at: string}} patrol
 * @param {{cells: string[], gaps: string[][], track: number[][]}} way `track` is empty when none is sent
 * @returns {Promise<{id: string, databases: string[]}>}
 */
export async function end(session, { uuid, grid, started_at, ended_at }, { cells, gaps, track }) {
  const head = { uuid, grid, captured_at: started_at };
  const doc = mint(session, "patrol", { ...head, started_at, ended_at, cells, gaps });
  const own = track.length ? trackPlace(session) : null;
  const docs = [{ database: placeOf(session, grid), doc }];
  if (own) docs.push({ database: own, doc: mint(session, "track", { ...head, patrol: doc._id, points: track }) });
  const saved = await saveRecord(session, { docs });
  await forget(session.author, uuid);
  return { id: doc._id, databases: saved.databases };
}

/** A patrol that this phone may not go on with is saved as far as its author had let it go: its times, nothing of its way. @param {import("./meta.js").Session} session */
export async function endForGood(session) {
  const patrol = await current(session.author);
  const over = patrol && { ended_at: new Date().toISOString(), ...patrol };
  if (over) await end(session, over, { cells: [], gaps: [], track: [] });
}

async function forget(author, uuid) {
  const db = await openOwn(author);
  await transact(db, ["state"], "readwrite", async (tx) => {
    const store = tx.objectStore("state");
    if ((await done(store.get("patrol")))?.uuid === uuid) store.delete("patrol");
    store.delete(under(rowsOf(uuid)));
  }, "strict");
}

/** The newest month the server announced for this user's tracks, or null: then none can be sent. */
function trackPlace({ author, databases }) {
  const names = databases.filter(({ name, push }) => push && name.startsWith(`track-${author}-`)).map(({ name }) => name);
  return names.sort().pop() ?? null;
}

/** A patrol that outlived its grid's hand-over is kept all the same: the server puts it aside, and a clerk finds it a home. */
function placeOf(session, grid) {
  try {
    return placeFor(session, "grid", grid);
  } catch (error) {
    const quarter = newestQuarter(session.databases);
    if (!quarter) throw error;
    return `grid-${grid}-${quarter}`;
  }
}
