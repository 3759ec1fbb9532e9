/** The index of household files: made again from nothing, and never behind or ahead of what lies on the phone. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { GRID, QUARTER, household, phone } from "./phone.mjs";

const { keep, destroy } = await import("../../../pwa/src/store/documents.js");
const { setState, state } = await import("../../../pwa/src/store/outbox.js");
const { Locked } = await import("../../../pwa/src/store/errors.js");
const { forgetOthers, lock, neededKey, openedOf } = await import("../../../pwa/src/store/vault.js");
const { dueAt, hasCome, intervalDays } = await import("../../../pwa/src/store/visiting.js");
const { dueCount, follow } = await import("../../../pwa/src/store/homes.js");
const { bare } = await import("../../../pwa/src/store/rooms.js");
const { dropDraftsOf } = await import("../../../pwa/src/store/sealed-drafts.js");
const { seal } = await import("../../../pwa/src/crypto/seal.js");
const { removeClosed } = await import("../../../pwa/src/store/removal.js");
const EXAMPLES = JSON.parse(readFileSync(new URL("visiting.json", import.meta.url), "utf8"));
const HOME = `home-${GRID}`;

async function withHouseholds(count) {
  const store = await phone();
  const docs = Array.from({ length: count }, (_, n) => ({ ...household(store, { address: `文昌路 ${n + 1} 号`, contact_name: `王${n}` }).docs[0].doc, _rev: `1-${"a".repeat(32)}` }));
  await keep(store.session.author, HOME, docs);
  return { store, author: store.session.author, docs };
}

const places = (homes) => homes.map(({ a }) => a);

test("an index that is gone is made again, the same", async () => {
  const { store, author } = await withHouseholds(12);
  const first = await store.homes(true);
  assert.deepEqual(places(first), Array.from({ length: 12 }, (_, n) => `文昌路 ${n + 1} 号`), "numbers in their order");
  await setState(author, `homes:${GRID}`, null);
  const plain = (homes) => JSON.parse(JSON.stringify(homes));
  assert.deepEqual(plain(await store.homes()), plain(first));
});

test("a file that was corrected stands where it belongs now, and one that was erased stands nowhere", async () => {
  const { store, author, docs } = await withHouseholds(2);
  await store.homes(true);
  const next = (doc, fields) => ({ ...doc, ...fields, _rev: `2-${"b".repeat(32)}`, _revisions: { start: 2, ids: ["b".repeat(32), "a".repeat(32)] } });
  await keep(author, HOME, [next(docs[0], { address: "文昌路 9 号" }), next(docs[1], { _deleted: true })]);
  assert.deepEqual(places(await store.homes(true)), ["文昌路 9 号"]);
});

test("parts that came before their household wait for it, and those that end go", async () => {
  const { store, author, docs } = await withHouseholds(1);
  const [doc] = docs;
  const other = { ...doc, _id: `household:${store.uuid()}`, address: "新路 1 号" };
  const member = { ...doc, _id: `member:${store.uuid()}`, type: "member", household: other._id, name: "孙二" };
  const errand = { ...doc, _id: `errand:${store.uuid()}`, type: "errand", household: other._id, item: "x", state: "done" };
  await keep(author, HOME, [member, errand]);
  assert.equal((await store.homes(true)).length, 1);
  await keep(author, HOME, [other]);
  const found = (await store.homes(true)).find(({ id }) => id === other._id);
  assert.deepEqual([found.m, found.e], [{ [member._id]: "孙二" }, { [errand._id]: 0 }]);
  const gone = { ...member, _deleted: true, _rev: `2-${"b".repeat(32)}`, _revisions: { start: 2, ids: ["b".repeat(32), "a".repeat(32)] } };
  await keep(author, HOME, [gone]);
  assert.deepEqual((await store.homes(true)).find(({ id }) => id === other._id).m, {});
});

test("the last visit counts, whichever quarter it is in and whenever it came", async () => {
  const { store, author, docs } = await withHouseholds(1);
  store.session.databases.push({ name: `home-${GRID}-2026q3`, pull: true, push: true });
  const visit = (at, next_at) => ({
    ...store.mint("visit", { uuid: store.uuid(Date.parse(at)), grid: GRID, captured_at: at, household: docs[0]._id, next_at }), _rev: `1-${"c".repeat(32)}`,
  });
  await keep(author, `home-${GRID}-${QUARTER}`, [visit("2026-11-20T08:00:00.000Z", "2026-11-27T08:00:00.000Z")]);
  assert.equal(await store.homes(true).then(([one]) => one.next), Date.parse("2026-11-27T08:00:00.000Z"));
  await keep(author, `home-${GRID}-2026q3`, [visit("2026-08-20T08:00:00.000Z", null)]);
  assert.equal((await store.homes(true))[0].next, Date.parse("2026-11-27T08:00:00.000Z"));
  assert.deepEqual([await store.dueCount(Date.parse("2026-11-26T08:00:00.000Z")), await store.dueCount(Date.parse("2026-11-27T08:00:00.000Z"))], [0, 1]);
});

test("a visit is due by the same rule as the desk's", () => {
  for (const { what, flags, last_at, next_at, due_on } of EXAMPLES) {
    const home = { days: intervalDays(flags), ...(last_at ? { at: Date.parse(last_at) } : {}), next: next_at ? Date.parse(next_at) : null };
    const due_ms = dueAt(home);
    if (!due_on) assert.equal(due_ms, null, what);
    const day = Date.parse(`${due_on}T00:00:00.000+08:00`);
    if (due_on) assert.deepEqual([hasCome(due_ms, day - 1), hasCome(due_ms, day)], [false, true], what);
  }
});

test("an index that the version before left is made anew", async () => {
  const { store, author } = await withHouseholds(2);
  const before = { seqs: { [HOME]: 99 }, rows: [{ id: "household:x", a: "旧", m: {}, e: {} }] };
  await setState(author, `homes:${GRID}`, await seal(await neededKey(author), before, `homes:${GRID}`));
  assert.deepEqual(places(await store.homes()), ["文昌路 1 号", "文昌路 2 号"]);
});

test("what was searched last is kept sealed, and goes with what is erased", async () => {
  const { store, author, docs } = await withHouseholds(1);
  await Promise.all(["马", "马三"].map(store.keepSearch));
  assert.equal(await store.keptSearch(), "马三", "of two letters the later one");
  const [kept] = Object.values(await state(author, "sealed-drafts"));
  assert.ok(kept instanceof Uint8Array && !new TextDecoder().decode(kept).includes("马三"));
  await dropDraftsOf(author, [docs[0]._id]);
  assert.equal(await store.keptSearch(), "");
  await store.vault.lock();
  assert.equal(await store.keptSearch(), "");
});

test("a number with its word is the number, so that 2 and 2 号楼 are one building", () => {
  for (const text of ["2", " 2 ", "２", "2号楼", "2 栋", "2幢", "2号"]) assert.equal(bare("building", text), "2", text);
  assert.deepEqual([bare("unit", "3单元"), bare("room", "501室"), bare("room", "501 号"), bare("building", "A座"), bare("building", "东 2 栋")], ["3", "501", "501", "A座", "东 2 栋"]);
});

test("another database of the same name is read from its beginning", async () => {
  const { store, author } = await withHouseholds(5);
  await store.homes(true);
  await destroy(author, HOME);
  await keep(author, HOME, [{ ...household(store, { address: "新路 1 号" }).docs[0].doc, _rev: `1-${"a".repeat(32)}` }]);
  assert.deepEqual(places(await store.homes(true)), ["新路 1 号"]);
});

test("with a grid that is somebody else's now its index goes", async () => {
  const { store, author } = await withHouseholds(2);
  await store.homes(true);
  await removeClosed({ ...store.session, databases: [{ name: "ref", pull: true, push: false }], grids: [] });
  assert.deepEqual([await state(author, `homes:${GRID}`), await state(author, `homesdue:${GRID}`)], [null, null]);
});

test("between two letters of a search nothing is opened again, and what was written is seen at once", async () => {
  const { store, author, docs } = await withHouseholds(3);
  const [first] = await store.homes(true);
  const [before] = await store.homes();
  assert.equal((await store.homes())[0], before, "the very same row");
  const next = { ...docs[2], contact_name: "马三", _rev: `2-${"b".repeat(32)}`, _revisions: { start: 2, ids: ["b".repeat(32), "a".repeat(32)] } };
  await keep(author, HOME, [next]);
  assert.equal((await store.homes(true))[2].n, "马三");
  assert.equal((await store.homes())[2].n, "马三");
  assert.equal(first.n, "王0", "rows that a page has are not changed under it");
});

test("what was opened goes with the key, and with its user", async () => {
  const { store, author } = await withHouseholds(2);
  await store.homes(true);
  await store.homes();
  assert.equal(openedOf(author).size, 1);
  await lock(author);
  assert.equal(openedOf(author).size, 0);
  await assert.rejects(store.homes(), Locked);
  openedOf(author).set("x", 1);
  forgetOthers("somebody else");
  assert.equal(openedOf(author).size, 0);
});

test("the index is sealed as one value; locked, it is shut, and how many visits are due is still known", async () => {
  const { store, author, docs } = await withHouseholds(3);
  const due = { ...store.mint("visit", { uuid: store.uuid(), grid: GRID, captured_at: "2026-11-20T08:00:00.000Z", household: docs[0]._id, next_at: "2026-11-22T08:00:00.000Z" }) };
  await keep(author, `home-${GRID}-${QUARTER}`, [{ ...due, _rev: `1-${"c".repeat(32)}` }]);
  await store.homes(true);
  const kept = await state(author, `homes:${GRID}`);
  assert.ok(kept instanceof Uint8Array && !new TextDecoder().decode(kept).includes("文昌路"));
  await lock(author);
  await assert.rejects(store.homes(), Locked);
  assert.equal(await store.dueCount(Date.parse("2026-11-23T08:00:00.000Z")), 1);
});

test("an index from before there was a vault is made anew, sealed", async () => {
  const { store, author } = await withHouseholds(2);
  await setState(author, `homes:${GRID}`, JSON.stringify({ seqs: {}, rows: [{ id: "household:x", a: "旧", m: {}, e: {} }] }));
  assert.deepEqual(places(await store.homes()), ["文昌路 1 号", "文昌路 2 号"]);
  assert.ok((await state(author, `homes:${GRID}`)) instanceof Uint8Array);
});

test("of two that bring the index up to date at once, neither loses what the other folded in", async () => {
  const { store: { session, uuid }, author, docs: [doc] } = await withHouseholds(1);
  const [quarter, turn] = [`home-${GRID}-${QUARTER}`, () => new Promise(setImmediate)];
  const visit = { ...doc, _id: `visit:${uuid()}`, type: "visit", household: doc._id, next_at: "2026-11-01T00:00:00.000Z" };
  const { encrypt } = crypto.subtle;
  let goOn = () => undefined;
  let isHeld = false;
  const gate = new Promise((resolve) => (goOn = resolve));
  crypto.subtle.encrypt = async (...args) => {
    if (!isHeld) await ((isHeld = true), gate); // the first one has read and folded, and is about to write
    return encrypt.apply(crypto.subtle, args);
  };
  const first = follow(session, [HOME]);
  while (!isHeld) await turn();
  await keep(author, quarter, [visit]);
  const second = follow(session, [quarter]);
  for (let turns = 0; turns < 300; turns += 1) await turn();
  goOn();
  await Promise.all([first, second]).finally(() => (crypto.subtle.encrypt = encrypt));
  assert.equal(await dueCount(session, Date.parse("2026-11-23T08:00:00.000Z")), 1);
});
