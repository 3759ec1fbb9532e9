/**
 * Tells the server what waits on this phone, so that it keeps old quarters and former grids open for as long and no longer. Told when
 * it changed, after the push.
 */
import { setState, state } from "../store/outbox.js";
import { unsent } from "../store/where.js";
import { ask } from "./http.js";

const NAME = "told-unsent";

/** Whether everything that waits lies in databases the server has listed. @param {import("../store/meta.js").Session} session */
export async function areAllListed({ author, databases }) {
  const { oldest_quarter } = await unsent(author);
  return !oldest_quarter || databases.some(({ name, push }) => push && name.endsWith(oldest_quarter));
}

/** Tells what waits unless that was told before. @param {import("../store/meta.js").Session} session @returns {Promise<boolean>} whether it was told now */
export async function reportUnsent(session) {
  const { records, documents, photos, size_bytes, oldest_quarter } = await unsent(session.author);
  // As its user counts, who may be told of it one day; but never nothing while a photo's own document waits.
  const report = { records: records || Math.min(documents, 1), photos, size_bytes, oldest_quarter };
  const text = JSON.stringify([session.device, report]);
  if ((await state(session.author, NAME)) === text) return false;
  await ask(session, "/api/devices/me", { method: "POST", body: report });
  await setState(session.author, NAME, text);
  return true;
}
