/**
 * What was lost with a phone's data when its system cleared them: told by the server when its user signs in again
 * (`server/people/losses.py`), shown until they have read it. Small state `loss` of the user's own tables.
 *
 * @typedef {{device: string, name: string, last_seen_on: string, records: number, photos: number, is_certain: boolean,
 *   answer?: "lost" | null, is_told?: boolean, found?: number}} Loss without `is_certain` its user says whether it was this phone;
 *   `found` is how many of its records the server had
 */
import { everything } from "./documents.js";
import { setState, state } from "./outbox.js";

const NAME = "loss";
const READ_AT_ONCE = 500;

/** @param {string} author @returns {Promise<Loss | null>} */
export async function lossOf(author) {
  return state(author, NAME);
}

/** @param {string} author @param {Loss | null} loss null forgets it: it was read, or was no loss */
export async function noteLoss(author, loss) {
  await setState(author, NAME, loss, "strict");
}

/** Its user says that it was this phone. @param {string} author */
export async function confirmLoss(author) {
  const loss = await lossOf(author);
  if (loss) await noteLoss(author, { ...loss, answer: "lost" });
}

/** Counts what came back of that phone's records, once everything is pulled. @param {import("./meta.js").Session} session */
export async function countFound({ author, databases }) {
  const loss = await lossOf(author);
  if (!loss || loss.found !== undefined) return;
  let found = 0;
  for (const { name, pull, push } of databases) {
    if (!pull || !push || !name.startsWith("grid-")) continue;
    for await (const docs of everything(author, name, READ_AT_ONCE)) {
      found += docs.filter(({ device, type }) => device === loss.device && type !== "photo").length;
    }
  }
  await noteLoss(author, { .../** @type {Loss} */ (await lossOf(author)), found });
}
