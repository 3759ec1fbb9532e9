/**
 * Taking what was erased on request off this phone: every version of it in PouchDB with its bodies, photo bytes, uploads, links, drafts
 * and copies among refusals. The server says so twice: by tombstones that are pulled, and by refusing what was made before this phone
 * heard of it. Needs no key, may be stopped anywhere and begun again. What is left says that a record was erased, and nothing of it.
 */
import { parse } from "./databases.js";
import { eraseDocs } from "./documents.js";
import { done, transact } from "./idb.js";
import { putMark } from "./links.js";
import { openOwn, under } from "./own.js";
import { dropDraftsOf } from "./sealed-drafts.js";

export const ERASED = "erased_id";
/** What a household file is made of; anything else that is deleted is no erasure. */
const TYPES = new Set(["household", "member", "errand", "visit", "note", "photo", "superseded"]);

/** Ids among pulled changes whose records are gone for good. @param {string} database @param {{id: string, deleted?: boolean}[]} changes @returns {string[]} */
export function erasedAmong(database, changes) {
  if (!parse(database).kind?.startsWith("home")) return [];
  return changes.filter(({ id, deleted }) => deleted && TYPES.has(id.slice(0, id.indexOf(":")))).map(({ id }) => id);
}

/**
 * Removes records from this phone; of those that waited to be sent (`entries`) a row is left that says what became of them.
 * @param {string} author @param {string} database @param {string[]} ids @param {import("./outbox.js").Entry[]} [entries] go last, so
 * that whoever is stopped in between does it again
 */
export async function forgetErased(author, database, ids, entries = []) {
  if (!ids.length) return;
  await eraseDocs(author, database, ids);
  await dropDraftsOf(author, ids.filter((id) => id.startsWith("household:") || id.startsWith("member:") || id.startsWith("errand:")));
  const db = await openOwn(author);
  await transact(db, ["blobs", "uploads", "links", "refused", "outbox"], "readwrite", async (tx) => {
    const gone = new Set(ids);
    for (const id of ids.filter((one) => one.startsWith("photo:"))) {
      tx.objectStore("blobs").delete(under(id));
      tx.objectStore("uploads").delete(under(id));
    }
    await dropLinks(tx.objectStore("links"), gone);
    await emptyRefusals(tx.objectStore("refused"), gone);
    for (const { key, id, rev, database: of } of entries) {
      tx.objectStore("outbox").delete(key);
      if (!id.startsWith("photo:")) tx.objectStore("refused").put(rowOf({ id, rev, database: of }));
    }
  }, "strict");
}

/** A photo whose upload is refused as erased: its bytes go, whatever its record does. @param {string} author @param {string} photo */
export async function forgetPhoto(author, photo) {
  const db = await openOwn(author);
  await transact(db, ["blobs", "uploads"], "readwrite", (tx) => {
    tx.objectStore("blobs").delete(under(photo));
    tx.objectStore("uploads").delete(under(photo));
  }, "strict");
}

/** @param {IDBObjectStore} store @param {Set<string>} gone */
async function dropLinks(store, gone) {
  for (const key of await done(store.getAllKeys())) {
    const [of, id] = String(key).split("|");
    if (gone.has(of) || gone.has(id)) store.delete(key);
  }
  putMark(store);
}

/** What was put aside of it before: its copy goes, the row says what became of it. @param {IDBObjectStore} store @param {Set<string>} gone */
async function emptyRefusals(store, gone) {
  for (const row of await done(store.getAll())) {
    if (gone.has(row.id) && row.state !== "erased") store.put(rowOf(row));
  }
}

/** @param {{id: string, rev: string, database: string}} of @returns {any} */
export function rowOf({ id, rev, database }) {
  const at = new Date().toISOString();
  return { id, rev, database, reason: ERASED, detail: null, refused_at: at, state: "erased", decided_at: at, decision_reason: null, adopted_as: null };
}
