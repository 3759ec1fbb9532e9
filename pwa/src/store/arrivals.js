/**
 * Documents that come to this phone for the first time, as first revisions, written straight into the tables that PouchDB's `idb` adapter
 * keeps (`winners.js`), as it writes them itself: it asks for each by itself before, which takes a new phone most of its first load.
 * What is known already, has a history or was deleted is PouchDB's to write. A test compares the tables row by row.
 */
import { done, transact } from "./idb.js";
import { BODIES, BY_REVISION, HEADS } from "./winners.js";

const ABOUT = "meta-store";
const OWN = new Set(["_id", "_rev"]);

/** Whether a document is a first revision and nothing else. @param {any} doc */
export function isPlainFirst(doc) {
  return /^1-./.test(doc._rev) && Object.keys(doc).every((name) => !name.startsWith("_") || OWN.has(name));
}

/**
 * Writes those that are new here, all or none. @param {IDBDatabase} db @param {any[]} docs plain first revisions
 * @returns {Promise<any[]>} those that were not written: something of that id is here
 * @throws {import("./errors.js").StorageFull}
 */
export function writeNew(db, docs) {
  return transact(db, [HEADS, BODIES, ABOUT], "readwrite", async (tx) => {
    const [heads, bodies, meta] = [HEADS, BODIES, ABOUT].map((name) => tx.objectStore(name));
    const last = await done(bodies.openKeyCursor(null, "prev"));
    const left = /** @type {any[]} */ ([]);
    docs.forEach((doc, at) => add(heads, bodies, doc, Number(last?.primaryKey ?? 0) + at + 1, () => left.push(doc)));
    const about = await done(meta.get(ABOUT)); // answered after all that was asked before: then it is known what was left
    meta.put({ ...about, docCount: about.docCount + docs.length - left.length });
    return left;
  });
}

/** Asks for both rows at once and for nothing back: on a first load there are thousands. @param {IDBObjectStore} heads @param {IDBObjectStore} bodies @param {any} doc @param {number} seq @param {() => void} leave */
function add(heads, bodies, { _id, _rev, ...body }, seq, leave) {
  ifThere(heads.add(headOf(_id, _rev, seq)), () => {
    leave();
    bodies.delete(seq);
  });
  ifThere(bodies.add({ ...body, [BY_REVISION]: `${_id}::${_rev}` }, seq), () => undefined);
}

/** @param {IDBRequest} request @param {() => void} then */
function ifThere(request, then) {
  request.onerror = (event) => {
    if (request.error?.name !== "ConstraintError") return; // ends the transaction
    event.preventDefault();
    event.stopPropagation();
    then();
  };
}

function headOf(id, rev, seq) {
  const rev_tree = [{ pos: 1, ids: [rev.slice(2), { status: "available" }, []] }];
  const data = JSON.stringify({ id, rev, rev_tree, winningRev: rev, deleted: false, seq });
  return { data, winningRev: rev, deletedOrLocal: "0", seq, id };
}
