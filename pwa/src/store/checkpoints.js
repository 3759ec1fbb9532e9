/**
 * How far each database has been pulled. The server's sequence is a text to hand back, nothing to compute with.
 *
 * @typedef {{database: string, since: string, is_loaded: boolean, pulled_at: string}} Checkpoint
 */
import { done, transact } from "./idb.js";
import { openOwn } from "./own.js";

/** @returns {Promise<Checkpoint | undefined>} */
export async function checkpointOf(author, database) {
  const db = await openOwn(author);
  return transact(db, ["checkpoints"], "readonly", (tx) => done(tx.objectStore("checkpoints").get(database)));
}

/** @param {string} author @param {string} database @param {{since: string, is_loaded: boolean}} reached */
export async function setCheckpoint(author, database, reached) {
  const db = await openOwn(author);
  await transact(db, ["checkpoints"], "readwrite", (tx) => {
    tx.objectStore("checkpoints").put({ database, ...reached, pulled_at: new Date().toISOString() });
  });
}

/** Databases that have been read to their end at least once. @returns {Promise<string[]>} */
export async function loadedDatabases(author) {
  const db = await openOwn(author);
  const all = await transact(db, ["checkpoints"], "readonly", (tx) => done(tx.objectStore("checkpoints").getAll()));
  return all.filter(({ is_loaded }) => is_loaded).map(({ database }) => database);
}
