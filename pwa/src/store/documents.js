/**
 * The replicated databases as they lie on this phone: PouchDB over IndexedDB, one set per user. The only module that
 * imports PouchDB. It keeps and reads documents; what is unsent is `outbox.js`'s to know. Bodies of `home-*` and `beat-*` are sealed
 * on their way in and opened on their way out (`sealed.js`): without a key both throw `Locked`. Lists read past PouchDB (`winners.js`).
 */
import idb from "pouchdb-adapter-idb";
import PouchDB from "pouchdb-core";
import { isPlainFirst, writeNew } from "./arrivals.js";
import { StorageFull, isQuota } from "./errors.js";
import { close, done, open, openThere, transact } from "./idb.js";
import { openDocs, sealDocs } from "./sealed.js";
import * as winners from "./winners.js";
import { BODIES, BY_REVISION } from "./winners.js";

PouchDB.plugin(idb);

const STEP = 200;
const STEP_NEW = 200;
/** What PouchDB says of a handle that somebody else here closed meanwhile. */
const CLOSED = "database is closed";

/** @type {Map<string, any>} open handles; a cache, like every global of a worker */
const opened = new Map();

function local(key) {
  if (!opened.has(key)) opened.set(key, new PouchDB(key, { adapter: "idb", auto_compaction: true, deterministic_revs: false }));
  return opened.get(key);
}

/**
 * Runs `work` on a local database. An aborted transaction makes the adapter close its connection for good, and a browser may
 * close it too: the handle is dropped, and the work done once more when it had only met the closed connection.
 * Opening writes, too: without any room even reading throws StorageFull.
 * @template T @param {string} author @param {string} name @param {(db: any) => Promise<T>} work @returns {Promise<T>}
 */
async function using(author, name, work) {
  const key = `xunge/${author}/${name}`;
  const handle = local(key);
  try {
    return await work(handle);
  } catch (error) {
    const { name: kind, status, message } = /** @type {any} */ (error);
    const isClosed = kind === "InvalidStateError" || message === CLOSED;
    if (!isClosed && status !== 500) throw error;
    if (opened.get(key) === handle) opened.delete(key);
    await handle.close().catch(() => undefined); // the adapter keeps a dead connection for the next handle until this one is closed
    if (isQuota(error)) throw new StorageFull(error);
    if (!isClosed) throw error;
    return work(local(key));
  }
}

/** The tables that PouchDB keeps a database in; it makes those that are not there. @param {string} author @param {string} name @returns {Promise<IDBDatabase>} */
async function tablesOf(author, name) {
  const file = winners.fileOf(author, name);
  const there = await openThere(file);
  if (there) return there;
  await prepare(author, name);
  const made = await openThere(file);
  if (!made) throw new DOMException(`${name} was let go`, "InvalidStateError");
  return made;
}

/** Opens a database for writing before something is saved: PouchDB writes to one when it opens it, and takes its time. @param {string} author @param {string} database */
export async function prepare(author, database) {
  await using(author, database, (db) => db.info());
}

/** Closes every handle of this context (tests, sign-out). */
export async function closeAll() {
  const handles = [...opened.values()];
  opened.clear();
  await Promise.all(handles.map((handle) => handle.close()));
}

/**
 * Writes documents with the revisions they carry; one that is there already is no error.
 * @param {string} author @param {string} database @param {object[]} docs with `_id`, `_rev`, and `_revisions` past the first
 * @throws {StorageFull}
 */
export async function keep(author, database, docs) {
  if (!docs.length) return;
  const kept = await sealDocs(author, database, docs);
  const refused = await using(author, database, (db) => db.bulkDocs(kept, { new_edits: false }));
  const failed = refused.find((row) => row.error);
  if (failed) throw isQuota(failed) ? new StorageFull(failed) : failed;
}

/** The same for what comes from the server, most of which is new here. @param {string} author @param {string} database @param {any[]} docs */
export async function keepArrived(author, database, docs) {
  const areOnce = new Set(docs.map(({ _id }) => _id)).size === docs.length;
  const isNew = (doc) => areOnce && isPlainFirst(doc);
  const fresh = docs.filter(isNew);
  const tables = fresh.length ? await tablesOf(author, database) : null;
  const rest = docs.filter((doc) => !isNew(doc));
  // In small steps, two on their way: what a page asks for meanwhile waits for these alone.
  let before = /** @type {Promise<any[]>} */ (Promise.resolve([]));
  for (let at = 0; tables && at < fresh.length; at += STEP_NEW) {
    const sealed = await sealDocs(author, database, fresh.slice(at, at + STEP_NEW));
    const now = writeNew(tables, sealed);
    now.catch(() => undefined); // looked at in its turn
    rest.push(...(await before));
    before = now;
  }
  rest.push(...(await before));
  await keep(author, database, rest);
}

/**
 * The winning revision of each id, in order; null where there is none. @param {string} author @param {string} database @param {string[]} ids
 * @param {boolean} [areRare] most of them are not there
 */
export async function findMany(author, database, ids, areRare = false) {
  if (!ids.length) return [];
  return openDocs(author, database, await winners.standing(await tablesOf(author, database), ids, areRare));
}

/** The winning revision's name of each id, in order; null where there is none. Needs no key. @returns {Promise<(string | null)[]>} */
export async function revisionsOf(author, database, ids) {
  return ids.length ? winners.revisions(await tablesOf(author, database), ids) : [];
}

/** Whether the newest version of a document here is a deletion. Needs no key. */
export async function isDeleted(author, database, id) {
  const { rows } = await using(author, database, (db) => db.allDocs({ keys: [id] }));
  return rows[0].value?.deleted === true;
}

/** A document or null. */
export async function find(author, database, id) {
  return (await findMany(author, database, [id]))[0];
}

/** The same as it lies here; with `history` it carries `_revisions`. Needs no key. */
export async function findAsIs(author, database, id, history = false) {
  try {
    return await using(author, database, (db) => db.get(id, { revs: history }));
  } catch (error) {
    if (/** @type {any} */ (error).status === 404) return null;
    throw error;
  }
}

/**
 * Documents of one type by id, newest first unless `oldest_first`, from below `before` (exclusive).
 * @param {string} author @param {string} database @param {string} type
 * @param {{before?: string | null, limit?: number, oldest_first?: boolean}} [options]
 */
export async function range(author, database, type, { before = null, limit = 50, oldest_first = false } = {}) {
  const [low, high] = [`${type}:`, before ?? `${type}:\uffff`];
  const tables = await tablesOf(author, database);
  const found = await (oldest_first ? winners.between(tables, low, high) : winners.lastBetween(tables, low, high, limit));
  return openDocs(author, database, found.slice(0, limit));
}

/** All documents of a database, so many at a time. @param {string} author @param {string} database @param {number} count @returns {AsyncGenerator<any[]>} */
export async function* everything(author, database, count) {
  for await (const docs of everythingAsIs(author, database, count)) yield openDocs(author, database, docs);
}

/** The same as they lie here. Needs no key. @param {string} author @param {string} database @param {number} count @returns {AsyncGenerator<any[]>} */
export async function* everythingAsIs(author, database, count) {
  for (let last = ""; ; ) {
    const span = { startkey: last, skip: last ? 1 : 0, limit: count, include_docs: true };
    const { rows } = await using(author, database, (db) => db.allDocs(span));
    if (rows.length) yield rows.map(({ doc }) => doc);
    if (rows.length < count) return;
    last = rows[rows.length - 1].id;
  }
}

/**
 * What changed in a database after a sequence: the winning revisions, deleted ones among them. `is_reset` says that it never came as far.
 * @returns {Promise<{docs: any[], seq: number, is_reset: boolean}>}
 */
export async function changesSince(author, database, since, limit) {
  const last = since ? await sequenceOf(author, database) : 1;
  if (since >= last) return { docs: [], seq: last, is_reset: since > last };
  return using(author, database, async (db) => {
    const { results, last_seq: seq } = await db.changes({ since, limit, include_docs: true });
    return { docs: await openDocs(author, database, results.map(({ doc }) => doc)), seq, is_reset: false };
  });
}

/** Up to which sequence a database goes. @returns {Promise<number>} */
export async function sequenceOf(author, database) {
  return winners.lastSequence(await tablesOf(author, database));
}

/** Which of these `{id: [revs]}` are not on the phone. @returns {Promise<Record<string, {missing: string[]}>>} */
export async function missing(author, database, revisions) {
  return using(author, database, (db) => db.revsDiff(revisions));
}

/** Takes documents of this phone's own making out of its database again, as if they had never been; missing ones are no error. */
export async function removeLocally(author, database, ids) {
  const revs = await revisionsOf(author, database, ids);
  const held = ids.flatMap((_id, at) => (revs[at] ? [{ _id, _rev: revs[at], _deleted: true }] : []));
  if (held.length) await using(author, database, (db) => db.bulkDocs(held));
}

/**
 * Closes every version of these documents that this phone has, and takes the bodies of all of them, earlier ones too, out of what PouchDB
 * keeps: it has no purge on this adapter. Ids and names of revisions stay. @param {string} author @param {string} name @param {string[]} ids
 */
export async function eraseDocs(author, name, ids) {
  await using(author, name, async (db) => {
    for (const id of ids) await closeLeaves(db, id);
  });
  const file = winners.fileOf(author, name);
  const db = await open(file);
  await transact(db, [BODIES], "readwrite", async (tx) => {
    const store = tx.objectStore(BODIES);
    for (const id of ids) await emptyBodies(store, IDBKeyRange.bound(`${id}::`, `${id}::\uffff`));
  });
  await close(file);
}

async function closeLeaves(db, id) {
  const leaves = await db.get(id, { open_revs: "all" }).catch((error) => {
    if (error.status === 404) return [];
    throw error;
  });
  const alive = leaves.flatMap(({ ok }) => (ok && !ok._deleted ? [ok] : []));
  if (alive.length) await db.bulkDocs(alive.map(({ _rev }) => ({ _id: id, _rev, _deleted: true })));
}

/** @param {IDBObjectStore} store @param {IDBKeyRange} span of one document's revisions */
async function emptyBodies(store, span) {
  const rows = store.index(BY_REVISION);
  const [keys, bodies] = await Promise.all([done(rows.getAllKeys(span)), done(rows.getAll(span))]);
  keys.forEach((key, at) => {
    const { _doc_id_rev, _deleted } = bodies[at];
    if (Object.keys(bodies[at]).some((field) => !["_doc_id_rev", "_deleted"].includes(field))) store.put({ _doc_id_rev, ...(_deleted ? { _deleted } : {}) }, key);
  });
}

/** Ids of a type in a database, all of them. @returns {Promise<string[]>} */
export async function idsOf(author, database, type) {
  const { rows } = await using(author, database, (db) => db.allDocs({ startkey: `${type}:`, endkey: `${type}:\uffff` }));
  return rows.map(({ id }) => id);
}

/**
 * Exchanges bodies in place, below PouchDB, which takes no second body for a revision that it has: `change` gets those of some records and
 * answers others, or null to leave one alone. Each step is one transaction.
 * @param {string} author @param {string} name @param {(docs: any[]) => Promise<(any | null)[]>} change
 */
export async function rewrite(author, name, change) {
  await prepare(author, name); // there, and of the shape this version knows
  const file = winners.fileOf(author, name);
  const db = await open(file);
  for (let last = 0; ; ) {
    const span = IDBKeyRange.lowerBound(last, true);
    const read = (tx) => Promise.all([done(tx.objectStore(BODIES).getAllKeys(span, STEP)), done(tx.objectStore(BODIES).getAll(span, STEP))]);
    const [keys, rows] = await transact(db, [BODIES], "readonly", read);
    if (!keys.length) break;
    last = keys[keys.length - 1];
    const docs = rows.map(winners.docOf);
    const changed = await change(docs);
    await transact(db, [BODIES], "readwrite", async (tx) => {
      for (const [at, doc] of changed.entries()) {
        if (!doc || (await done(tx.objectStore(BODIES).getKey(keys[at]))) === undefined) continue;
        const { _id, _rev, ...body } = doc;
        tx.objectStore(BODIES).put({ ...body, _doc_id_rev: rows[at]._doc_id_rev }, keys[at]);
      }
    });
  }
  await close(file);
}

/** Removes a database from this phone for good. It comes back empty if something writes to it. */
export async function destroy(author, name) {
  await using(author, name, (db) => db.destroy());
  opened.delete(`xunge/${author}/${name}`);
}

/** Names of the databases that lie on this phone; null where the browser does not tell. @returns {Promise<string[] | null>} */
export async function localNames(author) {
  if (!indexedDB.databases) return null;
  const prefix = winners.fileOf(author, "");
  const all = await indexedDB.databases();
  return all.map(({ name }) => name ?? "").filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
}
