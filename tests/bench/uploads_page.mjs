/**
 * The phone's upload client with the options of a bad link, bundled for a page of a real browser: `sendAll(photos, token, faster)`
 * sends them one after the other until all are kept. Used by uploads.py `--chromium` only.
 */
import { planFor } from "../../pwa/src/sync/link.js";
import { upload } from "../../pwa/src/sync/tus.js";

const RETRY_WAITS_MS = [500, 2_000, 5_000];
const STALL_MS = 45_000;
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
  const sending = upload(blob, {
    ...planFor({ whole: 0, is_bad: true }),
    endpoint: "/api/uploads",
    url: place.url,
    stall_ms: STALL_MS / faster,
    waits_ms: RETRY_WAITS_MS.map((wait_ms) => wait_ms / faster),
    headers: { Authorization: `Bearer ${token}` },
    metadata,
    onUrl: (url) => (place.url = url),
    onProgress: () => undefined,
    mayRetry: ({ status }) => TRANSIENT.has(status),
  });
  return sending.then(() => true, () => false);
}

Object.assign(globalThis, { sendAll });
