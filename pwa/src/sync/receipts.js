/**
 * Receipts that come by pull say that the server holds what this phone pushed, also when the push's own answer was lost. They are
 * read, not kept: everyone's receipts would be half of a grid's database.
 */
import { entries, release } from "../store/outbox.js";
import { ensureWritten } from "../store/saving.js";

/**
 * @param {import("../store/meta.js").Session} session @param {any[]} receipts
 */
export async function settleByReceipts(session, receipts) {
  const held = new Set(receipts.filter((doc) => doc?.device === session.device).flatMap(({ ids }) => ids ?? []));
  if (!held.size) return;
  const waiting = await entries(session.author);
  // A receipt names documents, not revisions: it proves the first one, which is all an immutable record has.
  const settled = waiting.filter(({ id, rev }) => held.has(id) && rev.startsWith("1-"));
  await ensureWritten(session.author, settled);
  await release(session.author, settled.map(({ key }) => key));
}
