/** The server's store came back from a backup: what it took since then is on phones alone, and they send it again. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { GRID, QUARTER, household, jpeg, phone, report } from "./phone.mjs";
import { serveAll } from "./fleet.mjs";
import "./xhr.mjs";

const { runRound } = await import("../../../pwa/src/sync/round.js");
const { sendPhotos } = await import("../../../pwa/src/sync/uploads.js");
const { keep } = await import("../../../pwa/src/store/documents.js");
const { refusals } = await import("../../../pwa/src/store/refusals.js");
const { uploads } = await import("../../../pwa/src/store/outbox.js");
const DATABASE = `grid-${GRID}-${QUARTER}`;

async function started() {
  const store = await phone();
  const server = serveAll(store);
  Object.assign(server.me, { epoch: "before" });
  const round = (wants = {}) => runRound(store.session, { me: true, all: true, names: new Set(), ...wants }, { isUnsure: false });
  const keys = () => [...server.held.keys()].sort();
  return { store, server, round, keys };
}

test("after a restore the phone sends again what the server lacks, the same revisions, with its photos, and nothing else", async () => {
  const { store, server, round, keys } = await started();
  for (const record of [await report(store), await report(store, { photos: [jpeg()] }), household(store)]) await store.saveRecord(record);
  await round();
  await sendPhotos(store.session, { shouldStop: () => false, onProgress: () => undefined });
  await keep(store.session.author, DATABASE, [{ ...(await report(store)).docs[0].doc, _rev: "1-0", author: "another" }]);
  const before = new Map(server.held);
  assert.deepEqual([before.size, (await uploads(store.session.author)).length], [4, 0]);
  const first = keys().find((key) => key.includes("report:"));
  server.held = new Map([[first, before.get(first)]]);
  server.me.epoch = "after";
  server.asked.length = 0;
  await round();
  assert.deepEqual(keys(), [...before.keys()].sort());
  for (const [key, doc] of server.held) assert.equal(doc._rev, before.get(key)._rev);
  assert.equal((await store.unsent()).records, 0);
  assert.deepEqual((await uploads(store.session.author)).map(({ database, role }) => [database, role]), [[DATABASE, "sent"]]);
  await round();
  assert.equal(server.asked.filter((name) => name.endsWith("_bulk_docs")).length, 2, "once for each database");
});

test("a link that dies while the phone asks what is missing only makes it ask again", async () => {
  const { store, server, round } = await started();
  await store.saveRecord(await report(store));
  await round();
  server.held.clear();
  server.me.epoch = "after";
  server.isDown = (name) => name.endsWith("_revs_diff");
  await assert.rejects(round(), { name: "Offline" });
  server.isDown = () => false;
  await round();
  assert.equal(server.held.size, 1);
});

test("what was put aside and is undecided goes to the clerks once more; a phone that meets a server for the first time asks nothing", async () => {
  const { store, server, round } = await started();
  server.rule = () => "author_mismatch";
  await store.saveRecord(await report(store));
  await round();
  assert.ok(!server.asked.some((name) => name.endsWith("_revs_diff")));
  server.me.epoch = "after";
  server.aside.length = 0;
  await round();
  assert.deepEqual([server.aside.length, (await refusals(store.session.author)).length, (await store.unsent()).count], [1, 1, 0]);
  await round();
  assert.equal(server.aside.length, 1);
});
