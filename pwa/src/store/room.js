/**
 * Whether this phone has room, by what happened: browsers do not say how much is left. What found no room is remembered until something
 * of its kind is written again; a phone without room for even that remembers nothing, and says so each time.
 */
import { StorageFull } from "./errors.js";
import { setState, state } from "./outbox.js";

const NAME = "no-room";

/** @template T @param {string} author @param {Promise<T>} writing @returns {Promise<T>} what it answers or throws */
export async function noteRoom(author, writing) {
  try {
    const written = await writing;
    if (await state(author, NAME)) await setState(author, NAME, null);
    return written;
  } catch (error) {
    if (error instanceof StorageFull) await setState(author, NAME, true).catch(() => undefined);
    throw error;
  }
}

/** @param {string} author @returns {Promise<boolean>} */
export async function isWithoutRoom(author) {
  return (await state(author, NAME)) === true;
}
