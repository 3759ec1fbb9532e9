// A PouchDB as it comes pushes small documents to a CouchDB with its own replicator, in batches of 100; tells documents a second
// as JSON. Run by pouchdb_push.py with {url, database, documents} as its one argument.

import { createRequire } from "node:module";

const require = createRequire(new URL("../../pwa/package.json", import.meta.url));
const load = (name) => {
  const found = require(name);
  return found.default ?? found;
};
const PouchDB = load("pouchdb-core");
for (const plugin of ["pouchdb-adapter-memory", "pouchdb-adapter-http", "pouchdb-replication"]) PouchDB.plugin(load(plugin));

const given = JSON.parse(process.argv[2]);
const { username, password, origin } = new URL(given.url);
const remote = new PouchDB(`${origin}/${given.database}`, {
  skip_setup: true,
  auth: { username: decodeURIComponent(username), password: decodeURIComponent(password) },
});
const local = new PouchDB("bench", { adapter: "memory" });
const make = (n) => ({ _id: `report:${String(n).padStart(8, "0")}`, type: "report", v: 1, text: "楼道堆放杂物", n });
for (let first = 0; first < given.documents; first += 1000) {
  await local.bulkDocs(Array.from({ length: 1000 }, (_, at) => make(first + at)));
}

const bulk = async () => {
  // What the client does with documents it has in hand: one request a batch, revisions kept.
  const rows = (await local.allDocs({ include_docs: true })).rows.map((row) => row.doc);
  const batches = [];
  for (let first = 0; first < rows.length; first += 100) batches.push(rows.slice(first, first + 100));
  const begun = performance.now();
  for (const batch of batches) await remote.bulkDocs(batch, { new_edits: false });
  return (rows.length / (performance.now() - begun)) * 1000;
};
const replicate = async () => {
  const begun = performance.now();
  const done = await local.replicate.to(remote, { batch_size: 100 });
  if (!done.ok || done.docs_written !== given.documents) throw new Error(JSON.stringify(done));
  return (given.documents / (performance.now() - begun)) * 1000;
};
const result = given.way === "bulk" ? await bulk() : await replicate();
console.log(JSON.stringify({ documents_per_s: result }));
process.exit(0);
