/**
 * How far each database has been pulled. The server's sequence is a text to hand back, nothing to compute with.
 *
 * @typedef {{database: string, since: string, is_loaded: boolean, page_docs?: number, pulled_at: string}} Checkpoint
 *   `page_docs` is how many documents a page had that this link carried
 */
import { done, transact } from "./idb.js";
import { openOwn } from "./own.js";

/** @returns {Promise<Checkpoint | undefined>} */
export async function checkpointOf(author, database) {
  const db = await openOwn(author);
  return transact(db, ["checkpoints"], "readonly", (tx) => done(tx.objectStore("checkpoints").get(database)));
}

/** @param {string} author @param {string} database @param {{since: string, is_loaded: boolean, page_docs?: number}} reached */
export async function setCheckpoint(author, database, reached) {
  const db = await openOwn(author);
  await transact(db, ["checkpoints"], "readwrite", (tx) => {
    tx.objectStore("checkpoints").put({ database, ...reached, pulled_at: new Date().toISOString() });
  });
}

/** Databases that have been read to their end at least once. @returns {Promise<string[]>} */
export async function loadedDatabases(author) {
  return (await checkpoints(author)).filter(({ is_loaded }) => is_loaded).map(({ database }) => database);
}

/** Every checkpoint. @returns {Promise<Checkpoint[]>} */
export async function checkpoints(author) {
  const db = await openOwn(author);
  return transact(db, ["checkpoints"], "readonly", (tx) => done(tx.objectStore("checkpoints").getAll()));
}

/** Forgets that a database was ever pulled. */
export async function dropCheckpoint(author, database) {
  const db = await openOwn(author);
  await transact(db, ["checkpoints"], "readwrite", (tx) => done(tx.objectStore("checkpoints").delete(database)));
}
