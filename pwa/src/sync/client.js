/**
 * The page's side of sync: starting the worker, asking for a round, hearing the news, and what only a page may ask the browser.
 */
import { listen, tell } from "./channel.js";

/**
 * A new version takes over when the old one has nothing left to answer, so that pages ask for nothing then and no sync runs. One request at the
 * wrong moment makes Chromium start the old one anew instead, which then must have rested for half a minute.
 */
export const TAKING_OVER_MS = 60_000;
/** Until pages and sync have heard of it. */
const HEARD_MS = 100;

/** @type {Worker | null} */
let worker = null;
let resting = 0;

/** Starts the sync worker, and a new one whenever somebody else signs in. Safe to call again. */
export function startSync() {
  if (worker) return;
  restart();
  listen(({ type }) => {
    if (type === "session") restart();
    if (type === "update-taken") rest();
  });
  // A version that was taken in another page: this one's worker would hold the lock and no longer fit the tables.
  navigator.serviceWorker.addEventListener("controllerchange", restart);
  addEventListener("online", requestSync);
  document.addEventListener("visibilitychange", () => {
    tellHidden();
    if (document.visibilityState === "visible") requestSync();
  });
}

function restart() {
  stop();
  worker = new Worker("/m/sync.js", { name: "xunge-sync" });
  tellHidden();
}

/** What it had begun goes on when it starts again, with the new version or, when that could not take over, without. */
function rest() {
  stop();
  resting = window.setTimeout(restart, TAKING_OVER_MS);
}

function stop() {
  clearTimeout(resting);
  worker?.terminate();
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
  if (!registration?.waiting) return location.reload(); // it was taken in another page
  navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
  tell({ type: "update-taken" });
  window.setTimeout(() => registration.waiting?.postMessage({ type: "take-update" }), HEARD_MS);
}
