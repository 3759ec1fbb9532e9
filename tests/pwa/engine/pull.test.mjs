/** Bringing changes in: in pages, from where it stopped, with the history of what was changed. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { GRID, household, phone, report } from "./phone.mjs";
import { reply, serve } from "./server.mjs";

const { pullDatabase } = await import("../../../pwa/src/sync/pull.js");
const { keep } = await import("../../../pwa/src/store/documents.js");
const { checkpointOf } = await import("../../../pwa/src/store/checkpoints.js");
const { entries } = await import("../../../pwa/src/store/outbox.js");
const GRID_DB = `grid-${GRID}-2026q4`;
const HOME_DB = `home-${GRID}`;

/** What a worker does until it would note how far it has come: there it is killed. */
async function pullUntilKilled(session, database) {
  const { put } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.put = function killed(...given) {
    if (this.name === "checkpoints") throw new Error("killed");
    return put.apply(this, given);
  };
  try {
    await assert.rejects(pullDatabase(session, database), { message: "killed" });
  } finally {
    IDBObjectStore.prototype.put = put;
  }
}

/** A changes feed of documents, one sequence each. */
function feed(docs, failAt = Infinity) {
  return (_body, url) => {
    const since = Number(url.searchParams.get("since"));
    const page = docs.slice(since, since + Number(url.searchParams.get("limit")));
    if (since >= failAt) throw new TypeError("link died");
    const results = page.map((doc, at) => ({ seq: since + at + 1, id: doc._id, changes: [{ rev: doc._rev }], doc }));
    return reply(200, { results, last_seq: since + page.length, pending: docs.length - since - page.length });
  };
}

async function foreignReports(count) {
  const other = await phone();
  const made = await Promise.all(Array.from({ length: count }, () => report(other)));
  return made.map(({ docs: [{ doc }] }, at) => ({ ...doc, _rev: `1-${at}` }));
}

test("a first load goes on at the page where the link died", async () => {
  const store = await phone();
  const docs = await foreignReports(450);
  serve({ [`GET /db/${GRID_DB}/_changes`]: feed(docs, 200) });
  await assert.rejects(pullDatabase(store.session, GRID_DB), { name: "Offline" });
  assert.equal((await checkpointOf(store.session.author, GRID_DB)).since, "200");
  const asked = serve({ [`GET /db/${GRID_DB}/_changes`]: feed(docs) });
  assert.equal(await pullDatabase(store.session, GRID_DB), 250);
  assert.equal(asked[0].query.get("since"), "200");
  const { rows, next } = await store.listReports({ limit: 500 });
  assert.deepEqual({ rows: rows.length, next }, { rows: 450, next: null });
});

test("a worker killed while it pulls leaves no visit uncounted that would not be pulled again", async () => {
  const store = await phone();
  const quarter = `home-${GRID}-2026q4`;
  const { docs: [{ doc: home }] } = household(store);
  const visit = { ...store.mint("visit", { uuid: store.uuid(), grid: GRID, captured_at: "2026-11-20T08:00:00.000Z", household: home._id, next_at: "2026-11-22T08:00:00.000Z" }), _rev: "1-a" };
  serve({ [`GET /db/${HOME_DB}/_changes`]: feed([{ ...home, _rev: "1-a" }]), [`GET /db/${quarter}/_changes`]: feed([visit]) });
  await pullDatabase(store.session, HOME_DB);
  await pullUntilKilled(store.session, quarter);
  assert.equal(await checkpointOf(store.session.author, quarter), undefined);
  assert.equal(await store.dueCount(Date.parse("2026-11-23T08:00:00.000Z")), 1);
});

test("lists come in pages, newest first, each record once", async () => {
  const store = await phone();
  await keep(store.session.author, GRID_DB, await foreignReports(45));
  const seen = [];
  let before = null;
  do {
    const { rows, next } = await store.listReports({ limit: 20, before });
    seen.push(...rows.map(({ id }) => id));
    before = next;
  } while (before);
  assert.equal(new Set(seen).size, 45);
  assert.deepEqual(seen, [...seen].sort().reverse());
});

test("a later revision comes with its history and replaces the one that was here", async () => {
  const store = await phone();
  const { docs: [{ doc }] } = household(store);
  await keep(store.session.author, HOME_DB, [{ ...doc, _rev: "1-a" }]);
  const newer = { ...doc, name: "改名", _rev: "2-b", _revisions: { start: 2, ids: ["b", "a"] } };
  serve({
    [`GET /db/${HOME_DB}/_changes`]: feed([{ ...doc, name: "改名", _rev: "2-b" }]),
    [`POST /db/${HOME_DB}/_bulk_get`]: () => reply(200, { results: [{ id: doc._id, docs: [{ ok: newer }] }] }),
  });
  await pullDatabase(store.session, HOME_DB);
  const { doc: held } = await store.getRecord(doc._id);
  assert.deepEqual({ name: held.name, rev: held._rev }, { name: "改名", rev: "2-b" });
  await store.saveRecord({ docs: [{ database: HOME_DB, doc: { ...held, name: "再改" } }] });
  const [entry] = await entries(store.session.author);
  assert.deepEqual(entry.doc._revisions.ids.slice(1), ["b", "a"]);
});

test("a deletion that comes in takes the record off the lists", async () => {
  const store = await phone();
  const { docs: [{ doc }] } = household(store);
  await keep(store.session.author, HOME_DB, [{ ...doc, _rev: "1-a" }]);
  const gone = { _id: doc._id, _rev: "2-b", _deleted: true };
  serve({
    [`GET /db/${HOME_DB}/_changes`]: feed([gone]),
    [`POST /db/${HOME_DB}/_bulk_get`]: () => reply(200, { results: [{ id: doc._id, docs: [{ ok: { ...gone, _revisions: { start: 2, ids: ["b", "a"] } } }] }] }),
  });
  await pullDatabase(store.session, HOME_DB);
  assert.equal((await store.listHouseholds()).rows.length, 0);
});

test("a receipt settles what this phone pushed when the push's own answer was lost", async () => {
  const store = await phone();
  await store.saveRecord(await report(store));
  await store.saveRecord(await report(store));
  const [first, second] = await entries(store.session.author);
  const receipt = { _id: "receipt:1", _rev: "1-r", type: "receipt", device: store.session.device, ids: [first.id] };
  const foreign = { ...receipt, _id: "receipt:2", device: "another", ids: [second.id] };
  serve({ [`GET /db/${GRID_DB}/_changes`]: feed([receipt, foreign]) });
  await pullDatabase(store.session, GRID_DB);
  assert.deepEqual((await entries(store.session.author)).map(({ id }) => id), [second.id]);
});

test("a case copy turns up at its report, from the newest quarter that has one", async () => {
  const store = await phone();
  const made = await report(store);
  await store.saveRecord(made);
  const id = made.docs[0].doc._id;
  const copy = { _id: id.replace("report:", "case:"), type: "case", case_no: "002-261123-ABC", reports: [id] };
  await keep(store.session.author, `grid-${GRID}-2026q3`, [{ ...copy, state: "reported", _rev: "1-a" }]);
  await keep(store.session.author, GRID_DB, [{ ...copy, state: "accepted", _rev: "1-b" }]);
  assert.equal((await store.caseOf(id)).state, "accepted");
  assert.equal((await store.whereIs(id)).case.case_no, "002-261123-ABC");
});
