/** Me: the sync centre, the rescue file, letters, signing out, and a word before the phone is full. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { household, jpeg } from "../engine/phone.mjs";
import { NOW, SEAL_KEY, app, caseOf, contextOf, answer, filled } from "./app.mjs";

const { entries, noteHeldBack, noteUpload, release, uploads } = await import("../../../pwa/src/store/outbox.js");
const { refusalOf } = await import("../../../pwa/src/store/refusals.js");

/** Saves a report; its id. */
async function report(phone, text, photos = [], at = 0) {
  const form = filled(await phone.get("/m/report", { now: NOW + at }), { category: "1101", text });
  await phone.post("/m/reports", form, { files: { photo: photos }, now: NOW + at });
  return (await phone.store.listReports({ limit: 1 })).rows[0].id;
}

async function sent(phone, id, refusal) {
  const own = (await entries(phone.store.session.author)).filter((entry) => entry.id === id || entry.doc.of === id);
  await release(phone.store.session.author, own.map(({ key }) => key), refusal ? [refusalOf(own[0], refusal, { grants: "g", version: "1" })] : []);
}

test("the sync centre says of each record where it is: here, its photos on the way, not accepted and why, at the server, a case", async () => {
  const phone = await app();
  const arrived = await report(phone, "已到", [], 1);
  const known = await report(phone, "成案", [], 2);
  const refused = await report(phone, "不收", [], 3);
  const half = await report(phone, "照片在路上", [jpeg(1000)], 4);
  const held = await report(phone, "没有空间", [], 5);
  const here = await report(phone, "在本机", [], 6);
  for (const id of [arrived, known, half]) await sent(phone, id);
  await sent(phone, refused, { reason: "schema" });
  const { doc } = await phone.store.getRecord(known);
  await phone.pull([caseOf(doc, "accepted")]);
  const { author } = phone.store.session;
  const [file] = await uploads(author);
  await noteUpload(author, file.key, { sent_bytes: 400 });
  const entry = (await entries(author)).find(({ id }) => id === held);
  await noteHeldBack(author, new Map([[entry.key, "quota"]]));

  const { data } = await phone.get("/m/sync");
  const shown = (rows) => rows.map(({ href, where, why }) => [href.split("/").pop(), where.label, where.percent, why?.label]);
  assert.deepEqual(shown(data.waiting), [
    [here, "where.phone", 0, "sync.row"], [held, "where.phone", 0, "refused.quota"], [half, "where.photos", 40, "sync.row_photos"],
  ]);
  assert.deepEqual(shown(data.refused), [[refused, "where.refused", 0, "refused.schema"]]);
  assert.deepEqual(shown(data.arrived).map((row) => row.slice(0, 2)), [[known, "state.accepted"], [arrived, "where.server"]]);
  assert.equal(data.more, 0);
});

test("what has no page of its own, and more than anybody reads, is a number in the sync centre", async () => {
  const phone = await app();
  const { store } = phone;
  const later = store.mint("of_a_later_version", { uuid: store.uuid(), grid: store.session.grids[0], captured_at: "2026-11-23T08:00:00.000Z" });
  await store.saveRecord({ docs: [{ database: "log-device1", doc: later }] });
  await report(phone, "在本机");
  const { data } = await phone.get("/m/sync");
  assert.deepEqual([data.waiting.length, data.more], [1, 1]);
});

test("signing out says what is unsent and where it stays; when nothing is, it says that", async () => {
  const phone = await app({ seal_key: SEAL_KEY });
  assert.equal((await phone.get("/m/session/end")).data.unsent_count, 0);
  await report(phone, "在本机", [jpeg(1000)]);
  const { data } = await phone.get("/m/session/end");
  assert.deepEqual([data.unsent_records, data.unsent_photos, data.rescue.can_make, data.rescue.count], [1, 1, true, 2]);
});

test("Me offers the rescue file when something is unsent, other users' too, and says when the server has to be met first", async () => {
  const phone = await app();
  assert.deepEqual((await phone.get("/m/me")).data.rescue, { count: 0, can_make: false, made_at: null });
  await report(phone, "在本机");
  const ask = contextOf(phone.store, "zh-CN", { waitingOfOthers: async () => ({ count: 2, sealed: 0, can_make: false }) });
  assert.equal((await answer(phone.store, ask, "GET", "/m/me")).data.rescue.count, 3);
});

test("who signs out hears how much of what is unsent will wait for the PIN, and may unlock and send it first", async () => {
  const phone = await app();
  await report(phone, "在本机");
  await phone.store.saveRecord(household(phone.store));
  const open = (await phone.get("/m/session/end")).data;
  assert.deepEqual([open.unsent_count, open.sealed_count, open.unsent_locked], [2, 1, false]);
  await phone.store.vault.lock();
  assert.equal((await phone.get("/m/session/end")).data.unsent_locked, true);
});

test("a browser that says ten GiB more than is used does not tell how much room there is", async (t) => {
  const phone = await app();
  const { storage } = navigator;
  t.after(() => Object.defineProperty(navigator, "storage", { configurable: true, value: storage }));
  Object.defineProperty(navigator, "storage", { configurable: true, value: { estimate: async () => ({ usage: 95e6, quota: 95e6 + 10 * 2 ** 30 }) } });
  assert.deepEqual((await phone.get("/m/me")).data.storage, { key: "me.storage_used", slots: { used: "91 MB" } });
});

test("what found no room is spoken of on Today and Me until something is kept again, whatever the browser says", async (t) => {
  const phone = await app();
  const real = IDBObjectStore.prototype.put;
  t.after(() => (IDBObjectStore.prototype.put = real));
  const shot = { "sent:a": [jpeg(1000)] };
  const keep = () => {
    const uuid = phone.store.uuid();
    return phone.post(`/m/drafts/${uuid}`, { uuid, pieces: JSON.stringify([{ key: "a", part: "photo", shot: "{}" }]) }, { files: shot });
  };
  IDBObjectStore.prototype.put = function put(value, ...key) {
    if (value instanceof Blob) throw new DOMException("no room", "QuotaExceededError");
    return real.call(this, value, ...key);
  };
  await assert.rejects(keep(), { name: "StorageFull" });
  for (const path of ["/m/", "/m/me"]) assert.equal((await phone.get(path)).data.storage_low?.label, "me.storage_full");
  IDBObjectStore.prototype.put = real;
  await keep();
  assert.equal((await phone.get("/m/")).data.storage_low, null);
});

test("the size of letters is one of three, and nothing else", async () => {
  const phone = await app();
  const chosen = [];
  const context = contextOf(phone.store, "zh-CN", { setTextSize: async (size) => chosen.push(size) });
  for (const size of ["largest", "huge", ""]) {
    assert.equal((await answer(phone.store, context, "POST", "/m/text-size", { form: { size } })).redirect, "/m/me");
  }
  assert.deepEqual(chosen, ["largest"]);
  assert.deepEqual((await phone.get("/m/me")).data.sizes.map(({ value, is_chosen }) => [value, is_chosen]), [["normal", false], ["large", true], ["largest", false]]);
});

test("colours are as the phone's, light or dark, and nothing else", async () => {
  const phone = await app();
  const chosen = [];
  const context = contextOf(phone.store, "zh-CN", { theme: "dark", setTheme: async (theme) => chosen.push(theme) });
  for (const theme of ["dark", "pink", ""]) {
    assert.equal((await answer(phone.store, context, "POST", "/m/theme", { form: { theme } })).redirect, "/m/me");
  }
  assert.deepEqual(chosen, ["dark"]);
  const { themes } = (await answer(phone.store, context, "GET", "/m/me")).data;
  assert.deepEqual(themes.map(({ value, is_chosen }) => [value, is_chosen]), [["phone", false], ["light", false], ["dark", true]]);
});

for (const [usage, quota, warned] of [[10e6, 10e9, null], [9.95e9, 10e9, 83], [9.2e9, 10e9, null], [50e6, 100e6, 83], [0, 0, null]]) {
  test(`${usage / 1e6} of ${quota / 1e6} MB used: ${warned === null ? "no word" : "a word on Today and Me"}`, async (t) => {
    const phone = await app();
    const { storage } = navigator;
    t.after(() => Object.defineProperty(navigator, "storage", { configurable: true, value: storage }));
    Object.defineProperty(navigator, "storage", { configurable: true, value: { estimate: async () => ({ usage, quota }) } });
    for (const path of ["/m/", "/m/me"]) assert.equal((await phone.get(path)).data.storage_low?.slots.count ?? null, warned);
  });
}
