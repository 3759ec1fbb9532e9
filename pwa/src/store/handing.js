/**
 * What a phone hands over that may not or cannot send any more, to `/api/rescue` or in the rescue file: opened where it may be, else as it
 * lies here with the data key sealed for the server (`server/rescue/seals.py`), which opens it.
 */
import { base64Of } from "../crypto/seals.js";
import { fingerprint } from "./identity.js";
import { rawBlobOf } from "./outbox.js";
import { blobOf, isClosed, openDocs, readable } from "./sealed.js";
import { vaultOf } from "./vault.js";

const BATCH_DOCS = 200;
/** What the server is told a file is that it must open itself. */
const SEALED_TYPE = "application/x-xunge-sealed";

/**
 * Entries in order, a few at a time; one that is larger by itself goes alone.
 * @param {import("./outbox.js").Entry[]} all @param {number} most_bytes @returns {import("./outbox.js").Entry[][]}
 */
export function batchesOf(all, most_bytes) {
  /** @type {import("./outbox.js").Entry[][]} */ const batches = [];
  let size_bytes = Infinity;
  for (const entry of all) {
    const fits = size_bytes + entry.size_bytes <= most_bytes && batches[batches.length - 1].length < BATCH_DOCS;
    if (fits) batches[batches.length - 1].push(entry);
    else batches.push([entry]);
    size_bytes = fits ? size_bytes + entry.size_bytes : entry.size_bytes;
  }
  return batches;
}

/** Entries of the outbox as a request's body. @param {string} author @param {import("./outbox.js").Entry[]} entries */
export async function documentsHanded(author, entries) {
  const documents = await Promise.all(entries.map(async ({ database, doc }) => ({ database, doc: await shown(author, database, doc) })));
  const sealed = (await vaultOf(author))?.server?.sealed;
  return sealed ? { documents, data_key: base64Of(sealed) } : { documents };
}

async function shown(author, database, doc) {
  if (!isClosed(doc)) return doc;
  const isOpen = (await readable(author, [database])).length > 0;
  return isOpen ? (await openDocs(author, database, [doc]))[0] : { ...doc, sealed: base64Of(doc.sealed) };
}

/**
 * A file's bytes, and what is to be said of them when they are sealed; undefined when they are not here, or nobody could open them.
 * @param {string} author @param {{photo: string, role: string, database: string}} upload
 * @returns {Promise<{blob: Blob, content_type?: string, sha256?: string} | undefined>}
 */
export async function fileHanded(author, { photo, role, database }) {
  const isOpen = (await readable(author, [database])).length > 0;
  const held = isOpen ? { blob: await blobOf(author, photo, role) } : await rawBlobOf(author, photo, role);
  if (isOpen || !held || !("sealed_type" in held)) return held?.blob && { blob: held.blob };
  const sealed = (await vaultOf(author))?.server?.sealed;
  if (!sealed) return undefined;
  const blob = new Blob([sealed, held.blob]);
  return { blob, content_type: SEALED_TYPE, sha256: (await fingerprint(blob)).sha256 };
}
