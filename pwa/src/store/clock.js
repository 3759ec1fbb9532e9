/**
 * This phone's hybrid logical clock, one for each user: the stamps that say which of two edits of a field is the later one
 * (`server/domain/hlc.py`). It follows the server's time, never goes back, and lets no stamp from elsewhere pull it further than a
 * little: what is more than ten minutes ahead of the server would be refused there.
 */
import { done, transact } from "./idb.js";
import { laterStamp, parseStamp, stampText } from "./identity.js";
import { openOwn } from "./own.js";

export const AHEAD_MOST_MS = 10 * 60_000;
const KEY = "hlc";

/**
 * Now by the server's clock, as near as this phone knows: its own clock less what that was ahead at the last contact, and never
 * before that contact, should somebody have set the clock back since.
 * @param {{offset_ms: number | null, server_ms?: number | null}} session @param {number} [now_ms]
 */
export function correctedNow({ offset_ms, server_ms }, now_ms = Date.now()) {
  return Math.max(now_ms - (offset_ms ?? 0), server_ms ?? 0);
}

/**
 * The next stamp of this phone, durable: later than every one it gave before, and than those of `seen` as far as they may be right.
 * @param {import("./meta.js").Session} session @param {string[]} [seen] stamps of the document that is edited
 */
export async function nextStamp(session, seen = []) {
  const now_ms = correctedNow(session);
  const trusted = seen.map((text) => boundedTo(now_ms + AHEAD_MOST_MS, text));
  return give(session, (last) => laterStamp(now_ms, session.device, [last, ...trusted]));
}

/**
 * The clock set right after the server said that its stamps were too far ahead: from here on it follows the server's time again.
 * @param {import("./meta.js").Session} session
 */
export async function restart(session) {
  const latest_ms = correctedNow(session) + AHEAD_MOST_MS;
  await give(session, (last) => (boundedTo(latest_ms, last) === last ? last : ""));
}

/** @param {string} text */
function boundedTo(most_ms, text) {
  const stamp = parseStamp(text);
  return stamp && stamp.ms > most_ms ? stampText({ ms: most_ms, counter: 0, node: stamp.node }) : text;
}

/** Two contexts that ask at once are given different stamps: reading and writing are one transaction. */
async function give(session, make) {
  const db = await openOwn(session.author);
  return transact(db, ["state"], "readwrite", async (tx) => {
    const state = tx.objectStore("state");
    const made = make((await done(state.get(KEY))) ?? "");
    state.put(made, KEY);
    return made;
  });
}
