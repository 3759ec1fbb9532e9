/**
 * IndexedDB as promises: opening, one-step transactions and the durability the app promises. Knows no store by name;
 * `meta.js` and `own.js` say what is kept.
 */
import { StorageFull, isQuota } from "./errors.js";

/** @type {Map<string, Promise<IDBDatabase>>} handles are a cache: a stopped worker loses them and opens again */
const handles = new Map();

/** @type {Map<string, () => Promise<IDBDatabase>>} how each was opened: a browser may close a connection under its user */
const openers = new Map();

/** Settles with a request's result. */
export function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** The last rows of a span for which something holds, so many, the last one first. @param {IDBObjectStore} store @param {IDBKeyRange} span @param {number} limit @param {(row: any) => boolean} isWanted @returns {Promise<any[]>} */
export function backwards(store, span, limit, isWanted) {
  const request = store.openCursor(span, "prev");
  const found = [];
  return new Promise((resolve, reject) => {
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const cursor = request.result;
      if (cursor && isWanted(cursor.value)) found.push(cursor.value);
      if (!cursor || found.length >= limit) resolve(found);
      else cursor.continue();
    };
  });
}

/**
 * Opens (once per context) a database whose stores `upgrade(db, oldVersion, transaction)` makes.
 * @param {string} name
 * @param {number} [version] as it is when there is none
 * @param {(db: IDBDatabase, from: number, tx: IDBTransaction) => void} [upgrade]
 * @returns {Promise<IDBDatabase>}
 */
export function open(name, version, upgrade = () => undefined) {
  const held = handles.get(name);
  if (held) return held;
  openers.set(name, () => open(name, version, upgrade));
  const request = indexedDB.open(name, version);
  request.onupgradeneeded = (event) => upgrade(request.result, event.oldVersion, /** @type {IDBTransaction} */ (request.transaction));
  const opening = done(request).then((db) => {
    db.onversionchange = () => close(name);
    db.onclose = () => handles.delete(name);
    return db;
  });
  opening.catch(() => handles.delete(name));
  handles.set(name, opening);
  return opening;
}

/** A database as it is, or null when there is none: asking for it does not make it. @param {string} name @returns {Promise<IDBDatabase | null>} */
export async function openThere(name) {
  try {
    return await open(name, undefined, (_db, _from, tx) => tx.abort());
  } catch (error) {
    if (/** @type {any} */ (error)?.name !== "AbortError") throw error;
    return null;
  }
}

/** Closes a database here; the next `open` makes a new handle. */
export async function close(name) {
  const held = handles.get(name);
  handles.delete(name);
  (await held)?.close();
}

/** Closes a database here and deletes it; one that is not there is no error. */
export async function drop(name) {
  await close(name);
  await done(indexedDB.deleteDatabase(name));
}

/**
 * Runs `work(tx)` in one transaction and settles only when what it wrote is complete: with `strict` durability the browser has
 * flushed it to disk by then; one that only read answers as soon as it has read. `work` may await only requests of this transaction. What it returns is answered.
 * @template T
 * @param {IDBDatabase} db
 * @param {string[]} stores
 * @param {IDBTransactionMode} mode
 * @param {(tx: IDBTransaction) => Promise<T> | T} work
 * @param {"strict" | "relaxed"} [durability]
 * @returns {Promise<T>}
 */
export async function transact(db, stores, mode, work, durability = "relaxed") {
  const begin = (open) => open.transaction(stores, mode, { durability });
  let tx;
  try {
    tx = begin(db);
  } catch (error) {
    tx = begin(await openedAnew(db, error));
  }
  const complete = new Promise((resolve, reject) => {
    tx.oncomplete = resolve;
    tx.onabort = () => reject(tx.error ?? new DOMException("aborted", "AbortError"));
  });
  complete.catch(() => undefined);
  try {
    const answer = await work(tx);
    if (mode !== "readonly") await complete;
    return answer;
  } catch (error) {
    abort(tx);
    await complete.catch(() => undefined);
    throw isQuota(error) || isQuota(tx.error) ? new StorageFull(error) : error;
  }
}

/** A connection that was closed meanwhile, by the browser or for another version: nothing was begun on it. */
async function openedAnew(db, error) {
  const again = openers.get(db.name);
  if (error?.name !== "InvalidStateError" || !again) throw error;
  if ((await handles.get(db.name)?.catch(() => null)) === db) handles.delete(db.name);
  return again();
}

function abort(tx) {
  try {
    tx.abort();
  } catch {
    return; // it had ended by itself
  }
}
