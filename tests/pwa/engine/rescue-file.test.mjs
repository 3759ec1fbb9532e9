/** The rescue file: what is in it, that it is made piece by piece. The server opens one in `tests/e2e/test_me.py`. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { jpeg, phone, report } from "./phone.mjs";

const { rescueFile, rescuedAt } = await import("../../../pwa/src/store/rescue-file.js");
const { entries, noteUpload, release, uploads } = await import("../../../pwa/src/store/outbox.js");
const { dropSession, sessions } = await import("../../../pwa/src/store/meta.js");

const NOW = "2026-11-23T08:00:00.000Z";
const CURVE = { name: "ECDH", namedCurve: "P-256" };

/** A server's key pair, and opening a file with it as `server/rescue/opening.py` says. */
async function server() {
  const { publicKey, privateKey } = await crypto.subtle.generateKey(CURVE, true, ["deriveBits"]);
  const point = Buffer.from(await crypto.subtle.exportKey("raw", publicKey));
  const digest = Buffer.from(await crypto.subtle.digest("SHA-256", point));
  return { to: { id: digest.toString("hex").slice(0, 16), point: point.toString("base64"), proof: "proof" }, privateKey };
}

async function opened({ privateKey }, parts) {
  const [head, ...sealed] = parts;
  assert.equal(Buffer.from(head).toString("latin1", 0, 8), "XUNGRSQ1");
  const theirs = await crypto.subtle.importKey("raw", head.slice(16), CURVE, false, []);
  const shared = await crypto.subtle.deriveBits({ name: "ECDH", public: theirs }, privateKey, 256);
  const source = await crypto.subtle.importKey("raw", shared, "HKDF", false, ["deriveKey"]);
  const drawn = { name: "HKDF", hash: "SHA-256", salt: head, info: new TextEncoder().encode("xunge rescue 1") };
  const key = await crypto.subtle.deriveKey(drawn, source, { name: "AES-GCM", length: 256 }, false, ["decrypt"]);
  return Promise.all(sealed.map(async (part, number) => {
    const iv = new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, 0, number >> 8, number & 255, Number(number === sealed.length - 1)]);
    const piece = Buffer.from(await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData: head }, key, part.slice(4)));
    return { letter: piece.toString("latin1", 0, 1), content: piece.subarray(1) };
  }));
}

async function collected(parts) {
  const all = [];
  for await (const part of parts) all.push(part);
  return all;
}

async function alone(fields) {
  for (const { author } of await sessions()) await dropSession(author);
  return phone(fields);
}

test("everything unsent is in the file: records first, then photos in pieces, and a count at the end", async () => {
  const own = await server();
  const store = await alone({ seal_key: own.to });
  const large = jpeg(2_500_000, 3);
  await store.saveRecord(await report(store, { photos: [jpeg(900), large], text: "井盖破损 😀" }));
  await store.saveRecord(await report(store));
  const pieces = await opened(own, await collected(rescueFile(store.session, NOW)));
  const letters = pieces.map(({ letter }) => letter).join("");
  assert.ok(["PDFBBFE", "PDFFBBE"].includes(letters), letters);
  const at = letters.indexOf("FBB");
  const [whose, { documents }] = pieces.slice(0, 2).map(({ content }) => JSON.parse(content));
  assert.deepEqual(whose, { author: store.session.author, device: "device1", proof: "proof", made_at: NOW });
  assert.deepEqual(documents.map(({ doc }) => doc), (await entries(store.session.author)).map(({ doc }) => doc));
  const line = pieces[at].content.indexOf(10);
  const about = JSON.parse(pieces[at].content.subarray(0, line));
  const bytes = Buffer.concat([pieces[at].content.subarray(line + 1), pieces[at + 1].content, pieces[at + 2].content]);
  assert.deepEqual([bytes.length, about.size_bytes, about.role], [2_500_000, 2_500_000, "sent"]);
  assert.equal(Buffer.from(await crypto.subtle.digest("SHA-256", bytes)).toString("hex"), about.sha256);
  assert.deepEqual(JSON.parse(pieces.at(-1).content), { documents: 4, files: 2 });
  assert.deepEqual([await rescuedAt(store.session.author), (await store.unsent()).count], [NOW, 4], "all of it stays on the phone");
});

test("what the server holds or keeps for a clerk is not in it; a file that found no room there is", async () => {
  const own = await server();
  const store = await alone({ seal_key: own.to });
  await store.saveRecord(await report(store, { photos: [jpeg(500, 1), jpeg(600, 2)] }));
  const { author } = store.session;
  await release(author, (await entries(author)).map(({ key }) => key));
  const [first, second] = await uploads(author);
  await noteUpload(author, first.key, { problem: "rescued", is_final: true, is_kept: true });
  await noteUpload(author, second.key, { problem: "quota", is_final: true, is_kept: false });
  const pieces = await opened(own, await collected(rescueFile(store.session, NOW)));
  assert.equal(pieces.map(({ letter }) => letter).join(""), "PFE");
});

test("a shared phone's file has a part for each of its users, with that user's own proof", async () => {
  const own = await server();
  const first = await alone({ seal_key: { ...own.to, proof: "first" } });
  await first.saveRecord(await report(first));
  const second = await phone({ seal_key: { ...own.to, proof: "second" } });
  await second.saveRecord(await report(second));
  const pieces = await opened(own, await collected(rescueFile(second.session, NOW)));
  assert.deepEqual(pieces.filter(({ letter }) => letter === "P").map(({ content }) => JSON.parse(content).proof), ["first", "second"]);
});

test("a hundred photos are read one after another, as the file is taken", async () => {
  const own = await server();
  const store = await alone({ seal_key: own.to });
  for (let at = 0; at < 10; at += 1) {
    await store.saveRecord(await report(store, { photos: Array.from({ length: 10 }, (_, n) => jpeg(300_000, at * 10 + n)) }));
  }
  let read = 0;
  const arrayBuffer = Blob.prototype.arrayBuffer;
  Blob.prototype.arrayBuffer = function counted() {
    read += 1;
    return arrayBuffer.call(this);
  };
  const parts = rescueFile(store.session, NOW);
  for (let at = 0; at < 10; at += 1) await parts.next();
  Blob.prototype.arrayBuffer = arrayBuffer;
  assert.ok(read < 12, `${read} files were read for 10 parts`);
  assert.ok((await collected(parts)).length > 90);
});

test("a phone that has not met the server since it gives proofs makes none", async () => {
  const store = await alone();
  assert.equal(rescueFile(store.session, NOW), null);
});
