/**
 * Gives the stamps of a document that were too far ahead new ones by the server's time (DESIGN §5): a phone dated 2030 wins nothing.
 * What others stamped stays as it is, or an old value would win against a newer one.
 */
import { AHEAD_MOST_MS, correctedNow, restart } from "../store/clock.js";
import { laterStamp, parseStamp } from "../store/identity.js";
import { currentSession } from "../store/meta.js";
import { entries, release } from "../store/outbox.js";
import { saveRecord } from "../store/saving.js";
import { openDocs } from "../store/sealed.js";

/**
 * An entry that a later one of the same document was made from only leaves: the later one says all of it.
 * @param {import("../store/meta.js").Session} session @param {import("../store/outbox.js").Entry} entry
 */
export async function restamp(session, entry) {
  const isOver = (await entries(session.author)).some((other) => isMadeFrom(other, entry));
  if (isOver || (await saveAgain((await currentSession()) ?? session, entry))) await release(session.author, [entry.key]);
}

function isMadeFrom(other, { id, rev, database }) {
  if (other.id !== id || other.database !== database || other.rev === rev) return false;
  const { start, ids } = other.doc._revisions ?? { start: 0, ids: [] };
  return ids[start - Number.parseInt(rev, 10)] === rev.slice(rev.indexOf("-") + 1);
}

/** False when nothing of it looks ahead from here: then this clock must be measured anew first, and the entry waits. */
async function saveAgain(session, entry) {
  const [{ _revisions, ...doc }] = await openDocs(session.author, entry.database, [entry.doc]);
  const latest_ms = correctedNow(session) + AHEAD_MOST_MS;
  const isAhead = (text) => (parseStamp(text)?.ms ?? 0) > latest_ms;
  const given = Object.entries(doc.stamps ?? {});
  const settled = (doc.settled ?? []).filter((mark) => !isAhead(stampOf(mark)));
  const ahead = [...new Set(given.map(([, stamp]) => stamp).filter(isAhead))].sort();
  if (!ahead.length && settled.length === (doc.settled ?? []).length) return false;
  await restart(session);
  const seen = [...given.map(([, stamp]) => stamp), ...settled.map(stampOf)].filter((text) => !isAhead(text));
  const renewed = renew(session, doc, ahead, seen);
  const stamps = Object.fromEntries(given.map(([field, stamp]) => [field, renewed.get(stamp) ?? stamp]));
  const books = doc.settled ? { stamps, settled } : { stamps };
  await saveRecord(session, { docs: [{ database: entry.database, doc: { ...doc, ...books } }] });
  return true;
}

/**
 * For each stamp the one it should have been: when the edit was made, as the clock is known to have been off now, never after now;
 * not when it is sent, or it would win against what a colleague changed in between. Later than what the edit had seen.
 */
function renew(session, doc, ahead, seen) {
  const now_ms = correctedNow(session);
  const moved_ms = (doc.clock_offset_ms ?? 0) - (session.offset_ms ?? 0);
  const renewed = new Map();
  for (const stamp of ahead) {
    const made_ms = Math.max(0, Math.min(now_ms, (parseStamp(stamp)?.ms ?? 0) + moved_ms));
    renewed.set(stamp, laterStamp(made_ms, session.device, [...seen, ...renewed.values()]));
  }
  return renewed;
}

function stampOf(mark) {
  return mark.slice(0, mark.lastIndexOf(" "));
}
