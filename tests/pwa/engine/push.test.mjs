/** Sending the outbox: an entry leaves only when the server holds it or has put it aside. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { GRID, household, openEntries, jpeg, phone, report } from "./phone.mjs";
import { accepting, reply, serve } from "./server.mjs";

const { batchesOf, pushOutbox } = await import("../../../pwa/src/sync/push.js");
const { entries } = await import("../../../pwa/src/store/outbox.js");
const DATABASE = `grid-${GRID}-2026q4`;
const BULK = `POST /db/${DATABASE}/_bulk_docs`;

async function phoneWithReports(count) {
  const store = await phone();
  for (let at = 0; at < count; at += 1) await store.saveRecord(await report(store));
  return store;
}

async function placeOf(store, row = 0) {
  return (await store.listReports()).rows[row].where;
}

test("what the server took leaves the outbox and stands at the server", async () => {
  const store = await phone();
  await store.saveRecord(await report(store, { photos: [jpeg()] }));
  const asked = serve(accepting(DATABASE));
  await pushOutbox(store.session);
  assert.equal(asked.length, 1, "one request");
  assert.equal(asked[0].body.new_edits, false);
  assert.deepEqual(await entries(store.session.author), []);
  const { place, photos_unsent } = await placeOf(store);
  assert.deepEqual({ place, photos_unsent }, { place: "server", photos_unsent: 1 });
});

test("an answer that was lost leaves everything to be sent again, as the same revisions", async () => {
  const store = await phoneWithReports(2);
  const lost = serve({ [BULK]: () => { throw new TypeError("connection reset"); } });
  await assert.rejects(pushOutbox(store.session), { name: "Offline" });
  const again = serve(accepting(DATABASE));
  await pushOutbox(store.session);
  assert.deepEqual(again[0].body, lost[0].body);
  assert.equal((await store.unsent()).count, 0);
});

test("a document without an answer leaves only when the server says it holds the revision", async () => {
  const store = await phoneWithReports(2);
  const [first, second] = await entries(store.session.author);
  const asked = serve({
    [BULK]: () => reply(201, []),
    [`POST /db/${DATABASE}/_revs_diff`]: () => reply(200, { [second.id]: { missing: [second.rev] } }),
  });
  await pushOutbox(store.session);
  assert.deepEqual(asked[1].body[first.id], [first.rev]);
  assert.deepEqual((await entries(store.session.author)).map(({ id }) => id), [second.id]);
});

test("a quarantined record leaves with its reason, and the others are not touched by it", async () => {
  const store = await phoneWithReports(2);
  const [bad] = await entries(store.session.author);
  serve({
    [BULK]: ({ docs }) => reply(201, docs.map(({ _id, _rev }) => {
      const refusal = { error: "forbidden", reason: "not_grid_holder", quarantined: true };
      return { id: _id, rev: _rev, ...(_id === bad.id ? refusal : { ok: true }) };
    })),
  });
  await pushOutbox(store.session);
  assert.equal((await store.unsent()).count, 0);
  const { place, reason } = await store.whereIs(bad.id);
  assert.deepEqual({ place, reason }, { place: "refused", reason: "not_grid_holder" });
});

test("a record refused but not put aside stays, and arrives when it is allowed", async () => {
  const store = await phoneWithReports(1);
  serve({ [BULK]: ({ docs }) => reply(201, docs.map(({ _id, _rev }) => ({ id: _id, rev: _rev, error: "forbidden", reason: "quota" }))) });
  assert.equal((await pushOutbox(store.session)).kept, 1);
  assert.equal((await placeOf(store)).place, "phone");
  serve(accepting(DATABASE));
  await pushOutbox(store.session);
  assert.equal((await placeOf(store)).place, "server");
});

test("a stamp too far ahead is made anew by the corrected clock", async () => {
  const ahead_ms = 4 * 365 * 86_400_000;
  const store = await phone({ offset_ms: ahead_ms });
  const stamps = { name: `${String(Date.now() + ahead_ms).padStart(15, "0")}-0000-device1` };
  await store.saveRecord(household(store, { stamps }));
  const bulk = `POST /db/home-${GRID}/_bulk_docs`;
  serve({ [bulk]: ({ docs }) => reply(201, docs.map(({ _id, _rev }) => ({ id: _id, rev: _rev, error: "forbidden", reason: "stamp_ahead" }))) });
  assert.equal((await pushOutbox(store.session)).restamped, 1);
  const [entry] = await openEntries(store.session.author);
  assert.match(entry.rev, /^2-/);
  assert.ok(Number(entry.doc.stamps.name.slice(0, 15)) < Date.now() - ahead_ms + 60_000);
});

test("a batch the server finds too large is sent in halves", async () => {
  const store = await phoneWithReports(3);
  const asked = serve({ [BULK]: (body) => (body.docs.length > 1 ? reply(413, {}) : accepting(DATABASE)[BULK](body)) });
  await pushOutbox(store.session);
  assert.deepEqual(asked.map(({ body }) => body.docs.length), [3, 2, 1, 1, 1]);
  assert.equal((await store.unsent()).count, 0);
});

test("a full server keeps nothing from the phone and is given the time it asks for", async () => {
  const store = await phoneWithReports(1);
  serve({ [BULK]: () => reply(503, { error: "service_unavailable", reason: "storage_full" }, { "Retry-After": "7" }) });
  await assert.rejects(pushOutbox(store.session), { name: "Busy", retry_after_s: 7 });
  assert.equal((await store.unsent()).count, 1);
});

test("a revoked token keeps everything on the phone", async () => {
  const store = await phoneWithReports(1);
  serve({ [BULK]: () => reply(401, { error: "unauthorized", reason: "token_revoked" }) });
  await assert.rejects(pushOutbox(store.session), { name: "SignedOut", reason: "token_revoked" });
  assert.equal((await store.unsent()).count, 1);
});

test("batches hold one database, a hundred documents and about a megabyte", () => {
  const entry = (database, size_bytes) => ({ database, size_bytes });
  const many = Array.from({ length: 250 }, () => entry("a", 1000));
  const large = Array.from({ length: 5 }, () => entry("b", 250_000));
  const sizes = batchesOf(/** @type {any} */ ([...many, ...large])).map((batch) => `${batch[0].database}${batch.length}`);
  assert.deepEqual(sizes, ["a100", "a100", "a50", "b4", "b1"]);
});
