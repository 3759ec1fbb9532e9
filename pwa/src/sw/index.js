/**
 * The service worker's events. It answers everything under `/m/` from this phone and nothing else. It neither syncs nor uploads
 * (Chromium stops it after 30 seconds): that is `src/sync`'s.
 */
import { currentSession, setAppVersion } from "../store/meta.js";
import { migrate } from "../store/migration.js";
import { keepSealedDraft } from "../store/sealed-drafts.js";
import { stayOpen, vaultOf } from "../store/vault.js";
import { tell } from "../sync/channel.js";
import { answer, tellLock } from "./app.js";
import { dropOldFiles, file, isFile, precache } from "./files.js";
import { isPhoto, photo } from "./photos.js";
import { hearPushes } from "./push.js";
import { RESCUE_FILE, answerRescueFile } from "./rescue-file.js";

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

worker.addEventListener("install", (event) => event.waitUntil(install()));
worker.addEventListener("activate", (event) => event.waitUntil(activate()));
worker.addEventListener("message", (event) => {
  const { type } = event.data ?? {};
  if (type === "take-update") event.waitUntil(worker.skipWaiting());
  if (type === "draft") event.waitUntil(keepDraft(event.data));
  if (type === "awake" || type === "idle") event.waitUntil(lookAtLock(type === "awake"));
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

async function keepDraft({ path, fields }) {
  const session = await currentSession();
  if (session) await keepSealedDraft(session.author, path, fields);
}

/** A page says that its user is there, or asks whether it is still open. @param {boolean} isAwake */
async function lookAtLock(isAwake) {
  const session = await currentSession();
  if (!session || !(await vaultOf(session.author))) return;
  if (isAwake) await stayOpen(session.author);
  await tellLock(session.author);
}

function respond(request, pathname) {
  if (isPhoto(pathname)) return photo(request);
  if (pathname === RESCUE_FILE) return answerRescueFile();
  if (request.method === "GET" && isFile(pathname)) return file(request);
  return answer(request);
}
