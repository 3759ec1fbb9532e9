/** The first load of a new phone: it begins at once, takes in what is unlocked meanwhile, and says how far it is. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { GRID, givePin, phone, session } from "./phone.mjs";
import { serveAll } from "./fleet.mjs";
import { reply, serve } from "./server.mjs";

const { loadedDatabases } = await import("../../../pwa/src/store/checkpoints.js");
const { storeOf } = await import("../../../pwa/src/store/index.js");
const { beginSession } = await import("../../../pwa/src/store/meta.js");
const { state } = await import("../../../pwa/src/store/outbox.js");
const { Loop } = await import("../../../pwa/src/sync/loop.js");
const { note } = await import("../../../pwa/src/sync/progress.js");
const { runRound } = await import("../../../pwa/src/sync/round.js");

const ALL = Object.freeze({ me: true, all: true });
const HOOKS = Object.freeze({ isUnsure: false });
const FEED = () => reply(200, { results: [], last_seq: "1", pending: 0 });

test("a new phone waits neither for the stream of pokes nor for what it was told when it signed in", { timeout: 60_000 }, async (t) => {
  const store = await phone();
  const { user, grids, databases, author } = store.session;
  let goOn = () => undefined;
  const isAsked = new Promise((resolve) => (goOn = resolve));
  const feeds = Object.fromEntries(databases.map(({ name }) => [`GET /db/${name}/_changes`, () => (goOn(), FEED())]));
  serve({
    ...feeds,
    "GET /api/poke": () => new Promise(() => undefined),
    "GET /api/devices/me": async () => (await isAsked, reply(200, { user, grids, databases, server_time: new Date().toISOString() })),
    "POST /api/devices/me": () => reply(200, {}),
  });
  const loop = new Loop(store.session);
  const running = loop.run();
  t.after(() => loop.stop());
  while (!t.signal.aborted && (await loadedDatabases(author)).length < databases.length) await new Promise((resolve) => setTimeout(resolve, 10));
  loop.stop();
  await running;
});

test("what is unlocked while a round pulls is pulled in the same round", async () => {
  const own = session();
  await beginSession(own);
  const { session: held } = storeOf(own);
  serveAll({ session: held });
  const answer = globalThis.fetch;
  let goOn = () => undefined;
  const isPulling = new Promise((resolve) => (goOn = resolve));
  globalThis.fetch = async (path, init) => {
    if (String(path).includes("2026q3")) await isPulling.then(() => givePin(own));
    return answer(path, init);
  };
  await runRound(held, { ...ALL, names: new Set() }, { ...HOOKS, onProgress: () => goOn() });
  const loaded = await loadedDatabases(held.author);
  assert.deepEqual(loaded.sort(), held.databases.map(({ name }) => name).sort());
});

test("it says how much has come and how much is known to be left, until everything has been here once", async () => {
  const store = await phone();
  const server = serveAll(store);
  const foreign = Array.from({ length: 450 }, (_, n) => ({ _id: `report:0${n}`, _rev: "1-a", type: "report", photos: [], captured_at: "2026-11-23T08:00:00.000Z" }));
  server.feeds[`grid-${GRID}-2026q4`] = foreign;
  const told = [];
  assert.deepEqual(await store.loading(), { written: 0, pending: 0 });
  await runRound(store.session, { ...ALL, names: new Set() }, { ...HOOKS, onProgress: async () => void told.push(await store.loading()) });
  assert.ok(told.some((one) => one?.written === 200 && one.pending === 250), JSON.stringify(told));
  assert.equal(await store.loading(), null);
});

test("what rounds and photos say of themselves at the same moment is all kept", async () => {
  const { session: own } = await phone();
  await Promise.all(Array.from({ length: 20 }, (_, n) => note(own.author, { [`field${n}`]: n })));
  const kept = await state(own.author, "sync");
  assert.deepEqual(Array.from({ length: 20 }, (_, n) => kept[`field${n}`]), Array.from({ length: 20 }, (_, n) => n));
});
