/** The indexes that are folds of what is written, brought up to date by whoever wrote: households, and when compounds of a beat are due. */
import { followBeat } from "./beat-dues.js";
import { follow } from "./homes.js";
import { entries } from "./outbox.js";
import { readable } from "./sealed.js";

/** @param {import("./meta.js").Session} session @param {string[]} databases what was written into */
export async function followWritten(session, databases) {
  await Promise.all([follow(session, databases), followBeat(session, databases)]);
}

/**
 * Follows what waits to be sent: a save that was killed wrote it, and may not have come as far as the indexes.
 * @param {import("./meta.js").Session} session @returns {Promise<string[]>} the databases that were looked at
 */
export async function followWaiting(session) {
  const waiting = (await entries(session.author)).map(({ database }) => database);
  const names = await readable(session.author, [...new Set(waiting)]);
  await followWritten(session, names);
  return names;
}
