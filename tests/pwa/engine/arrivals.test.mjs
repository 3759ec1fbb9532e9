/** Documents that are written past PouchDB lie there as PouchDB writes them, and it goes on with them as with its own. */
import assert from "node:assert/strict";
import test from "node:test";

import { GRID, QUARTER, household, phone } from "./phone.mjs";

const { changesSince, findAsIs, findMany, keep, keepArrived, missing, prepare, range } = await import("../../../pwa/src/store/documents.js");
const { done, openThere, transact } = await import("../../../pwa/src/store/idb.js");
const { fileOf } = await import("../../../pwa/src/store/winners.js");
const NAME = `grid-${GRID}-${QUARTER}`;
const digest = (letter) => letter.repeat(32);

function reports(store, count, from = 0) {
  return Array.from({ length: count }, (_, n) => ({
    ...store.mint("report", { uuid: store.uuid(1_700_000_000_000 + from + n), grid: GRID, captured_at: "2026-11-23T08:00:00.000Z", text: `${n}`, photos: ["photo:1"], place: null }),
    _rev: `1-${digest("a")}`,
  }));
}

/** Everything PouchDB keeps of a database, by table; revision trees as what they say. */
async function tables(author, name) {
  const db = await openThere(fileOf(author, name));
  const names = [...db.objectStoreNames].filter((one) => one !== "detect-blob-support");
  const rows = await transact(db, names, "readonly", (tx) => Promise.all(names.map(async (one) => {
    const [keys, values] = await Promise.all([done(tx.objectStore(one).getAllKeys()), done(tx.objectStore(one).getAll())]);
    return values.map((value, at) => [keys[at], one === "document-store" ? { ...value, data: JSON.parse(value.data) } : plain(value)]);
  })));
  return Object.fromEntries(names.map((one, at) => [one, rows[at]]));
}

/** Without the names that every database draws for itself. */
function plain(value) {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !/_id$/.test(name) || name === "_doc_id_rev"));
}

test("the tables are the same, row by row, whoever wrote", async () => {
  const [pouch, ours] = [await phone(), await phone()];
  const docs = reports(pouch, 30);
  for (const page of [docs.slice(0, 20), docs.slice(20)]) {
    await keep(pouch.session.author, NAME, structuredClone(page));
    await keepArrived(ours.session.author, NAME, structuredClone(page));
  }
  const expected = await tables(pouch.session.author, NAME);
  assert.equal(expected["document-store"].length, 30);
  assert.equal(expected["meta-store"][0][1].docCount, 30);
  assert.deepEqual(await tables(ours.session.author, NAME), expected);
});

test("PouchDB edits, deletes, compares and lists them, and numbers what comes after them", async () => {
  const store = await phone();
  const { author } = store.session;
  const [edited, deleted, beside, still] = reports(store, 4);
  await prepare(author, NAME);
  await keepArrived(author, NAME, [edited, deleted, beside, still]);
  const onTop = (doc, letter) => ({ ...doc, text: letter, _rev: `2-${digest(letter)}`, _revisions: { start: 2, ids: [digest(letter), digest("a")] } });
  await keep(author, NAME, [onTop(edited, "b"), { ...onTop(deleted, "c"), _deleted: true }, { ...beside, text: "f", _rev: `1-${digest("f")}` }]);
  const found = await findMany(author, NAME, [edited, deleted, beside, still].map(({ _id }) => _id));
  assert.deepEqual(found.map((doc) => doc?.text ?? null), ["b", null, "f", "3"]);
  assert.deepEqual((await findAsIs(author, NAME, edited._id, true))._revisions, { start: 2, ids: [digest("b"), digest("a")] });
  assert.deepEqual(await missing(author, NAME, { [still._id]: [`1-${digest("a")}`, `1-${digest("0")}`] }), { [still._id]: { missing: [`1-${digest("0")}`] } });
  const { docs, seq } = await changesSince(author, NAME, 0, 100);
  assert.deepEqual(docs.map(({ _id }) => _id), [still, edited, deleted, beside].map(({ _id }) => _id));
  await keepArrived(author, NAME, reports(store, 1, 100));
  const later = await changesSince(author, NAME, seq, 100);
  assert.deepEqual([later.docs.length, later.seq], [1, seq + 1]);
});

test("one that is here already stays as it is, another first revision of it makes a conflict as ever, and the rest is written", async () => {
  const store = await phone();
  const { author } = store.session;
  const docs = reports(store, 3);
  await keep(author, NAME, [structuredClone(docs[0])]);
  await keepArrived(author, NAME, structuredClone(docs));
  await keepArrived(author, NAME, [{ ...docs[1], text: "other", _rev: `1-${digest("f")}` }, { ...docs[2], _rev: `1-${digest("0")}` }]);
  assert.deepEqual((await range(author, NAME, "report", { oldest_first: true })).map(({ text }) => text), ["0", "other", "2"]);
  assert.deepEqual((await findAsIs(author, NAME, docs[1]._id, true))._rev, `1-${digest("f")}`);
  assert.deepEqual(await missing(author, NAME, { [docs[1]._id]: [docs[1]._rev] }), {}, "the losing one is kept");
});

test("two pages and a report saved at the same moment are all there, each with a number of its own", async () => {
  const store = await phone();
  const { author } = store.session;
  const { _rev, ...own } = reports(store, 1, 5_000)[0];
  const pages = [reports(store, 200), reports(store, 200, 1_000)];
  await Promise.all([...pages.map((page) => keepArrived(author, NAME, page)), store.saveRecord({ docs: [{ database: NAME, doc: own }] })]);
  const { docs, seq } = await changesSince(author, NAME, 0, 1000);
  assert.deepEqual([docs.length, new Set(docs.map(({ _id }) => _id)).size, seq], [401, 401, 401]);
  assert.equal((await tables(author, NAME))["meta-store"][0][1].docCount, 401);
});

test("a household that arrives is sealed as one that was saved here", async () => {
  const store = await phone();
  const { author } = store.session;
  const { docs: [{ doc }] } = await household(store);
  await keepArrived(author, `home-${GRID}`, [{ ...doc, _rev: `1-${digest("a")}` }]);
  const [kept] = (await tables(author, `home-${GRID}`))["by-sequence"];
  assert.deepEqual(Object.keys(kept[1]).sort(), ["_doc_id_rev", "sealed"]);
  assert.equal((await findMany(author, `home-${GRID}`, [doc._id]))[0].address, doc.address);
});
