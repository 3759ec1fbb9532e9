/** Documents that are read past PouchDB are those that PouchDB says there are. */
import assert from "node:assert/strict";
import test from "node:test";

import { GRID, QUARTER, phone } from "./phone.mjs";

const { changesSince, everythingAsIs, findAsIs, findMany, keep, localNames, range, revisionsOf } = await import("../../../pwa/src/store/documents.js");
const { openThere } = await import("../../../pwa/src/store/idb.js");
const { putLinks, linksOf, ownIds, ownOf } = await import("../../../pwa/src/store/links.js");
const { fileOf } = await import("../../../pwa/src/store/winners.js");
const NAME = `grid-${GRID}-${QUARTER}`;
const OLDER = `grid-${GRID}-2026q3`;
const digest = (letter) => letter.repeat(32);

/** A first revision, perhaps a later one on top, perhaps one beside it. */
function revision(doc, generation, letter, ...before) {
  return { ...doc, text: letter, _rev: `${generation}-${digest(letter)}`, _revisions: { start: generation, ids: [letter, ...before].map(digest) } };
}

async function withReports(count) {
  const store = await phone();
  const docs = Array.from({ length: count }, (_, n) => store.mint("report", { uuid: store.uuid(1_700_000_000_000 + n), grid: GRID, captured_at: "2026-11-23T08:00:00.000Z" }));
  await keep(store.session.author, NAME, docs.map((doc) => revision(doc, 1, "a")));
  return { store, author: store.session.author, docs, ids: docs.map(({ _id }) => _id) };
}

test("the winner of a conflict, a later revision and a deleted one stand as PouchDB has them", async () => {
  const { author, docs, ids } = await withReports(4);
  await keep(author, NAME, [revision(docs[0], 2, "b", "a"), revision(docs[1], 1, "f"), { ...revision(docs[2], 2, "c", "a"), _deleted: true }]);
  const asked = [...ids, "report:nowhere"];
  const pouch = await Promise.all(asked.map((id) => findAsIs(author, NAME, id)));
  assert.deepEqual(await findMany(author, NAME, asked), pouch);
  assert.deepEqual(pouch.map((doc) => doc?.text ?? null), ["b", "f", null, "a", null]);
  assert.deepEqual(await revisionsOf(author, NAME, asked), pouch.map((doc) => doc?._rev ?? null));
  const all = [];
  for await (const page of everythingAsIs(author, NAME, 10)) all.push(...page);
  assert.deepEqual(await range(author, NAME, "report", { oldest_first: true }), all);
  assert.deepEqual(await range(author, NAME, "report"), [...all].reverse());
});

test("the newest ones are read by pages, each from below the one before; a deleted one takes no place", async () => {
  const { author, docs, ids } = await withReports(5);
  await keep(author, NAME, [{ ...revision(docs[3], 2, "c", "a"), _deleted: true }]);
  const page = async (before) => (await range(author, NAME, "report", { before, limit: 2 })).map(({ _id }) => _id);
  assert.deepEqual(await page(null), [ids[4], ids[2]]);
  assert.deepEqual(await page(ids[2]), [ids[1], ids[0]]);
  assert.deepEqual(await page(ids[0]), []);
});

test("what was read of all changes leaves none, and one more is one", async () => {
  const { author, docs } = await withReports(3);
  const { seq } = await changesSince(author, NAME, 0, 100);
  assert.deepEqual(await changesSince(author, NAME, seq, 100), { docs: [], seq, is_reset: false });
  await keep(author, NAME, [revision(docs[0], 2, "b", "a")]);
  assert.deepEqual((await changesSince(author, NAME, seq, 100)).docs.map(({ text }) => text), ["b"]);
});

test("a database that is not there is not made by being looked for", async () => {
  const { author } = await withReports(1);
  assert.equal(await openThere(fileOf(author, "nowhere")), null);
  assert.equal((await localNames(author))?.includes("nowhere"), false);
});

test("the newest own records come without those of databases that are not shown, and all of them by id alone", async () => {
  const { store, author, docs, ids } = await withReports(4);
  await ownIds(store.session, "report"); // an index that was never made is made now
  await putLinks(author, docs.flatMap((doc, at) => linksOf(author, at % 2 ? OLDER : NAME, doc)));
  const newest = async (options) => (await ownOf(store.session, "report", options)).map(({ id }) => id);
  assert.deepEqual(await newest({ limit: 2 }), [ids[3], ids[2]]);
  assert.deepEqual(await newest({ limit: 2, databases: [NAME] }), [ids[2], ids[0]]);
  assert.deepEqual(await newest({ before: ids[2], databases: [NAME, OLDER] }), [ids[1], ids[0]]);
  assert.deepEqual(await newest({ databases: [] }), []);
  assert.deepEqual(await ownIds(store.session, "report"), [...ids].reverse());
});
