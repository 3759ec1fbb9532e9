/**
 * Sends photo files by the resumable tus protocol, newest first and one at a time, after the records. Where an upload stands is in
 * the store, so it goes on after any stop from the byte the server has. What an answer means is `verdicts.js`'s to say.
 */
import { Upload } from "tus-js-client";
import { blobOf, noteUpload, releaseUpload, uploads } from "../store/outbox.js";
import { Offline, errorOf } from "./http.js";
import { MOST_FAULTS, faultWait, verdictOf } from "./verdicts.js";

const ENDPOINT = "/api/uploads";
const CHUNK_BYTES = 512 * 1024;
const NOTE_EVERY_MS = 1_000;
const RETRY_DELAYS_MS = [500, 2_000, 5_000];

/**
 * Sends what is waiting until nothing is left that may be tried now. A file that arrived damaged waits a while and does not hold
 * up the others.
 * @param {import("../store/meta.js").Session} session
 * @param {{shouldStop: () => boolean, onProgress: (upload: any) => void}} hooks `shouldStop` is asked before each file
 * @returns {Promise<number | null>} milliseconds until a file may be tried again, or null when none waits for that
 * @throws {import("./http.js").Offline | import("./http.js").SignedOut | import("./http.js").Busy}
 */
export async function sendPhotos(session, { shouldStop, onProgress }) {
  const tried = new Set();
  while (!shouldStop()) {
    const open = (await uploads(session.author)).filter(({ problem }) => !problem);
    const next = open.find(({ key, retry_at_ms = 0 }) => !tried.has(key) && retry_at_ms <= Date.now());
    if (!next) return waitFor(open);
    tried.add(next.key);
    await sendOne(session, next, onProgress);
    onProgress(next);
  }
  return null;
}

function waitFor(open) {
  const moments = open.map(({ retry_at_ms }) => retry_at_ms).filter(Boolean);
  return moments.length ? Math.max(0, Math.min(...moments) - Date.now()) : null;
}

/** Lets files that were given up for transfer faults be tried once more: the user or the network is back. */
export async function retryDamaged(author) {
  const damaged = (await uploads(author)).filter(({ problem, is_final }) => problem && !is_final);
  for (const { key } of damaged) await noteUpload(author, key, { problem: null, retry_at_ms: 0 });
}

async function sendOne(session, upload, onProgress) {
  const blob = await blobOf(session.author, upload.photo, upload.role);
  if (!blob) return noteUpload(session.author, upload.key, { problem: "file_missing", is_final: true, is_kept: false });
  try {
    await transfer(session, upload, blob, onProgress);
    await releaseUpload(session.author, upload.key);
  } catch (error) {
    const verdict = verdictOf(statusOf(error), bodyOf(error));
    if (verdict.kind === "failed") throw await whatFailed(session, upload, error);
    await noteUpload(session.author, upload.key, verdict.kind === "refused" ? refusedNote(verdict) : faultNote(upload, verdict));
  }
}

function refusedNote({ code, is_kept }) {
  return { problem: code, is_final: true, is_kept };
}

/** The server dropped what it had: the next try begins with the first byte. */
function faultNote({ faults = 0 }, { code }) {
  const anew = { faults: faults + 1, upload_url: null, sent_bytes: 0 };
  const isOver = anew.faults >= MOST_FAULTS;
  return isOver ? { ...anew, problem: code, is_final: false } : { ...anew, retry_at_ms: Date.now() + faultWait(anew.faults) };
}

function transfer(session, upload, blob, onProgress) {
  return new Promise((resolve, reject) => {
    const sending = new Upload(blob, {
      endpoint: ENDPOINT,
      uploadUrl: upload.upload_url,
      chunkSize: CHUNK_BYTES,
      uploadDataDuringCreation: !upload.has_failed,
      storeFingerprintForResuming: false,
      retryDelays: RETRY_DELAYS_MS,
      headers: { Authorization: `Bearer ${session.token}` },
      metadata: metadataOf(upload),
      onUploadUrlAvailable: () => void noteUpload(session.author, upload.key, { upload_url: sending.url }),
      onProgress: progressOf(session, upload, onProgress),
      onShouldRetry: (error) => isTransient(/** @type {any} */ (error)),
      onSuccess: () => resolve(undefined),
      onError: reject,
    });
    sending.start();
  });
}

function metadataOf({ photo, role, database, sha256, content_type }) {
  return { photo, role, database, sha256, filetype: content_type };
}

function progressOf(session, upload, onProgress) {
  let noted_at_ms = 0;
  return (sent_bytes) => {
    if (Date.now() - noted_at_ms < NOTE_EVERY_MS) return;
    noted_at_ms = Date.now();
    void noteUpload(session.author, upload.key, { sent_bytes }).then(() => onProgress(upload));
  };
}

function statusOf(error) {
  return error.originalResponse?.getStatus() ?? 0;
}

/** Worth another try within this run; patience the server asks for is the loop's business. */
function isTransient(error) {
  const status = statusOf(error);
  return status === 0 || status === 409 || status === 423 || status === 408 || status === 460;
}

function bodyOf(error) {
  try {
    return JSON.parse(error.originalResponse.getBody());
  } catch {
    return {};
  }
}

/** The next try begins with an empty request, so that a link that dies halfway does not cost what had arrived. */
async function whatFailed(session, upload, error) {
  await noteUpload(session.author, upload.key, { has_failed: true });
  const status = statusOf(error);
  if (!status) return new Offline(error);
  const retry_after_s = Number(error.originalResponse.getHeader("Retry-After")) || null;
  return errorOf(status, bodyOf(error).code ?? "", retry_after_s);
}
