/**
 * Saving what a form made: documents, photo bytes and their outbox entries, durable before it returns. Minting the
 * envelope is here too. Which fields a type has is the handlers' and `server/domain/documents.py`'s to know.
 */
import { reportLinks } from "./cases.js";
import { databaseFor } from "./databases.js";
import { find, findAsIs, keep, prepare, revisionsOf } from "./documents.js";
import { finishUndone } from "./drafts.js";
import { SavedOtherwise, StorageFull, TooLarge } from "./errors.js";
import { canonical, revisionOf, sizeOf } from "./identity.js";
import { linksOf, putLinks, unlisted } from "./links.js";
import { HOLD_MS, entries as waiting, entryKey, put, putAgain, rawBlobOf, takeBack, waitingOf } from "./outbox.js";
import { openDocs, sealBlob, sealDocs } from "./sealed.js";
import { isSealed, neededKey } from "./vault.js";

const DOCUMENT_BYTES = 256 * 1024;
/** What nobody fills in: it may differ between two saves of one form. The last ones are the server's to add. */
const UNSAID = new Set(["captured_at", "clock_offset_ms", "device", "patrol", "stamps", "settled", "superseded", "adopted_from"]);

/**
 * A document with its envelope (DESIGN §5), not saved yet.
 * @param {import("./meta.js").Session} session @param {string} type
 * @param {{uuid: string, grid: string, captured_at: string} & Record<string, any>} fields
 */
export function mint(session, type, { uuid, grid, captured_at, ...fields }) {
  return {
    _id: `${type}:${uuid}`,
    type,
    v: 1,
    grid,
    author: session.author,
    device: session.device,
    captured_at,
    clock_offset_ms: session.offset_ms ?? null,
    ...fields,
  };
}

/**
 * Keeps records with their photos: when it returns, nothing short of losing the phone's storage loses them.
 * @param {import("./meta.js").Session} session
 * @param {{docs: {database: string, doc: any}[], blobs?: {photo: string, role: string, blob: Blob}[], form?: Record<string, string>}} record
 *   `docs[0]` is the record itself: saved before with the same content means that all was saved before. Edits carry the `_rev` they were made from. Every blob of role `sent` or `original` must be named in
 *   the `files` of a photo document among `docs`; role `thumb` stays here. With `form` (what was filled in) nothing is sent for ten
 *   seconds, and may be taken back (`undo.js`).
 * @returns {Promise<{already: boolean, databases: string[]}>}
 * @throws {StorageFull} nothing was kept @throws {TooLarge} a document is over 256 KB; nothing was kept
 * @throws {SavedOtherwise} one of them was saved before, saying something else; nothing was kept
 * @throws {import("./errors.js").Locked} it belongs to what is sealed, and this is locked; nothing was kept
 */
export async function saveRecord(session, { docs, blobs = [], form }) {
  const { author } = session;
  const held = form ? { not_before_ms: Date.now() + HOLD_MS } : {};
  const made = await Promise.all(docs.map(({ database, doc }) => entryOf(author, database, doc)));
  const entries = made.map((entry, at) => ({ ...entry, ...held, ...(form && !at ? { form } : {}) }));
  const databases = [...new Set(docs.map(({ database }) => database))];
  if (await wasSaved(author, entries, docs)) return { already: true, databases };
  const bytes = await bytesOf(author, docs, blobs);
  const uploads = docs.flatMap(({ database, doc }) => uploadsOf(database, doc)).map((upload) => ({ ...upload, ...held }));
  if (!(await put(author, entries, bytes, uploads))) return { already: await wasSaved(author, entries, docs), databases };
  try {
    await writeThrough(author, entries);
  } catch (error) {
    if (error instanceof StorageFull) {
      await takeBack(author, entries, bytes, uploads);
      throw error;
    }
    console.error("saved, and not written yet", error); // the outbox has it, from where `replay` writes it
  }
  return { already: false, databases };
}

/** Photo bytes as they may be kept: sealed, where their photo's document is. */
async function bytesOf(author, docs, blobs) {
  const sealed = new Set(docs.flatMap(({ database, doc }) => (isSealed(database) ? [doc._id] : [])));
  const key = blobs.some(({ photo }) => sealed.has(photo)) ? await neededKey(author) : null;
  return Promise.all(blobs.map(({ photo, role, blob }) => {
    const file = { key: `${photo}|${role}`, blob };
    return key && sealed.has(photo) ? sealBlob(key, file) : file;
  }));
}

/**
 * Puts saved records into the outbox once more, as the revisions they are, with the files of photos that are still here. What
 * waits already is left as it is. @param {string} author @param {string} database @param {any[]} docs as `documents.js` gives them
 */
export async function queueAgain(author, database, docs) {
  const entries = await Promise.all(docs.map(async ({ _id: id, _rev: rev }, at) => {
    const doc = await findAsIs(author, database, id, generation(rev) > 1);
    const links = linksMade(author, database, docs[at]);
    return { key: entryKey(database, id, rev), id, rev, database, doc, links, size_bytes: sizeOf(docs[at]), saved_at: new Date().toISOString() };
  }));
  const files = docs.flatMap((doc) => uploadsOf(database, doc));
  const held = await Promise.all(files.map(({ photo, role }) => rawBlobOf(author, photo, role)));
  await putAgain(author, entries, files.filter((_file, at) => held[at]));
}

async function entryOf(author, database, { _rev: parent = null, ...doc }) {
  const rev = await revisionOf(doc, parent);
  const size_bytes = sizeOf({ ...doc, _rev: rev });
  if (size_bytes > DOCUMENT_BYTES) throw new TooLarge(doc._id, size_bytes, DOCUMENT_BYTES);
  const history = parent ? { _revisions: await historyOf(author, database, doc._id, parent, rev) } : {};
  const key = entryKey(database, doc._id, rev);
  const [kept] = await sealDocs(author, database, [{ ...doc, _rev: rev, ...history }]);
  return { key, id: doc._id, rev, database, doc: kept, links: linksMade(author, database, doc), size_bytes, saved_at: new Date().toISOString() };
}

async function historyOf(author, database, id, parent, rev) {
  const held = await findAsIs(author, database, id, true);
  const known = held && held._rev === parent ? held._revisions.ids : [parent.slice(parent.indexOf("-") + 1)];
  return { start: Number.parseInt(rev, 10), ids: [rev.slice(rev.indexOf("-") + 1), ...known] };
}

/** Whether the record is here already. @param {any[]} docs of the entries, as they were made @throws {SavedOtherwise} */
async function wasSaved(author, entries, docs) {
  const held = await Promise.all(entries.map((entry, at) => isKept(author, entry, docs[at].doc)));
  return held[0];
}

async function isKept(author, { database, id, rev }, doc) {
  const [held] = await revisionsOf(author, database, [id]);
  const isNew = rev.startsWith("1-");
  const waiting = held === null && isNew ? await waitingOf(author, id) : undefined;
  if (held === null && !waiting) return false;
  if (!isNew || held === rev) return held === rev;
  const before = waiting ? (await openDocs(author, database, [waiting.doc]))[0] : await find(author, database, id);
  if (!before || saidBy(before) !== saidBy(doc)) throw new SavedOtherwise(id);
  return true;
}

/** What a document says, as one text. */
function saidBy(doc) {
  return canonical(Object.fromEntries(Object.entries(doc).filter(([name]) => !name.startsWith("_") && !UNSAID.has(name))));
}

function uploadsOf(database, doc) {
  if (doc.type !== "photo") return [];
  return doc.files.map(({ role, sha256, size_bytes, content_type }) => ({
    key: `${doc._id}|${role}`,
    photo: doc._id,
    role,
    of: doc.of,
    database,
    sha256,
    size_bytes,
    content_type,
    upload_url: null,
    sent_bytes: 0,
    // An original beside a smaller picture of it is large, and nobody waits for it.
    ...(role === "original" && doc.files.length > 1 ? { wifi_only: true } : {}),
  }));
}

async function writeThrough(author, entries) {
  const databases = [...new Set(entries.map(({ database }) => database))];
  await Promise.all(databases.map((database) => {
    const docs = entries.filter((entry) => entry.database === database).map(({ doc }) => doc);
    return keep(author, database, docs);
  }));
  await putLinks(author, linksIn(author, entries));
}

/** @param {string} author @param {import("./outbox.js").Entry[]} entries those that an earlier version left name none */
function linksIn(author, entries) {
  return entries.flatMap(({ database, doc, links }) => links ?? linksMade(author, database, doc));
}

/** @returns {import("./links.js").Link[]} */
export function linksMade(author, database, doc) {
  return [...linksOf(author, database, doc), ...reportLinks(database, doc)];
}

/**
 * Writes again what a crash kept from PouchDB: the outbox had it, so it was saved.
 * @param {string} author @returns {Promise<string[]>} ids that had been missing
 */
export async function replay(author) {
  await finishUndone(author);
  return ensureWritten(author, await waiting(author));
}

/**
 * Makes sure that PouchDB holds these entries' documents, and that lists know of them, before the outbox lets go of them.
 * @param {string} author @param {import("./outbox.js").Entry[]} entries @returns {Promise<string[]>} ids that had been missing
 */
export async function ensureWritten(author, entries) {
  const databases = [...new Set(entries.map(({ database }) => database))];
  const lists = await Promise.all(databases.map((database) => notWritten(author, database, entries)));
  const missing = lists.flat();
  if (missing.length) await writeThrough(author, missing);
  // Their links are written after the documents: what came between the two is made good, too.
  const left = await unlisted(author, linksIn(author, entries));
  if (left.size) await putLinks(author, linksIn(author, entries.filter(({ id }) => left.has(id))));
  return [...missing.map(({ id }) => id), ...left];
}

async function notWritten(author, database, entries) {
  const own = entries.filter((entry) => entry.database === database);
  const held = await revisionsOf(author, database, own.map(({ id }) => id));
  return own.filter((entry, at) => generation(held[at] ?? "0") < generation(entry.rev));
}

function generation(rev) {
  return Number.parseInt(rev, 10);
}

/** Makes ready for a record of `kind` in `grid` while its form is filled in; whether that goes well, saving will say. @param {import("./meta.js").Session} session */
export async function prepareFor(session, kind, grid) {
  await Promise.resolve().then(() => prepare(session.author, placeFor(session, kind, grid))).catch(() => undefined);
}

/** The database a new record of `kind` (`grid`, `home`, `home-quarter`, `beat`) in `grid` goes to. */
export function placeFor(session, kind, grid) {
  return databaseFor(session.databases, kind, grid);
}
