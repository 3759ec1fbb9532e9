/**
 * Reading what lies on this phone: newest-first pages by key range, never a whole database. Answers are rows
 * `{id, database, doc}`; where a record stands is `where.js`'s to add.
 *
 * @typedef {{id: string, database: string, doc: any}} Row
 */
import { correctedAt, photosNamed } from "./capture.js";
import { KINDS_OF, namesOf, parse } from "./databases.js";
import { linkedTo, ownOf } from "./links.js";
import { find, findMany, isDeleted, range, revisionsOf } from "./documents.js";
import { openDocs, readable } from "./sealed.js";
import { waitingOf } from "./outbox.js";
import { refusals } from "./refusals.js";
import { isSealed } from "./vault.js";

const TASKS_MOST = 200;
const COMPOUNDS_MOST = 5000;

function row(database, doc) {
  return { id: doc._id, database, doc };
}

/**
 * Databases of some types that pages may show, newest quarter first. Of one that is closed to this user (a former grid, an old quarter) only
 * their own records that wait to be sent are left to see; of its households nothing. What is locked is not shown either.
 * @param {import("./meta.js").Session} session @param {string[]} types
 * @returns {Promise<{name: string, isOpen: boolean}[]>}
 */
export async function shownOf({ author, databases }, ...types) {
  const open = new Set(databases.filter(({ pull }) => pull).map(({ name }) => name));
  const names = await readable(author, namesOf(databases, types.flatMap((type) => KINDS_OF[type])));
  const all = names.map((name) => ({ name, isOpen: open.has(name) }));
  return all.filter(({ name, isOpen }) => isOpen || parse(name).kind !== "home");
}

/**
 * One page of a type over all databases that may hold it; pages go by id, and within a page by corrected time.
 * @param {import("./meta.js").Session} session @param {string} type
 * @param {{limit?: number, before?: string | null, mine?: boolean}} [options] `before` is the last page's `next`
 * @returns {Promise<{rows: Row[], next: string | null}>}
 */
export async function listNewest(session, type, { limit = 20, before = null, mine = false } = {}) {
  const isMine = (doc) => doc.author === session.author;
  const shown = await shownOf(session, type);
  const pages = mine ? ownRows(session, type, shown.map(({ name }) => name), before, limit + 1) : Promise.all(shown.map(({ name, isOpen }) => {
    return page(session.author, name, type, before, limit + 1, isOpen ? () => true : isMine);
  }));
  const found = (await pages).flat().sort((one, other) => other.id.localeCompare(one.id));
  const rows = found.slice(0, limit);
  const next = found.length > limit ? rows[rows.length - 1].id : null;
  return { rows: rows.sort((one, other) => correctedAt(other.doc) - correctedAt(one.doc)), next };
}

/**
 * The newest own records of several types, and the cases of the reports among them. @param {import("./meta.js").Session} session
 * @param {[type: string, limit: number][]} wanted @returns {Promise<{rows: Row[], cases: Map<string, any>}>} newest first by corrected time
 */
export async function newestOwn(session, wanted) {
  const lists = await Promise.all(wanted.map(async ([type, limit]) => {
    return ownOf(session, type, { limit, databases: (await shownOf(session, type)).map(({ name }) => name) });
  }));
  const links = lists.flat();
  const [rows, cases] = await Promise.all([linkedDocs(session, links), casesOf(session, links.filter(({ id }) => id.startsWith("report:")))]);
  return { rows: rows.flat().sort((one, other) => correctedAt(other.doc) - correctedAt(one.doc)), cases };
}

/** By the index: a colleague's thousand records are not read to find one's own ten. */
async function ownRows(session, type, names, before, limit) {
  return linkedDocs(session, await ownOf(session, type, { before: before ?? undefined, limit, databases: names }));
}

async function page(author, database, type, before, limit, isWanted) {
  const rows = [];
  for (let from = before, docs; rows.length < limit; from = docs[docs.length - 1]._id) {
    docs = await range(author, database, type, { before: from, limit });
    rows.push(...docs.filter(isWanted).map((doc) => row(database, doc)));
    if (docs.length < limit) break;
  }
  return rows.slice(0, limit);
}

/** A record by id wherever it lies, also one that only the outbox has yet; null when this phone has none. */
export async function getRecord(session, id) {
  const type = id.slice(0, id.indexOf(":"));
  if (!KINDS_OF[type]) return null;
  const found = await Promise.all((await shownOf(session, type)).map(async ({ name, isOpen }) => {
    const doc = await find(session.author, name, id);
    return { name, doc: isOpen || doc?.author === session.author ? doc : null };
  }));
  const { name, doc } = found.find((one) => one.doc) ?? {};
  if (doc) return row(/** @type {string} */ (name), doc);
  const kept = (await waitingOf(session.author, id)) ?? (await refusals(session.author)).find((refusal) => refusal.id === id && refusal.doc);
  if (!kept || !(await readable(session.author, [kept.database])).length) return null;
  return row(kept.database, withoutHistory((await openDocs(session.author, kept.database, [kept.doc]))[0]));
}

function withoutHistory({ _revisions, ...doc }) {
  return doc;
}

/** Whether a record lies in what is sealed. Needs no key. @param {import("./meta.js").Session} session @param {string} id */
export async function isInSealed({ author, databases }, id) {
  const names = namesOf(databases, KINDS_OF[id.slice(0, id.indexOf(":"))] ?? []).filter(isSealed);
  const found = await Promise.all(names.map((name) => revisionsOf(author, name, [id])));
  return found.some(([rev]) => rev !== null);
}

/** Whether a record was erased on request: what waited was refused so, or its tombstone came. Needs no key. @param {import("./meta.js").Session} session @param {string} id */
export async function isErased({ author, databases }, id) {
  if ((await refusals(author)).some((row) => row.id === id && row.state === "erased")) return true;
  const names = namesOf(databases.filter(({ pull }) => pull), KINDS_OF[id.slice(0, id.indexOf(":"))] ?? []).filter(isSealed);
  return (await Promise.all(names.map((name) => isDeleted(author, name, id)))).some(Boolean);
}

/** Several ids of one database, those that are there and not locked. @returns {Promise<Row[]>} */
export async function rowsOf(session, database, ids) {
  if (!(await readable(session.author, [database])).length) return [];
  const docs = await findMany(session.author, database, ids);
  return docs.filter(Boolean).map((doc) => row(database, doc));
}

/** The photo documents a record names, in its order; its voice note's last. @returns {Promise<Row[]>} */
export async function photosOf(session, { database, doc }) {
  return rowsOf(session, database, photosNamed(doc));
}

/** What is linked to a record (visits, notes, replies), newest first. @returns {Promise<Row[]>} */
export async function linkedRows(session, of, { limit = 50, before = "" } = {}) {
  const links = (await linkedTo(session.author, of)).filter(({ id }) => !before || id < before);
  const rows = await linkedDocs(session, links.slice(0, limit));
  return rows.flat().sort((one, other) => correctedAt(other.doc) - correctedAt(one.doc));
}

/** @returns {Promise<Row[][]>} a list for each database */
export async function linkedDocs(session, links) {
  const names = [...new Set(links.map(({ database }) => database))];
  return Promise.all(names.map((name) => {
    return rowsOf(session, name, links.filter(({ database }) => database === name).map(({ id }) => id));
  }));
}

/**
 * Tasks for this user's grids, each as the newest quarter has it.
 * @param {string[] | null} [there] only databases of these names: reading one that is not there would make it
 * @returns {Promise<Row[]>}
 */
export async function tasks(session, there = null) {
  const shown = (await shownOf(session, "task")).filter(({ isOpen }) => isOpen).map(({ name }) => name);
  const names = there ? shown.filter((name) => there.includes(name)) : shown;
  const lists = await Promise.all(names.map((name) => range(session.author, name, "task", { limit: TASKS_MOST })));
  const found = new Map();
  lists.forEach((docs, at) => docs.forEach((doc) => found.has(doc._id) || found.set(doc._id, row(names[at], doc))));
  return [...found.values()];
}

/** Newest case copy of each report, as a map from report id to the case document. @param {{id: string}[]} reports */
export async function casesOf(session, reports) {
  const ids = reports.map(({ id }) => `case:${id.slice(id.indexOf(":") + 1)}`);
  const cases = new Map();
  if (!ids.length) return cases;
  const names = (await shownOf(session, "case")).filter(({ isOpen }) => isOpen).reverse();
  const found = await Promise.all(names.map(({ name }) => findMany(session.author, name, ids, true)));
  for (const docs of found) docs.forEach((doc, at) => doc && cases.set(reports[at].id, doc));
  return cases;
}

/** The event catalogue: `category` documents, by code. Empty until the first load brought it. */
export async function categories(session) {
  return range(session.author, "ref", "category", { limit: 500, oldest_first: true });
}

/** The compounds of this user's grids, by id. */
export async function compounds({ author, grids }) {
  const all = await range(author, "ref", "compound", { limit: COMPOUNDS_MOST, oldest_first: true });
  return all.filter(({ grid }) => grids.includes(grid));
}

/** Reference documents of a type (`form`, `erranditem`), by id. @param {import("./meta.js").Session} session @param {string} type */
export async function reference(session, type) {
  return range(session.author, "ref", type, { limit: 500, oldest_first: true });
}

/** Codes of this user's categories by use in their last reports, most used first. @returns {Promise<string[]>} */
export async function mostUsedCategories(session, count = 3) {
  const { rows } = await listNewest(session, "report", { limit: 60, mine: true });
  const uses = new Map();
  for (const { doc } of rows) uses.set(doc.category, (uses.get(doc.category) ?? 0) + 1);
  return [...uses].sort(([, one], [, other]) => other - one).slice(0, count).map(([code]) => code);
}

/** The grids this user works in: `{code, doc}`; `doc` is null until the reference data is here. */
export async function grids(session) {
  const docs = await findMany(session.author, "ref", session.grids.map((code) => `grid:${code}`));
  return session.grids.map((code, at) => ({ code, doc: docs[at] }));
}
