/**
 * Brings a database's changes to this phone in pages straight from the changes feed, the first load and every later pull alike.
 * The next page is on its way while the last is written; the checkpoint moves after each, so it resumes where it stopped.
 */
import { keep, missing } from "../store/documents.js";
import { checkpointOf, setCheckpoint } from "../store/checkpoints.js";
import { linksOf, putLinks } from "../store/links.js";
import { settleByReceipts } from "./receipts.js";
import { ask } from "./http.js";

const PAGE_DOCS = 1000;
const FIRST_PAGE_DOCS = 200;
const LEAVES_AT_ONCE = 100;

/**
 * @param {import("../store/meta.js").Session} session @param {string} database
 * @param {(page: {ids: string[], pending: number}) => void} [onPage] after each page is written
 * @returns {Promise<number>} documents written
 */
export async function pullDatabase(session, database, onPage = () => undefined) {
  const since = (await checkpointOf(session.author, database))?.since ?? "0";
  let written = 0;
  let coming = fetchPage(session, database, since, FIRST_PAGE_DOCS);
  for (let isMore = true; isMore; ) {
    const page = await coming;
    isMore = page.pending > 0 && page.results.length > 0;
    if (isMore) coming = ahead(fetchPage(session, database, page.last_seq, PAGE_DOCS));
    const docs = await writePage(session, database, page.results);
    await setCheckpoint(session.author, database, { since: page.last_seq, is_loaded: !isMore });
    written += docs.length;
    onPage({ ids: docs.map(({ _id }) => _id), pending: page.pending });
  }
  return written;
}

/** A request whose failure is looked at later, when its turn comes. @template T @param {Promise<T>} promise */
function ahead(promise) {
  promise.catch(() => undefined);
  return promise;
}

/** @returns {Promise<{results: any[], last_seq: string, pending: number}>} */
async function fetchPage(session, database, since, limit) {
  const query = new URLSearchParams({ since, limit: String(limit), include_docs: "true", style: "all_docs" });
  const page = await ask(session, `/db/${database}/_changes?${query}`, { timeout_ms: 120_000 });
  return { results: page.results, last_seq: String(page.last_seq), pending: page.pending ?? 0 };
}

async function writePage(session, database, results) {
  const ours = results.filter(({ id }) => !id.startsWith("_design/"));
  const receipts = ours.filter(({ id }) => id.startsWith("receipt:"));
  const records = ours.filter(({ id }) => !id.startsWith("receipt:"));
  const simple = records.filter(isWhole).map(({ doc }) => doc);
  const grown = await leavesOf(session, database, records.filter((change) => !isWhole(change)));
  const docs = [...simple, ...grown];
  await keep(session.author, database, docs);
  await putLinks(session.author, docs.flatMap((doc) => linksOf(database, doc)));
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
