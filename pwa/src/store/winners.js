/**
 * Documents as they stand now, read straight from the tables that PouchDB's `idb` adapter keeps, in one transaction whatever their
 * number: PouchDB itself writes to a database when it opens it and asks for every document by itself, which a list that waits for its first
 * line cannot afford. What is written, merged or needs history is PouchDB's alone (`documents.js`). Bodies come as they lie here, perhaps sealed.
 *
 * | table | holds |
 * | --- | --- |
 * | `document-store` | by id `{id, winningRev, deletedOrLocal}` and more; `"1"` is deleted |
 * | `by-sequence` | bodies by sequence; index `_doc_id_rev` is `<id>::<rev>` |
 */
import { backwards, done, transact } from "./idb.js";

export const HEADS = "document-store";
export const BODIES = "by-sequence";
/** So many are asked for one by one. */
const FEW = 10;
export const BY_REVISION = "_doc_id_rev";

/** The file of a database. @param {string} author @param {string} database */
export function fileOf(author, database) {
  return `_pouch_xunge/${author}/${database}`;
}

/** @template T @param {IDBDatabase} db @param {(tx: IDBTransaction) => Promise<T>} work */
function reading(db, work) {
  return transact(db, [HEADS, BODIES], "readonly", work);
}

const isThere = (head) => head?.deletedOrLocal === "0";
const nameOf = ({ id, winningRev }) => `${id}::${winningRev}`;

/** A body as the document that it is. @param {any} body of `by-sequence` */
export function docOf({ [BY_REVISION]: name, ...body }) {
  const at = name.lastIndexOf("::");
  return { ...body, _id: name.slice(0, at), _rev: name.slice(at + 2) };
}

/**
 * The documents of these ids, in order; null where there is none. @param {IDBDatabase} db @param {string[]} ids
 * @param {boolean} [areRare] most of them are not there, so that it is looked first which are
 */
export function standing(db, ids, areRare = false) {
  return reading(db, async (tx) => {
    const heads = tx.objectStore(HEADS);
    const there = areRare && ids.length > FEW ? await keysAmong(heads, ids) : null;
    return Promise.all(ids.map(async (id) => (there?.has(id) ?? true ? bodyOf(tx, await done(heads.get(id))) : null)));
  });
}

/** The keys there are from the first to the last of some. @param {IDBObjectStore} store @param {string[]} keys @returns {Promise<Set<string>>} */
async function keysAmong(store, keys) {
  const ordered = [...keys].sort();
  return new Set(await done(store.getAllKeys(IDBKeyRange.bound(ordered[0], ordered[ordered.length - 1]))));
}

/** The revision of each id, in order; null where there is none. @param {IDBDatabase} db @param {string[]} ids @returns {Promise<(string | null)[]>} */
export function revisions(db, ids) {
  return reading(db, async (tx) => {
    const heads = await Promise.all(ids.map((id) => done(tx.objectStore(HEADS).get(id))));
    return heads.map((head) => (isThere(head) ? head.winningRev : null));
  });
}

async function bodyOf(tx, head) {
  const body = isThere(head) ? await done(tx.objectStore(BODIES).index(BY_REVISION).get(nameOf(head))) : null;
  return body ? docOf(body) : null;
}

/** All documents with ids from `low` to below `high`, by id. @param {IDBDatabase} db @param {string} low @param {string} high @returns {Promise<any[]>} */
export function between(db, low, high) {
  return reading(db, async (tx) => {
    const [heads, bodies] = await Promise.all([
      done(tx.objectStore(HEADS).getAll(IDBKeyRange.bound(low, high, false, true))),
      done(tx.objectStore(BODIES).index(BY_REVISION).getAll(IDBKeyRange.bound(low, high))),
    ]);
    const named = new Map(bodies.map((body) => [body[BY_REVISION], body]));
    return heads.filter(isThere).flatMap((head) => (named.has(nameOf(head)) ? [docOf(named.get(nameOf(head)))] : []));
  });
}

/** The last documents with ids from `low` to below `high`, so many, the last one first. @param {IDBDatabase} db @param {string} low @param {string} high @param {number} limit @returns {Promise<any[]>} */
export function lastBetween(db, low, high, limit) {
  return reading(db, async (tx) => {
    const span = IDBKeyRange.bound(low, high, false, true);
    const heads = await backwards(tx.objectStore(HEADS), span, limit, isThere);
    return (await Promise.all(heads.map((head) => bodyOf(tx, head)))).filter(Boolean);
  });
}

/** The sequence of the last thing written, as PouchDB's `info` says it. @param {IDBDatabase} db @returns {Promise<number>} */
export function lastSequence(db) {
  return reading(db, async (tx) => {
    const cursor = await done(tx.objectStore(BODIES).openKeyCursor(null, "prev"));
    return cursor ? Number(cursor.primaryKey) : 0;
  });
}
