/** A search among one's own reports: what it looks at, and that it never answers from what was before. */
import assert from "node:assert/strict";
import test from "node:test";

import { GRID, QUARTER, phone } from "./phone.mjs";

const { keep } = await import("../../../pwa/src/store/documents.js");
const { linksOf, noteChanged, putLinks } = await import("../../../pwa/src/store/links.js");
const { laterStamp } = await import("../../../pwa/src/store/identity.js");
const { openedOf } = await import("../../../pwa/src/store/vault.js");
const NAME = `grid-${GRID}-${QUARTER}`;
const FIRST = "a".repeat(32);
const SECOND = "b".repeat(32);

async function pull(author, docs) {
  await keep(author, NAME, docs);
  await putLinks(author, docs.flatMap((doc) => linksOf(author, NAME, doc)));
}

function reportOf(store, n) {
  const doc = store.mint("report", { uuid: store.uuid(1_700_000_000_000 + n), grid: GRID, captured_at: "2026-11-23T08:00:00.000Z", text: `${n}`, photos: [] });
  return { ...doc, _rev: `1-${FIRST}` };
}

const everything = { limit: 1000, isWanted: () => true };

test("a search looks through a part at a time, newest first, and says where it stopped", async () => {
  const store = await phone();
  const docs = Array.from({ length: 200 }, (_, n) => reportOf(store, n));
  await pull(store.session.author, docs);
  const first = await store.findMine(everything);
  assert.deepEqual(first.rows.map(({ doc }) => doc.text), Array.from({ length: 160 }, (_, n) => `${199 - n}`));
  const rest = await store.findMine({ ...everything, before: first.next });
  assert.deepEqual([rest.rows.length, rest.rows[0].doc.text, rest.next], [40, "39", null]);
  const few = await store.findMine({ limit: 2, isWanted: ({ doc }) => doc.text.endsWith("5") });
  assert.deepEqual([few.rows.map(({ doc }) => doc.text), few.next], [["195", "185"], few.rows[1].id]);
  assert.deepEqual(await store.findMine({ isWanted: () => false }), { rows: [], next: first.next, news: [], locked_count: 0 });
});

test("between two letters a new report, another revision, a case and an outbox that was emptied are all seen", async () => {
  const store = await phone();
  const { author } = store.session;
  const doc = reportOf(store, 1);
  await pull(author, [doc]);
  const found = async () => (await store.findMine(everything)).rows;
  assert.deepEqual((await found()).map(({ doc: { text }, where }) => [text, where.place, where.case]), [["1", "server", null]]);
  await pull(author, [{ ...doc, text: "changed", _rev: `2-${SECOND}`, _revisions: { start: 2, ids: [SECOND, FIRST] } }]);
  assert.equal((await found())[0].doc.text, "changed");
  await pull(author, [{ _id: doc._id.replace("report:", "case:"), _rev: `1-${FIRST}`, type: "case", state: "accepted", history: [] }]);
  assert.equal((await found())[0].where.case.state, "accepted");
  const { _rev, ...saved } = reportOf(store, 2);
  await store.saveRecord({ docs: [{ database: NAME, doc: saved }] });
  assert.deepEqual((await found()).map(({ doc: { text }, where }) => [text, where.place]), [["2", "phone"], ["changed", "server"]]);
});

test("a report whose document was there before its link is found as soon as it has one", async () => {
  const store = await phone();
  const { author } = store.session;
  const doc = reportOf(store, 1);
  const found = async () => (await store.findMine(everything)).rows.length;
  assert.equal(await found(), 0);
  await keep(author, NAME, [doc]);
  assert.equal(await found(), 0);
  await putLinks(author, linksOf(author, NAME, doc));
  assert.equal(await found(), 1);
});

test("a report that was taken back, and a case that is gone, are in no search any more", async () => {
  const store = await phone();
  const { author } = store.session;
  const found = async () => (await store.findMine(everything)).rows;
  const { _rev, ...doc } = reportOf(store, 1);
  await store.saveRecord({ docs: [{ database: NAME, doc }], form: { text: "1" } });
  assert.equal((await found()).length, 1);
  assert.ok(await store.takeBack(doc._id, { uuid: store.uuid(), pieces: [] }));
  assert.deepEqual(await found(), []);
  const kept = reportOf(store, 2);
  await pull(author, [kept]);
  assert.equal((await found()).length, 1);
  await noteChanged(author); // what a pull without a link does
  assert.equal((await found()).length, 1);
});

test("errands are searched while they are open, and nothing of what was read of them is kept when they are locked", async () => {
  const store = await phone();
  const { author } = store.session;
  const { _rev, ...doc } = reportOf(store, 1);
  const errand = store.mint("errand", {
    uuid: store.uuid(1_700_000_000_002), grid: GRID, captured_at: "2026-11-23T08:00:00.000Z", household: `household:${store.uuid()}`, item: "idcard", materials: [],
    stamps: { state: laterStamp(Date.now(), "device1", []) },
  });
  await store.saveRecord({ docs: [{ database: NAME, doc }] });
  await store.saveRecord({ docs: [{ database: store.databaseFor("home", GRID), doc: errand }] });
  const found = async () => (await store.findMine(everything)).rows.map(({ id }) => id);
  assert.deepEqual(await found(), [errand._id, doc._id]);
  assert.ok(openedOf(author).size > 0);
  await store.vault.lock();
  assert.equal(openedOf(author).size, 0);
  assert.deepEqual(await found(), [doc._id]);
  assert.deepEqual(await found(), [doc._id]);
  assert.equal(openedOf(author).size, 0);
});
