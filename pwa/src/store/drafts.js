/**
 * Forms that were begun and not sent: what was filled in, and the photos and the voice taken so far. Kept among the small state
 * (`own.js`): `draft:<uuid>` is the draft itself, `draftfile:<uuid>|<key>|<role>` the bytes of one piece of it. Which fields a form has is
 * the handlers' to know.
 *
 * @typedef {{key: string, part: string, shot: string}} Piece a photo or voice: which part of the form it belongs to, and what the page
 *   said of it
 * @typedef {{uuid: string, fields: Record<string, string>, pieces: Piece[], saved_at: string, at?: string, undone?: {database: string, ids: string[]}}} Draft
 *   `at`: the address of the page that it is filled in again on, of forms that have one of their own
 */
import { removeLocally } from "./documents.js";
import { done, transact } from "./idb.js";
import { noteChanged } from "./links.js";
import { openOwn } from "./own.js";

const ROLES = Object.freeze(["sent", "original", "thumb"]);

/** @template T @param {string} author @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => Promise<T> | T} work */
async function inState(author, mode, work) {
  return transact(await openOwn(author), ["state"], mode, (tx) => work(tx.objectStore("state")));
}

/** All drafts, the last touched first. @param {string} author @returns {Promise<Draft[]>} */
export async function drafts(author) {
  const held = await inState(author, "readonly", (store) => done(store.getAll(IDBKeyRange.bound("draft:", "draft:\uffff"))));
  return held.sort((one, other) => other.saved_at.localeCompare(one.saved_at));
}

/** @param {string} author @param {string} uuid @returns {Promise<Draft | null>} */
export async function draft(author, uuid) {
  return (await inState(author, "readonly", (store) => done(store.get(`draft:${uuid}`)))) ?? null;
}

/** Keeps a draft, and the bytes of pieces that are new. @param {string} author @param {Draft} kept @param {{key: string, role: string, blob: Blob}[]} files */
export async function keepDraft(author, kept, files) {
  await inState(author, "readwrite", (store) => {
    store.put(kept, `draft:${kept.uuid}`);
    for (const { key, role, blob } of files) store.put(blob, fileKey(kept.uuid, key, role));
  });
}

/** @param {string} author @param {string} uuid */
export async function dropDraft(author, uuid) {
  await inState(author, "readwrite", (store) => {
    store.delete(`draft:${uuid}`);
    store.delete(IDBKeyRange.bound(`draftfile:${uuid}|`, `draftfile:${uuid}|\uffff`));
  });
}

/** The bytes of a piece by role. @param {string} author @param {string} uuid @param {string} key @returns {Promise<Record<string, Blob | undefined>>} */
export async function draftFiles(author, uuid, key) {
  const found = await inState(author, "readonly", (store) => Promise.all(ROLES.map((role) => done(store.get(fileKey(uuid, key, role))))));
  return Object.fromEntries(ROLES.map((role, at) => [role, found[at]]));
}

export function fileKey(uuid, key, role) {
  return `draftfile:${uuid}|${key}|${role}`;
}

/** Takes out of sight what was taken back (`undo.js`); a crash in between leaves it to the next time. @param {string} author */
export async function finishUndone(author) {
  for (const { undone, ...rest } of await drafts(author)) {
    if (!undone) continue;
    await removeLocally(author, undone.database, undone.ids);
    await noteChanged(author);
    await keepDraft(author, rest, []);
  }
}
