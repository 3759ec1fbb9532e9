/**
 * Sends the outbox, each database's entries straight through `_bulk_docs`. An entry leaves only when the server holds its revision
 * or has put it aside; everything else stays and is sent again, which is harmless.
 */
import { ensureWritten } from "../store/saving.js";
import { entries as waiting, release } from "../store/outbox.js";
import { Busy, Refused, ask } from "./http.js";
import { restamp } from "./restamp.js";

const BATCH_DOCS = 100;
const BATCH_BYTES = 1_000_000;

/**
 * @param {import("../store/meta.js").Session} session
 * @returns {Promise<{settled: string[], databases: string[], kept: number, restamped: number}>} ids whose place changed; `kept` entries
 *   stay for reasons of their own
 * @throws {import("./http.js").Offline | import("./http.js").SignedOut | Busy}
 */
export async function pushOutbox(session) {
  /** @type {{settled: string[], databases: string[], kept: number, restamped: number}} */
  const sum = { settled: [], databases: [], kept: 0, restamped: 0 };
  for (const batch of batchesOf(await waiting(session.author))) {
    const { settled, kept, restamped } = await pushBatch(session, batch);
    sum.kept += kept;
    sum.restamped += restamped;
    sum.settled.push(...settled);
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

async function pushBatch(session, batch) {
  let answers;
  try {
    answers = await ask(session, `/db/${batch[0].database}/_bulk_docs`, {
      method: "POST",
      body: { docs: batch.map(({ doc }) => doc), new_edits: false },
    });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return tooMuch(error) && batch.length > 1 ? pushHalves(session, batch) : { settled: [], kept: batch.length, restamped: 0 };
  }
  return settle(session, batch, Array.isArray(answers) ? answers : []);
}

function tooMuch(error) {
  return error.status === 413;
}

async function pushHalves(session, batch) {
  const middle = Math.ceil(batch.length / 2);
  const first = await pushBatch(session, batch.slice(0, middle));
  const rest = await pushBatch(session, batch.slice(middle));
  return { settled: [...first.settled, ...rest.settled], kept: first.kept + rest.kept, restamped: first.restamped + rest.restamped };
}

async function settle(session, batch, answers) {
  const answered = new Map(answers.map((answer) => [`${answer.id}|${answer.rev ?? ""}`, answer]));
  const answerOf = ({ id, rev }) => answered.get(`${id}|${rev}`) ?? answered.get(`${id}|`);
  const silent = batch.filter((entry) => !answerOf(entry));
  const held = [...batch.filter((entry) => answerOf(entry)?.ok), ...(await heldOf(session, silent))];
  const aside = batch.filter((entry) => answerOf(entry)?.quarantined);
  await ensureWritten(session.author, held);
  await release(session.author, [...held, ...aside].map(({ key }) => key), aside.map((entry) => refusalOf(entry, answerOf(entry))));
  const ahead = batch.filter((entry) => answerOf(entry)?.reason === "stamp_ahead" && !answerOf(entry).quarantined);
  for (const entry of ahead) await restamp(session, entry);
  const settled = [...held, ...aside].map(({ id }) => id);
  return { settled, kept: batch.length - settled.length - ahead.length, restamped: ahead.length };
}

/** Entries without an answer of their own: does the server hold the revision? */
async function heldOf(session, entries) {
  if (!entries.length) return [];
  const revisions = {};
  for (const { id, rev } of entries) (revisions[id] ??= []).push(rev);
  const missing = await ask(session, `/db/${entries[0].database}/_revs_diff`, { method: "POST", body: revisions });
  return entries.filter(({ id, rev }) => !missing[id]?.missing?.includes(rev));
}

function refusalOf({ id, rev, database }, { reason, detail = null }) {
  return { id, rev, database, reason, detail, refused_at: new Date().toISOString() };
}
