/**
 * Gives a document whose clock stamps were too far ahead new ones by the corrected clock (DESIGN §5): a phone dated 2030 wins nothing.
 */
import { stampOf } from "../store/identity.js";
import { currentSession } from "../store/meta.js";
import { release } from "../store/outbox.js";
import { saveRecord } from "../store/saving.js";

/** @param {import("../store/meta.js").Session} session @param {import("../store/outbox.js").Entry} entry */
export async function restamp(session, entry) {
  const { offset_ms } = (await currentSession()) ?? session;
  const { _revisions, ...doc } = entry.doc;
  const now = stampOf(Date.now() - (offset_ms ?? 0), session.device);
  const stamps = Object.fromEntries(Object.keys(doc.stamps ?? {}).map((field) => [field, now]));
  await saveRecord(session, { docs: [{ database: entry.database, doc: { ...doc, stamps } }] });
  await release(session.author, [entry.key]);
}
