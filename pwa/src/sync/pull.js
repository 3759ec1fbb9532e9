/**
 * Brings databases' changes to this phone in pages straight from the changes feed, the first load and every later pull alike.
 * Pages are on their way while others are written; the checkpoint moves after each, so it resumes where it stopped. A page that does
 * not arrive is asked for again at half its size.
 */
import { newsLinks } from "../store/cases.js";
import { keepArrived, missing } from "../store/documents.js";
import { checkpointOf, setCheckpoint } from "../store/checkpoints.js";
import { erasedAmong, forgetErased } from "../store/erased.js";
import { followWritten } from "../store/indexes.js";
import { linksOf, noteChanged, putLinks } from "../store/links.js";
import { settleByReceipts } from "./receipts.js";
import { Offline, ask } from "./http.js";
import { FIRST_PAGE_DOCS, afterFailure, nextPage } from "./pace.js";

/** So long a page may take: long enough for the smallest one on the worst link worth using. */
const PAGE_MS = 45_000;
const LEAVES_AT_ONCE = 100;
const TRIES = 3;
const AHEAD = 3;
/** So many databases are read at once: one is written while the others' pages are on their way. */
const AT_ONCE = 3;

/**
 * @typedef {{results: any[], last_seq: string, pending: number, size_bytes: number, took_ms: number}} Page
 * @typedef {{session: import("../store/meta.js").Session, database: string, since: string, docs: number, page: Promise<Page>}} Coming
 *   a database's next page on its way; `docs` is how many were asked for
 */

/**
 * Pulls databases, a few at once, in their order; the first pages of the next ones come meanwhile.
 * @param {import("../store/meta.js").Session} session @param {() => Promise<string[]>} wanted names in order; asked again whenever none is left
 * @param {{before: (database: string) => Promise<void>, onPage: (database: string, page: {ids: string[], pending: number}) => void | Promise<void>,
 *   onError: (database: string, error: any) => void}} hooks `onPage` may do something of its own while the next page comes; `onError`
 *   may throw to end it all
 */
export async function pullAll(session, wanted, { before, onPage, onError }) {
  const names = /** @type {string[]} */ ([]);
  const begun = /** @type {Promise<Coming>[]} */ ([]);
  const errors = /** @type {any[]} */ ([]);
  let taken = 0;
  const take = async () => {
    if (taken === names.length) names.push(...(await wanted()).filter((name) => !names.includes(name)));
    return taken < names.length && !errors.length ? taken++ : null;
  };
  const pullOne = async (at) => {
    for (const name of names.slice(begun.length, at + 1 + AHEAD)) begun.push(quiet(begin(session, name)));
    await before(names[at]);
    try {
      await runPull(await begun[at], (page) => onPage(names[at], page), () => errors.length > 0);
    } catch (error) {
      onError(names[at], error);
    }
  };
  const lane = async () => {
    for (let at = await take(); at !== null; at = await take()) await pullOne(at);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, () => lane().catch((error) => errors.push(error))));
  if (errors.length) throw errors[0];
}

/**
 * Pulls one database.
 * @param {import("../store/meta.js").Session} session @param {string} database
 * @param {(page: {ids: string[], pending: number}) => void | Promise<void>} [onPage] after each page is written
 * @returns {Promise<number>} documents written
 */
export async function pullDatabase(session, database, onPage = () => undefined) {
  return runPull(await begin(session, database), onPage);
}

async function begin(session, database) {
  const reached = await checkpointOf(session.author, database);
  return fetchFrom({ session, database }, reached?.since ?? "0", reached?.page_docs ?? FIRST_PAGE_DOCS);
}

/** @param {Coming} first @param {(page: {ids: string[], pending: number}) => void | Promise<void>} onPage @param {() => boolean} [isEnding] asked between two pages */
async function runPull(first, onPage, isEnding = () => false) {
  let [written, coming] = [0, first];
  for (let isMore = true; isMore && !isEnding(); ) {
    const { page, docs } = await arrived(coming);
    isMore = page.pending > 0 && page.results.length > 0;
    const reached = { since: page.last_seq, is_loaded: !isMore, page_docs: docs };
    if (isMore) coming = fetchFrom(coming, page.last_seq, docs);
    const kept = await writePage(coming, page.results);
    await setCheckpoint(coming.session.author, coming.database, reached);
    written += kept.length;
    await onPage({ ids: kept.map(({ _id }) => _id), pending: page.pending });
  }
  return written;
}

/** A page and how many documents the next one should have; tries smaller ones before it gives up. */
async function arrived(coming) {
  for (let tries = 1; ; tries += 1) {
    const began_ms = Date.now();
    try {
      const page = await coming.page;
      return { page, docs: nextPage({ docs: coming.docs, got: page.results.length, size_bytes: page.size_bytes, took_ms: page.took_ms }) };
    } catch (error) {
      if (!(error instanceof Offline)) throw error;
      const docs = afterFailure(coming.docs);
      await rememberPace(coming, docs);
      // A second try that failed at once had no network at all: another would only spin.
      if (tries === TRIES || (tries > 1 && Date.now() - began_ms < 50)) throw error;
      coming = fetchFrom(coming, coming.since, docs);
    }
  }
}

async function rememberPace({ session, database }, page_docs) {
  const held = await checkpointOf(session.author, database);
  await setCheckpoint(session.author, database, { since: held?.since ?? "0", is_loaded: held?.is_loaded ?? false, page_docs });
}

/** @returns {Coming} */
function fetchFrom({ session, database }, since, docs) {
  return { session, database, since, docs, page: quiet(fetchPage(session, database, since, docs)) };
}

/** A promise whose failure is looked at later, when its turn comes. @template T @param {Promise<T>} promise */
function quiet(promise) {
  promise.catch(() => undefined);
  return promise;
}

/** @returns {Promise<Page>} */
async function fetchPage(session, database, since, limit) {
  const began_ms = Date.now();
  let size_bytes = 0;
  const query = new URLSearchParams({ since, limit: String(limit), include_docs: "true", style: "all_docs" });
  const onSize = (size) => (size_bytes = size);
  const page = await ask(session, `/db/${database}/_changes?${query}`, { timeout_ms: PAGE_MS, onSize });
  const { results, last_seq, pending = 0 } = page;
  return { results, last_seq: String(last_seq), pending, size_bytes, took_ms: Date.now() - began_ms };
}

/** All that a page changes on this phone. The checkpoint moves after it: what a killed worker left half done comes again. */
async function writePage({ session, database }, results) {
  const ours = results.filter(({ id }) => !id.startsWith("_design/"));
  const receipts = ours.filter(({ id }) => id.startsWith("receipt:"));
  const records = ours.filter(({ id }) => !id.startsWith("receipt:"));
  const simple = records.filter(isWhole).map(({ doc }) => doc);
  const grown = await leavesOf(session, database, records.filter((change) => !isWhole(change)));
  const docs = [...simple, ...grown];
  await keepArrived(session.author, database, docs);
  await forgetErased(session.author, database, erasedAmong(database, records));
  const links = [...docs.flatMap((doc) => linksOf(session.author, database, doc)), ...newsLinks(session, database, docs)];
  if (links.length) await putLinks(session.author, links);
  else if (docs.length) await noteChanged(session.author);
  if (docs.length) await followWritten(session, [database]);
  await settleByReceipts(session, receipts.map(({ doc }) => doc));
  return docs;
}

/** True when the page's own copy is all there is: one leaf, first generation. */
function isWhole({ doc, changes }) {
  return doc && changes.length === 1 && changes[0].rev === doc._rev && doc._rev.startsWith("1-");
}

/** Later revisions and conflicts come with their history, or the phone would grow a false conflict from each. */
async function leavesOf(session, database, changes) {
  if (!changes.length) return [];
  const revisions = Object.fromEntries(changes.map(({ id, changes: leaves }) => [id, leaves.map(({ rev }) => rev)]));
  const lacking = await missing(session.author, database, revisions);
  const wanted = Object.entries(lacking).flatMap(([id, { missing: revs }]) => revs.map((rev) => ({ id, rev })));
  const docs = [];
  for (let at = 0; at < wanted.length; at += LEAVES_AT_ONCE) {
    const body = { docs: wanted.slice(at, at + LEAVES_AT_ONCE) };
    const { results } = await ask(session, `/db/${database}/_bulk_get?revs=true`, { method: "POST", body });
    docs.push(...results.flatMap((result) => result.docs.flatMap(({ ok }) => (ok ? [ok] : []))));
  }
  return docs;
}
