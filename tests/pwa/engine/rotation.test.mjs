/** Quarters that begin and end, grids that change hands, a phone that was off for long. Only the server's list says which is which. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { GRID, household, jpeg, phone, report } from "./phone.mjs";
import { serveAll } from "./fleet.mjs";
import "./xhr.mjs";

const { runRound } = await import("../../../pwa/src/sync/round.js");
const { keep, localNames } = await import("../../../pwa/src/store/documents.js");
const { entries, uploads, releaseUpload } = await import("../../../pwa/src/store/outbox.js");
const { blobOf } = await import("../../../pwa/src/store/sealed.js");
const { refusals } = await import("../../../pwa/src/store/refusals.js");
const { checkpointOf } = await import("../../../pwa/src/store/checkpoints.js");
const GRID_DB = (quarter) => `grid-${GRID}-${quarter}`;
const LIST = (quarters, pushOnly = []) => [
  { name: "ref", pull: true, push: false }, { name: `home-${GRID}`, pull: true, push: true },
  ...quarters.map((quarter) => ({ name: GRID_DB(quarter), pull: true, push: true })),
  ...pushOnly.map((quarter) => ({ name: GRID_DB(quarter), pull: false, push: true })),
];

async function started(quarters, fields = {}) {
  const store = await phone({ databases: LIST(quarters), ...fields });
  const server = serveAll(store);
  const round = () => runRound(store.session, { me: true, all: true, names: new Set() }, { isUnsure: true });
  return { store, server, round, author: store.session.author };
}

test("the newest quarter announced is where new records go, whatever the phone's clock says", async (t) => {
  const { store, server, round } = await started(["2026q3", "2026q2"]);
  const now_ms = Date.now();
  t.mock.method(Date, "now", () => now_ms + 365 * 86_400_000);
  await store.saveRecord(await report(store));
  assert.equal((await entries(store.session.author))[0].database, GRID_DB("2026q3"));
  server.me.databases = LIST(["2026q4", "2026q3"]);
  await round();
  assert.equal(store.databaseFor("grid", GRID), GRID_DB("2026q4"));
});

test("a quarter that is over leaves the phone with its photos when everything of it is sent; the last one stays readable", async () => {
  const { store, server, round, author } = await started(["2026q3", "2026q2"]);
  await store.saveRecord(await report(store, { photos: [jpeg()] }));
  const [{ doc: { photos: [photo] }, id: inLast }] = (await store.listReports()).rows;
  const old = { ...(await report(store)).docs[0].doc, _rev: "1-0", photos: ["photo:old"] };
  await keep(author, GRID_DB("2026q2"), [old]);
  await round();
  for (const { key } of await uploads(author)) await releaseUpload(author, key);
  server.me.databases = LIST(["2026q4", "2026q3"]);
  await round();
  assert.deepEqual((await localNames(author)).filter((name) => name.startsWith("grid-")), [GRID_DB("2026q3")]);
  assert.equal(await store.getRecord(old._id), null);
  assert.ok(await store.getRecord(inLast));
  assert.ok(await blobOf(author, photo, "sent"));
  server.me.databases = LIST(["2027q1", "2026q4"]);
  await round();
  assert.deepEqual([await store.getRecord(inLast), await blobOf(author, photo, "sent"), await checkpointOf(author, GRID_DB("2026q3"))], [null, undefined, undefined]);
});

test("a quarter is kept while a record or a photo of it is unsent or its refusal undecided", async () => {
  const { store, server, round, author } = await started(["2026q3", "2026q2"]);
  await store.saveRecord(await report(store, { photos: [jpeg()] }));
  server.me.databases = LIST(["2027q1", "2026q4"]);
  server.isDown = (name) => name.includes("_bulk_docs");
  await assert.rejects(round(), { name: "Offline" });
  const isHere = async () => (await localNames(author)).includes(GRID_DB("2026q3"));
  assert.ok(await isHere());
  server.isDown = () => false;
  await round();
  assert.ok(await isHere(), "its photo waits");
  for (const { key } of await uploads(author)) await releaseUpload(author, key);
  await round();
  assert.ok(!(await isHere()));
});

test("a quarter with a refusal that nobody decided stays, and goes after the decision", async () => {
  const { store, server, round, author } = await started(["2026q3", "2026q2"]);
  await store.saveRecord(await report(store));
  server.rule = () => "author_mismatch";
  await round();
  server.me.databases = LIST(["2027q1", "2026q4"]);
  await round();
  assert.ok((await localNames(author)).includes(GRID_DB("2026q3")));
  const [{ id, rev, database }] = await refusals(author);
  server.outcomes = [{ database, doc_id: id, rev, state: "dismissed", decided_at: "2026-11-24T00:00:00.000Z", decision_reason: "x", adopted_as: null }];
  await round();
  assert.ok(!(await localNames(author)).includes(GRID_DB("2026q3")));
  assert.equal((await store.whereIs(id)).outcome.state, "dismissed", "and can still be looked at");
});

test("a phone that was off for 200 days sends what it had to the old quarter, says how old it is, loads the new ones and lets the old go", async () => {
  const { store, server, round, author } = await started(["2026q2", "2026q1"]);
  await round();
  await store.saveRecord(await report(store));
  server.told.length = 0;
  server.me.databases = LIST(["2026q4", "2026q3"]);
  const listed = server.me;
  Object.defineProperty(server, "me", { get: () => ({ ...listed, databases: server.told.some(({ oldest_quarter }) => oldest_quarter === "2026q2")
    ? LIST(["2026q4", "2026q3"], ["2026q2"]) : LIST(["2026q4", "2026q3"]) }) });
  server.rule = (_doc, database) => (store.session.databases.some(({ name, push }) => push && name === database) ? undefined : "archived_database");
  server.feeds[GRID_DB("2026q4")] = [{ ...(await report(store)).docs[0].doc, _rev: "1-0", author: "another" }];
  await round();
  assert.deepEqual(server.told.map(({ records, oldest_quarter }) => [records, oldest_quarter]), [[1, "2026q2"], [0, null]]);
  assert.deepEqual([server.aside.length, server.held.size], [0, 1]);
  assert.deepEqual((await localNames(author)).filter((name) => name.startsWith("grid-")), [GRID_DB("2026q4")]);
  assert.equal((await store.listReports()).rows.length, 1, "the new quarter is here");
});

test("an old record of an archived quarter goes into quarantine and is never lost", async () => {
  const { store, server, round, author } = await started(["2026q2", "2026q1"]);
  await store.saveRecord(await report(store));
  server.me.databases = LIST(["2026q4", "2026q3"]);
  server.rule = (_doc, database) => (database === GRID_DB("2026q2") ? "archived_database" : undefined);
  await round();
  assert.deepEqual([server.aside.length, (await refusals(author))[0].reason, (await store.unsent()).count], [1, "archived_database", 0]);
});

test("a former grid's households are gone from view at once, and everything of it from the phone once nothing is unsent", async () => {
  const { store, server, round, author } = await started(["2026q4", "2026q3"]);
  await round();
  const [{ doc }] = household(store).docs;
  await keep(author, `home-${GRID}`, [{ ...doc, _rev: "1-0" }]);
  await keep(author, GRID_DB("2026q4"), [{ ...(await report(store)).docs[0].doc, _rev: "1-0", author: "another" }]);
  await store.saveRecord(await report(store));
  const other = "640105002001002";
  server.me = { ...server.me, grids: [other], databases: [{ name: "ref", pull: true, push: false }, { name: `grid-${other}-2026q4`, pull: true, push: true },
    { name: GRID_DB("2026q4"), pull: false, push: true }, { name: `home-${GRID}`, pull: false, push: true }] };
  server.isDown = (name) => name.includes("_bulk_docs");
  await assert.rejects(round(), { name: "Offline" });
  assert.deepEqual([(await store.listHouseholds()).rows.length, await store.getRecord(doc._id)], [0, null]);
  assert.deepEqual((await store.listReports()).rows.map((row) => row.doc.author), [author], "only what its user has not sent is left to see");
  server.isDown = () => false;
  await round();
  assert.deepEqual((await localNames(author)).filter((name) => name.includes(GRID)), []);
  assert.equal(server.held.size, 1);
});

test("a list that names no database at all removes nothing", async () => {
  const { store, server, round, author } = await started(["2026q4", "2026q3"]);
  await keep(author, GRID_DB("2026q4"), [{ ...(await report(store)).docs[0].doc, _rev: "1-0" }]);
  await round();
  const before = await localNames(author);
  assert.ok(before.includes(GRID_DB("2026q4")), String(before));
  server.me.databases = [];
  await round();
  const after = await localNames(author);
  assert.deepEqual(before.filter((name) => !after.includes(name)), []);
});
