/**
 * A phone that several people share: what somebody saved and did not get sent goes out while another is signed in, or nobody, each
 * with its author's own token and only that. Nothing of theirs is pulled or shown. It is also here that a phone learns that it must
 * wipe the data of somebody who has signed out.
 */
import { sessions } from "../store/meta.js";
import { endHolds } from "../store/undo.js";
import { unsent } from "../store/where.js";
import { Busy, Offline, SignedOut } from "./http.js";
import { pushOutbox } from "./push.js";
import { rescue } from "./rescue.js";
import { refresh } from "./round.js";
import { sendPhotos } from "./uploads.js";

/** Sends what everybody but `current` left behind. @param {string | null} current the signed-in user's name */
export async function sendForOthers(current) {
  for (const session of await sessions()) {
    if (session.author === current) continue;
    await navigator.locks.request(lockOf(session.author), { ifAvailable: true }, (lock) => (lock ? sendFor(session) : undefined));
  }
}

/** The name of the lock that whoever syncs for this user holds. @param {string} author */
export function lockOf(author) {
  return `xunge-sync-${author}`;
}

async function sendFor(session) {
  const hooks = { shouldStop: () => false, onProgress: () => undefined };
  try {
    await refresh(session);
    await endHolds(session.author);
    const { documents, photos } = await unsent(session.author);
    if (documents) await pushOutbox(session, { isUnsure: true });
    if (photos) await sendPhotos(session, hooks);
  } catch (error) {
    if (error instanceof SignedOut) await rescue(session).catch(passOver);
    else passOver(error);
  }
}

/** Without network or with a busy server it stays here until the next time. */
function passOver(error) {
  if (!(error instanceof Offline || error instanceof Busy)) throw error;
}
