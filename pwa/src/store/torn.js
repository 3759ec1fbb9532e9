/**
 * What a killed browser leaves behind. Chromium keeps all of a site's IndexedDB in one LevelDB, and after a start goes on writing its last
 * log (`reuse_logs`; off on ChromeOS, where it destroyed too much: https://crbug.com/460568). Killed in the middle of a write, that log ends
 * in half an entry. The next start passes over it and writes behind it; the start after that can read the log no more and deletes everything,
 * unsent records and sign-in too. A log that is full is left for a new one and deleted, so it is filled. Other engines keep IndexedDB in
 * another way, and lose nothing by it.
 */
import { drop, open, transact } from "./idb.js";
import { state } from "./outbox.js";
import { vaultOf } from "./vault.js";

const NAME = "xunge-filling";
const STORE = "rows";
/** Values of 64 KB and more lie in files of their own, beside the log. */
const ROW_BYTES = 60_000;
/** A log is full at 4 MiB, or less where the disk is nearly full; when the next one is full, too, the first is surely gone. */
const LOG_BYTES = 2 * 4.25 * 1024 * 1024;
const AT_ONCE = 15;

/**
 * Fills the log when this phone was writing much as it was stopped. Needs room; without it nothing is done.
 * @param {string} author
 */
export async function leaveTornLog(author) {
  if (await wasWriting(author)) await fill().catch((error) => console.error("the log was not filled", error));
}

/** A round of sync that did not end, or a sealing of everything that did not. */
async function wasWriting(author) {
  const [sync, vault] = await Promise.all([state(author, "sync"), vaultOf(author)]);
  return (sync?.phase ?? "idle") !== "idle" || vault?.is_swept === false;
}

async function fill() {
  const db = await open(NAME, 1, (made) => made.createObjectStore(STORE));
  const row = crypto.getRandomValues(new Uint8Array(ROW_BYTES)); // what can be packed would not fill anything
  try {
    for (let at = 0; at * ROW_BYTES < LOG_BYTES; at += AT_ONCE) {
      await transact(db, [STORE], "readwrite", (tx) => {
        for (let next = at; next < at + AT_ONCE; next += 1) tx.objectStore(STORE).put(row, next);
      });
    }
  } finally {
    await drop(NAME);
  }
}
