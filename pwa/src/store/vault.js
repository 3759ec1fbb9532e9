/**
 * The vault of one user of this phone: their data key wrapped, the tries at their PIN, and the key itself while it is unlocked. Nobody
 * but a user of `home-*` or `beat-*` databases needs one. Cryptography is `crypto/`'s; which documents are sealed is `sealed.js`'s.
 *
 * Small state of the user's own tables:
 *
 * | name | holds |
 * | --- | --- |
 * | `vault` | `{device, salt, iterations, pin, prf, server, minutes, is_swept}`: see `Vault` |
 * | `vault-tries` | `{wrong, not_before_ms}`: written before each try, so that a restart gives nobody another one |
 * | `unlocked` | `{key, until_ms}`: the data key, which no script can read out; there only while unlocked |
 *
 * @typedef {{device: CryptoKey, salt: Uint8Array<ArrayBuffer>, iterations: number, pin: Uint8Array, minutes: number, is_swept: boolean,
 *   prf: {credential: string, salt: string, wrapped: Uint8Array} | null, server: {id: string, sealed: Uint8Array} | null}} Vault
 *   `pin`, `prf.wrapped` and `server.sealed` are the data key, wrapped three ways; `is_swept`: nothing of an earlier version is left plain
 * @typedef {"unneeded" | "unset" | "locked" | "open"} Standing `unset`: this user needs a PIN and has none yet
 * @typedef {{is_open: boolean, wait_ms: number, left: number}} Tried `left` tries until only the account's password helps
 */
import { ITERATIONS, newDeviceKey, randomBytes, stretched, unwrap, usable, wrap } from "../crypto/keys.js";
import { open, seal } from "../crypto/seal.js";
import { sealForServer } from "../crypto/seals.js";
import { Locked } from "./errors.js";
import { done, transact } from "./idb.js";
import { setState, state } from "./outbox.js";
import { openOwn } from "./own.js";

export const MINUTES = Object.freeze([1, 5, 15]);
const DEFAULT_MINUTES = 5;
const MINUTE_MS = 60_000;
/** Waits after so many wrong tries; the first few are a slip of a cold thumb. */
const WAITS_MS = Object.freeze([0, 0, 0, 0.5, 1, 5, 15, 30, 60, 60].map((minutes) => minutes * MINUTE_MS));

/** Whether the bodies of this database are sealed on the phone. @param {string} database */
export function isSealed(database) {
  return /^(home|beat)-/.test(database);
}

/** @param {import("./meta.js").Session} session @returns {Promise<Standing>} */
export async function standing({ author, databases }) {
  if (await keyOf(author)) return "open";
  if (await vaultOf(author)) return "locked";
  return databases.some(({ name }) => isSealed(name)) ? "unset" : "unneeded";
}

/** @param {string} author @returns {Promise<Vault | null>} */
export async function vaultOf(author) {
  return state(author, "vault");
}

/** The data key while unlocked, or null; what has run out is forgotten. @param {string} author @returns {Promise<CryptoKey | null>} */
export async function keyOf(author) {
  const held = await state(author, "unlocked");
  if (held && held.until_ms <= Date.now()) await lock(author);
  return held && held.until_ms > Date.now() ? held.key : null;
}

/** @param {string} author @returns {Promise<CryptoKey>} @throws {Locked} */
export async function neededKey(author) {
  const key = await keyOf(author);
  if (!key) throw new Locked();
  return key;
}

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
  await setState(author, "unlocked", { key, until_ms: Date.now() + minutes * MINUTE_MS });
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
  return standingOf((await state(author, "vault-tries")) ?? { wrong: 0, not_before_ms: 0 });
}

/** A clock that was set back makes nobody wait longer than the wait that was due. */
function standingOf({ wrong, not_before_ms }) {
  const most_ms = WAITS_MS[Math.min(wrong, WAITS_MS.length) - 1] ?? 0;
  return { wait_ms: Math.min(most_ms, Math.max(0, not_before_ms - Date.now())), left: WAITS_MS.length - wrong };
}

/** Counts a try before it is made, as if it were wrong: two at once, or one that is broken off, are no way round. */
async function beginTry(author) {
  const db = await openOwn(author);
  return transact(db, ["state"], "readwrite", async (tx) => {
    const store = tx.objectStore("state");
    const held = (await done(store.get("vault-tries"))) ?? { wrong: 0, not_before_ms: 0 };
    const tries = standingOf(held);
    if (!tries.wait_ms && tries.left) store.put({ wrong: held.wrong + 1, not_before_ms: Date.now() + WAITS_MS[held.wrong] }, "vault-tries");
    return tries;
  }, "strict");
}

/** Locks: the key is gone from this phone's storage. @param {string} author */
export async function lock(author) {
  await setState(author, "unlocked", null);
}

/**
 * The user is here: it stays open from now on for as long as they chose. In one transaction, so that it opens nothing that was just locked.
 * @param {string} author @returns {Promise<number | null>} until when, or null when locked
 */
export async function stayOpen(author) {
  const db = await openOwn(author);
  return transact(db, ["state"], "readwrite", async (tx) => {
    const store = tx.objectStore("state");
    const [held, vault] = await Promise.all([done(store.get("unlocked")), done(store.get("vault"))]);
    if (!held || !vault || held.until_ms <= Date.now()) return null;
    const until_ms = Date.now() + vault.minutes * MINUTE_MS;
    store.put({ ...held, until_ms }, "unlocked");
    return until_ms;
  });
}

/** The vault as pages and other modules see it. @param {import("./meta.js").Session} session */
export function vaultFor(session) {
  const { author } = session;
  return {
    standing: () => standing(session),
    /** Seals anything that JSON can say as one value. @param {any} value @param {string} about what it is, to be said again @throws {Locked} */
    seal: async (value, about) => seal(await neededKey(author), value, about),
    /** @param {Uint8Array} sealed @param {string} about @throws {Locked} */
    open: async (sealed, about) => open(await neededKey(author), sealed, about),
  };
}
