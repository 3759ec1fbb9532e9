/**
 * Taking a record back within seconds of sending it: it leaves outbox and upload list and becomes a draft of the form it came from, in one
 * transaction, so that it is never both and never neither. Nobody has seen it: the push takes nothing whose time is not over.
 */
import { fileKey, finishUndone } from "./drafts.js";
import { done, transact } from "./idb.js";
import { holdOf } from "./outbox.js";
import { openOwn } from "./own.js";

/** Milliseconds in which a record may still be taken back, or 0. @param {string} author @param {string} id */
export async function undoTime(author, id, now_ms = Date.now()) {
  const entry = await transact(await openOwn(author), ["outbox"], "readonly", (tx) => done(tx.objectStore("outbox").index("id").get(id)));
  return entry?.form ? holdOf(entry, now_ms) : 0;
}

/**
 * @param {string} author @param {string} id of the record
 * @param {{uuid: string, pieces: import("./drafts.js").Piece[]}} draft a piece's `key` is its photo's id
 * @returns {Promise<boolean>} false when it was too late
 */
export async function takeBack(author, id, { uuid, pieces }) {
  const photos = pieces.map(({ key }) => key);
  const db = await openOwn(author);
  const isBack = await transact(db, ["outbox", "blobs", "uploads", "state"], "readwrite", async (tx) => {
    const [outbox, blobs, uploads, state] = ["outbox", "blobs", "uploads", "state"].map((name) => tx.objectStore(name));
    const all = await Promise.all([id, ...photos].map((one) => done(outbox.index("id").get(one))));
    const [first] = all;
    if (!first?.form || !all.every((entry) => entry && holdOf(entry, Date.now()))) return false;
    for (const { key } of all) outbox.delete(key);
    for (const photo of photos) {
      for (const role of ["sent", "original", "thumb"]) {
        const held = await done(blobs.get(`${photo}|${role}`));
        if (held) state.put(held.blob, fileKey(uuid, photo, role));
        blobs.delete(`${photo}|${role}`);
        uploads.delete(`${photo}|${role}`);
      }
    }
    const undone = { database: first.database, ids: all.map((entry) => entry.id) };
    state.put({ uuid, fields: first.form, pieces, saved_at: new Date().toISOString(), undone }, `draft:${uuid}`);
    return true;
  }, "strict");
  if (isBack) await finishUndone(author);
  return isBack;
}

/**
 * Nothing waits for its user any more: they have signed out, or (`isAll`, originals too) the token is refused and everything is handed over.
 * @param {string} author
 */
export async function endHolds(author, isAll = false) {
  await transact(await openOwn(author), ["outbox", "uploads"], "readwrite", async (tx) => {
    for (const store of ["outbox", "uploads"].map((name) => tx.objectStore(name))) {
      const held = (await done(store.getAll())).filter(({ not_before_ms, wifi_only }) => not_before_ms || (isAll && wifi_only));
      for (const row of held) store.put({ ...row, not_before_ms: 0, ...(isAll ? { wifi_only: false } : {}) });
    }
  });
}
