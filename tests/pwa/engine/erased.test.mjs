/** What was erased on request leaves the phone: pulled tombstones, refused edits, copies put aside; nothing of it can be read afterwards. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { GRID, QUARTER, household, phone, report } from "./phone.mjs";
import { serveAll } from "./fleet.mjs";
import { rawText } from "./raw.mjs";
import { reply } from "./server.mjs";
import "./xhr.mjs";

const { closeAll, findAsIs, keep } = await import("../../../pwa/src/store/documents.js");
const { close, done } = await import("../../../pwa/src/store/idb.js");
const { homes, refresh } = await import("../../../pwa/src/store/homes.js");
const { linkedTo } = await import("../../../pwa/src/store/links.js");
const { entries, rawBlobOf, release, state, uploads } = await import("../../../pwa/src/store/outbox.js");
const { openOwn } = await import("../../../pwa/src/store/own.js");
const { refusalOf, refusals } = await import("../../../pwa/src/store/refusals.js");
const { dropSealedDraft, keepSealedDraft, sealedDraft } = await import("../../../pwa/src/store/sealed-drafts.js");
const { runRound } = await import("../../../pwa/src/sync/round.js");
const { sendPhotos } = await import("../../../pwa/src/sync/uploads.js");

const HOME = `home-${GRID}`;
const HOME_QUARTER = `home-${GRID}-${QUARTER}`;
const common = { grid: GRID, captured_at: "2026-11-23T08:00:00.000Z" };
const round = (store, wants = {}) => runRound(store.session, { me: true, all: true, names: new Set(), ...wants }, { isUnsure: false });

/** A phone with a household, a member, a visit with a photo and another household, all at the server. */
async function synced() {
  const store = await phone();
  const server = serveAll(store);
  const [home, other] = [household(store, { address: "3-2-501" }), household(store, { address: "9-9-901" })];
  await store.saveRecord(home);
  await store.saveRecord(other);
  const of = home.docs[0].doc._id;
  const member = store.mint("member", { uuid: store.uuid(), ...common, household: of, name: "李秀英", stamps: {} });
  await store.saveRecord({ docs: [{ database: HOME, doc: member }] });
  const blob = new Blob(["PHOTOBYTES".repeat(50)], { type: "image/jpeg" });
  const file = { role: "sent", content_type: "image/jpeg", width_px: 1, height_px: 1, ...(await store.fingerprint(blob)) };
  const visit = store.mint("visit", { uuid: store.uuid(), ...common, household: of, address: "3-2-501", kind: "elderly", findings: "在家", answers: {}, reports: [], next_at: null });
  const photo = store.mint("photo", { uuid: store.uuid(), ...common, of: visit._id, taken_at: null, place: null, files: [file] });
  const docs = [visit, photo].map((doc) => ({ database: HOME_QUARTER, doc }));
  await store.saveRecord({ docs, blobs: [{ photo: photo._id, role: "sent", blob }, { photo: photo._id, role: "thumb", blob }] });
  await round(store);
  assert.equal((await store.unsent()).documents, 0);
  return { store, server, author: store.session.author, home: of, other: other.docs[0].doc._id, member: member._id, visit: visit._id, photo: photo._id };
}

/** The server erases: each of these has a tombstone in the feed. */
function tombstones(server, database, ids) {
  const feed = (server.feeds[database] ??= []);
  for (const id of ids) {
    const held = server.held.get(`${database}|${id}`);
    const start = Number.parseInt(held._rev, 10) + 1;
    const digest = createHash("md5").update(id).digest("hex");
    const ids_ = [digest, ...(held._revisions?.ids ?? [held._rev.split("-")[1]])];
    const stone = { _id: id, _rev: `${start}-${digest}`, _deleted: true, _revisions: { start, ids: ids_ } };
    server.held.set(`${database}|${id}`, stone);
    feed.push(stone);
  }
}

/** Everything that IndexedDB has of a user, as bytes, with what PouchDB keeps of a document named. */
async function bodiesOf(author, database, id) {
  await closeAll();
  const db = await new Promise((resolve) => (indexedDB.open(`_pouch_xunge/${author}/${database}`).onsuccess = ({ target }) => resolve(/** @type {any} */ (target).result)));
  const rows = await new Promise((resolve) => (db.transaction("by-sequence").objectStore("by-sequence").getAll().onsuccess = ({ target }) => resolve(target.result)));
  db.close();
  return rows.filter(({ _doc_id_rev }) => _doc_id_rev.startsWith(`${id}::`)).flatMap(({ _doc_id_rev, _deleted, ...body }) => Object.keys(body));
}

/** The phone pulled last so many days ago. */
async function wasAway(author, days) {
  const db = await openOwn(author);
  const store = db.transaction("checkpoints", "readwrite").objectStore("checkpoints");
  const rows = await done(store.getAll());
  const pulled_at = new Date(Date.now() - days * 86_400_000).toISOString();
  await Promise.all(rows.map((row) => done(store.put({ ...row, pulled_at }))));
}

async function nothingIsLeft({ store, author, home, member, visit, photo }) {
  for (const [database, id] of [[HOME, home], [HOME, member], [HOME_QUARTER, visit], [HOME_QUARTER, photo]]) {
    assert.deepEqual(await bodiesOf(author, database, id), [], `no body of any version of ${id}`);
    assert.equal(await store.getRecord(id), null);
  }
  assert.equal(await rawBlobOf(author, photo, "sent"), undefined);
  assert.equal(await rawBlobOf(author, photo, "thumb"), undefined);
  assert.deepEqual(await linkedTo(author, home), []);
  const named = await homes(store.session);
  assert.ok(!named.some(({ id }) => id === home));
  assert.ok(!JSON.stringify(named).includes("李秀英"));
}

test("a pulled tombstone takes every version, photo bytes, links, index rows and drafts along, and leaves the neighbours alone", async () => {
  const told = await synced();
  const { store, server, author, home, other, member, visit, photo } = told;
  const { doc } = await store.getRecord(home);
  await store.saveRecord({ docs: [{ database: HOME, doc: { ...(await store.edit(doc, { remark: "改过" }, await store.stamp(doc))), _rev: doc._rev } }] });
  await round(store);
  await keepSealedDraft(author, `/m/homes/${encodeURIComponent(home)}/edit`, [["remark", "李秀英"]]);
  await keepSealedDraft(author, `/m/homes/${other}/edit`, [["remark", "x"]]);
  assert.ok((await bodiesOf(author, HOME, home)).includes("sealed"));
  tombstones(server, HOME, [home, member]);
  tombstones(server, HOME_QUARTER, [visit, photo]);
  await round(store);
  await nothingIsLeft(told);
  assert.equal(await store.isErased(home), true);
  assert.equal(await store.isErased(other), false);
  assert.equal((await homes(store.session)).length, 1);
  assert.deepEqual(await bodiesOf(author, HOME, other), ["sealed"]);
  assert.equal(await sealedDraft(author, `/m/homes/${encodeURIComponent(home)}/edit`), null);
  assert.ok(await sealedDraft(author, `/m/homes/${other}/edit`));
  await dropSealedDraft(author, `/m/homes/${other}/edit`);
});

test("a branch that only this phone has is closed with the others", async () => {
  const told = await synced();
  const { store, server, author, home, member, visit, photo } = told;
  const held = await findAsIs(author, HOME, home);
  await keep(author, HOME, [{ ...held, _rev: "7-" + "f".repeat(32), _revisions: { start: 7, ids: ["f".repeat(32)] } }]);
  tombstones(server, HOME, [home, member]);
  tombstones(server, HOME_QUARTER, [visit, photo]);
  await round(store);
  await nothingIsLeft(told);
});

test("an edit made offline before is refused as erased: gone, no loss, never offered again, and its user is told", async () => {
  const told = await synced();
  const { store, server, author, home, member, visit, photo } = told;
  const { doc } = await store.getRecord(home);
  await store.saveRecord({ docs: [{ database: HOME, doc: { ...(await store.edit(doc, { remark: "离线改的" }, await store.stamp(doc))), _rev: doc._rev } }] });
  server.rule = ({ _id }) => (_id === home || _id === visit ? "erased_id" : undefined);
  tombstones(server, HOME, [home, member]);
  tombstones(server, HOME_QUARTER, [visit, photo]);
  await round(store);
  await nothingIsLeft(told);
  assert.deepEqual((await entries(author)).length, 0);
  const [row, ...others] = await refusals(author);
  assert.deepEqual([row.id, row.reason, row.state, row.doc, others.length], [home, "erased_id", "erased", undefined, 0]);
  assert.equal(await store.isErased(home), true);
  assert.deepEqual([(await store.unsent()).count, server.told.at(-1)?.records ?? 0], [0, 0]);
  server.me.epoch = "another";
  const pushed = server.aside.length;
  await round(store);
  await round(store);
  assert.equal(server.aside.length, pushed, "a restored server is not offered it either");
});

test("a household that was never sent is out of the list as soon as it is refused", async () => {
  const store = await phone();
  const server = serveAll(store);
  const made = household(store, { address: "5-5-505" });
  await store.saveRecord(made);
  assert.equal((await homes(store.session)).length, 1);
  server.rule = () => "erased_id";
  await round(store, { all: false });
  assert.deepEqual(await homes(store.session), []);
});

test("a visit made offline on it goes with its photo, whichever of the two is refused first", async () => {
  const told = await synced();
  const { store, server, author, home } = told;
  const blob = new Blob(["SECONDPHOTO".repeat(50)], { type: "image/jpeg" });
  const file = { role: "sent", content_type: "image/jpeg", width_px: 1, height_px: 1, ...(await store.fingerprint(blob)) };
  const visit = store.mint("visit", { uuid: store.uuid(), ...common, household: home, address: "x", kind: "routine", findings: "又去", answers: {}, reports: [], next_at: null });
  const photo = store.mint("photo", { uuid: store.uuid(), ...common, of: visit._id, taken_at: null, place: null, files: [file] });
  await store.saveRecord({ docs: [visit, photo].map((doc) => ({ database: HOME_QUARTER, doc })), blobs: [{ photo: photo._id, role: "sent", blob }] });
  server.rule = ({ household, of }) => (household === home || of === visit._id ? "erased_id" : undefined);
  await round(store);
  assert.deepEqual([(await entries(author)).length, (await uploads(author)).filter((one) => one.photo === photo._id).length], [0, 0]);
  assert.equal(await rawBlobOf(author, photo._id, "sent"), undefined);
  assert.deepEqual([await bodiesOf(author, HOME_QUARTER, visit._id), await bodiesOf(author, HOME_QUARTER, photo._id)], [[], []]);
  assert.deepEqual((await refusals(author)).map(({ id }) => id), [visit._id]);
});

test("a file whose photo was erased meanwhile is let go with its bytes", async () => {
  const { store, server, author } = await synced();
  const blob = new Blob(["THIRDPHOTO".repeat(50)], { type: "image/jpeg" });
  const made = await report(store, { photos: [blob] });
  await store.saveRecord(made);
  const photo = made.docs[1].doc._id;
  server.isDown = (name) => name.includes("/api/uploads") && reply(403, { code: "erased_id" });
  await sendPhotos(store.session, { shouldStop: () => false, onProgress: () => undefined });
  assert.equal((await uploads(author)).filter((one) => one.photo === photo).length, 0);
  assert.equal(await rawBlobOf(author, photo, "sent"), undefined);
});

test("a phone that was away for longer than tombstones are kept loads households anew", async () => {
  const { store, author, server, home, other } = await synced();
  server.feeds[HOME] = [server.held.get(`${HOME}|${other}`)];
  await wasAway(author, 79);
  await round(store);
  assert.ok(await store.getRecord(home));
  await wasAway(author, 91);
  await round(store);
  assert.equal(await store.getRecord(home), null);
  assert.ok(await store.getRecord(other));
  assert.deepEqual(await bodiesOf(author, HOME, home), []);
});

test("a copy that was put aside before loses its body when the server says that it was erased", async () => {
  const { store, server, author, home } = await synced();
  const visit = store.mint("visit", { uuid: store.uuid(), ...common, household: home, address: "x", kind: "routine", findings: "李秀英", answers: {}, reports: [], next_at: null });
  server.rule = () => "not_grid_holder";
  await store.saveRecord({ docs: [{ database: HOME_QUARTER, doc: visit }] });
  await round(store);
  const [{ rev, doc }] = await refusals(author);
  assert.ok(doc);
  const named = createHash("sha256").update(`${HOME_QUARTER}\n${visit._id}\n${rev}`).digest("hex");
  server.outcomes = [{ id: `refused:${named}`, database: HOME_QUARTER, doc_id: null, rev: null, reason: "erased_id", state: "dismissed" }];
  await round(store);
  const [row] = await refusals(author);
  assert.deepEqual([row.state, row.doc], ["erased", undefined]);
  assert.deepEqual(await bodiesOf(author, HOME_QUARTER, visit._id), []);
});

test("what an earlier version of the app kept of an erased record loses its body", async () => {
  const { store, author, home } = await synced();
  const visit = store.mint("visit", { uuid: store.uuid(), ...common, household: home, address: "x", kind: "routine", findings: "李秀英", answers: {}, reports: [], next_at: null });
  await store.saveRecord({ docs: [{ database: HOME_QUARTER, doc: visit }] });
  const [entry] = await entries(author);
  await release(author, [entry.key], [{ ...refusalOf(entry, { reason: "erased_id" }, { grants: "g", version: "1" }), state: "waiting" }]);
  await round(store);
  const [row] = await refusals(author);
  assert.deepEqual([row.state, row.doc, await bodiesOf(author, HOME_QUARTER, visit._id)], ["erased", undefined, []]);
});

test("nothing typed or shown of it is left in the phone's storage in the clear", async () => {
  const told = await synced();
  const { store, server, author, home, member, visit, photo } = told;
  tombstones(server, HOME, [home, member]);
  tombstones(server, HOME_QUARTER, [visit, photo]);
  await round(store);
  await refresh(store.session);
  await closeAll();
  await close(`xunge-own-${author}`);
  const raw = await rawText((name) => name === `xunge-own-${author}` || name.includes(`/${author}/`));
  assert.ok(!["李秀英", "3-2-501", "PHOTOBYTES"].some((word) => raw.includes(word)));
  assert.ok(await state(author, `homes:${GRID}`));
});
