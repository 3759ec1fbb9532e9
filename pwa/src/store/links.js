/**
 * Which visits belong to a household or a compound, which notes and which visit to a report, which replies to a task, which records are the user's
 * own, and which of their reports were made on a patrol: a small index beside the documents, written with them and rebuildable from them. What is kept there of cases: `cases.js`.
 */
import { caseLinks, rowId } from "./cases.js";
import { parse } from "./databases.js";
import { everythingAsIs, localNames } from "./documents.js";
import { backwards, done, transact } from "./idb.js";
import { openOwn, under } from "./own.js";

const LINK_OF = Object.freeze({ visit: "household", note: "of", taskreply: "of" });
const LINK_ELSE = Object.freeze({ visit: "compound" });
const MINE = "mine";
/** A row beside the links, another one whenever own records or their cases changed: what was read as of one mark is read again as of the next. */
const MARK = "mark";

/** @typedef {{key: string, of: string, id: string, database: string, is_gone?: boolean, at?: string}} Link */

/** The links one document makes; of a case also those that go. @param {string} author whose phone this is @returns {Link[]} */
export function linksOf(author, database, doc) {
  if (doc.type === "case") return caseLinks(database, doc);
  const of = doc[LINK_OF[doc.type] ?? ""] || doc[LINK_ELSE[doc.type] ?? ""];
  const raised = (doc.type === "visit" && doc.reports) || [];
  const own = doc.author === author ? [MINE, doc.type === "report" && doc.patrol ? madeOn(doc.patrol) : ""] : [];
  const ofs = doc._deleted ? [] : [of, ...raised, ...own].filter(Boolean);
  return ofs.map((one) => ({ key: `${one}|${doc._id}`, of: one, id: doc._id, database }));
}

/** What own reports made on a patrol are linked to: not the patrol itself, since they say nothing of it. @param {string} patrol its id */
export function madeOn(patrol) {
  return `on:${patrol}`;
}

/** Ids of own records that lists do not know of, of those that `links` name; none while all links are still to be made (`whole`). @param {string} author @param {Link[]} links @returns {Promise<Set<string>>} */
export async function unlisted(author, links) {
  const own = links.filter(({ of }) => of === MINE);
  return transact(await openOwn(author), ["links", "state"], "readonly", async (tx) => {
    const [isWhole, ...keys] = await Promise.all([done(tx.objectStore("state").get(MINE)), ...own.map(({ key }) => done(tx.objectStore("links").getKey(key)))]);
    return new Set(own.flatMap(({ id }, at) => (isWhole && keys[at] === undefined ? [id] : [])));
  });
}

/** @param {string} author @param {Link[]} links */
export async function putLinks(author, links) {
  if (!links.length) return;
  const db = await openOwn(author);
  await transact(db, ["links"], "readwrite", (tx) => {
    const store = tx.objectStore("links");
    for (const { is_gone, ...link } of links) is_gone ? store.delete(link.key) : store.put(link);
    putMark(store);
  });
}

/** @param {IDBObjectStore} store */
export function putMark(store) {
  store.put({ key: MARK, as_of: crypto.randomUUID() });
}

/** Documents changed, and their links did not. @param {string} author */
export async function noteChanged(author) {
  await transact(await openOwn(author), ["links"], "readwrite", (tx) => putMark(tx.objectStore("links")));
}

/**
 * As of which writing the links are, for whoever keeps what was read by them: documents are written first, then their links. To ask each
 * database how far it is would be one question for each. @param {string} author @returns {Promise<string>}
 */
export async function linksAsOf(author) {
  const db = await openOwn(author);
  const mark = await transact(db, ["links"], "readonly", (tx) => done(tx.objectStore("links").get(MARK)));
  return mark?.as_of ?? "";
}

/** What is linked to a record, newest first. @returns {Promise<{id: string, database: string}[]>} */
export async function linkedTo(author, of) {
  const db = await openOwn(author);
  const links = await transact(db, ["links"], "readonly", (tx) => done(tx.objectStore("links").getAll(under(of))));
  return links.reverse();
}

/** Ids of this user's own reports and errands with a link of one kind, newest first: by keys alone, however many there are of others. @returns {Promise<string[]>} */
export async function ownWith(session, of) {
  return fromWhole(session, async (store) => {
    const ids = (await done(store.getAllKeys(under(of)))).map((key) => key.slice(of.length + 1));
    if (!ids.length) return [];
    const mine = (id, type) => `${MINE}|${id.replace("report:", `${type}:`)}`;
    const span = (type) => IDBKeyRange.bound(mine(ids[0], type), mine(ids[ids.length - 1], type));
    const keys = (await Promise.all(["report", "errand"].map((type) => done(store.getAllKeys(span(type)))))).flat();
    const own = new Map(keys.map((key) => key.slice(MINE.length + 1)).map((id) => [rowId(id), id]));
    return ids.flatMap((id) => own.get(id) ?? []).reverse();
  });
}

/** Links of one kind to records, those that are there. @param {string} author @param {string} of @param {string[]} ids @returns {Promise<Link[]>} */
export async function linksTo(author, of, ids) {
  const db = await openOwn(author);
  const found = await transact(db, ["links"], "readonly", (tx) => Promise.all(ids.map((id) => done(tx.objectStore("links").get(`${of}|${id}`)))));
  return found.filter(Boolean);
}

/** Links of one kind to the user's own records. @param {string} author @param {string[]} ids */
export function placesOf(author, ids) {
  return linksTo(author, MINE, ids);
}

/** The id of the newest record that is linked to each of these, where there is one. @returns {Promise<Map<string, string>>} */
export async function newestOf(author, ofs) {
  const db = await openOwn(author);
  const keys = await transact(db, ["links"], "readonly", (tx) => {
    return Promise.all(ofs.map((of) => done(tx.objectStore("links").getAllKeys(under(of)))));
  });
  return new Map(ofs.flatMap((of, at) => (keys[at].length ? [[of, keys[at][keys[at].length - 1].slice(of.length + 1)]] : [])));
}

/**
 * The newest of the user's own records of a type, so many, from below `before`: without looking at anybody else's, or at older ones.
 * @param {import("./meta.js").Session} session @param {string} type
 * @param {{before?: string, limit?: number, databases?: string[]}} [options] `databases`: only those that lie in one of them
 * @returns {Promise<{id: string, database: string}[]>}
 */
export async function ownOf(session, type, { before = `${type}:\uffff`, limit = Infinity, databases } = {}) {
  if (databases && !databases.length) return [];
  const span = IDBKeyRange.bound(`${MINE}|${type}:`, `${MINE}|${before}`, false, true);
  return fromWhole(session, (store) => backwards(store, span, limit, ({ database }) => databases?.includes(database) ?? true));
}

/** Ids of all the user's own records of a type, newest first. @param {import("./meta.js").Session} session @param {string} type @returns {Promise<string[]>} */
export async function ownIds(session, type) {
  const keys = await fromWhole(session, (store) => done(store.getAllKeys(ownSpan(type))));
  return keys.map((key) => key.slice(MINE.length + 1)).reverse();
}

/** @param {string} type */
function ownSpan(type) {
  return IDBKeyRange.bound(`${MINE}|${type}:`, `${MINE}|${type}:\uffff`);
}

/** Reads the links once all are there. @template T @param {import("./meta.js").Session} session @param {(store: IDBObjectStore) => Promise<T>} read @returns {Promise<T>} */
async function fromWhole(session, read) {
  const db = await openOwn(session.author);
  const attempt = () => transact(db, ["links", "state"], "readonly", async (tx) => {
    const [isWhole, found] = await Promise.all([done(tx.objectStore("state").get(MINE)), read(tx.objectStore("links"))]);
    return { isWhole, found };
  });
  const first = await attempt();
  if (first.isWhole) return first.found;
  await whole(session);
  return (await attempt()).found;
}

/** @type {Map<string, Promise<void>>} pages that ask at once wait for the same one */
const indexing = new Map();

/** What an earlier version of the app left on this phone has no links of its author's yet: made once. What is sealed was written with its links. */
export async function whole({ author, databases }) {
  const db = await openOwn(author);
  if (await transact(db, ["state"], "readonly", (tx) => done(tx.objectStore("state").get(MINE)))) return;
  const index = async () => {
    // Reading one that is not there would make it, even one that was just let go.
    const there = await localNames(author);
    for (const { name } of databases.filter((one) => parse(one.name).grid && (there?.includes(one.name) ?? true))) {
      for await (const docs of everythingAsIs(author, name, 500)) await putLinks(author, docs.flatMap((doc) => linksOf(author, name, doc)));
    }
    await transact(db, ["state"], "readwrite", (tx) => done(tx.objectStore("state").put(true, MINE)));
  };
  const running = indexing.get(author) ?? index().finally(() => indexing.delete(author));
  indexing.set(author, running);
  await running;
}

/** Forgets the links into a database that is gone. */
export async function dropLinks(author, database) {
  const db = await openOwn(author);
  await transact(db, ["links"], "readwrite", async (tx) => {
    const store = tx.objectStore("links");
    for (const link of await done(store.getAll())) if (link.database === database) store.delete(link.key);
    putMark(store);
  });
}
