/** The vault: what opens it, how often one may try, and that it is closed when it should be. */
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { test } from "node:test";

import { PIN, givePin, phone, session } from "./phone.mjs";

const { newDeviceKey, randomBytes, stretched, unwrap, wrap } = await import("../../../pwa/src/crypto/keys.js");
const { open, openBytes, seal } = await import("../../../pwa/src/crypto/seal.js");
const { base64Of, bytesOf, sealForServer } = await import("../../../pwa/src/crypto/seals.js");
const { usable } = await import("../../../pwa/src/crypto/keys.js");
const vault = { ...(await import("../../../pwa/src/store/vault.js")), ...(await import("../../../pwa/src/store/unlocking.js")) };
const { setState } = await import("../../../pwa/src/store/outbox.js");
const { subtle } = webcrypto;

/** A public key that nobody has the other half of; the server's own is tried in `sealed.test.mjs`. */
const SEAL_KEY = { id: "k1", point: await anyPoint() };

async function anyPoint() {
  const { publicKey } = await subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, true, ["deriveBits"]);
  return base64Of(new Uint8Array(await subtle.exportKey("raw", publicKey)));
}

async function worker(fields = { seal_key: SEAL_KEY }) {
  return (await phone(fields)).session;
}

test("what was sealed is opened by the same key saying the same, and by nothing else", async () => {
  const [key, other] = [await usable(randomBytes()), await usable(randomBytes())];
  const sealed = await seal(key, { address: "文昌路 12 号" }, "index");
  assert.deepEqual(await open(key, sealed, "index"), { address: "文昌路 12 号" });
  assert.ok(!Buffer.from(sealed).includes("文昌路"));
  await assert.rejects(open(key, sealed, "draft"));
  await assert.rejects(open(other, sealed, "index"));
  await assert.rejects(open(key, sealed.map((byte, at) => (at === 20 ? byte ^ 1 : byte)), "index"));
});

test("only PIN and device key together unwrap the data key", async () => {
  const [device, elsewhere, salt, raw] = [await newDeviceKey(), await newDeviceKey(), randomBytes(), randomBytes()];
  const [right, wrong] = [await stretched(PIN, salt, 1000), await stretched("246811", salt, 1000)];
  const wrapped = await wrap(device, right, raw);
  assert.deepEqual(await unwrap(device, right, wrapped), raw);
  assert.equal(await unwrap(device, wrong, wrapped), null);
  assert.equal(await unwrap(elsewhere, right, wrapped), null);
});

test("neither the device key nor the unlocked data key can be read out", async () => {
  const { author } = await worker();
  const { device } = await vault.vaultOf(author);
  for (const key of [device, await vault.keyOf(author)]) {
    assert.equal(key.extractable, false);
    await assert.rejects(subtle.exportKey("raw", key));
  }
});

test("what is sealed for the server only the server's key opens", async () => {
  const server = await subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, true, ["deriveBits"]);
  const point = base64Of(new Uint8Array(await subtle.exportKey("raw", server.publicKey)));
  const sealed = await sealForServer(point, new Uint8Array([1, 2, 3]), "worker1");
  const ours = sealed.slice(0, 65);
  const theirs = await subtle.importKey("raw", ours, { name: "ECDH", namedCurve: "P-256" }, false, []);
  const shared = await subtle.deriveBits({ name: "ECDH", public: theirs }, server.privateKey, 256);
  const source = await subtle.importKey("raw", shared, "HKDF", false, ["deriveBits"]);
  const info = new TextEncoder().encode("xunge seal");
  const key = await usable(new Uint8Array(await subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt: ours, info }, source, 256)));
  assert.deepEqual([...new Uint8Array(await openBytes(key, sealed.slice(65), "worker1"))], [1, 2, 3]);
  assert.equal(bytesOf(point).length, 65);
});

test("who has no household or beat databases needs no PIN", async () => {
  const own = session({ databases: [{ name: "ref", pull: true, push: false }] });
  assert.equal(await vault.standing(own), "unneeded");
});

test("a new user is asked for a PIN; with it the vault is open, and locked after locking", async () => {
  const own = session();
  assert.equal(await vault.standing(own), "unset");
  await givePin(own);
  assert.equal(await vault.standing(own), "open");
  await vault.lock(own.author);
  assert.equal(await vault.standing(own), "locked");
  await assert.rejects(vault.vaultFor(own).seal({}, "x"), { name: "Locked" });
  assert.equal((await vault.unlock(own, PIN)).is_open, true);
  assert.equal(await vault.standing(own), "open");
});

test("a PIN set twice is the first one", async () => {
  const own = await worker();
  assert.equal(await vault.makeVault(own, "999999", 1000), false);
  await vault.lock(own.author);
  assert.equal((await vault.unlock(own, PIN)).is_open, true);
});

test("it locks by itself after the minutes the user chose, counted from when they last did something", async (t) => {
  const own = await worker();
  const began_ms = Date.now();
  let now_ms = began_ms;
  t.mock.method(Date, "now", () => now_ms);
  await vault.stayOpen(own.author);
  now_ms = began_ms + 4 * 60_000;
  assert.equal(await vault.stayOpen(own.author), now_ms + 5 * 60_000);
  now_ms += 5 * 60_000 - 1;
  assert.equal(await vault.standing(own), "open");
  now_ms += 1;
  assert.equal(await vault.stayOpen(own.author), null, "too late to stay open");
  assert.equal(await vault.standing(own), "locked");
});

test("a clock that was set back keeps nothing open for longer than was chosen, and only whoever has it open chooses", async (t) => {
  const own = await worker();
  const began_ms = Date.now();
  let now_ms = began_ms;
  t.mock.method(Date, "now", () => now_ms);
  await vault.setMinutes(own.author, 1);
  now_ms = began_ms - 60_000;
  assert.equal(await vault.stayOpen(own.author), null);
  assert.equal(await vault.standing(own), "locked");
  await assert.rejects(vault.setMinutes(own.author, 15), { name: "Locked" });
  assert.equal((await vault.vaultOf(own.author)).minutes, 1);
});

test("wrong PINs have to wait longer and longer, and a restart changes nothing about it", async (t) => {
  const own = await worker();
  await vault.lock(own.author);
  let now_ms = Date.now();
  t.mock.method(Date, "now", () => now_ms);
  const waits = [];
  for (let left = 9; left >= 0; left -= 1) {
    const told = await vault.unlock(own, "000000");
    assert.deepEqual([told.is_open, told.left], [false, left]);
    waits.push(told.wait_ms / 60_000);
    if (told.wait_ms) assert.equal((await vault.unlock(own, PIN)).is_open, false, "the right PIN waits, too");
    now_ms += told.wait_ms;
  }
  assert.deepEqual(waits, [0, 0, 0, 0.5, 1, 5, 15, 30, 60, 60]);
  assert.deepEqual(await vault.unlock(own, PIN), { is_open: false, wait_ms: 0, left: 0 });
});

test("a right PIN gives all tries back", async () => {
  const own = await worker();
  await vault.lock(own.author);
  await vault.unlock(own, "000000");
  await vault.unlock(own, PIN);
  assert.equal((await vault.triesOf(own.author)).left, 10);
});

test("tries at once each count, and a try that was broken off has counted", async () => {
  const own = await worker();
  await vault.lock(own.author);
  await Promise.all(["111111", "222222", "333333"].map((pin) => vault.unlock(own, pin)));
  assert.equal((await vault.triesOf(own.author)).left, 7);
});

test("a clock that was set back locks nobody out for longer than the wait", async () => {
  const own = await worker();
  await setState(own.author, "vault-tries", { wrong: 4, not_before_ms: Date.now() + 365 * 86_400_000 });
  assert.equal((await vault.triesOf(own.author)).wait_ms, 30_000);
});

test("a changed PIN opens the same data, and the old one opens nothing", async () => {
  const own = await worker();
  const sealed = await vault.vaultFor(own).seal("王家", "x");
  assert.equal((await vault.changePin(own, "000000", "135791")).is_open, false);
  assert.equal((await vault.changePin(own, PIN, "135791")).is_open, true);
  await vault.lock(own.author);
  assert.equal((await vault.unlock(own, PIN)).is_open, false);
  assert.equal((await vault.unlock(own, "135791")).is_open, true);
  assert.equal(await vault.vaultFor(own).open(sealed, "x"), "王家");
});

test("a PIN that only this phone knows is never locked out for good: an hour each for one more try", async (t) => {
  const own = await worker({});
  await vault.lock(own.author);
  let now_ms = Date.now();
  t.mock.method(Date, "now", () => now_ms);
  for (let n = 0; n < 14; n += 1) now_ms += (await vault.unlock(own, "000000")).wait_ms;
  assert.deepEqual(await vault.triesOf(own.author), { wait_ms: 0, left: 1 });
  assert.equal((await vault.unlock(own, PIN)).is_open, true);
});

test("the data key is sealed for the server at the next unlocking when its key was not known before, and again when it is another", async () => {
  const own = await worker({});
  assert.equal((await vault.vaultOf(own.author)).server, null);
  await vault.unlock({ ...own, seal_key: SEAL_KEY }, PIN);
  assert.equal((await vault.vaultOf(own.author)).server.id, "k1");
  await vault.unlock({ ...own, seal_key: { ...SEAL_KEY, id: "k2" } }, PIN);
  assert.equal((await vault.vaultOf(own.author)).server.id, "k2");
});

test("whoever forgot the PIN sets a new one with the key that the server opened, and everything sealed before opens", async () => {
  const own = session({ seal_key: SEAL_KEY });
  const raw = randomBytes();
  await vault.makeVault(own, PIN, 1000);
  await vault.recover(own, raw.slice(), PIN); // now this test knows the data key
  const sealed = await vault.vaultFor(own).seal("王家", "x");
  await vault.lock(own.author);
  for (let n = 0; n < 3; n += 1) await vault.unlock(own, "000000");
  await vault.recover(own, raw.slice(), "864209");
  assert.deepEqual([await vault.standing(own), (await vault.triesOf(own.author)).left], ["open", 10]);
  assert.equal(await vault.vaultFor(own).open(sealed, "x"), "王家");
  await vault.lock(own.author);
  assert.equal((await vault.unlock(own, "864209")).is_open, true);
});

test("biometrics open the same data key, only with the PIN once given, and only with this phone's secret", async () => {
  const own = await worker();
  const secret = randomBytes();
  const given = { credential: "c", salt: "s", secret };
  assert.equal((await vault.addBiometrics(own, "000000", given)).is_open, false);
  assert.equal((await vault.addBiometrics(own, PIN, given)).is_open, true);
  const sealed = await vault.vaultFor(own).seal("王家", "x");
  await vault.lock(own.author);
  assert.equal(await vault.unlockByBiometrics(own, randomBytes()), false);
  assert.equal(await vault.unlockByBiometrics(own, secret), true);
  assert.equal(await vault.vaultFor(own).open(sealed, "x"), "王家");
});

test("an app that was closed and opened anew is locked; a page that is still open keeps it open", async () => {
  const own = await worker();
  const held = [{ name: vault.PAGE_LOCK }];
  globalThis.navigator.locks = { query: async () => ({ held }) };
  await vault.lockIfAlone(own);
  assert.equal(await vault.standing(own), "open");
  held.length = 0;
  await vault.lockIfAlone(own);
  assert.equal(await vault.standing(own), "locked");
  delete globalThis.navigator.locks;
});
