/** Saving on the phone: durable, once, whole. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { GRID, household, jpeg, phone, report, session } from "./phone.mjs";

const { keep } = await import("../../../pwa/src/store/documents.js");
const { laterStamp } = await import("../../../pwa/src/store/identity.js");
const outbox = await import("../../../pwa/src/store/outbox.js");
const { endForGood } = await import("../../../pwa/src/store/patrols.js");
const { replay } = await import("../../../pwa/src/store/saving.js");
const { storeOf } = await import("../../../pwa/src/store/index.js");

test("a saved report is listed, waits in the outbox and stands on this phone", async () => {
  const store = await phone();
  const record = await report(store, { photos: [jpeg(), jpeg(2000)] });
  const saved = await store.saveRecord(record);
  assert.equal(saved.already, false);
  const { rows } = await store.listReports();
  assert.equal(rows.length, 1);
  assert.equal(rows[0].where.place, "phone");
  assert.equal(rows[0].where.photos_unsent, 2);
  const { records, photos } = await store.unsent();
  assert.deepEqual({ records, photos }, { records: 1, photos: 2 });
  const [photo] = await store.photosOf(rows[0]);
  assert.equal((await store.photoBlob(photo.id, "thumb")).size, 1000);
});

test("the same form posted twice makes one record", async () => {
  const store = await phone();
  const record = await report(store, { photos: [jpeg()] });
  await store.saveRecord(record);
  const again = await store.saveRecord(record);
  assert.equal(again.already, true);
  assert.equal((await store.listReports()).rows.length, 1);
  assert.equal((await store.unsent()).count, 2);
});

test("what was saved under this id saying something else is never answered as saved: a text, a photo, or a sealed record", async () => {
  const store = await phone();
  const { docs: [first, photo], blobs } = await report(store, { photos: [jpeg()] });
  await store.saveRecord({ docs: [first, photo], blobs });
  const otherText = { ...first, doc: { ...first.doc, text: "改过的" } };
  const otherPhoto = { ...photo, doc: { ...photo.doc, files: [{ ...photo.doc.files[0], sha256: "0".repeat(64) }] } };
  for (const docs of [[otherText, photo], [first, otherPhoto]]) await assert.rejects(store.saveRecord({ docs, blobs }), { name: "SavedOtherwise" });
  const home = household(store);
  await store.saveRecord(home);
  const [{ database, doc }] = home.docs;
  const stamps = { name: laterStamp(Date.now() + 1000, "device1", []) };
  assert.equal((await store.saveRecord({ docs: [{ database, doc: { ...doc, stamps } }] })).already, true, "the moment of it is nothing that was typed");
  await assert.rejects(store.saveRecord({ docs: [{ database, doc: { ...doc, stamps, address: "3-2-502" } }] }), { name: "SavedOtherwise" });
  assert.deepEqual((await store.listReports()).rows.map(({ doc: { text } }) => text), ["井盖破损"]);
  assert.equal((await store.unsent()).count, 3);
});

test("a record whose database the browser has closed is saved, and the next one too", async () => {
  const store = await phone();
  const connections = [];
  const open = IDBFactory.prototype.open;
  IDBFactory.prototype.open = function opened(...given) {
    const request = open.apply(this, given);
    request.addEventListener("success", () => connections.push(request.result));
    return request;
  };
  try {
    await store.saveRecord(await report(store));
    for (const one of connections.filter(({ name }) => name.startsWith("_pouch_"))) one.close(); // as a browser does: nobody is told
    assert.equal((await store.saveRecord(await report(store, { text: "关闭之后" }))).already, false);
    await store.saveRecord(await report(store, { text: "再一次" }));
  } finally {
    IDBFactory.prototype.open = open;
  }
  assert.deepEqual((await store.listReports()).rows.map(({ doc }) => doc.text), ["再一次", "关闭之后", "井盖破损"]);
});

test("a record that cannot be written beside the outbox is saved: it is written when that can be done again", async () => {
  const store = await phone();
  await store.saveRecord(await report(store));
  const real = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function put(...given) {
    if (this.name === "by-sequence") throw new DOMException("broken", "UnknownError");
    return real.apply(this, given);
  };
  try {
    assert.equal((await store.saveRecord(await report(store, { text: "没写进去" }))).already, false);
  } finally {
    IDBObjectStore.prototype.put = real;
  }
  assert.equal((await store.unsent()).count, 2);
  await replay(store.session.author);
  assert.deepEqual((await store.listReports()).rows.map(({ doc }) => doc.text), ["没写进去", "井盖破损"]);
});

test("the same form posted ten times at once makes one record", async () => {
  const store = await phone();
  const form = await report(store, { photos: [jpeg()] });
  const answers = await Promise.all(Array.from({ length: 10 }, () => store.saveRecord(form)));
  assert.equal(answers.filter(({ already }) => !already).length, 1);
  assert.equal((await outbox.entries(store.session.author)).length, 2);
});

test("a crash after the outbox transaction loses nothing: the next start writes the record again", async () => {
  const store = await phone();
  const record = await report(store, { photos: [jpeg()] });
  await store.saveRecord(record);
  const crashed = session();
  const entries = await outbox.entries(store.session.author);
  await outbox.put(crashed.author, entries, [], []);
  const after = storeOf(crashed);
  assert.equal((await after.listReports()).rows.length, 0);
  assert.ok(await after.getRecord(record.docs[0].doc._id), "a record in the outbox alone can still be opened");
  assert.equal((await replay(crashed.author)).length, 2);
  assert.equal((await after.listReports()).rows.length, 1);
});

test("a crash between a record and its place in the lists loses neither: the next start puts it there, once", async () => {
  const store = await phone();
  const { author } = store.session;
  const listed = async () => (await store.listMine([["report", 9]])).flat().length;
  await store.saveRecord(await report(store));
  assert.equal(await listed(), 1);
  const real = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function put(...given) {
    if (this.name === "links") throw new Error("killed");
    return real.apply(this, given);
  };
  await store.saveRecord(await report(store)).finally(() => (IDBObjectStore.prototype.put = real));
  assert.deepEqual([await listed(), (await store.listReports()).rows.length], [1, 2]);
  assert.equal((await replay(author)).length, 1);
  assert.equal(await listed(), 2);
  assert.deepEqual(await replay(author), [], "what is whole is not written again");
});

test("a document over 256 KB is refused before anything is kept", async () => {
  const store = await phone();
  const record = await report(store, { text: "长".repeat(100_000) });
  await assert.rejects(store.saveRecord(record), { name: "TooLarge" });
  assert.equal((await store.unsent()).count, 0);
});

test("a full phone keeps nothing half-saved", async () => {
  const store = await phone();
  const record = await report(store, { photos: [jpeg()] });
  const real = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function put(...given) {
    const request = real.apply(this, given);
    if (this.name === "by-sequence") this.transaction._abort("QuotaExceededError"); // as browsers do it: the transaction dies
    return request;
  };
  try {
    await assert.rejects(store.saveRecord(record), { name: "StorageFull" });
  } finally {
    IDBObjectStore.prototype.put = real;
  }
  assert.equal((await store.unsent()).count, 0);
  assert.equal((await store.listReports()).rows.length, 0);
  assert.equal((await store.saveRecord(record)).already, false, "and the same form may be sent again when there is room");
});

test("an edit of a household follows its revision and carries its history to the outbox", async () => {
  const store = await phone();
  const first = household(store);
  await store.saveRecord(first);
  const held = await store.getRecord(first.docs[0].doc._id);
  await store.saveRecord({ docs: [{ database: held.database, doc: { ...held.doc, name: "王家（新）" } }] });
  const edited = await store.getRecord(held.id);
  assert.equal(edited.doc.name, "王家（新）");
  assert.match(edited.doc._rev, /^2-/);
  const waiting = (await outbox.entries(store.session.author)).map(({ doc }) => doc._revisions?.ids.length ?? 1);
  assert.deepEqual(waiting, [1, 2]);
});

test("a document that came from the server and was edited here keeps one line of history", async () => {
  const store = await phone();
  const { docs: [{ database, doc }] } = household(store);
  await keep(store.session.author, database, [{ ...doc, _rev: "3-c", _revisions: { start: 3, ids: ["c", "b", "a"] } }]);
  const held = await store.getRecord(doc._id);
  await store.saveRecord({ docs: [{ database, doc: { ...held.doc, name: "新" } }] });
  const [entry] = await outbox.entries(store.session.author);
  assert.deepEqual(entry.doc._revisions.ids.slice(1), ["c", "b", "a"]);
  assert.equal(entry.doc._revisions.start, 4);
});

test("a patrol is written once, when it ends", async () => {
  const store = await phone();
  const uuid = store.uuid();
  await store.startPatrol({ uuid, grid: store.session.grids[0], started_at: "2026-11-23T08:00:00.000Z" });
  await store.startPatrol({ uuid: store.uuid(), grid: store.session.grids[0], started_at: "2026-11-23T08:01:00.000Z" });
  assert.equal((await store.currentPatrol()).uuid, uuid);
  assert.equal((await store.listPatrols()).rows.length, 0);
  const patrol = { ...(await store.currentPatrol()), ended_at: "2026-11-23T09:00:00.000Z" };
  await store.endPatrol(patrol, { cells: [], gaps: [], track: [] });
  await store.endPatrol({ ...patrol, ended_at: "2026-11-23T09:00:01.000Z" }, { cells: [], gaps: [], track: [] });
  assert.equal(await store.currentPatrol(), null);
  const { rows } = await store.listPatrols();
  assert.deepEqual(rows.map(({ id }) => id), [`patrol:${uuid}`]);
});

test("a patrol that this phone may not go on with is saved as one interruption", async () => {
  const store = await phone();
  const uuid = store.uuid();
  await store.startPatrol({ uuid, grid: store.session.grids[0], started_at: "2026-11-23T08:00:00.000Z" });
  await store.addPoint(uuid, [0, 38.5, 106.1, 5]);
  await endForGood(store.session);
  const { doc: { started_at, ended_at, cells, gaps } } = await store.getRecord(`patrol:${uuid}`);
  assert.deepEqual([started_at, cells, gaps], ["2026-11-23T08:00:00.000Z", [], [[started_at, ended_at]]]);
});

test("making ready for a record that nothing may take says nothing: saving will", async () => {
  const store = await phone();
  await store.prepareFor("grid", "990000000000001");
  await store.prepareFor("grid", GRID);
  await store.saveRecord(await report(store));
  assert.equal((await store.listReports()).rows.length, 1);
});
