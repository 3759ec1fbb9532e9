/** What the loop does about a server that is full or takes the token no more: everything stays, and the phone knows why. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { GRID, household, jpeg, phone, report } from "./phone.mjs";
import { accepting, reply } from "./server.mjs";
import "./xhr.mjs";

const { entries, release } = await import("../../../pwa/src/store/outbox.js");
const { saveRecord } = await import("../../../pwa/src/store/saving.js");
const { Loop } = await import("../../../pwa/src/sync/loop.js");
const DATABASE = `grid-${GRID}-2026q4`;
const FULL = () => reply(503, { error: "service_unavailable", reason: "storage_full", code: "storage_full" }, { "Retry-After": "60" });
const STORED = () => new Response(null, { status: 201, headers: { Location: "/api/uploads/a", "Upload-Offset": "1000" } });

/** A phone with one report and its photo, and a server with `answers` beside its healthy ones; `asked` tells what came. */
async function started(answers = {}) {
  const store = await phone();
  await store.saveRecord(await report(store, { photos: [jpeg(1000)] }));
  const { user, grids, databases } = store.session;
  const server = { answers: {
    "GET /api/devices/me": () => reply(200, { user, grids, databases, server_time: new Date().toISOString() }),
    "POST /api/devices/me": () => reply(200, {}),
    "POST /api/uploads": STORED,
    "PATCH /api/uploads/a": () => new Response(null, { status: 204, headers: { "Upload-Offset": "1000" } }),
    ...accepting(DATABASE),
    ...answers,
  }, asked: /** @type {string[]} */ ([]) };
  globalThis.fetch = async (path, { method = "GET", body, signal } = {}) => {
    const name = `${method} ${new URL(String(path), "http://phone.test").pathname}`;
    server.asked.push(name);
    return (server.answers[name] ?? (() => reply(404, {})))(typeof body === "string" ? JSON.parse(body) : body, signal);
  };
  const loop = new Loop(store.session);
  loop.sleep = async () => undefined; // the waits themselves are `waitOf`'s, tested beside it
  return { store, server, loop };
}

/** One round and the photos after it. */
async function round(loop) {
  loop.want({ me: true });
  await loop.step();
  await loop.photosRun;
  clearTimeout(loop.photosTimer);
}

test("a server too full for records is told as that, from round to round, until it takes them", async () => {
  const { store, server, loop } = await started({ [`POST /db/${DATABASE}/_bulk_docs`]: FULL });
  for (let n = 0; n < 2; n += 1) {
    await round(loop);
    assert.deepEqual([await store.problem(), (await store.unsent()).count], ["server_full", 2]);
  }
  Object.assign(server.answers, accepting(DATABASE));
  await round(loop);
  assert.deepEqual([await store.problem(), (await store.unsent()).count], [null, 0]);
});

test("a server too full for photos alone takes records, says so, and is left alone for the time it asks", async () => {
  const { store, server, loop } = await started({ "POST /api/uploads": FULL });
  await round(loop);
  await round(loop);
  const { records, photos } = await store.unsent();
  assert.deepEqual([await store.problem(), records, photos], ["server_full", 0, 1]);
  assert.equal(server.asked.filter((name) => name === "POST /api/uploads").length, 1, "not asked again before its time");
  server.answers["POST /api/uploads"] = STORED;
  await loop.wantNow();
  await round(loop);
  assert.deepEqual([await store.problem(), (await store.unsent()).count], [null, 0]);
});

for (const [code, problem] of [["token_expired", "expired"], ["token_revoked", "revoked"], ["token_unknown", "signed_out"]]) {
  test(`a token refused with ${code} ends the loop, keeps everything and is told as ${problem}`, async () => {
    const { store, loop } = await started({ "GET /api/devices/me": () => reply(401, { code }) });
    await round(loop);
    assert.deepEqual([loop.ending.signal.aborted, await store.problem(), (await store.unsent()).count], [true, problem, 2]);
  });
}

test("a token refused with a photo is asked about, so that the phone can say why", async () => {
  const { store, server, loop } = await started({ "POST /api/uploads": () => reply(401, { code: "unauthorized" }) });
  await round(loop);
  server.answers["GET /api/devices/me"] = () => reply(401, { code: "token_expired" });
  assert.ok(loop.isWanted && loop.wants.me);
  await loop.step();
  assert.deepEqual([await store.problem(), (await store.unsent()).photos], ["expired", 1]);
});

/** A phone that has sent what it had; its loop ends with the test. */
async function settled(t) {
  const all = await started();
  await round(all.loop);
  t.after(() => all.loop.stop());
  return all;
}

/** A round that waits for a page of changes, which comes only when `isOver` holds. */
async function waitingForAPage({ server, loop }, isOver) {
  let isAsked = () => undefined;
  const asking = new Promise((resolve) => (isAsked = () => resolve(undefined)));
  server.answers[`GET /db/${DATABASE}/_changes`] = async () => {
    isAsked();
    while (!isOver() && !loop.ending.signal.aborted) await new Promise((resolve) => setTimeout(resolve, 5));
    return reply(200, { results: [], last_seq: "1", pending: 0 });
  };
  server.asked.length = 0;
  loop.want({ names: [DATABASE] });
  const running = loop.step();
  await asking;
  return { running };
}

const isPushed = (server) => server.asked.includes(`POST /db/${DATABASE}/_bulk_docs`);
const isGiven = (server) => server.asked.includes("POST /api/uploads");

test("a record saved while a page is long in coming is sent beside it, once, and its photo too", { timeout: 60_000 }, async (t) => {
  const all = await settled(t);
  const { store, server, loop } = all;
  const { running } = await waitingForAPage(all, () => isPushed(server) && isGiven(server));
  await store.saveRecord(await report(store, { photos: [jpeg(1000)] }));
  loop.want({ isUrgent: true });
  await running;
  await loop.photosRun;
  assert.equal(server.asked.filter((name) => name.endsWith("_bulk_docs")).length, 1);
  assert.equal((await store.unsent()).count, 0);
});

test("what its user may take back for ten seconds is sent when they are over, beside a page that is long in coming", { timeout: 60_000 }, async (t) => {
  const all = await settled(t);
  const { store, server, loop } = all;
  const { running } = await waitingForAPage(all, () => isPushed(server));
  await store.saveRecord({ ...(await report(store)), form: { text: "井盖破损" } });
  const now = Date.now.bind(Date);
  t.mock.method(Date, "now", () => now() + 9_900);
  loop.want({ isUrgent: true });
  await running;
  assert.equal((await store.unsent()).records, 0);
});

/** A clock that stands; answers what lets time pass. */
function stoppedClock(t) {
  let now_ms = Date.now();
  t.mock.method(Date, "now", () => now_ms);
  return (passed_ms) => (now_ms += passed_ms);
}

test("what was held back already when a round began is sent beside its pages, too", { timeout: 60_000 }, async (t) => {
  const all = await settled(t);
  const { store, server, loop } = all;
  const pass = stoppedClock(t);
  await store.saveRecord({ ...(await report(store)), form: { text: "井盖破损" } }); // by a page that was left: nobody told this loop
  pass(9_900);
  const { running } = await waitingForAPage(all, () => isPushed(server));
  pass(200);
  await running;
  assert.equal((await store.unsent()).records, 0);
});

test("what comes due while what was saved just before is being sent is sent after it, beside a page that is long in coming", { timeout: 60_000 }, async (t) => {
  const all = await settled(t);
  const { store, server, loop } = all;
  const pass = stoppedClock(t);
  const pushed = () => server.asked.filter((name) => name.endsWith("_bulk_docs")).length;
  const { running } = await waitingForAPage(all, () => pushed() === 2);
  const take = server.answers[`POST /db/${DATABASE}/_bulk_docs`];
  server.answers[`POST /db/${DATABASE}/_bulk_docs`] = (body) => (pass(1_000), take(body));
  await store.saveRecord({ ...(await report(store)), form: { text: "井盖破损" } });
  pass(500);
  await store.saveRecord({ ...(await report(store)), form: { text: "路灯不亮" } });
  pass(9_600);
  loop.want({ isUrgent: true });
  await running;
  assert.equal((await store.unsent()).records, 0);
});

test("photos go when their ten seconds are over, also where the server had their record by another way before", { timeout: 60_000 }, async (t) => {
  const { store, loop } = await settled(t);
  const pass = stoppedClock(t);
  await store.saveRecord({ ...(await report(store, { photos: [jpeg(1000)] })), form: { text: "井盖破损" } });
  await release(store.session.author, (await entries(store.session.author)).map(({ key }) => key)); // as a receipt does
  pass(9_900);
  await round(loop);
  assert.equal((await store.unsent()).photos, 1);
  pass(200);
  while (!loop.isWanted && !t.signal.aborted) await new Promise((resolve) => setTimeout(resolve, 5));
  await loop.step();
  await loop.photosRun;
  assert.equal((await store.unsent()).count, 0);
});

test("a push that fails beside the pages ends their round, and the next one begins with it", { timeout: 60_000 }, async (t) => {
  const all = await settled(t);
  const { store, server, loop } = all;
  const { running } = await waitingForAPage(all, () => isPushed(server));
  server.answers[`POST /db/${DATABASE}/_bulk_docs`] = FULL;
  await store.saveRecord(await report(store));
  loop.want({ isUrgent: true });
  await running;
  assert.deepEqual([loop.failures, loop.isUnsure, await store.problem()], [1, true, "server_full"]);
  Object.assign(server.answers, accepting(DATABASE));
  server.asked.length = 0;
  await loop.step();
  const first = server.asked.find((name) => /_bulk_docs|_changes/.test(name));
  assert.deepEqual([first, (await store.unsent()).records], [`POST /db/${DATABASE}/_bulk_docs`, 0]);
});

test("who asks while a round is failing is answered by another round at once, and waited for is nothing", async () => {
  const { store, server, loop } = await started();
  const healthy = server.answers["GET /api/devices/me"];
  const waits = [];
  loop.sleep = async (wait_ms) => void waits.push(wait_ms);
  server.answers["GET /api/devices/me"] = () => {
    loop.want({ me: true, all: true, isUrgent: true }); // the network is back, too late for this request
    throw new TypeError("network");
  };
  await loop.step();
  server.answers["GET /api/devices/me"] = healthy;
  assert.deepEqual(waits, []);
  await loop.step();
  assert.equal((await store.unsent()).records, 0);
  server.answers["GET /api/devices/me"] = () => { throw new TypeError("network"); };
  await round(loop);
  assert.equal(waits.length, 1);
});

test("a request on a link that died is given up when its user asks anew, and not before it has waited a while", async (t) => {
  const push = `POST /db/${DATABASE}/_bulk_docs`;
  const ends = [];
  const dead = (_body, signal) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => {
    ends.push(signal.reason.name);
    reject(signal.reason);
  }));
  const { store, server, loop } = await started({ [push]: dead });
  loop.want({ me: true });
  const running = loop.step();
  const asked = () => server.asked.filter((name) => name === push).length;
  while (!asked()) await new Promise((resolve) => setImmediate(resolve));
  await loop.wantNow();
  assert.equal(await Promise.race([running.then(() => "given up"), new Promise((resolve) => setTimeout(resolve, 50, "waits"))]), "waits");
  Object.assign(server.answers, accepting(DATABASE));
  const now = performance.now.bind(performance);
  t.mock.method(performance, "now", () => now() + 11_000);
  await loop.wantNow();
  await running;
  assert.deepEqual(ends, ["AbortError"], "given up, and not at its time limit");
  await loop.step();
  assert.deepEqual([asked(), (await store.unsent()).count], [2, 1]);
  clearTimeout(loop.photosTimer);
  await loop.photosRun;
});

test("a visit whose save was killed before the index of households is counted at the next start", { timeout: 60_000 }, async () => {
  const { store, server, loop } = await started();
  const home = household(store);
  await store.saveRecord(home);
  const visit = store.mint("visit", {
    uuid: store.uuid(), grid: GRID, captured_at: "2026-11-20T08:00:00.000Z", household: home.docs[0].doc._id, next_at: "2026-11-22T08:00:00.000Z",
  });
  await saveRecord(store.session, { docs: [{ database: store.databaseFor("home-quarter", GRID), doc: visit }] }); // and no further
  const due = () => store.dueCount(Date.parse("2026-11-23T08:00:00.000Z"));
  assert.equal(await due(), 0);
  server.answers["GET /api/devices/me"] = () => reply(401, { code: "token_expired" }); // one round is enough
  await loop.run();
  assert.equal(await due(), 1);
});
