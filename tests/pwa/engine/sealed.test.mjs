/** What is sealed on the phone: nothing of households in the clear, nothing sent or shown while locked, and nothing lost by it. */
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { test } from "node:test";

import { GRID, PIN, QUARTER, household, jpeg, openEntries, phone, report } from "./phone.mjs";
import { serveAll } from "./fleet.mjs";
import { rawText } from "./raw.mjs";
import { reply } from "./server.mjs";
import "./xhr.mjs";

const { open, openBytes } = await import("../../../pwa/src/crypto/seal.js");
const { base64Of, bytesOf } = await import("../../../pwa/src/crypto/seals.js");
const { usable } = await import("../../../pwa/src/crypto/keys.js");
const { closeAll, destroy, find, findMany } = await import("../../../pwa/src/store/documents.js");
const { close } = await import("../../../pwa/src/store/idb.js");
const { entries, rawBlobOf, uploads } = await import("../../../pwa/src/store/outbox.js");
const { refusals } = await import("../../../pwa/src/store/refusals.js");
const { replay } = await import("../../../pwa/src/store/saving.js");
const { blobOf } = await import("../../../pwa/src/store/sealed.js");
const { unlock } = await import("../../../pwa/src/store/unlocking.js");
const { lock, vaultOf } = await import("../../../pwa/src/store/vault.js");
const { rescue } = await import("../../../pwa/src/sync/rescue.js");
const { runRound } = await import("../../../pwa/src/sync/round.js");
const { sendPhotos } = await import("../../../pwa/src/sync/uploads.js");
const { offerAgain } = await import("../../../pwa/src/sync/again.js");

const HOME = `home-${GRID}`;
const HOME_QUARTER = `home-${GRID}-${QUARTER}`;
const SECRETS = ["王家", "3-2-501", "老人独居", "13912345678", "PHOTOBYTES"];
const { subtle } = webcrypto;

/** A phone with a household, a visit to it with a photo, and a report: all unsent. */
async function withHousehold(fields) {
  const store = await phone(fields);
  const home = household(store, { contact_phone: "13912345678" });
  await store.saveRecord(home);
  const common = { grid: GRID, captured_at: "2026-11-23T08:00:00.000Z" };
  const blob = new Blob(["PHOTOBYTES".repeat(50)], { type: "image/jpeg" });
  const photo = store.mint("photo", {
    uuid: store.uuid(), ...common, of: "", taken_at: null, place: null,
    files: [{ role: "sent", content_type: "image/jpeg", width_px: 1, height_px: 1, ...(await store.fingerprint(blob)) }],
  });
  const visit = store.mint("visit", {
    uuid: store.uuid(), ...common, household: home.docs[0].doc._id, address: "3-2-501", kind: "elderly", findings: "老人独居", answers: {},
    reports: [], next_at: null, photos: [photo._id],
  });
  photo.of = visit._id;
  const docs = [visit, photo].map((doc) => ({ database: HOME_QUARTER, doc }));
  await store.saveRecord({ docs, blobs: [{ photo: photo._id, role: "sent", blob }, { photo: photo._id, role: "thumb", blob }] });
  await store.saveRecord(await report(store));
  return { store, author: store.session.author, home: home.docs[0].doc, visit, photo: photo._id };
}

const ofAuthor = (author) => (name) => name === `xunge-own-${author}` || name.includes(`/${author}/`);
const round = (session, all = false) => runRound(session, { me: true, all, names: new Set() }, { isUnsure: false });

test("nothing of a household lies in the clear: not in PouchDB, the outbox, refusals or photo bytes", async () => {
  const { store, author, home, photo } = await withHousehold();
  const server = serveAll(store);
  server.rule = (doc) => (doc._id === home._id ? "schema" : undefined);
  await round(store.session);
  assert.equal((await refusals(author)).length, 1);
  const raw = await rawText(ofAuthor(author));
  for (const secret of SECRETS) assert.ok(!raw.includes(secret), secret);
  assert.ok(raw.includes("井盖破损") && raw.includes(home._id), "grids stay readable, and so do ids");
  assert.equal(await (await blobOf(author, photo, "thumb")).text(), "PHOTOBYTES".repeat(50));
});

test("unlocked, the server gets everything as it was made", async () => {
  const { store, author, home, visit } = await withHousehold();
  const made = await openEntries(author);
  const server = serveAll(store);
  await round(store.session);
  assert.equal((await store.unsent()).documents, 0);
  for (const { database, doc } of made) assert.deepEqual(server.held.get(`${database}|${doc._id}`), doc);
  assert.deepEqual([(await store.getRecord(home._id)).doc.name, (await store.visitsOf(home._id)).map(({ id }) => id)], ["王家", [visit._id]]);
});

test("locked, nothing of households is shown or sent, grids go on, and after unlocking all of it arrives", async () => {
  const { store, author, home, visit, photo } = await withHousehold();
  const server = serveAll(store);
  server.feeds[HOME] = [{ ...home, _id: "household:other", _rev: "1-a" }];
  await lock(author);
  await round(store.session, true);
  await sendPhotos(store.session, { shouldStop: () => false, onProgress: () => undefined });
  assert.deepEqual([...server.held.keys()].map((key) => key.split("|")[0]), [`grid-${GRID}-${QUARTER}`]);
  assert.ok(!server.asked.some((name) => name.includes("/home-") || name.includes("uploads")), "not even asked about");
  assert.deepEqual([(await store.listHouseholds()).rows, (await store.listVisits()).rows, await store.getRecord(home._id), await store.tasks()], [[], [], null, []]);
  assert.deepEqual(await store.visitsOf(home._id), []);
  assert.equal((await store.listReports()).rows.length, 1);
  assert.deepEqual([(await store.unsent()).count, (await store.unsent()).photos], [3, 1], "and they are counted");
  await assert.rejects(store.photoBlob(photo, "thumb"), { name: "Locked" });
  await unlock(store.session, PIN);
  await round(store.session, true);
  await sendPhotos(store.session, { shouldStop: () => false, onProgress: () => undefined });
  assert.deepEqual([server.held.has(`${HOME}|${home._id}`), server.held.has(`${HOME_QUARTER}|${visit._id}`), (await store.unsent()).count], [true, true, 0]);
  assert.equal((await store.listHouseholds()).rows.length, 2, "and what came meanwhile is there");
});

test("locked, a household cannot be saved, and nothing of the attempt is kept", async () => {
  const store = await phone();
  await lock(store.session.author);
  await assert.rejects(store.saveRecord(household(store)), { name: "Locked" });
  assert.deepEqual(await entries(store.session.author), []);
  assert.equal((await store.saveRecord(await report(store, { photos: [jpeg()] }))).already, false, "a report can");
});

test("what a crash kept from PouchDB is made good while locked, links and all", async () => {
  const { store, author, home, visit } = await withHousehold();
  for (const name of [HOME, HOME_QUARTER]) await destroy(author, name);
  await lock(author);
  assert.equal((await replay(author)).length, 3);
  await unlock(store.session, PIN);
  assert.deepEqual((await store.visitsOf(home._id)).map(({ id }) => id), [visit._id]);
});

test("an edit made after unlocking carries the history it was made from", async () => {
  const { store, home } = await withHousehold();
  const held = (await store.getRecord(home._id)).doc;
  await store.saveRecord({ docs: [{ database: HOME, doc: { ...held, name: "李家" } }] });
  const edits = (await openEntries(store.session.author)).filter(({ id }) => id === home._id);
  assert.deepEqual(edits[1].doc._revisions, { start: 2, ids: [edits[1].rev.slice(2), edits[0].rev.slice(2)] });
  assert.equal((await find(store.session.author, HOME, home._id)).name, "李家");
});

test("a refused household is sent once more while locked as the same revision", async () => {
  const { store, author, home } = await withHousehold();
  const server = serveAll(store);
  server.rule = (doc) => (doc._id === home._id ? "author_mismatch" : undefined);
  await round(store.session);
  const [{ rev }] = await refusals(author);
  await lock(author);
  assert.equal(await store.resend(home._id), true);
  assert.deepEqual((await entries(author)).map((entry) => [entry.id, entry.rev]), [[home._id, rev]]);
  await unlock(store.session, PIN);
  server.rule = () => undefined;
  await round(store.session);
  assert.equal(server.held.get(`${HOME}|${home._id}`).name, "王家");
});

test("a second user of the phone reads nothing of the first, with their PIN or without", async () => {
  const first = await withHousehold();
  const second = await phone();
  assert.deepEqual((await second.listHouseholds()).rows, []);
  const own = await openEntries(first.author);
  const foreign = (await entries(first.author)).find(({ database }) => database === HOME);
  await findMany(second.session.author, HOME, [foreign.id]);
  await closeAll();
  const { openDocs } = await import("../../../pwa/src/store/sealed.js");
  await assert.rejects(openDocs(second.session.author, HOME, [foreign.doc]), "their key opens nothing of the first's");
  await lock(first.author);
  assert.equal((await unlock(first.store.session, "999999")).is_open, false);
  assert.equal(own.length, 4);
});

async function serverKey() {
  const pair = await subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, true, ["deriveBits"]);
  const point = base64Of(new Uint8Array(await subtle.exportKey("raw", pair.publicKey)));
  const openFor = async (sealed, about) => {
    const theirs = await subtle.importKey("raw", sealed.slice(0, 65), { name: "ECDH", namedCurve: "P-256" }, false, []);
    const shared = await subtle.deriveBits({ name: "ECDH", public: theirs }, pair.privateKey, 256);
    const source = await subtle.importKey("raw", shared, "HKDF", false, ["deriveBits"]);
    const drawn = { name: "HKDF", hash: "SHA-256", salt: sealed.slice(0, 65), info: new TextEncoder().encode("xunge seal") };
    return new Uint8Array(await openBytes(await usable(new Uint8Array(await subtle.deriveBits(drawn, source, 256))), sealed.slice(65), about));
  };
  return { seal_key: { id: "k1", point }, openFor };
}

test("a revoked phone that is locked hands everything over as only the server can open it, and only then wipes itself, keys and all", async () => {
  const { seal_key, openFor } = await serverKey();
  const { store, author, home, photo } = await withHousehold({ seal_key });
  const server = serveAll(store);
  const sent = [];
  const files = [];
  const served = globalThis.fetch;
  globalThis.fetch = async (path, init = {}) => {
    if (path === "/api/rescue") sent.push(JSON.parse(init.body));
    return served(path, init);
  };
  server.refusing = { code: "token_revoked", wipe: true, rescue_until: null };
  server.isDown = (name) => name.startsWith("POST /api/rescue/uploads") && (files.push(name), false);
  await lock(author);
  const [, kept] = [await vaultOf(author), await rawBlobOf(author, photo, "sent")];
  assert.equal(await rescue(store.session), "wiped");
  const [{ documents, data_key }] = sent;
  const key = await usable(await openFor(bytesOf(data_key), author));
  const { doc } = documents.find((one) => one.doc._id === home._id);
  const body = await open(key, bytesOf(doc.sealed), `${HOME}|${doc._id}|${doc._rev}`);
  assert.deepEqual([body.name, body.contact_phone, JSON.stringify(documents).includes("王家")], ["王家", "13912345678", false]);
  assert.equal(documents.find((one) => one.doc._id.startsWith("report:")).doc.text, "井盖破损");
  assert.equal(Buffer.from(await openBytes(key, new Uint8Array(await kept.blob.arrayBuffer()), `${photo}|sent`)).toString(), "PHOTOBYTES".repeat(50));
  assert.equal(files.length, 1);
  assert.deepEqual((await indexedDB.databases()).filter(({ name }) => name === `xunge-own-${author}`), []);
});

test("a locked phone whose server could open nothing keeps what is sealed until it is unlocked", async () => {
  const { store, author } = await withHousehold();
  const server = serveAll(store);
  server.refusing = { code: "token_revoked", wipe: true, rescue_until: null };
  const served = globalThis.fetch;
  globalThis.fetch = async (path, init = {}) => {
    if (path !== "/api/rescue") return served(path, init);
    const { documents } = JSON.parse(init.body);
    server.rescued.push(...documents.flatMap(({ doc }) => (doc.sealed ? [] : [doc._id])));
    return reply(200, { kept: documents.map(({ doc }) => ({ ok: !doc.sealed })) });
  };
  await lock(author);
  assert.equal(await rescue(store.session), "waiting");
  assert.deepEqual([(await entries(author)).length, (await uploads(author)).length], [3, 1]);
  await unlock(store.session, PIN);
  assert.equal(await rescue(store.session), "wiped");
  assert.equal(server.rescued.filter((id) => !id.startsWith("POST")).length, 4);
});

test("a restored server is offered what is sealed once the phone is unlocked", async () => {
  const { store, author, home } = await withHousehold();
  const server = serveAll(store);
  const session = { ...store.session, epoch: "a" };
  await round(session);
  await offerAgain(session);
  server.held.clear();
  await lock(author);
  const early = await offerAgain({ ...session, epoch: "b" });
  assert.ok(early.every((id) => id.startsWith("report:")) && early.length === 1);
  assert.deepEqual(await offerAgain({ ...session, epoch: "b" }), []);
  await unlock(session, PIN);
  assert.ok((await offerAgain({ ...session, epoch: "b" })).includes(home._id));
  assert.deepEqual(await offerAgain({ ...session, epoch: "b" }), []);
  await close(`xunge-own-${author}`);
});
