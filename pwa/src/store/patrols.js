/**
 * The running patrol and where it went. Its document is immutable and written once, when its author has let it go; until then it is
 * one piece of state and a small row for each point, so that a killed browser loses nothing of the way.
 *
 * @typedef {{uuid: string, grid: string, started_at: string, offset_ms?: number | null, ended_at?: string}} Patrol
 *   `offset_ms`: how far this phone's clock was ahead when it began, by which all its times are told (an older version kept none);
 *   `ended_at`: over, its track not yet let go
 */
import { correctedNow } from "./clock.js";
import { done, transact } from "./idb.js";
import { newestQuarter } from "./databases.js";
import { SavedOtherwise } from "./errors.js";
import { setState, state } from "./outbox.js";
import { openOwn, under } from "./own.js";
import { mint, placeFor, saveRecord } from "./saving.js";

const POINTS_MOST = 5000;

/** The one that runs, or is over and not let go yet. @returns {Promise<Patrol | null>} */
export async function current(author) {
  return state(author, "patrol");
}

/** The one that runs. @returns {Promise<Patrol | null>} */
export async function running(author) {
  const patrol = await current(author);
  return patrol?.ended_at ? null : patrol;
}

/** Starts a patrol unless one runs. @param {import("./meta.js").Session} session @param {Patrol} patrol */
export async function start({ author, offset_ms = null }, patrol) {
  if (!(await current(author))) await setState(author, "patrol", { ...patrol, offset_ms }, "strict");
  return current(author);
}

/**
 * Now by the clock that a patrol began with, should this phone's have been set since; never before its start. Epoch milliseconds.
 * @param {import("./meta.js").Session} session @param {Patrol} patrol @param {number} now_ms of this phone's clock
 */
export function timeIn(session, { started_at, offset_ms }, now_ms) {
  return Math.max(correctedNow(session, now_ms) + (offset_ms ?? session.offset_ms ?? 0), Date.parse(started_at));
}

/**
 * A patrol as it is when it ends now: not before its last point. One that is over stays as it is.
 * @param {import("./meta.js").Session} session @param {Patrol} patrol @param {number} now_ms of this phone's clock
 * @returns {Promise<Patrol & {ended_at: string}>}
 */
export async function over(session, patrol, now_ms) {
  const last_s = Math.max(0, ...(await points(session.author, patrol.uuid)).map(([t_s]) => t_s));
  const ended_ms = Math.max(timeIn(session, patrol, now_ms), Date.parse(patrol.started_at) + last_s * 1000);
  return { ended_at: new Date(ended_ms).toISOString(), ...patrol };
}

/** Nothing is recorded of it any more. @param {string} author @param {Patrol} patrol */
export async function stop(author, patrol) {
  await setState(author, "patrol", patrol, "strict");
}

/** It was not over: its way goes on being recorded. One that was let go meanwhile stays so. @param {string} author @param {string} uuid */
export async function resume(author, uuid) {
  const db = await openOwn(author);
  await transact(db, ["state"], "readwrite", async (tx) => {
    const store = tx.objectStore("state");
    const { ended_at, ...patrol } = (await done(store.get("patrol"))) ?? {};
    if (patrol.uuid === uuid) store.put(patrol, "patrol");
  }, "strict");
}

/**
 * Keeps a point of the running patrol: not one that is over, and not more than fit into a document. Its time is never before the last one's.
 * @param {string} author @param {string} uuid @param {number[]} point @returns {Promise<boolean>}
 */
export async function addPoint(author, uuid, point) {
  const db = await openOwn(author);
  return transact(db, ["state"], "readwrite", async (tx) => {
    const store = tx.objectStore("state");
    const [running, count] = await Promise.all([done(store.get("patrol")), done(store.count(under(rowsOf(uuid))))]);
    const isRunning = running?.uuid === uuid && !running.ended_at && count < POINTS_MOST;
    if (!isRunning) return false;
    const [last_s] = count ? await done(store.get(rowOf(uuid, count - 1))) : [0];
    const [t_s, ...place] = point;
    store.put([Math.max(t_s, last_s), ...place], rowOf(uuid, count));
    return true;
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

function rowOf(uuid, n) {
  return `${rowsOf(uuid)}|${String(n).padStart(6, "0")}`;
}

/**
 * Saves the patrol, with its track where its author sends one, and forgets both here. After a crash before the end it is ended again, and
 * what its author had let go of its way then stands.
 * @param {import("./meta.js").Session} session @param {Patrol & {ended_at: string}} patrol
 * @param {{cells: string[], gaps: string[][], track: number[][]}} way `track` is empty when none is sent
 * @returns {Promise<{id: string, databases: string[]}>}
 */
export async function end(session, { uuid, grid, started_at, ended_at, offset_ms }, { cells, gaps, track }) {
  const head = { uuid, grid, captured_at: started_at, clock_offset_ms: offset_ms ?? session.offset_ms ?? null };
  const doc = mint(session, "patrol", { ...head, started_at, ended_at, cells, gaps });
  const own = track.length ? trackPlace(session) : null;
  const docs = [{ database: placeOf(session, grid), doc }];
  if (own) docs.push({ database: own, doc: mint(session, "track", { ...head, patrol: doc._id, points: track }) });
  await saveRecord(session, { docs }).catch((error) => {
    if (!(error instanceof SavedOtherwise)) throw error;
  });
  await forget(session.author, uuid);
  return { id: doc._id, databases: docs.map(({ database }) => database) };
}

/** A patrol that this phone may not go on with is saved as far as its author had let it go: its times, nothing of its way. @param {import("./meta.js").Session} session */
export async function endForGood(session) {
  const patrol = await current(session.author);
  if (!patrol) return;
  const ended = await over(session, patrol, Date.now());
  await end(session, ended, { cells: [], gaps: [[ended.started_at, ended.ended_at]], track: [] });
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
