/**
 * The phone's own code for sending photos, run under Node with its store in memory: keeps reports with the photos of a folder, then
 * sends until nothing waits. Argument: JSON {url, session, folder, faster}: its timers run as many times as fast as the
 * link does. Prints {rounds, refused}. Used by uploads.py only.
 */
import { readFileSync, readdirSync } from "node:fs";

import { phone, report } from "../pwa/engine/phone.mjs";
import "../pwa/engine/xhr.mjs";

const asked = JSON.parse(process.argv[2]);
const ROUND_WAIT_MS = 2_000;
const reach = globalThis.fetch;
const wait = globalThis.setTimeout;
globalThis.setTimeout = /** @type {any} */ ((act, ms = 0, ...rest) => wait(act, ms / asked.faster, ...rest));
globalThis.fetch = (path, init) => reach(new URL(String(path), asked.url), init);

const { sendPhotos } = await import("../../pwa/src/sync/uploads.js");
const { uploads } = await import("../../pwa/src/store/outbox.js");

const store = await phone(asked.session);
for (const name of readdirSync(asked.folder).sort()) {
  const photos = [new Blob([readFileSync(`${asked.folder}/${name}`)], { type: "image/jpeg" })];
  await store.saveRecord(await report(store, { photos }));
}

const waiting = async () => (await uploads(store.session.author)).filter(({ problem }) => !problem);
let rounds = 0;
while ((await waiting()).length) {
  rounds += 1;
  try {
    await sendPhotos(store.session, { shouldStop: () => false, onProgress: () => undefined });
  } catch (error) {
    if (!["Offline", "Busy"].includes(error.name)) throw error;
    await new Promise((resolve) => setTimeout(resolve, ROUND_WAIT_MS));
  }
}
const refused = (await uploads(store.session.author)).filter(({ problem }) => problem).map(({ problem }) => problem);
console.log(JSON.stringify({ rounds, refused }));
