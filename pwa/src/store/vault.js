/**
 * The vault of one user of this phone: their data key wrapped, and the key itself while it is unlocked. Nobody but a user of `home-*` or
 * `beat-*` databases needs one. What opens it is `unlocking.js`'s, which documents are sealed is `sealed.js`'s.
 *
 * Small state of the user's own tables:
 *
 * | name | holds |
 * | --- | --- |
 * | `vault` | `{device, salt, iterations, pin, prf, server, minutes, is_swept}`: see `Vault` |
 * | `vault-tries` | `{wrong, not_before_ms}`: written before each try, so that a restart gives nobody another one |
 * | `unlocked` | `{key, until_ms, minutes}`: the data key, which no script can read out; there only while unlocked. Earlier versions had no `minutes` |
 *
 * @typedef {{device: CryptoKey, salt: Uint8Array<ArrayBuffer>, iterations: number, pin: Uint8Array, minutes: number, is_swept: boolean,
 *   prf: {credential: string, salt: string, wrapped: Uint8Array} | null, server: {id: string, sealed: Uint8Array<ArrayBuffer>} | null}} Vault
 *   `pin`, `prf.wrapped` and `server.sealed` are the data key, wrapped three ways; `is_swept`: nothing of an earlier version is left plain
 * @typedef {"unneeded" | "unset" | "locked" | "open"} Standing `unset`: this user needs a PIN and has none yet
 */
import { Locked } from "./errors.js";
import { done, transact } from "./idb.js";
import { setState, state } from "./outbox.js";
import { openOwn } from "./own.js";

export const MINUTES = Object.freeze([1, 5, 15]);
export const MINUTE_MS = 60_000;
/** The lock that every open page of the app holds: when nobody does, the browser was started anew, or the app. */
export const PAGE_LOCK = "xunge-page";

/** Whether the bodies of this database are sealed on the phone. @param {string} database */
export function isSealed(database) {
  return /^(home|beat)-/.test(database);
}

/** @param {import("./meta.js").Session} session @returns {Promise<Standing>} */
export async function standing({ author, databases }) {
  const [key, vault] = await Promise.all([keyOf(author), vaultOf(author)]);
  if (key) return "open";
  if (vault) return "locked";
  return databases.some(({ name }) => isSealed(name)) ? "unset" : "unneeded";
}

/** @param {string} author @returns {Promise<Vault | null>} */
export async function vaultOf(author) {
  return state(author, "vault");
}

/** The data key while unlocked, or null. @param {string} author @returns {Promise<CryptoKey | null>} */
export async function keyOf(author) {
  return (await unlocked(author))?.key ?? null;
}

/** Until when it is unlocked, or null. @param {string} author @returns {Promise<number | null>} */
export async function openUntil(author) {
  return (await unlocked(author))?.until_ms ?? null;
}

/** @type {Map<string, Map<string, any>>} what was opened with the key, by author and name: in this worker's memory only, and gone with the key */
const opened = new Map();

/** A place to keep what was opened while it is open, so that it is not opened for every letter that is typed. @param {string} author */
export function openedOf(author) {
  const held = opened.get(author) ?? new Map();
  opened.set(author, held);
  return held;
}

/** Keeps nothing opened of anybody but this user. @param {string | undefined} author */
export function forgetOthers(author) {
  for (const other of opened.keys()) if (other !== author) opened.delete(other);
}

/** What has run out is forgotten. @returns {Promise<{key: CryptoKey, until_ms: number} | null>} */
async function unlocked(author) {
  const held = await state(author, "unlocked");
  if (isOpenAt(held, Date.now())) return held;
  opened.delete(author);
  if (held) await lock(author);
  return null;
}

/** Not longer than was chosen, whatever becomes of the clock. @param {{until_ms: number, minutes?: number} | undefined} held @param {number} now_ms */
function isOpenAt(held, now_ms) {
  const left_ms = (held?.until_ms ?? 0) - now_ms;
  return left_ms > 0 && left_ms <= (held?.minutes ?? MINUTES[MINUTES.length - 1]) * MINUTE_MS;
}

/** @param {string} author @returns {Promise<CryptoKey>} @throws {Locked} */
export async function neededKey(author) {
  const key = await keyOf(author);
  if (!key) throw new Locked();
  return key;
}

/** Locks: the key is gone from this phone's storage. @param {string} author */
export async function lock(author) {
  opened.delete(author);
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
    if (!vault || !isOpenAt(held, Date.now())) return null;
    const { minutes } = vault;
    const until_ms = Date.now() + minutes * MINUTE_MS;
    store.put({ ...held, until_ms, minutes }, "unlocked");
    return until_ms;
  });
}

/** Locks what was left open when the app was closed: no page of it is there any more. @param {import("./meta.js").Session} session @returns {Promise<Standing>} how it stands then */
export async function lockIfAlone(session) {
  const { locks } = globalThis.navigator ?? {};
  // Between two pages nobody holds the lock: the old one let go, the new one's script has not run. Either is still a client then.
  const [before, windows = []] = await Promise.all([standing(session), /** @type {any} */ (globalThis).clients?.matchAll?.({ type: "window" })]);
  if (before !== "open" || !locks?.query || windows.length) return before;
  const { held = [] } = await locks.query();
  if (held.some(({ name }) => name === PAGE_LOCK)) return before;
  await lock(session.author);
  return "locked";
}

/** @param {string} author @param {number} minutes until it locks by itself @throws {Locked} only whoever can open it may say so */
export async function setMinutes(author, minutes) {
  await neededKey(author);
  const vault = await vaultOf(author);
  if (vault && MINUTES.includes(minutes)) await setState(author, "vault", { ...vault, minutes }, "strict");
  await stayOpen(author);
}
