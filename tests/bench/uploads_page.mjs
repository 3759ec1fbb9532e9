/**
 * The phone's upload library with the options of a bad link, bundled for a page of a real browser: `sendAll(photos, token, faster)`
 * sends them one after the other until all are kept. Used by uploads.py `--chromium` only.
 */
import { Upload } from "tus-js-client";
import { planFor } from "../../pwa/src/sync/link.js";

const RETRY_DELAYS_MS = [500, 2_000, 5_000];
const ROUND_WAIT_MS = 2_000;
const TRANSIENT = new Set([0, 408, 409, 423, 460]);

/** @returns {Promise<{rounds: number, refused: string[]}>} */
async function sendAll(photos, token, faster) {
  let rounds = 0;
  for (const { metadata, base64 } of photos) {
    const blob = new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], { type: "image/jpeg" });
    const place = { url: null };
    rounds += 1;
    while (!(await send(blob, metadata, token, place, faster))) {
      rounds += 1;
      await new Promise((resolve) => setTimeout(resolve, ROUND_WAIT_MS / faster));
    }
  }
  return { rounds, refused: [] };
}

function send(blob, metadata, token, place, faster) {
  const { chunk_bytes, with_creation } = planFor({ whole: 0, is_bad: true });
  return new Promise((resolve) => {
    const sending = new Upload(blob, {
      endpoint: "/api/uploads",
      uploadUrl: place.url,
      chunkSize: chunk_bytes,
      uploadDataDuringCreation: with_creation,
      storeFingerprintForResuming: false,
      retryDelays: RETRY_DELAYS_MS.map((delay_ms) => delay_ms / faster),
      headers: { Authorization: `Bearer ${token}` },
      metadata,
      onUploadUrlAvailable: () => (place.url = sending.url),
      onShouldRetry: (error) => TRANSIENT.has(/** @type {any} */ (error).originalResponse?.getStatus() ?? 0),
      onSuccess: () => resolve(true),
      onError: () => resolve(false),
    });
    sending.start();
  });
}

Object.assign(globalThis, { sendAll });
