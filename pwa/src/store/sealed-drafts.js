/**
 * What was typed into forms about households and visits and not saved yet, sealed: by the form's address, so that it is there again after
 * the phone locked itself, or the browser closed the page. The report form has drafts of its own. So is what was searched last, by a name
 * that is no address: a browser's history and session storage are plain.
 *
 * @typedef {[name: string, value: string][]} Fields as the form had them
 */
import { open, seal } from "../crypto/seal.js";
import { setState, state } from "./outbox.js";
import { keyOf } from "./vault.js";

const NAME = "sealed-drafts";
/** More than anybody has begun; the oldest is forgotten first. */
const KEPT = 10;
const SEARCH = "search";
/** The last turn at the drafts in this worker: each is a change of all of them, and of two letters the later one counts. */
let turn = Promise.resolve();

/** @returns {Promise<Record<string, Uint8Array>>} oldest first */
async function all(author) {
  return (await state(author, NAME)) ?? {};
}

async function write(author, drafts) {
  await setState(author, NAME, Object.fromEntries(Object.entries(drafts).slice(-KEPT)));
}

/** Keeps a draft; nothing while locked. @param {string} author @param {string} path @param {Fields} fields @returns {Promise<void>} */
export function keepSealedDraft(author, path, fields) {
  const kept = turn.then(() => keep(author, path, fields));
  turn = kept.catch(() => undefined);
  return kept;
}

async function keep(author, path, fields) {
  const key = await keyOf(author);
  if (!key) return;
  const sealed = await seal(key, fields, `${NAME} ${path}`);
  const { [path]: _before, ...others } = await all(author);
  await write(author, { ...others, [path]: sealed });
}

/** @param {string} author @param {string} path @returns {Promise<Fields | null>} */
export async function sealedDraft(author, path) {
  const [key, { [path]: sealed }] = await Promise.all([keyOf(author), all(author)]);
  return key && sealed ? open(key, sealed, `${NAME} ${path}`) : null;
}

/** Keeps what was searched for among households; losing it is no reason for a search to fail. @param {string} author @param {string} typed */
export function keepSearch(author, typed) {
  return keepSealedDraft(author, SEARCH, [["q", typed]]).catch((error) => console.error("a search was not kept", error));
}

/** What was searched for last, or "". @param {string} author @returns {Promise<string>} */
export async function keptSearch(author) {
  await turn;
  return (await sealedDraft(author, SEARCH))?.[0][1] ?? "";
}

/** Forgets what was typed about these records, and what was searched, which may name them. @param {string} author @param {string[]} ids */
export async function dropDraftsOf(author, ids) {
  const drafts = Object.entries(await all(author));
  const kept = drafts.filter(([path]) => !ids.some((id) => path === SEARCH || decodeURIComponent(path).includes(id)));
  if (kept.length < drafts.length) await write(author, Object.fromEntries(kept));
}

/** @param {string} author @param {string} path */
export async function dropSealedDraft(author, path) {
  const { [path]: dropped, ...others } = await all(author);
  if (dropped) await write(author, others);
}
