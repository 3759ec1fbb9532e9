/**
 * The phone's upload client, run under Node with the phone's own options: sends one file and prints how it ended.
 * Argument: JSON {endpoint, token, path, metadata, chunk_bytes, with_creation}. Used by test_tus_client.py only.
 */
import { readFileSync } from "node:fs";

import "../pwa/engine/xhr.mjs";
import { upload } from "../../pwa/src/sync/tus.js";

const { endpoint, token, path, metadata, chunk_bytes, with_creation } = JSON.parse(process.argv[2]);
const TRANSIENT = new Set([0, 408, 409, 423, 460]);
const reach = globalThis.fetch;
globalThis.fetch = (path, init) => reach(new URL(String(path), endpoint), init);
let at = null;

try {
  await upload(new Blob([readFileSync(path)]), {
    endpoint,
    url: null,
    chunk_bytes,
    with_creation,
    stall_ms: 30_000,
    waits_ms: Array(30).fill(50),
    headers: { Authorization: `Bearer ${token}` },
    metadata,
    onUrl: (url) => (at = url),
    onProgress: () => undefined,
    mayRetry: ({ status }) => TRANSIENT.has(status),
  });
  console.log(JSON.stringify({ is_done: true, url: at }));
} catch (error) {
  const { status, body } = /** @type {any} */ (error);
  console.log(JSON.stringify({ is_done: false, status, code: body.code ?? null }));
}
