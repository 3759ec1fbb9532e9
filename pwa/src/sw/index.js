/**
 * The service worker's events. It answers everything under `/m/` from this phone and nothing else. It neither syncs nor uploads
 * (Chromium stops it after 30 seconds): that is `src/sync`'s.
 */
import { setAppVersion } from "../store/meta.js";
import { migrate } from "../store/migration.js";
import { tell } from "../sync/channel.js";
import { answer } from "./app.js";
import { dropOldFiles, file, isFile, precache } from "./files.js";
import { isPhoto, photo } from "./photos.js";
import { hearPushes } from "./push.js";
import { RESCUE_FILE, answerRescueFile } from "./rescue-file.js";

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

worker.addEventListener("install", (event) => event.waitUntil(install()));
worker.addEventListener("activate", (event) => event.waitUntil(activate()));
worker.addEventListener("message", (event) => {
  if (event.data?.type === "take-update") event.waitUntil(worker.skipWaiting());
});
hearPushes();
worker.addEventListener("fetch", (event) => {
  const { origin, pathname } = new URL(event.request.url);
  if (origin !== worker.location.origin || !pathname.startsWith("/m/")) return;
  event.respondWith(respond(event.request, pathname));
});

/** The first version takes over at once; a later one waits until the user is not in the middle of something. */
async function install() {
  await precache();
  if (worker.registration.active) tell({ type: "update-ready", version: BUILD_VERSION });
  else await worker.skipWaiting();
}

/** Requests wait for this to end: the version before is gone, and what it left is brought to this one's shape. */
async function activate() {
  await migrate();
  await dropOldFiles();
  await setAppVersion(BUILD_VERSION);
  await worker.clients.claim();
}

function respond(request, pathname) {
  if (isPhoto(pathname)) return photo(request);
  if (pathname === RESCUE_FILE) return answerRescueFile();
  if (request.method === "GET" && isFile(pathname)) return file(request);
  return answer(request);
}
