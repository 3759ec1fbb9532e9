/**
 * The two sides that `first_load.py` compares the phone app with, in a browser: PouchDB's own replication of the one large database as it
 * comes, and writing the same documents as the app from memory. Bundled into a temporary folder for the bench alone; no part of the app.
 */
import http from "pouchdb-adapter-http";
import idb from "pouchdb-adapter-idb";
import PouchDB from "pouchdb-core";
import replication from "pouchdb-replication";

PouchDB.plugin(idb).plugin(http).plugin(replication);
const PAGE_DOCS = 1000;

function remoteOf({ database, token }) {
  const headers = { Authorization: `Bearer ${token}` };
  return new PouchDB(`${location.origin}/db/${database}`, {
    skip_setup: true,
    fetch: (address, options) => fetch(address, { ...options, headers: { ...Object.fromEntries(new Headers(options.headers)), ...headers } }),
  });
}

/** Pulls everything and pushes one document, both with the defaults; milliseconds and documents. */
async function replicate(given) {
  const local = new PouchDB(`plain-${Date.now()}`, { adapter: "idb", auto_compaction: true });
  await local.bulkDocs([given.doc], { new_edits: false });
  const remote = remoteOf(given);
  const began_ms = performance.now();
  await local.replicate.from(remote);
  await local.replicate.to(remote);
  const took_ms = performance.now() - began_ms;
  const { doc_count } = await local.info();
  await local.destroy();
  return { took_ms, doc_count };
}

async function readAll(database, token) {
  const docs = [];
  for (let since = "0", pending = 1; pending; ) {
    const query = new URLSearchParams({ include_docs: "true", limit: "5000", since });
    const response = await fetch(`/db/${database}/_changes?${query}`, { headers: { Authorization: `Bearer ${token}` } });
    const page = await response.json();
    docs.push(...page.results.map(({ doc }) => doc).filter(({ _id }) => !_id.startsWith("receipt:")));
    [since, pending] = [String(page.last_seq), page.pending];
  }
  return docs;
}

/** Writes the same documents as the app, database by database, read into memory before the clock starts. */
async function writeFromMemory({ databases, token }) {
  const held = [];
  for (const name of databases) {
    const local = new PouchDB(`memory-${name}-${Date.now()}`, { adapter: "idb", auto_compaction: true });
    await local.info();
    held.push({ local, docs: await readAll(name, token) });
  }
  const began_ms = performance.now();
  for (const { local, docs } of held) {
    for (let at = 0; at < docs.length; at += PAGE_DOCS) await local.bulkDocs(docs.slice(at, at + PAGE_DOCS), { new_edits: false });
  }
  const took_ms = performance.now() - began_ms;
  const counts = await Promise.all(held.map(async ({ local }) => (await local.info()).doc_count));
  await Promise.all(held.map(({ local }) => local.destroy()));
  return { took_ms, doc_count: counts.reduce((all, one) => all + one, 0) };
}

Object.assign(window, { replicate, writeFromMemory });
