/**
 * Taking data off this phone: a quarter that is over, a grid that is somebody else's now, everything of a user whose phone was
 * revoked. Never anything that the server does not hold: what is unsent, or put aside and not decided, keeps its database.
 */
import { checkpoints, dropCheckpoint } from "./checkpoints.js";
import { parse } from "./databases.js";
import { destroy, idsOf, localNames } from "./documents.js";
import { forget } from "./homes.js";
import { drop } from "./idb.js";
import { drafts } from "./drafts.js";
import { dropLinks } from "./links.js";
import { currentSession, dropSession, endSession, setWiped } from "./meta.js";
import { dropBlobs, entries, setState, state, uploads } from "./outbox.js";
import { refusals } from "./refusals.js";
import { unsent } from "./where.js";

/**
 * Removes every local database that the server does not let this phone read any more and that holds nothing unsent.
 * @param {import("./meta.js").Session} session as the server last described it
 * @returns {Promise<string[]>} what was removed
 */
export async function removeClosed(session) {
  const { author, databases, grids } = session;
  if (!databases.length) return []; // a list that names nothing at all is a fault, not an order
  const open = new Set(databases.filter(({ pull }) => pull).map(({ name }) => name));
  const names = (await namesHere(author)).filter((name) => !open.has(name) && parse(name).kind !== null);
  const removed = [];
  for (const name of names) {
    if (await isNeeded(author, name, grids)) continue;
    await remove(author, name);
    removed.push(name);
  }
  if (removed.some((name) => !grids.includes(parse(name).grid ?? grids[0]))) await dropCopies(author);
  return removed;
}

/** Tombstones of what was erased are purged at the server after 90 days: a phone that was away for nearly as long may have missed them. */
const STALE_MS = 80 * 24 * 3_600_000;

/**
 * Removes household databases that were not pulled for so long, to be loaded anew; not while anything of them is unsent.
 * @param {import("./meta.js").Session} session @returns {Promise<string[]>} what was removed
 */
export async function removeStale({ author, grids }, now_ms = Date.now()) {
  const stale = (await checkpoints(author)).filter(({ database, pulled_at }) => parse(database).kind?.startsWith("home") && now_ms - Date.parse(pulled_at) > STALE_MS);
  const removed = [];
  for (const { database } of stale) {
    if (await isNeeded(author, database, grids)) continue;
    await remove(author, database);
    removed.push(database);
  }
  return removed;
}

const caches = globalThis.caches;

/** Where the service worker keeps photos that it fetched from the server. @param {string} author */
export function photosCache(author) {
  return `xunge-photos-${author}`;
}

/** Forgets those photos: they come again when they are looked at. @param {string} author */
export async function dropCopies(author) {
  await caches?.delete(photosCache(author));
}

async function namesHere(author) {
  return (await localNames(author)) ?? (await checkpoints(author)).map(({ database }) => database);
}

/** A former grid's records leave the phone although a clerk still decides on one: the row of the refusal has its own copy. */
async function isNeeded(author, name, grids) {
  const [waiting, files, aside] = await Promise.all([entries(author), uploads(author), refusals(author)]);
  /** @param {import("./refusals.js").Refusal} refusal */
  const isUndecided = ({ database, state, doc }) => database === name && state === "waiting" && (!doc || grids.includes(parse(name).grid));
  return waiting.some(({ database }) => database === name) || files.some((file) => file.database === name && isGoing(file)) || aside.some(isUndecided);
}

/** @param {import("./outbox.js").Upload} upload */
function isGoing({ problem, is_final }) {
  return !(problem && is_final);
}

async function remove(author, name) {
  await dropBlobs(author, await idsOf(author, name, "photo"));
  await dropLinks(author, name);
  await dropCheckpoint(author, name);
  if (parse(name).kind === "home") await forget(author, parse(name).grid ?? "");
  await destroy(author, name);
}

/** A form that was being saved when its user was signed out is saved by then. */
const LAST_SAVE_MS = 1_500;

/**
 * Removes everything of one user from this phone: records, photo bytes, token. What was begun and not submitted is nobody's to hand over
 * (some of it was taken back on purpose) and goes, too; how much that was is said. They are signed out first, so that nothing new comes; it
 * refuses while anything is unsent.
 * @param {string} author @returns {Promise<boolean>} false when something unsent has turned up
 */
export async function wipeUser(author) {
  if ((await currentSession())?.author === author) {
    await endSession();
    await new Promise((resolve) => setTimeout(resolve, LAST_SAVE_MS));
  }
  const { documents, photos } = await unsent(author);
  if (documents + photos) return false;
  const begun = (await drafts(author)).length + Object.keys((await state(author, "sealed-drafts")) ?? {}).length;
  for (const name of ["unlocked", "vault"]) await setState(author, name, null, "strict"); // what a kill leaves then nobody opens
  for (const name of await namesHere(author)) await destroy(author, name);
  await drop(`xunge-own-${author}`);
  await dropCopies(author);
  await dropSession(author);
  if (!(await currentSession())) await setWiped({ at: new Date().toISOString(), drafts: begun }); // somebody else has lost nothing
  return true;
}
