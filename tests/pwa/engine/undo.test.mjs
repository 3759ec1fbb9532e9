/** Ten seconds in which a record may be taken back, originals that wait for Wi-Fi, and drafts: nothing is ever both sent and taken back. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { jpeg, phone, report } from "./phone.mjs";

const { HOLD_MS, due, nextDue, uploads } = await import("../../../pwa/src/store/outbox.js");
const { replay } = await import("../../../pwa/src/store/saving.js");
const { mayGo } = await import("../../../pwa/src/sync/wifi.js");
const { pushOutbox } = await import("../../../pwa/src/sync/push.js");

async function held() {
  const store = await phone();
  const made = await report(store, { photos: [jpeg(1000), jpeg(2000)] });
  await store.saveRecord({ ...made, form: { text: "井盖破损" } });
  const [id, ...photos] = made.docs.map(({ doc }) => doc._id);
  return { store, author: store.session.author, id, photos, pieces: photos.map((key) => ({ key, part: "photo", shot: "{}" })) };
}

test("what was just sent is held back ten seconds, records and files alike, and then goes", async () => {
  const { author, store, id } = await held();
  assert.deepEqual(await due(author), []);
  const wait_ms = await nextDue(author);
  assert.ok(wait_ms > 0 && wait_ms <= HOLD_MS);
  const later = Date.now() + HOLD_MS;
  assert.equal((await due(author, later)).length, 3);
  const files = await uploads(author);
  assert.deepEqual([files.map((file) => mayGo(file)), files.map((file) => mayGo(file, later))], [[false, false], [true, true]]);
  assert.equal((await store.unsent()).records, 1, "it is unsent all the same");
  assert.ok((await store.undoTime(id)) > 0);
});

test("a push within the time asks the server for nothing", async () => {
  const { store } = await held();
  globalThis.fetch = async () => assert.fail("nothing may be sent");
  assert.deepEqual((await pushOutbox(store.session)).settled, []);
});

test("a clock that is set back holds nothing back for longer", async () => {
  const { author } = await held();
  assert.equal((await due(author, Date.now() - 3_600_000)).length, 3);
});

test("what is taken back leaves the phone's records and is a draft with its photos", async () => {
  const { store, author, id, pieces } = await held();
  const uuid = store.uuid();
  assert.equal(await store.takeBack(id, { uuid, pieces }), true);
  assert.equal(await store.getRecord(id), null);
  assert.deepEqual([await store.unsent().then(({ count }) => count), await uploads(author)], [0, []]);
  const [draft] = await store.drafts();
  assert.deepEqual([draft.uuid, draft.fields.text, draft.pieces.length, draft.undone], [uuid, "井盖破损", 2, undefined]);
  assert.equal((await store.draftFiles(uuid, pieces[1].key)).sent?.size, 2000);
  await store.dropDraft(uuid);
  assert.deepEqual([await store.drafts(), (await store.draftFiles(uuid, pieces[1].key)).sent], [[], undefined]);
});

test("what has gone, or was saved without a form, is not taken back", async () => {
  const { store, author, id, pieces } = await held();
  const { release } = await import("../../../pwa/src/store/outbox.js");
  await release(author, (await due(author, Date.now() + HOLD_MS)).slice(0, 1).map(({ key }) => key));
  assert.equal(await store.takeBack(id, { uuid: store.uuid(), pieces }), false);
  assert.ok(await store.getRecord(id));
  const plain = await report(store);
  await store.saveRecord(plain);
  assert.equal(await store.undoTime(plain.docs[0].doc._id), 0);
});

test("a stop between taking back and tidying up leaves no record that looks sent", async () => {
  const { store, author, id, pieces } = await held();
  const { keepDraft } = await import("../../../pwa/src/store/drafts.js");
  const entry = (await due(author, Date.now() + HOLD_MS)).find((one) => one.id === id);
  const uuid = store.uuid();
  await store.takeBack(id, { uuid, pieces });
  const again = await report(store);
  await store.saveRecord(again);
  const [{ database, doc }] = again.docs;
  const { release } = await import("../../../pwa/src/store/outbox.js");
  await release(author, (await due(author)).map(({ key }) => key));
  await keepDraft(author, { uuid, fields: entry.form, pieces: [], saved_at: "2026-11-23T08:00:00.000Z", undone: { database, ids: [doc._id] } }, []);
  await replay(author);
  assert.equal(await store.getRecord(doc._id), null);
  assert.equal((await store.drafts())[0].undone, undefined);
});

test("an original waits for Wi-Fi behind everything else, and goes when its user says so", async () => {
  const store = await phone();
  const made = await report(store, { photos: [jpeg(1000)] });
  const photo = made.docs[1].doc;
  photo.files.push({ role: "original", content_type: "image/jpeg", width_px: null, height_px: null, ...(await store.fingerprint(jpeg(5000))) });
  await store.saveRecord({ ...made, blobs: [...made.blobs, { photo: photo._id, role: "original", blob: jpeg(5000) }] });
  await store.saveRecord(await report(store, { photos: [jpeg(700)] }));
  const asked = async () => (await uploads(store.session.author)).map((file) => [file.role, mayGo(file)]);
  assert.deepEqual(await asked(), [["sent", true], ["sent", true], ["original", false]]);
  Object.defineProperty(navigator, "connection", { value: { type: "wifi" }, configurable: true });
  assert.deepEqual((await asked()).pop(), ["original", true]);
  Object.defineProperty(navigator, "connection", { value: { type: "cellular" }, configurable: true });
  assert.equal(await store.originalsWaiting(made.docs[0].doc._id), 1);
  await store.sendOriginals(made.docs[0].doc._id);
  assert.ok((await asked()).every(([, may]) => may));
  assert.equal(await store.originalsWaiting(made.docs[0].doc._id), 0);
});

test("nothing waits for a user who has signed out, and originals neither once everything is handed over", async () => {
  const { endHolds } = await import("../../../pwa/src/store/undo.js");
  const { store, author, id, pieces } = await held();
  const [file] = await uploads(author);
  await (await import("../../../pwa/src/store/outbox.js")).noteUpload(author, file.key, { wifi_only: true });
  await endHolds(author);
  assert.equal((await due(author)).length, 3);
  assert.equal(await store.takeBack(id, { uuid: store.uuid(), pieces }), false, "what may be on its way is not taken back");
  assert.deepEqual((await uploads(author)).map((one) => mayGo(one)), [true, false]);
  await endHolds(author, true);
  assert.deepEqual((await uploads(author)).map((one) => mayGo(one)), [true, true]);
});
