/**
 * The upload library of the phone, run under Node with the phone's own options: sends one file and prints how it ended.
 * Argument: JSON {endpoint, token, path, metadata, chunk_bytes, with_creation}. Used by test_tus_client.py only.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { Upload } = createRequire(new URL("../../pwa/package.json", import.meta.url))("tus-js-client");
const asked = JSON.parse(process.argv[2]);

/** @param {any} error */
function tellFailure(error) {
  const answer = error.originalResponse;
  const body = answer?.getBody() || "{}";
  console.log(JSON.stringify({ is_done: false, status: answer?.getStatus() ?? 0, code: JSON.parse(body).code ?? null }));
}

/** As on the phone: worth another try within this run. */
function isTransient(error) {
  return [0, 408, 409, 423, 460].includes(error.originalResponse?.getStatus() ?? 0);
}

const sending = new Upload(readFileSync(asked.path), {
  endpoint: asked.endpoint,
  chunkSize: asked.chunk_bytes,
  uploadDataDuringCreation: asked.with_creation,
  retryDelays: Array(30).fill(50),
  headers: { Authorization: `Bearer ${asked.token}` },
  metadata: asked.metadata,
  onShouldRetry: isTransient,
  onSuccess: () => console.log(JSON.stringify({ is_done: true, url: sending.url })),
  onError: tellFailure,
});
sending.start();
