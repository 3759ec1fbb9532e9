/**
 * A phone for tests: IndexedDB in memory, a signed-in worker, and makers of records as the forms make them.
 */
import "./browser.mjs";

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(new URL("../../../pwa/package.json", import.meta.url));
await import(pathToFileURL(require.resolve("fake-indexeddb/auto")).href);

const { storeOf } = await import("../../../pwa/src/store/index.js");
const { laterStamp } = await import("../../../pwa/src/store/identity.js");
const { beginSession } = await import("../../../pwa/src/store/meta.js");
const { entries } = await import("../../../pwa/src/store/outbox.js");
const { openDocs } = await import("../../../pwa/src/store/sealed.js");
const { makeVault } = await import("../../../pwa/src/store/unlocking.js");
const { standing } = await import("../../../pwa/src/store/vault.js");

export const GRID = "640105002001001";
export const QUARTER = "2026q4";
let phones = 0;

/** A session nobody else has, so that tests do not share databases. */
export function session(fields = {}) {
  phones += 1;
  const names = ["ref", `grid-${GRID}-${QUARTER}`, `grid-${GRID}-2026q3`, `home-${GRID}`, `home-${GRID}-${QUARTER}`];
  return {
    user: { id: "user:worker1", name: "worker1", roles: ["worker"] },
    author: `worker${phones}`,
    device: "device1",
    token: "device1.secret",
    grids: [GRID],
    databases: names.map((name) => ({ name, pull: true, push: name !== "ref" })),
    offset_ms: 0,
    enrolled_at: "2026-11-23T08:00:00.000Z",
    ...fields,
  };
}

export const PIN = "246810";

/** A store with a session of its own, signed in, and with a PIN where its user needs one: unlocked. */
export async function phone(fields) {
  const own = session(fields);
  await beginSession(own);
  await givePin(own);
  return storeOf(own);
}

/** Sets the PIN, stretched so little that tests do not wait for it. */
export async function givePin(own, pin = PIN) {
  if ((await standing(own)) === "unset") await makeVault(own, pin, 1000);
}

/** The unsent entries with their documents as they were made. @param {string} author */
export async function openEntries(author) {
  return Promise.all((await entries(author)).map(async (entry) => ({ ...entry, doc: (await openDocs(author, entry.database, [entry.doc]))[0] })));
}

/** A report with photos as `saveRecord` takes it. */
export async function report(store, { uuid = store.uuid(), photos = [], text = "井盖破损" } = {}) {
  const database = store.databaseFor("grid", GRID);
  const captured_at = "2026-11-23T08:00:00.000Z";
  const common = { grid: GRID, captured_at };
  const shots = await Promise.all(photos.map(async (blob) => ({ uuid: store.uuid(), blob, print: await store.fingerprint(blob) })));
  const main = store.mint("report", {
    uuid, ...common, category: "manhole", text, urgency: "normal", place: null, source: "patrol", patrol: null, solved: null,
    photos: shots.map((shot) => `photo:${shot.uuid}`),
  });
  const photoDocs = shots.map((shot) => store.mint("photo", {
    uuid: shot.uuid, ...common, of: main._id, taken_at: null, place: null,
    files: [{ role: "sent", content_type: "image/jpeg", width_px: 1600, height_px: 1200, ...shot.print }],
  }));
  return {
    docs: [main, ...photoDocs].map((doc) => ({ database, doc })),
    blobs: shots.map((shot) => ({ photo: `photo:${shot.uuid}`, role: "sent", blob: shot.blob })),
  };
}

/** A household as its form makes it. */
export function household(store, fields = {}) {
  const doc = store.mint("household", {
    uuid: store.uuid(), grid: GRID, captured_at: "2026-11-23T08:00:00.000Z", name: "王家", address: "3-2-501",
    basis: { purpose: "服务", given_at: "2026-11-23T08:00:00.000Z", how: "consent_spoken" },
    stamps: { name: laterStamp(Date.now(), "device1", []) }, ...fields,
  });
  return { docs: [{ database: store.databaseFor("home", GRID), doc }] };
}

/** `size_bytes` of arbitrary bytes as a photo file. */
export function jpeg(size_bytes = 1000, fill = 7) {
  return new Blob([new Uint8Array(size_bytes).fill(fill)], { type: "image/jpeg" });
}
