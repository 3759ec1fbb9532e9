/**
 * Gives the stamps of a document that were too far ahead new ones by the server's time (DESIGN §5): a phone dated 2030 wins nothing.
 * What others stamped stays as it is, or an old value would win against a newer one.
 */
import { AHEAD_MOST_MS, correctedNow, restart } from "../store/clock.js";
import { parseStamp } from "../store/identity.js";
import { currentSession } from "../store/meta.js";
import { entries, release } from "../store/outbox.js";
import { saveRecord } from "../store/saving.js";

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
  const { _revisions, ...doc } = entry.doc;
  const latest_ms = correctedNow(session) + AHEAD_MOST_MS;
  const isAhead = (text) => (parseStamp(text)?.ms ?? 0) > latest_ms;
  const ahead = [...new Set(Object.values(doc.stamps ?? {}).filter(isAhead))].sort();
  const settled = (doc.settled ?? []).filter((mark) => !isAhead(mark.slice(0, mark.lastIndexOf(" "))));
  if (!ahead.length && settled.length === (doc.settled ?? []).length) return false;
  const fresh = await restart(session, ahead.length);
  const renewed = new Map(ahead.map((stamp, at) => [stamp, fresh[at]]));
  const stamps = Object.fromEntries(Object.entries(doc.stamps ?? {}).map(([field, stamp]) => [field, renewed.get(stamp) ?? stamp]));
  const books = doc.settled ? { stamps, settled } : { stamps };
  await saveRecord(session, { docs: [{ database: entry.database, doc: { ...doc, ...books } }] });
  return true;
}
