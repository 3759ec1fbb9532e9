/**
 * The sync worker: a dedicated worker of each open page, of which one at a time holds the lock and syncs. It keeps nothing in
 * memory that the store does not have, so any page may be closed at any moment.
 */
import { currentSession } from "../store/meta.js";
import { listen } from "./channel.js";
import { Loop } from "./loop.js";

async function start() {
  const session = await currentSession();
  if (!session) return;
  await navigator.locks.request(`xunge-sync-${session.author}`, () => sync(session));
}

async function sync(session) {
  const loop = new Loop(session);
  const awake = () => void loop.wantNow().catch((error) => console.error("sync was not asked", error));
  const unlisten = listen(({ type }) => {
    if (type === "wrote") loop.want({ isUrgent: true });
    if (type === "sync-now") awake();
  });
  self.addEventListener("online", awake);
  await loop.run();
  self.removeEventListener("online", awake);
  unlisten();
}

start().catch((error) => console.error("sync ended", error));
