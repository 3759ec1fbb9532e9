/** What was refused today and is allowed tomorrow arrives; what a clerk decided is known; what was lost on the way is asked about. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { GRID, QUARTER, jpeg, phone, report } from "./phone.mjs";
import { serveAll } from "./fleet.mjs";
import "./xhr.mjs";

const { runRound } = await import("../../../pwa/src/sync/round.js");
const { refusals } = await import("../../../pwa/src/store/refusals.js");
const { setAppVersion, updateSession } = await import("../../../pwa/src/store/meta.js");
const { entries } = await import("../../../pwa/src/store/outbox.js");
const DATABASE = `grid-${GRID}-${QUARTER}`;
const DAY_MS = 86_400_000;

/** A phone with one report, and a server that refuses it with `reason`; `round()` is one round of sync. */
async function refused(reason) {
  const store = await phone();
  await store.saveRecord(await report(store));
  const server = serveAll(store);
  server.rule = () => reason;
  const round = (options = {}) => runRound(store.session, { me: true, all: false, names: new Set() }, { isUnsure: false, ...options });
  await round();
  const [{ id, rev }] = await refusals(store.session.author);
  return { store, server, round, id, rev, author: store.session.author };
}

async function isThere({ store, id }) {
  return (await store.whereIs(id)).place === "server";
}

test("a record of a grid not held is pushed again when the grids change, as the same revision, and arrives", async () => {
  const told = await refused("not_grid_holder");
  const { server, round, store, id, rev } = told;
  await round();
  assert.equal(server.aside.length, 1, "nothing changed: it is not sent over and over");
  server.rule = () => undefined;
  server.me.databases = [...server.me.databases, { name: "home-640105002001002", pull: true, push: true }];
  await round();
  assert.ok(await isThere(told));
  assert.equal(server.held.get(`${DATABASE}|${id}`)._rev, rev);
  assert.deepEqual([(await refusals(store.session.author)).length, (await store.unsent()).count], [0, 0]);
});

test("a phone refused by rights it has not heard of asks at once, and tries again although a grid was taken and given back unseen", async () => {
  const store = await phone();
  await store.saveRecord(await report(store));
  const server = serveAll(store);
  server.rule = () => "not_grid_holder";
  let stale = 0;
  const round = (me) =>
    runRound(store.session, { me, all: false, names: new Set() }, { isUnsure: false, onStale: () => (stale += 1) });
  await round(false);
  assert.deepEqual([server.aside.length, stale], [1, 1]);
  await round(true);
  assert.deepEqual([server.aside.length, stale], [2, 1], "asked for its rights and refused again: now it waits for others");
  await round(true);
  assert.equal(server.aside.length, 2);
});

test("a record refused while a grid was taken and given back unseen arrives with the next round that asks for its rights", async () => {
  const store = await phone();
  await store.saveRecord(await report(store));
  const server = serveAll(store);
  server.rule = () => "not_grid_holder";
  const round = (me) => runRound(store.session, { me, all: false, names: new Set() }, { isUnsure: false });
  await round(false);
  server.rule = () => undefined;
  await round(true);
  assert.equal((await store.unsent()).count, 0);
  assert.equal((await refusals(store.session.author)).length, 0);
});

test("a record of a shape that an older server did not know is pushed again after an update of the app", async () => {
  await setAppVersion("one");
  const told = await refused("schema");
  const { server, round } = told;
  server.rule = () => undefined;
  await round();
  assert.ok(!(await isThere(told)));
  await setAppVersion("two");
  await round();
  assert.ok(await isThere(told));
});

test("a record refused today arrives tomorrow although nothing that the phone can see has changed", async (t) => {
  const told = await refused("not_grid_holder");
  told.server.rule = () => undefined;
  const now_ms = Date.now();
  t.mock.method(Date, "now", () => now_ms + DAY_MS + 1);
  await told.round();
  assert.ok(await isThere(told));
});

test("a refusal that only a clerk can undo is not sent again by itself, but when its user says so", async () => {
  const told = await refused("author_mismatch");
  const { server, round, store, id } = told;
  server.me.databases = server.me.databases.slice(0, 3);
  server.rule = () => undefined;
  await round();
  assert.ok(!(await isThere(told)));
  assert.equal(await store.resend(id), true);
  assert.equal((await store.whereIs(id)).place, "phone");
  await round();
  assert.ok(await isThere(told));
});

test("a record refused but not kept stays in the outbox, says why, and arrives when there is room", async () => {
  const store = await phone();
  await store.saveRecord(await report(store));
  const server = serveAll(store);
  Object.assign(server, { rule: () => "quota", isKept: () => false });
  const round = () => runRound(store.session, { me: true, all: false, names: new Set() }, { isUnsure: false });
  await round();
  const { rows: [{ id, where }] } = await store.listReports();
  assert.deepEqual([where.place, where.held_back], ["phone", "quota"]);
  server.rule = () => undefined;
  await round();
  assert.deepEqual([(await store.whereIs(id)).place, (await store.unsent()).count], ["server", 0]);
});

test("what a clerk decided is shown, and decided records are not sent again", async () => {
  for (const [state, adopted, place] of [["dismissed", null, "refused"], ["adopted", "same", "server"], ["adopted", "report:corrected", "refused"]]) {
    const { server, round, store, id, rev } = await refused("not_grid_holder");
    const adopted_as = adopted && { database: DATABASE, id: adopted === "same" ? id : adopted };
    server.outcomes = [{ id: "refused:1", database: DATABASE, doc_id: id, rev, reason: "not_grid_holder", state, decided_at: "2026-11-24T00:00:00.000Z", decision_reason: "重复", adopted_as }];
    await round();
    const where = await store.whereIs(id);
    assert.deepEqual([where.place, where.outcome.state, where.outcome.decision_reason], [place, state, "重复"]);
    server.me.databases = server.me.databases.slice(0, 4);
    await round();
    assert.equal(server.aside.length, 1);
    assert.equal(await store.resend(id), false);
  }
});

test("clerks are asked only while something is undecided", async () => {
  const store = await phone();
  const server = serveAll(store);
  await runRound(store.session, { me: true, all: false, names: new Set() }, { isUnsure: false });
  assert.ok(!server.asked.includes("GET /api/quarantine/mine"));
});

test("after a lost answer only what the server lacks is sent again, old entries too", async () => {
  const store = await phone();
  await store.saveRecord(await report(store));
  await store.saveRecord(await report(store, { photos: [jpeg()] }));
  const server = serveAll(store);
  const [first] = await entries(store.session.author);
  server.held.set(`${first.database}|${first.id}`, first.doc);
  const sent = [];
  server.rule = (doc) => void sent.push(doc._id);
  await runRound(store.session, { me: false, all: false, names: new Set() }, { isUnsure: true });
  assert.equal(sent.length, 2);
  assert.ok(!sent.includes(first.id));
  assert.equal((await entries(store.session.author)).length, 0);
});

test("a record saved while a push is under way stays in the outbox and goes with the next one", async () => {
  const store = await phone();
  await store.saveRecord(await report(store));
  const server = serveAll(store);
  let saving;
  server.rule = () => void (saving ??= report(store).then((made) => store.saveRecord(made)));
  const round = () => runRound(store.session, { me: false, all: false, names: new Set() }, { isUnsure: false });
  await round();
  await saving;
  assert.deepEqual([server.held.size, (await entries(store.session.author)).length], [1, 1]);
  await round();
  assert.deepEqual([server.held.size, (await entries(store.session.author)).length], [2, 0]);
});

test("a refused record of a grid handed over can still be read from its own copy", async () => {
  const { store, id, author } = await refused("not_grid_holder");
  await updateSession(author, {});
  store.session.databases = store.session.databases.filter(({ name }) => name === "ref");
  assert.equal((await store.getRecord(id)).doc.text, "井盖破损");
});
