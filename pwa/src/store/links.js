/**
 * Which visits belong to a household or a compound, which notes to a report, which replies to a task: a small index beside the documents, written with them and rebuildable from them.
 */
import { done, transact } from "./idb.js";
import { openOwn, under } from "./own.js";

const LINK_OF = Object.freeze({ visit: "household", note: "of", taskreply: "of" });
const LINK_ELSE = Object.freeze({ visit: "compound" });

/** The links one document makes. @returns {{key: string, of: string, id: string, database: string}[]} */
export function linksOf(database, doc) {
  const of = doc[LINK_OF[doc.type] ?? ""] || doc[LINK_ELSE[doc.type] ?? ""];
  return of && !doc._deleted ? [{ key: `${of}|${doc._id}`, of, id: doc._id, database }] : [];
}

export async function putLinks(author, links) {
  if (!links.length) return;
  const db = await openOwn(author);
  await transact(db, ["links"], "readwrite", (tx) => {
    for (const link of links) tx.objectStore("links").put(link);
  });
}

/** What is linked to a record, newest first. @returns {Promise<{id: string, database: string}[]>} */
export async function linkedTo(author, of) {
  const db = await openOwn(author);
  const links = await transact(db, ["links"], "readonly", (tx) => done(tx.objectStore("links").getAll(under(of))));
  return links.reverse();
}

/** The id of the newest record that is linked to each of these, where there is one. @returns {Promise<Map<string, string>>} */
export async function newestOf(author, ofs) {
  const db = await openOwn(author);
  const keys = await transact(db, ["links"], "readonly", (tx) => {
    return Promise.all(ofs.map((of) => done(tx.objectStore("links").getAllKeys(under(of)))));
  });
  return new Map(ofs.flatMap((of, at) => (keys[at].length ? [[of, keys[at][keys[at].length - 1].slice(of.length + 1)]] : [])));
}

/** Forgets the links into a database that is gone. */
export async function dropLinks(author, database) {
  const db = await openOwn(author);
  await transact(db, ["links"], "readwrite", async (tx) => {
    const store = tx.objectStore("links");
    for (const link of await done(store.getAll())) if (link.database === database) store.delete(link.key);
  });
}
