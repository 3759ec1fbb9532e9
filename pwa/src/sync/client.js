/**
 * The page's side of sync: starting the worker, asking for a round, hearing the news, and what only a page may ask the browser.
 */
import { listen, tell } from "./channel.js";

/** @type {Worker | null} */
let worker = null;

/** Starts the sync worker, and a new one whenever somebody else signs in. Safe to call again. */
export function startSync() {
  if (worker) return;
  restart();
  listen(({ type }) => type === "session" && restart());
  // A version that was taken in another page: this one's worker would hold the lock and no longer fit the tables.
  navigator.serviceWorker.addEventListener("controllerchange", restart);
  addEventListener("online", requestSync);
  document.addEventListener("visibilitychange", () => {
    tellHidden();
    if (document.visibilityState === "visible") requestSync();
  });
}

function restart() {
  worker?.terminate();
  worker = new Worker("/m/sync.js", { name: "xunge-sync" });
  tellHidden();
}

/** A phone in a pocket syncs less often; only a page knows. */
function tellHidden() {
  worker?.postMessage({ is_hidden: document.visibilityState === "hidden" });
}

/** Asks for a round now: the user did, or the network or the foreground is back. */
export function requestSync() {
  tell({ type: "sync-now" });
}

/** Hears every piece of news (`pwa/README.md` lists them); answers a function that stops. @param {(news: any) => void} hear */
export function onNews(hear) {
  return listen(hear);
}

/** Asks the browser to keep this app's storage when room gets short. @returns {Promise<boolean>} */
export async function askToPersist() {
  const { storage } = navigator;
  if (!storage?.persist) return false;
  return (await storage.persisted()) || storage.persist();
}

/** Lets the waiting version take over, then loads the page anew. */
export async function takeUpdate() {
  const registration = await navigator.serviceWorker.getRegistration("/m/");
  if (!registration?.waiting) return;
  navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
  tell({ type: "update-taken" });
  registration.waiting.postMessage({ type: "take-update" });
}
