/**
 * Two things that outlive a session on a shared or refused phone: since when a user's token is refused, with their wish to hand what is
 * unsent over at once, and how much waits for those who are not signed in.
 */
import { sessions } from "./meta.js";
import { setState, state } from "./outbox.js";
import { unsent } from "./where.js";

const NAME = "refused-since";
const PATIENCE_MS = 3 * 24 * 3_600_000;

/** Whether a token that is too old has been refused for days, or its user does not want to wait. Notes the first time. @param {string} author */
export async function isTimeToHandOver(author) {
  const held = await state(author, NAME);
  if (held?.isAsked) return true;
  if (!held) await setState(author, NAME, { at_ms: Date.now(), isAsked: false });
  return held ? Date.now() - held.at_ms > PATIENCE_MS : false;
}

/** The user wants everything unsent handed over now. @param {string} author */
export async function askToHandOver(author) {
  await setState(author, NAME, { at_ms: Date.now(), isAsked: true }, "strict");
}

/** The token is good again. @param {string} author @returns {Promise<boolean>} whether there was anything to forget */
export async function forgetHandOver(author) {
  const isKnown = (await state(author, NAME)) !== null;
  if (isKnown) await setState(author, NAME, null);
  return isKnown;
}

/**
 * How many records and photos of other users wait on this phone, how many of them wait for that user's PIN, and whether a rescue file of
 * them can be made. @param {string | null} current the signed-in user's name @returns {Promise<{count: number, sealed: number, can_make: boolean}>}
 */
export async function waitingOfOthers(current) {
  const others = (await sessions()).filter(({ author }) => author !== current);
  const counts = await Promise.all(others.map(({ author }) => unsent(author)));
  const sum = (/** @type {"count" | "sealed_count"} */ name) => counts.reduce((before, of) => before + of[name], 0);
  return { count: sum("count"), sealed: sum("sealed_count"), can_make: others.some(({ seal_key }) => seal_key?.proof) };
}
