/**
 * What opens the vault: the PIN, biometrics, or the server for whoever forgot the PIN. How often a PIN may be tried is kept on the phone
 * before each try; after ten wrong ones only the account's password helps, which needs the network. Nothing is ever thrown away for it:
 * the data key stays wrapped as it is, and what was not sent stays sealed until somebody opens it.
 *
 * @typedef {import("./vault.js").Vault} Vault
 * @typedef {{is_open: boolean, wait_ms: number, left: number}} Tried `left` tries until only the account's password helps
 */
import { ITERATIONS, newDeviceKey, randomBytes, stretched, unwrap, usable, wrap } from "../crypto/keys.js";
import { open, seal } from "../crypto/seal.js";
import { sealForServer } from "../crypto/seals.js";
import { done, transact } from "./idb.js";
import { setState, state } from "./outbox.js";
import { openOwn } from "./own.js";
import { MINUTE_MS, lock, neededKey, setMinutes, standing, vaultOf } from "./vault.js";

const DEFAULT_MINUTES = 5;
/** Waits after so many wrong tries; the first few are a slip of a cold thumb. */
const WAITS_MS = Object.freeze([0, 0, 0, 0.5, 1, 5, 15, 30, 60, 60].map((minutes) => minutes * MINUTE_MS));

/**
 * Makes the vault with a first PIN, and leaves it open. @param {import("./meta.js").Session} session @param {string} pin
 * @param {number} [iterations] @returns {Promise<boolean>} false when there is one already
 */
export async function makeVault(session, pin, iterations = ITERATIONS) {
  if (await vaultOf(session.author)) return false;
  const raw = randomBytes();
  await keep(session, { device: await newDeviceKey(), iterations, minutes: DEFAULT_MINUTES, is_swept: false, prf: null, server: null }, raw, pin);
  return true;
}

/** Wraps the data key anew by a PIN and leaves the vault open. @param {any} vault @param {Uint8Array<ArrayBuffer>} raw wiped afterwards */
async function keep(session, vault, raw, pin) {
  const salt = randomBytes();
  const wrapped = await wrap(vault.device, await stretched(pin, salt, vault.iterations), raw);
  await setState(session.author, "vault", await sealedAnew(session, { ...vault, salt, pin: wrapped }, raw), "strict");
  await opened(session, vault.minutes, raw);
}

/** The vault with the data key sealed to the key that the server has now, as far as this phone knows one. */
async function sealedAnew({ author, seal_key }, vault, raw) {
  if (!seal_key || vault.server?.id === seal_key.id) return vault;
  return { ...vault, server: { id: seal_key.id, sealed: await sealForServer(seal_key.point, raw, author) } };
}

async function opened({ author }, minutes, raw) {
  const key = await usable(raw);
  raw.fill(0);
  await setState(author, "vault-tries", null);
  await setState(author, "unlocked", { key, until_ms: Date.now() + minutes * MINUTE_MS, minutes });
}

/** Unlocks with the PIN. @param {import("./meta.js").Session} session @param {string} pin @returns {Promise<Tried>} */
export async function unlock(session, pin) {
  return tryWith(session, pin, (vault, raw) => opened(session, vault.minutes, raw));
}

/** Changes the PIN. @param {import("./meta.js").Session} session @param {string} pin @param {string} next @returns {Promise<Tried>} */
export async function changePin(session, pin, next) {
  return tryWith(session, pin, (vault, raw) => keep(session, vault, raw, next));
}

/** @param {(vault: Vault, raw: Uint8Array<ArrayBuffer>) => Promise<void>} use the vault, sealed for the server, and the data key's bytes */
async function tryWith(session, pin, use) {
  const { author } = session;
  const vault = await vaultOf(author);
  const tries = await beginTry(author);
  if (!vault || tries.wait_ms || !tries.left) return { is_open: false, ...tries };
  const raw = await unwrap(vault.device, await stretched(pin, vault.salt, vault.iterations), vault.pin);
  if (!raw) return { is_open: false, ...(await triesOf(author)) };
  await use(await renewed(session, vault, raw), raw);
  return { is_open: true, wait_ms: 0, left: WAITS_MS.length };
}

/** A vault that was made before this phone knew the server's key, or whose server has another by now. */
async function renewed(session, vault, raw) {
  const anew = await sealedAnew(session, vault, raw);
  if (anew !== vault) await setState(session.author, "vault", anew, "strict");
  return anew;
}

/** How long to wait, and how many tries are left. @param {string} author @returns {Promise<{wait_ms: number, left: number}>} */
export async function triesOf(author) {
  const [tries, vault] = await Promise.all([state(author, "vault-tries"), vaultOf(author)]);
  return leftOf(tries ?? { wrong: 0, not_before_ms: 0 }, vault);
}

/**
 * A clock that was set back makes nobody wait longer than the wait that was due. Of a vault that the server cannot open either there is
 * always one try left, each hour: nobody may be locked out for good.
 */
function leftOf({ wrong, not_before_ms }, vault) {
  const most_ms = WAITS_MS[Math.min(wrong, WAITS_MS.length) - 1] ?? 0;
  return { wait_ms: Math.min(most_ms, Math.max(0, not_before_ms - Date.now())), left: Math.max(vault?.server ? 0 : 1, WAITS_MS.length - wrong) };
}

/** Counts a try before it is made, as if it were wrong: two at once, or one that is broken off, are no way round. */
async function beginTry(author) {
  const db = await openOwn(author);
  return transact(db, ["state"], "readwrite", async (tx) => {
    const store = tx.objectStore("state");
    const held = (await done(store.get("vault-tries"))) ?? { wrong: 0, not_before_ms: 0 };
    const tries = leftOf(held, await done(store.get("vault")));
    const wait_ms = WAITS_MS[Math.min(held.wrong, WAITS_MS.length - 1)];
    if (!tries.wait_ms && tries.left) store.put({ wrong: held.wrong + 1, not_before_ms: Date.now() + wait_ms }, "vault-tries");
    return tries;
  }, "strict");
}

/**
 * A new PIN for whoever forgot theirs, with the data key as the server opened it. @param {import("./meta.js").Session} session
 * @param {Uint8Array<ArrayBuffer>} raw @param {string} pin
 */
export async function recover(session, raw, pin) {
  const vault = await vaultOf(session.author);
  if (vault) await keep(session, vault, raw, pin);
}

/** The password was right, but the server cannot open the vault: one more try with the PIN, the next in an hour. @param {string} author */
export async function giveTry(author) {
  await setState(author, "vault-tries", { wrong: WAITS_MS.length - 1, not_before_ms: 0 }, "strict");
}

/**
 * Lets biometrics open the vault, too. @param {import("./meta.js").Session} session @param {string} pin
 * @param {{credential: string, salt: string, secret: Uint8Array<ArrayBuffer>}} given what this phone's own authenticator answers to `salt`
 */
export async function addBiometrics(session, pin, { credential, salt, secret }) {
  return tryWith(session, pin, async (vault, raw) => {
    const prf = { credential, salt, wrapped: await wrap(vault.device, secret, raw) };
    await setState(session.author, "vault", { ...vault, prf }, "strict");
    await opened(session, vault.minutes, raw);
  });
}

/** @param {import("./meta.js").Session} session @param {Uint8Array<ArrayBuffer>} secret @returns {Promise<boolean>} */
export async function unlockByBiometrics(session, secret) {
  const vault = await vaultOf(session.author);
  const raw = vault?.prf && (await unwrap(vault.device, secret, vault.prf.wrapped));
  if (raw) await opened(session, /** @type {Vault} */ (vault).minutes, raw);
  return Boolean(raw);
}

/** The vault as pages see it. @param {import("./meta.js").Session} session */
export function vaultFor(session) {
  const { author } = session;
  return {
    standing: () => standing(session),
    /** Seals anything that JSON can say as one value. @param {any} value @param {string} about what it is, to be said again @throws {Locked} */
    seal: async (value, about) => seal(await neededKey(author), value, about),
    /** @param {Uint8Array} sealed @param {string} about @throws {Locked} */
    open: async (sealed, about) => open(await neededKey(author), sealed, about),
    facts: () => vaultOf(author),
    tries: () => triesOf(author),
    /** @param {string} pin */
    make: (pin) => makeVault(session, pin),
    /** @param {string} pin */
    unlock: (pin) => unlock(session, pin),
    /** @param {Uint8Array<ArrayBuffer>} secret */
    unlockByBiometrics: (secret) => unlockByBiometrics(session, secret),
    /** @param {string} pin @param {string} next */
    changePin: (pin, next) => changePin(session, pin, next),
    /** @param {string} pin @param {Parameters<typeof addBiometrics>[2]} given */
    addBiometrics: (pin, given) => addBiometrics(session, pin, given),
    /** @param {Uint8Array<ArrayBuffer>} raw @param {string} pin */
    recover: (raw, pin) => recover(session, raw, pin),
    giveTry: () => giveTry(author),
    lock: () => lock(author),
    /** @param {number} minutes */
    setMinutes: (minutes) => setMinutes(author, minutes),
  };
}
