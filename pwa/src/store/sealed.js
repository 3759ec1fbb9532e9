/**
 * Documents and photo bytes of `home-*` and `beat-*` as they lie on the phone: `_id`, `_rev` and history in the clear, the body sealed
 * as `sealed`; the same in PouchDB, in the outbox and among refusals, so that what is sealed moves between them without a key. A body
 * that is still plain (of an earlier version) is read as it is; `sweep.js` seals it.
 */
import { open, openBytes, seal, sealBytes } from "../crypto/seal.js";
import { due, rawBlobOf } from "./outbox.js";
import { isSealed, keyOf, neededKey } from "./vault.js";

const isHead = (/** @type {[string, any]} */ [name]) => name.startsWith("_");
const aboutOf = (database, /** @type {any} */ { _id, _rev }) => `${database}|${_id}|${_rev}`;

/** Whether this is a sealed body. @param {any} doc */
export function isClosed(doc) {
  return ArrayBuffer.isView(doc?.sealed);
}

/** Whether this is a body that should be sealed in this database and is not. @param {string} database @param {any} doc */
export function isPlain(database, doc) {
  return isSealed(database) && !isClosed(doc) && Object.entries(doc).some((field) => !isHead(field));
}

/** @param {CryptoKey} key @param {string} database @param {any} doc with `_id` and `_rev` */
export async function sealDoc(key, database, doc) {
  const fields = Object.entries(doc);
  const body = Object.fromEntries(fields.filter((field) => !isHead(field)));
  return { ...Object.fromEntries(fields.filter(isHead)), sealed: await seal(key, body, aboutOf(database, doc)) };
}

/** Documents as they may be written. @param {string} author @param {string} database @param {any[]} docs @throws {import("./errors.js").Locked} */
export async function sealDocs(author, database, docs) {
  if (!docs.some((doc) => isPlain(database, doc))) return docs;
  const key = await neededKey(author);
  return Promise.all(docs.map((doc) => (isPlain(database, doc) ? sealDoc(key, database, doc) : doc)));
}

/** Documents as they were made; null stays null. @param {string} author @param {string} database @param {any[]} docs @throws {import("./errors.js").Locked} */
export async function openDocs(author, database, docs) {
  if (!docs.some(isClosed)) return docs;
  const key = await neededKey(author);
  return Promise.all(docs.map((doc) => (isClosed(doc) ? openDoc(key, database, doc) : doc)));
}

async function openDoc(key, database, { sealed, ...head }) {
  return { ...head, ...(await open(key, sealed, aboutOf(database, head))) };
}

/** Names of databases that may be read now. @param {string} author @param {string[]} names @returns {Promise<string[]>} */
export async function readable(author, names) {
  if (!names.some(isSealed) || (await keyOf(author))) return names;
  return names.filter((name) => !isSealed(name));
}

/** The entries of the outbox that may be sent now: not what its user may still take back, and nothing that is locked. @param {string} author */
export async function sendable(author) {
  const all = await due(author);
  return !all.some(({ doc }) => isClosed(doc)) || (await keyOf(author)) ? all : all.filter(({ doc }) => !isClosed(doc));
}

/** A photo's bytes as they may be kept. @param {CryptoKey} key @param {{key: string, blob: Blob}} file */
export async function sealBlob(key, { key: name, blob }) {
  return { key: name, blob: new Blob([await sealBytes(key, await blob.arrayBuffer(), name)]), sealed_type: blob.type };
}

/** A photo's bytes in one role, or undefined. @param {string} author @param {string} photo @param {string} role @returns {Promise<Blob | undefined>} @throws {import("./errors.js").Locked} */
export async function blobOf(author, photo, role) {
  const held = await rawBlobOf(author, photo, role);
  if (held?.sealed_type === undefined) return held?.blob;
  const key = await neededKey(author);
  return new Blob([await openBytes(key, new Uint8Array(await held.blob.arrayBuffer()), held.key)], { type: held.sealed_type });
}
