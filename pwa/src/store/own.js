/**
 * One user's own tables: outbox, photo bytes, upload state, refusals, checkpoints, links and small state. Everything that
 * must never be half-written is one transaction here. PouchDB's databases are in `documents.js`.
 *
 * | store | key | holds |
 * | --- | --- | --- |
 * | `outbox` | `<database>|<_id>|<_rev>` | `{key, id, rev, database, doc, size_bytes, saved_at}`: all that is unsent |
 * | `blobs` | `<photo>|<role>` | `{key, blob}`; roles `sent`, `original`, and `thumb` (never sent) |
 * | `uploads` | `<photo>|<role>` | `{key, photo, role, of, database, sha256, size_bytes, content_type, upload_url, sent_bytes}` |
 * | `refused` | `_id` | what the server put aside, with a copy of it and what a clerk made of it (`refusals.js`) |
 * | `links` | `<of>|<id>` | `{key, of, id, database}`: visits of a household, own records, reports of a patrol, cases that go on (`links.js`, `cases.js`); rebuildable. `mark` says when they were written last |
 * | `checkpoints` | database | `{database, since, is_loaded, page_docs, pulled_at}` |
 * | `state` | name | running patrol, sync status, drafts and their bytes (`drafts.js`) … |
 */
import { open } from "./idb.js";

/**
 * What made each version of the tables out of the one before; a phone runs those it lacks, in order and in one transaction, so that it has
 * all of them or none. A step that shipped is never changed; `pwa/README.md` says what belongs to a new one.
 * @type {((db: IDBDatabase, tx: IDBTransaction) => void)[]}
 */
const STEPS = [
  (db) => {
    const outbox = db.createObjectStore("outbox", { keyPath: "key" });
    outbox.createIndex("id", "id");
    db.createObjectStore("blobs", { keyPath: "key" });
    db.createObjectStore("uploads", { keyPath: "key" }).createIndex("of", "of");
    db.createObjectStore("refused", { keyPath: "id" });
    db.createObjectStore("links", { keyPath: "key" });
    db.createObjectStore("checkpoints", { keyPath: "database" });
    db.createObjectStore("state");
  },
];

/** @param {string} author the user's name @returns {Promise<IDBDatabase>} */
export function openOwn(author) {
  return open(`xunge-own-${author}`, STEPS.length, (db, from, tx) => STEPS.slice(from).forEach((step) => step(db, tx)));
}

/** Keys that begin with `prefix|`. */
export function under(prefix) {
  return IDBKeyRange.bound(`${prefix}|`, `${prefix}|\uffff`);
}
