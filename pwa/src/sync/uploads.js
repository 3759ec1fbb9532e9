/**
 * Sends photo files by the resumable tus protocol, newest first and one at a time, after the records. Where an upload stands is in
 * the store, so it goes on after any stop from the byte the server has.
 */
import { Upload } from "tus-js-client";
import { blobOf, noteUpload, releaseUpload, uploads } from "../store/outbox.js";
import { Offline, errorOf } from "./http.js";

const ENDPOINT = "/api/uploads";
const CHUNK_BYTES = 512 * 1024;
const NOTE_EVERY_MS = 1_000;
const RETRY_DELAYS_MS = [500, 2_000, 5_000];

/**
 * Sends what is waiting until nothing is left that may be tried now.
 * @param {import("../store/meta.js").Session} session
 * @param {{shouldStop: () => boolean, onProgress: (upload: any) => void}} hooks `shouldStop` is asked before each file
 * @throws {import("./http.js").Offline | import("./http.js").SignedOut | import("./http.js").Busy}
 */
export async function sendPhotos(session, { shouldStop, onProgress }) {
  const tried = new Set();
  while (!shouldStop()) {
    const next = (await uploads(session.author)).find(({ key, problem }) => !tried.has(key) && !problem);
    if (!next) return;
    tried.add(next.key);
    await sendOne(session, next, onProgress);
    onProgress(next);
  }
}

async function sendOne(session, upload, onProgress) {
  const blob = await blobOf(session.author, upload.photo, upload.role);
  if (!blob) return noteUpload(session.author, upload.key, { problem: "file_missing" });
  try {
    await transfer(session, upload, blob, onProgress);
    await releaseUpload(session.author, upload.key);
  } catch (error) {
    const problem = refusalOf(error);
    if (!problem) throw await whatFailed(session, upload, error);
    await noteUpload(session.author, upload.key, { problem });
  }
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

/** The server's final word on a file, or null when the transfer merely failed. */
function refusalOf(error) {
  const status = statusOf(error);
  if (![400, 403, 410, 413, 415, 422].includes(status)) return null;
  return bodyOf(error).code ?? `refused_${status}`;
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
