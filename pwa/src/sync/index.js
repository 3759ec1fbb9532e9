/**
 * The sync worker: a dedicated worker of each open page, of which one at a time holds the lock and syncs. It keeps nothing in
 * memory that the store does not have, so any page may be closed at any moment.
 */
import { currentSession, sessionOf } from "../store/meta.js";
import { listen } from "./channel.js";
import { Busy, Offline } from "./http.js";
import { Loop, waitOf } from "./loop.js";
import { lockOf, sendForOthers } from "./others.js";
import { pause } from "./poke.js";
import { note } from "./progress.js";
import { rescue } from "./rescue.js";
import { onLinkChange } from "./wifi.js";

const OTHERS_FIRST_MS = 10_000;
const OTHERS_EVERY_MS = 15 * 60_000;
const RESCUE_EVERY_MS = 3_600_000;

async function start() {
  const session = await currentSession();
  void helpOthers(session?.author ?? null);
  if (!session) return;
  await navigator.locks.request(lockOf(session.author), () => sync(session));
}

async function sync(session) {
  const signedOut = await runLoop(session);
  if (signedOut) await keepRescuing(session);
}

/** Syncs until the token is refused. */
async function runLoop(session) {
  const loop = new Loop(session);
  const awake = () => void loop.wantNow().catch((error) => console.error("sync was not asked", error));
  const hear = ({ data }) => (loop.isHidden = data?.is_hidden === true);
  const unlisten = listen(({ type }) => {
    if (type === "wrote") loop.want({ isUrgent: true });
    if (type === "sync-now") awake();
  });
  self.addEventListener("online", awake);
  self.addEventListener("message", hear);
  onLinkChange(() => loop.want());
  await loop.run();
  self.removeEventListener("online", awake);
  self.removeEventListener("message", hear);
  unlisten();
  return loop.signedOut;
}

/** Hands over what a refused token may still hand over, as often as it takes; a new sign-in starts this worker anew. */
async function keepRescuing(session) {
  for (let failures = 0, wait_ms = 0; ; ) {
    await untilAsked(wait_ms);
    const now = await sessionOf(session.author);
    if (!now) return;
    try {
      const ended = await rescue(now);
      if (ended === "wiped" || ended === "lost") return;
      if (ended === "valid") return sync(now);
      [failures, wait_ms] = [0, RESCUE_EVERY_MS];
    } catch (error) {
      if (!(error instanceof Offline || error instanceof Busy)) console.error("the rescue failed", error);
      wait_ms = waitOf(error, ++failures);
      await note(session.author, {}).catch(() => undefined);
    }
  }
}

/** Waits, or less when something was saved, the user asks or the network is back. */
async function untilAsked(wait_ms) {
  if (!wait_ms) return;
  const asked = new AbortController();
  const wake = () => asked.abort();
  const unlisten = listen(({ type }) => (type === "wrote" || type === "sync-now") && wake());
  self.addEventListener("online", wake, { once: true });
  await pause(wait_ms, asked.signal);
  self.removeEventListener("online", wake);
  unlisten();
}

async function helpOthers(current) {
  for (let wait_ms = OTHERS_FIRST_MS; ; wait_ms = OTHERS_EVERY_MS) {
    await untilAsked(wait_ms);
    await sendForOthers(current).catch((error) => console.error("another user's records were not sent", error));
  }
}

start().catch((error) => console.error("sync ended", error));
