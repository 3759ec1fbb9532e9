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
 * | `links` | `<of>|<id>` | `{key, of, id, database}`: visits of a household; rebuildable |
 * | `checkpoints` | database | `{database, since, is_loaded, page_docs, pulled_at}` |
 * | `state` | name | running patrol, sync status … |
 */
import { open } from "./idb.js";

const VERSION = 1;

/** @param {string} author the user's name @returns {Promise<IDBDatabase>} */
export function openOwn(author) {
  return open(`xunge-own-${author}`, VERSION, (db) => {
    const outbox = db.createObjectStore("outbox", { keyPath: "key" });
    outbox.createIndex("id", "id");
    db.createObjectStore("blobs", { keyPath: "key" });
    db.createObjectStore("uploads", { keyPath: "key" }).createIndex("of", "of");
    db.createObjectStore("refused", { keyPath: "id" });
    db.createObjectStore("links", { keyPath: "key" });
    db.createObjectStore("checkpoints", { keyPath: "database" });
    db.createObjectStore("state");
  });
}

/** Keys that begin with `prefix|`. */
export function under(prefix) {
  return IDBKeyRange.bound(`${prefix}|`, `${prefix}|\uffff`);
}
