/**
 * The outbox: every unsent revision with a full copy of its document, and photo bytes waiting to go up. The transaction
 * that fills it is the moment a record is saved; PouchDB follows and is made good from here after a crash. An entry leaves
 * only when the server holds it or has put it aside (DESIGN §6.2).
 *
 * @typedef {{key: string, id: string, rev: string, database: string, doc: any, size_bytes: number, saved_at: string,
 *   links?: any[], held_back?: string, not_before_ms?: number, form?: Record<string, string>}} Entry `links` are those its document makes
 *   (`links.js`), which a sealed one does not tell; `held_back` is why the server neither took it nor
 *   put it aside when it was last sent; until `not_before_ms` its user may take it back, and gets `form` filled again (`undo.js`)
 * @typedef {{key: string, photo: string, role: string, of: string, database: string, sha256: string, size_bytes: number,
 *   content_type: string, upload_url: string | null, sent_bytes: number, faults?: number, rescued_by?: string, retry_at_ms?: number,
 *   problem?: string | null, is_final?: boolean, is_kept?: boolean, not_before_ms?: number, wifi_only?: boolean}} Upload
 *   `problem` is the code of what stops a file: it stays here and is not tried again by itself. `is_final` says that trying again
 *   would not help (it is unsent no more), `is_kept` that the server has put its bytes aside; `faults` counts damaged transfers
 */
import { done, transact } from "./idb.js";
import { openOwn, under } from "./own.js";

/** What an entry is called: one revision of one document in one database. */
export function entryKey(database, id, rev) {
  return `${database}|${id}|${rev}`;
}

/**
 * Puts entries and photo bytes in, durably and all or nothing.
 * @param {string} author @param {Entry[]} entries first the record itself @param {{key: string, blob: Blob}[]} blobs
 * @param {Upload[]} uploads
 * @returns {Promise<boolean>} false when the record was waiting already and nothing was written
 * @throws {import("./errors.js").StorageFull}
 */
export async function put(author, entries, blobs, uploads) {
  const db = await openOwn(author);
  return transact(db, ["outbox", "blobs", "uploads"], "readwrite", async (tx) => {
    const outbox = tx.objectStore("outbox");
    if (await isWaiting(outbox, entries[0])) return false;
    for (const entry of entries) outbox.put(entry);
    for (const blob of blobs) tx.objectStore("blobs").put(blob);
    for (const upload of uploads) tx.objectStore("uploads").put(upload);
    return true;
  }, "strict");
}

/** Puts in what had left once; entries and files that wait stay as they are. @param {string} author @param {Entry[]} entries @param {Upload[]} uploads */
export async function putAgain(author, entries, uploads) {
  const db = await openOwn(author);
  await transact(db, ["outbox", "uploads"], "readwrite", async (tx) => {
    for (const entry of entries) await putNew(tx.objectStore("outbox"), entry);
    for (const upload of uploads) await putNew(tx.objectStore("uploads"), upload);
  }, "strict");
}

async function putNew(store, row) {
  if ((await done(store.getKey(row.key))) === undefined) store.put(row);
}

async function isWaiting(outbox, entry) {
  const isFirst = entry.rev.startsWith("1-");
  const held = isFirst ? outbox.index("id").getKey(entry.id) : outbox.getKey(entry.key);
  return (await done(held)) !== undefined;
}

/** Takes a record back that found no room elsewhere. */
export async function takeBack(author, entries, blobs, uploads) {
  const db = await openOwn(author);
  await transact(db, ["outbox", "blobs", "uploads"], "readwrite", (tx) => {
    for (const { key } of entries) tx.objectStore("outbox").delete(key);
    for (const { key } of blobs) tx.objectStore("blobs").delete(key);
    for (const { key } of uploads) tx.objectStore("uploads").delete(key);
  });
}

/** Every unsent entry, by database. @returns {Promise<Entry[]>} */
export async function entries(author) {
  return readAll(author, "outbox");
}

/** How long a record is held back for its user to take back. A clock that was set back holds nothing longer than that. */
export const HOLD_MS = 10_000;

/** Milliseconds until this may be sent; 0 when it may be now. @param {{not_before_ms?: number}} waiting @param {number} now_ms */
export function holdOf({ not_before_ms = 0 }, now_ms) {
  const left_ms = not_before_ms - now_ms;
  return left_ms > 0 && left_ms <= HOLD_MS ? left_ms : 0;
}

/** The entries that may be sent. The moment is taken before they are read: one that is taken back later is not among them. @returns {Promise<Entry[]>} */
export async function due(author, now_ms = Date.now()) {
  return (await entries(author)).filter((entry) => !holdOf(entry, now_ms));
}

/** Milliseconds from `now_ms` until the next entry or file that is held back then may be sent, or 0 when none is. A file may be held whose record has gone. */
export async function nextDue(author, now_ms = Date.now()) {
  const waiting = (await Promise.all([entries(author), uploads(author)])).flat();
  const holds = waiting.map((one) => holdOf(one, now_ms)).filter(Boolean);
  return holds.length ? Math.min(...holds) : 0;
}

/** Photo files that the server does not hold yet: newest first, originals after all that people look at. @returns {Promise<Upload[]>} */
export async function uploads(author) {
  const waiting = await readAll(author, "uploads");
  const rank = ({ wifi_only, key }) => (wifi_only ? "0" : "1") + key;
  return waiting.sort((one, other) => rank(other).localeCompare(rank(one)));
}

/** @returns {Promise<any[]>} */
async function readAll(author, store) {
  const db = await openOwn(author);
  return transact(db, [store], "readonly", (tx) => done(tx.objectStore(store).getAll()));
}

/** The unsent entry with this document id, or undefined. */
export async function waitingOf(author, id) {
  const db = await openOwn(author);
  return transact(db, ["outbox"], "readonly", (tx) => done(tx.objectStore("outbox").index("id").get(id)));
}

/**
 * Lets entries go: the server holds them, or has put them aside (`refusals`, kept with their reason).
 * @param {string} author @param {string[]} keys @param {{id: string}[]} [refusals]
 */
export async function release(author, keys, refusals = []) {
  const db = await openOwn(author);
  await transact(db, ["outbox", "refused"], "readwrite", (tx) => {
    for (const key of keys) tx.objectStore("outbox").delete(key);
    for (const refusal of refusals) tx.objectStore("refused").put(refusal);
  });
}

/** Remembers why entries stay, by key; nothing for one that has left meanwhile. @param {string} author @param {Map<string, string>} reasons */
export async function noteHeldBack(author, reasons) {
  if (!reasons.size) return;
  const db = await openOwn(author);
  await transact(db, ["outbox"], "readwrite", async (tx) => {
    const store = tx.objectStore("outbox");
    for (const [key, held_back] of reasons) {
      const held = await done(store.get(key));
      if (held && held.held_back !== held_back) store.put({ ...held, held_back });
    }
  });
}

/** Forgets the photo bytes of these photos, in every role. @param {string} author @param {string[]} photos */
export async function dropBlobs(author, photos) {
  if (!photos.length) return;
  const db = await openOwn(author);
  await transact(db, ["blobs"], "readwrite", (tx) => {
    for (const photo of photos) tx.objectStore("blobs").delete(under(photo));
  });
}

/** Remembers how far an upload is; nothing when it has left meanwhile. */
export async function noteUpload(author, key, fields) {
  const db = await openOwn(author);
  await transact(db, ["uploads"], "readwrite", async (tx) => {
    const held = await done(tx.objectStore("uploads").get(key));
    if (held) tx.objectStore("uploads").put({ ...held, ...fields });
  });
}

/** Lets an upload go: the server holds the file. The bytes stay for looking at. */
export async function releaseUpload(author, key) {
  const db = await openOwn(author);
  await transact(db, ["uploads"], "readwrite", (tx) => done(tx.objectStore("uploads").delete(key)));
}

/** A photo in one role as it lies here, perhaps sealed (`sealed.js`). @returns {Promise<{key: string, blob: Blob, sealed_type?: string} | undefined>} */
export async function rawBlobOf(author, photo, role) {
  const db = await openOwn(author);
  return transact(db, ["blobs"], "readonly", (tx) => done(tx.objectStore("blobs").get(`${photo}|${role}`)));
}

/** @type {Map<string, {names: string[], answers: Promise<any[]>}>} what is asked for at one moment, by author: one transaction answers all of it */
const asking = new Map();

/** One named piece of small state (`patrol`, `sync`), or null. */
export async function state(author, name) {
  const asked = asking.get(author) ?? ask(author);
  const at = asked.names.push(name) - 1;
  return (await asked.answers)[at] ?? null;
}

function ask(author) {
  const names = /** @type {string[]} */ ([]);
  const answers = openOwn(author).finally(() => asking.delete(author)).then((db) => {
    return transact(db, ["state"], "readonly", (tx) => Promise.all(names.map((name) => done(tx.objectStore("state").get(name)))));
  });
  const asked = { names, answers };
  asking.set(author, asked);
  return asked;
}

/** Keeps a piece of small state; null forgets it. */
export async function setState(author, name, value, durability) {
  await setStates(author, { [name]: value }, durability);
}

/** Changes fields of a piece of small state, whoever else does so at the same time. @param {string} author @param {string} name @param {Record<string, any>} fields @returns {Promise<any>} what it is then */
export async function changeState(author, name, fields) {
  const db = await openOwn(author);
  return transact(db, ["state"], "readwrite", async (tx) => {
    const changed = { ...(await done(tx.objectStore("state").get(name))), ...fields };
    tx.objectStore("state").put(changed, name);
    return changed;
  });
}

/** Keeps several pieces of small state, all or none. @param {string} author @param {Record<string, any>} values @param {"strict" | "relaxed"} [durability] */
export async function setStates(author, values, durability) {
  const db = await openOwn(author);
  await transact(db, ["state"], "readwrite", (tx) => {
    for (const [name, value] of Object.entries(values)) value === null ? tx.objectStore("state").delete(name) : tx.objectStore("state").put(value, name);
  }, durability);
}
