/**
 * Sends the outbox, each database's entries straight through `_bulk_docs`. An entry leaves only when the server holds its revision
 * or has put it aside; everything else stays and is sent again, which is harmless.
 */
import { Locked } from "../store/errors.js";
import { ERASED, forgetErased } from "../store/erased.js";
import { follow } from "../store/homes.js";
import { appVersion } from "../store/meta.js";
import { noteHeldBack, release } from "../store/outbox.js";
import { cureOf, grantsOf, refusalOf, STALE_GRANTS } from "../store/refusals.js";
import { ensureWritten } from "../store/saving.js";
import { openDocs, sendable } from "../store/sealed.js";
import { Refused, ask } from "./http.js";
import { restamp } from "./restamp.js";

const BATCH_DOCS = 100;
const BATCH_BYTES = 1_000_000;

/**
 * @typedef {{settled: string[], databases: string[], kept: number, restamped: number, stale: number}} Pushed `settled` are ids whose
 *   place changed, `kept` entries that stay for reasons of their own, `stale` refusals by rights that this phone has not heard of
 */

/**
 * @param {import("../store/meta.js").Session} session
 * @param {{isUnsure?: boolean, isFresh?: boolean}} [options] `isUnsure`: the last push had no answer, or nobody knows how it ended (a
 *   new start): what the server may hold already is asked about before it is sent again. `isFresh`: the server was asked just now
 *   what this phone may do
 * @returns {Promise<Pushed>}
 * @throws {import("./http.js").Offline | import("./http.js").SignedOut | import("./http.js").Busy}
 */
export async function pushOutbox(session, { isUnsure = false, isFresh = false } = {}) {
  /** @type {Pushed} */
  const sum = { settled: [], databases: [], kept: 0, restamped: 0, stale: 0 };
  const { grants, version } = grantsOf(session, await appVersion());
  const given = { grants: isFresh ? grants : STALE_GRANTS, version };
  for (const batch of batchesOf(await sendable(session.author))) {
    try {
      await pushBatch({ session, given, isUnsure, sum }, batch);
    } catch (error) {
      if (!(error instanceof Locked)) throw error; // locked since the entries were read: these wait
    }
    if (!sum.databases.includes(batch[0].database)) sum.databases.push(batch[0].database);
  }
  return sum;
}

/** Entries in batches of one database, of at most 100 documents and about 1 MB. @param {import("../store/outbox.js").Entry[]} entries */
export function batchesOf(entries) {
  /** @type {import("../store/outbox.js").Entry[][]} */ const batches = [];
  let size_bytes = 0;
  for (const entry of entries) {
    const last = batches[batches.length - 1];
    const fits = last && last[0].database === entry.database && last.length < BATCH_DOCS && size_bytes + entry.size_bytes <= BATCH_BYTES;
    if (fits) last.push(entry);
    else batches.push([entry]);
    size_bytes = fits ? size_bytes + entry.size_bytes : entry.size_bytes;
  }
  return batches;
}

async function pushBatch(push, batch) {
  const held = push.isUnsure ? await heldOf(push.session, batch) : [];
  if (!held.length) return sendBatch(push, batch);
  await letGo(push.session.author, held);
  push.sum.settled.push(...held.map(({ id }) => id));
  await sendBatch(push, batch.filter((entry) => !held.includes(entry)));
}

async function sendBatch(push, batch) {
  if (!batch.length) return;
  const docs = await openDocs(push.session.author, batch[0].database, batch.map(({ doc }) => doc));
  let answers;
  try {
    answers = await ask(push.session, `/db/${batch[0].database}/_bulk_docs`, {
      method: "POST",
      body: { docs, new_edits: false },
    });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return tooMuch(error) && batch.length > 1 ? sendHalves(push, batch) : keepAll(push, batch, error);
  }
  return settle(push, batch, Array.isArray(answers) ? answers : []);
}

/** @param {any} error a `Refused` */
function tooMuch(error) {
  return error.status === 413;
}

async function sendHalves(push, batch) {
  const middle = Math.ceil(batch.length / 2);
  await sendBatch(push, batch.slice(0, middle));
  await sendBatch(push, batch.slice(middle));
}

/** @param {any} error a `Refused` */
async function keepAll({ session, sum }, batch, error) {
  await noteHeldBack(session.author, new Map(batch.map(({ key }) => [key, error.reason || "refused"])));
  sum.kept += batch.length;
}

async function settle({ session, given, sum }, batch, answers) {
  const answered = new Map(answers.map((answer) => [`${answer.id}|${answer.rev ?? ""}`, answer]));
  const answerOf = ({ id, rev }) => answered.get(`${id}|${rev}`) ?? answered.get(`${id}|`);
  const silent = batch.filter((entry) => !answerOf(entry));
  const held = [...batch.filter((entry) => answerOf(entry)?.ok), ...(await heldOf(session, silent))];
  const erased = batch.filter((entry) => answerOf(entry)?.reason === ERASED);
  const aside = batch.filter((entry) => answerOf(entry)?.quarantined && !erased.includes(entry));
  const refusals = aside.map((entry) => refusalOf(entry, answerOf(entry), given));
  await letGo(session.author, held, aside, refusals);
  if (erased.length) {
    await forgetErased(session.author, batch[0].database, erased.map(({ id }) => id), erased);
    await follow(session, [batch[0].database]);
  }
  const ahead = batch.filter((entry) => answerOf(entry)?.reason === "stamp_ahead" && !answerOf(entry).quarantined);
  for (const entry of ahead) await restamp(session, entry);
  const kept = batch.filter((entry) => ![held, aside, erased, ahead].some((list) => list.includes(entry)));
  await noteHeldBack(session.author, new Map(kept.map((entry) => [entry.key, answerOf(entry)?.reason ?? "no_answer"])));
  sum.settled.push(...[...held, ...aside, ...erased].map(({ id }) => id));
  sum.kept += kept.length;
  sum.restamped += ahead.length;
  if (given.grants === STALE_GRANTS) sum.stale += refusals.filter(({ reason }) => cureOf(reason) === "grants").length;
}

async function letGo(author, held, aside = [], refusals = []) {
  await ensureWritten(author, held);
  await release(author, [...held, ...aside].map(({ key }) => key), refusals);
}

/** Which of these entries of one database does the server hold? Where it does not say, none. */
async function heldOf(session, entries) {
  if (!entries.length) return [];
  const revisions = {};
  for (const { id, rev } of entries) (revisions[id] ??= []).push(rev);
  try {
    const missing = await ask(session, `/db/${entries[0].database}/_revs_diff`, { method: "POST", body: revisions });
    return entries.filter(({ id, rev }) => !missing[id]?.missing?.includes(rev));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return []; // a database that this phone may no longer ask: the push itself is answered for each document
  }
}
