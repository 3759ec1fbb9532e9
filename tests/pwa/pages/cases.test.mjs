/** 事项: what needs me, what goes on, what has ended; finding one; what is news. Every list reads what it shows and not everything. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { GRID, NOW, QUARTER, app, caseOf, filled, pulled } from "./app.mjs";

const { ENDED, groupOf } = await import("../../../pwa/src/store/cases.js");
const { keep } = await import("../../../pwa/src/store/documents.js");
const { openOwn } = await import("../../../pwa/src/store/own.js");
const { done, transact } = await import("../../../pwa/src/store/idb.js");
const DATABASE = `grid-${GRID}-${QUARTER}`;
const LATER = "2026-11-23T09:00:00.000Z";

async function reported(phone, n = 0, fields = {}) {
  const form = filled(await phone.get("/m/report", { now: NOW + n * 1000 }), { category: "1101", text: `第 ${n} 条`, ...fields });
  const made = await phone.post("/m/reports", form);
  return (await phone.store.getRecord(made.redirect.match(/report:[0-9a-f-]+/)[0])).doc;
}

/** A report as another phone made it, and its case. */
function theirs(phone, n, author) {
  const uuid = phone.store.uuid(NOW + n * 1000);
  return { ...phone.store.mint("report", { uuid, grid: GRID, captured_at: new Date(NOW + n * 1000).toISOString(), category: "1101", text: `他报 ${n}`, urgency: "normal", place: null, photos: [], source: "patrol", patrol: null, solved: null }), author, _rev: `1-${"a".repeat(32)}` };
}

async function groups(phone, path = "/m/cases") {
  const { data } = await phone.get(path);
  return Object.fromEntries(data.groups.map(({ title, records }) => [title.slice(6), records.map(({ about }) => about)]));
}

test("what was returned needs me, the rest goes on or has ended; a case that moves changes its group", async () => {
  const phone = await app();
  const docs = [];
  for (const [n, state] of [null, "reported", "verifying", "returned", "closed", "withdrawn"].entries()) {
    docs.push(await reported(phone, n));
    if (state) await phone.pull([caseOf(docs[n], state, { move: "x", reason: "看不清" })]);
  }
  assert.deepEqual(await groups(phone), { needs: ["第 3 条"], going: ["第 2 条", "第 1 条", "第 0 条"], ended: ["第 5 条", "第 4 条"] });
  await phone.pull([{ ...caseOf(docs[2], "closed"), _rev: "2-b" }, { ...caseOf(docs[4], "accepted"), _rev: "2-b" }]);
  assert.deepEqual(await groups(phone), { needs: ["第 3 条"], going: ["第 4 条", "第 1 条", "第 0 条"], ended: ["第 5 条", "第 2 条"] });
});

test("what I sent again goes on until the server has answered", async () => {
  const phone = await app();
  const doc = await reported(phone);
  await phone.pull([caseOf(doc, "returned", { move: "return", at: "2026-11-23T07:59:00.000Z", reason: "看不清" })]);
  const shown = await phone.get(`/m/records/${doc._id}/note?intent=resubmit`);
  await phone.post(`/m/records/${doc._id}/notes`, filled(shown, { intent: "resubmit", text: "重拍" }));
  assert.deepEqual(await groups(phone), { going: ["第 0 条"] });
  assert.deepEqual(await groups(phone, "/m/cases?show=needs"), {});
});

test("tasks that wait stand with what needs me, until they are answered", async () => {
  const phone = await app();
  const task = {
    _id: "task:019aaf00-0000-7000-8000-000000000001", _rev: "1-a", type: "task", v: 1, grid: GRID, kind: "verify", text: "看看井盖", household: null, campaign: null, form: null,
    case: null, state: "open", due_at: LATER, created_at: LATER, updated_at: LATER, events: 1,
  };
  await phone.pull([task]);
  assert.deepEqual(await groups(phone), { needs: ["看看井盖"] });
  await phone.post(`/m/tasks/${task._id}/replies`, filled(await phone.get(`/m/tasks/${task._id}`), { outcome: "done" }));
  assert.deepEqual(await groups(phone), {});
});

test("a refused report goes on while a clerk looks at it and has ended when they decided", () => {
  assert.equal(groupOf({ place: "refused", outcome: { state: "waiting" }, case: null }), "going");
  assert.equal(groupOf({ place: "refused", outcome: { state: "dismissed" }, case: null }), "ended");
});

test("a merged report goes on as long as the case that it became part of", () => {
  const merged = (state) => groupOf({ place: "server", outcome: null, case: { state: "merged", follows: { state } } });
  assert.deepEqual([merged("in_hand"), merged("closed")], ["going", "ended"]);
});

test("the states that have ended are those that the server's rules call neither open nor returned", async () => {
  const { states, open_states } = (await app()).context.domain;
  assert.deepEqual(states.filter((state) => !open_states.includes(state) && state !== "returned").sort(), [...ENDED].sort());
});

test("a group goes on page by page", async () => {
  const phone = await app();
  const docs = [];
  for (let n = 0; n < 45; n += 1) docs.push(await reported(phone, n));
  await phone.pull(docs.slice(0, 22).map((doc) => caseOf(doc, "closed")));
  const all = (await phone.get("/m/cases")).data;
  assert.deepEqual(all.groups.map(({ records, more }) => [records.length, more]), [[10, "/m/cases?show=going"], [5, "/m/cases?show=ended"]]);
  for (const [show, last] of [["going", ["第 24 条", "第 23 条", "第 22 条"]], ["ended", ["第 1 条", "第 0 条"]]]) {
    const first = (await phone.get(`/m/cases?show=${show}`)).data;
    assert.equal(first.groups[0].records.length, 20);
    const second = (await phone.get(first.older)).data;
    assert.deepEqual([second.groups[0].records.map(({ about }) => about), second.older, second.newer], [last, "", `/m/cases?show=${show}`]);
  }
});

test("a case is found by its words, its category's initials, its state and its number, and nothing found says so", async () => {
  const phone = await app();
  const docs = [await reported(phone, 0, { text: "路灯不亮" }), await reported(phone, 1, { category: "1401" })];
  await phone.pull([caseOf(docs[0], "verifying"), { ...caseOf(docs[1], "closed"), case_no: "002-261123-ABCDEF" }]);
  const found = async (q) => Object.values(await groups(phone, `/m/cases?q=${encodeURIComponent(q)}`)).flat();
  for (const q of ["路灯", "ldbl", "blLJ", "核查", "hcz", "7k3m"]) assert.deepEqual(await found(q), ["路灯不亮"], q);
  assert.deepEqual(await found("zdjy"), ["第 1 条"]);
  const { data } = await phone.get("/m/cases?q=zzz");
  assert.deepEqual([data.groups, data.empty, data.older], [[], "cases.not_found", ""]);
  await pulled(phone.store.session, DATABASE, Array.from({ length: 161 }, (_, n) => theirs(phone, n, phone.store.session.author)));
  assert.equal((await phone.get("/m/cases?q=zzz")).data.empty, "cases.not_found_yet", "there is more to look through");
});

test("what moved since this phone was enrolled is news until it was looked at, and again when it moves again", async () => {
  const phone = await app();
  const doc = await reported(phone);
  const moved = (at, move, rev) => phone.pull([{ ...caseOf(doc, "accepted", { move, at }), _rev: rev }]);
  await moved("2026-11-23T07:59:00.000Z", "accept", "1-a");
  assert.deepEqual(await phone.store.news(), []);
  await moved(LATER, "take_on", "2-a");
  assert.deepEqual(await phone.store.news(), [doc._id]);
  assert.equal((await phone.get("/m/cases")).data.groups[0].records[0].is_news, true);
  await phone.get(`/m/records/${doc._id}`);
  assert.deepEqual(await phone.store.news(), []);
  await moved(LATER, "take_on", "3-a");
  assert.deepEqual(await phone.store.news(), [], "the same move in another copy is no news");
  await moved("2026-11-23T09:10:00.000Z", "note", "4-a");
  assert.deepEqual(await phone.store.news(), [], "nor what its reporter did");
  await moved("2026-11-23T09:20:00.000Z", "answer", "5-a");
  assert.deepEqual(await phone.store.news(), [doc._id]);
});

test("Today shows what moved and was not looked at, also of a report that is long past its last ones", async () => {
  const phone = await app();
  const old = await reported(phone);
  for (let n = 1; n <= 31; n += 1) await reported(phone, n);
  await phone.pull([caseOf(old, "returned", { move: "return", at: LATER, reason: "看不清" })]);
  const backs = async () => (await phone.get("/m/")).data.back_list.map(({ about, is_news }) => [about, is_news]);
  assert.deepEqual(await backs(), [["第 0 条", true]]);
  await phone.get(`/m/records/${old._id}`);
  assert.deepEqual(await backs(), []);
});

test("of a colleague's reports neither page nor news tells", async () => {
  const phone = await app();
  const doc = theirs(phone, 1, "somebody");
  await phone.pull([doc, caseOf(doc, "returned", { move: "return", at: LATER, reason: "x" })]);
  assert.deepEqual(await groups(phone), {});
  assert.deepEqual(await phone.store.news(), []);
});

test("what an earlier version of the app left is sorted into groups at the first look", async () => {
  const phone = await app();
  const mine = Array.from({ length: 3 }, (_, n) => theirs(phone, n, phone.store.session.author));
  await keep(phone.store.session.author, DATABASE, [...mine, ...mine.map((doc, n) => caseOf(doc, ["returned", "in_hand", "closed"][n], { reason: "x" }))]);
  assert.deepEqual(await groups(phone), { needs: ["他报 0"], going: ["他报 1"], ended: ["他报 2"] });
});

test("with a thousand own reports and two thousand of others the page reads some fifty documents", async () => {
  const phone = await app();
  const { author } = phone.store.session;
  const all = Array.from({ length: 3000 }, (_, n) => theirs(phone, n, n % 3 ? "somebody" : author));
  await pulled(phone.store.session, DATABASE, [...all, ...all.map((doc, n) => caseOf(doc, n % 10 ? "closed" : "in_hand"))]);
  await phone.get("/m/cases");
  let read = 0;
  const { get } = IDBIndex.prototype;
  IDBIndex.prototype.get = function counted(key) {
    read += 1; // the adapter reads a document's body by its id and revision
    return get.call(this, key);
  };
  try {
    const { data } = await phone.get("/m/cases");
    assert.deepEqual(data.groups.map(({ records }) => records.length), [10, 5]);
  } finally {
    IDBIndex.prototype.get = get;
  }
  assert.ok(read > 15 && read < 300, `${read} rows were read`);
  const db = await openOwn(author);
  const open = await transact(db, ["links"], "readonly", (tx) => done(tx.objectStore("links").count(IDBKeyRange.bound("going|", "going|\uffff"))));
  assert.equal(open, 300, "ended cases leave nothing behind");
});
