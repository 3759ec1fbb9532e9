// A phone as PouchDB has it, without our own code: replicates both ways through the gateway and tells, as JSON, what came of it.
// Run by test_pouchdb_client.py with {gate, token, database, other, user, device, grid, quarter} as its one argument.

import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../../pwa/package.json", import.meta.url));
const load = (name) => {
  const found = require(name);
  return found.default ?? found;
};
const PouchDB = load("pouchdb-core");
for (const plugin of ["pouchdb-adapter-memory", "pouchdb-adapter-http", "pouchdb-replication"]) PouchDB.plugin(load(plugin));

const given = JSON.parse(process.argv[2]);
const authorized = (url, options = {}) => {
  const headers = new Headers(options.headers);
  headers.set("authorization", `Bearer ${given.token}`);
  return fetch(url, { ...options, headers });
};
const remoteOf = (database) => new PouchDB(`${given.gate}/${database}`, { skip_setup: true, fetch: authorized });
const localOf = (name) => new PouchDB(name + randomBytes(4).toString("hex"), { adapter: "memory" });

/** A version 7 uuid of now. */
function uuid7() {
  const hex = Date.now().toString(16).padStart(12, "0") + "7" + randomBytes(2).toString("hex").slice(1) + "a" + randomBytes(8).toString("hex").slice(1);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** A sound report of this phone's person; `fields` replace what a case wants otherwise. */
function report(fields = {}) {
  return {
    _id: `report:${uuid7()}`,
    type: "report",
    v: 1,
    grid: given.grid,
    author: given.user,
    device: given.device,
    captured_at: new Date().toISOString(),
    clock_offset_ms: 0,
    category: "rubbish",
    text: "楼道堆放杂物",
    urgency: "normal",
    place: null,
    photos: [],
    source: "patrol",
    ...fields,
  };
}

/** Replicates to the server and tells what was written and which documents were denied, with their reasons. */
async function push(local, remote) {
  const denied = [];
  const replication = local.replicate.to(remote);
  replication.on("denied", (error) => denied.push({ id: error.doc?.id ?? error.id, reason: error.doc?.reason ?? error.reason }));
  const done = await replication;
  return { written: done.docs_written, failures: done.doc_write_failures, denied };
}

const remote = remoteOf(given.database);
const told = {};

const phone = localOf("phone");
const sound = Array.from({ length: 150 }, () => report());
await phone.bulkDocs(sound);
told.pushed = await push(phone, remote);
told.pushedAgain = await push(phone, remote);

const second = localOf("second");
await second.replicate.from(remote, { batch_size: 40 });
const rows = (await second.allDocs()).rows;
told.pulledReports = rows.filter((row) => row.id.startsWith("report:")).length;
told.pulledReceipts = rows.filter((row) => row.id.startsWith("receipt:")).length;
const stored = await phone.get(sound[0]._id);
told.sameRevision = (await second.get(sound[0]._id))._rev === stored._rev;

const refused = {
  author_mismatch: report({ author: "worker2" }),
  unknown_type: report({ type: "gossip" }),
  too_large: report({ text: "大".repeat(100 * 1024) }),
};
await phone.bulkDocs(Object.values(refused));
const another = report();
await phone.put(another);
told.refused = await push(phone, remote);
told.refusedIds = Object.fromEntries(Object.entries(refused).map(([reason, doc]) => [doc._id, reason]));
told.anotherArrived = (await remote.get(another._id))._id === another._id;

await phone.remove(await phone.get(sound[1]._id));
await phone.put({ ...(await phone.get(sound[2]._id)), text: "改过的文字" });
told.changed = await push(phone, remote);
told.changedIds = [sound[1]._id, sound[2]._id];
told.untouched = (await remote.get(sound[2]._id)).text;

const elsewhere = report({ grid: given.other.split("-")[1] });
const toElsewhere = { docs: [{ ...elsewhere, _rev: "1-" + "a".repeat(32) }], new_edits: false };
const headers = { "content-type": "application/json" };
const post = (database, body) =>
  authorized(`${given.gate}/${database}/_bulk_docs`, { method: "POST", headers, body: JSON.stringify(body) }).then((answer) => answer.json());
told.elsewhere = await post(given.other, toElsewhere);
told.underscore = await post(given.database, { docs: [{ ...report(), _id: "_design/x", _rev: "1-" + "b".repeat(32) }], new_edits: false });
told.repushed = await post(given.database, { docs: [stored], new_edits: false });
told.direct = await remote.bulkDocs([stored, { ...report({ author: "worker2" }), _rev: "1-" + "c".repeat(32) }], { new_edits: false });

const both = localOf("both");
await both.put(report());
const synced = await both.sync(remote);
told.synced = { pushed: synced.push.docs_written, pulled: synced.pull.docs_written > 150, ok: synced.push.ok && synced.pull.ok };

const waiting = new Promise((resolve) => {
  const live = both.replicate.from(remote, { live: true, since: "now", timeout: 10000, heartbeat: 5000 });
  live.on("change", (change) => {
    live.cancel();
    resolve(change.docs.map((doc) => doc._id));
  });
});
// A feed that does not wait yet hears nothing of what came before: something new comes until it has heard of one.
const late = [];
const seen = waiting.then((ids) => (told.liveSawIt = late.some((id) => ids.includes(id))));
while (told.liveSawIt === undefined) {
  const one = report();
  late.push(one._id);
  await phone.put(one);
  await push(phone, remote);
  await Promise.race([seen, new Promise((resolve) => setTimeout(resolve, 300))]);
}

console.log(JSON.stringify(told));
process.exit(0);
