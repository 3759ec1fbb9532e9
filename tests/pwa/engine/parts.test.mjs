/** The small pure parts: ids, stamps, routes, pokes, waiting. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { GRID, session } from "./phone.mjs";

const { canonical, laterStamp, revisionOf, uuidv7 } = await import("../../../pwa/src/store/identity.js");
const { databaseFor } = await import("../../../pwa/src/store/databases.js");
const { match } = await import("../../../pwa/src/sw/router.js");
const { newsOf } = await import("../../../pwa/src/sync/poke.js");
const { errorOf } = await import("../../../pwa/src/sync/http.js");
const { sessionOf } = await import("../../../pwa/src/sync/enrolment.js");
const { photosProblemOf, problemOf } = await import("../../../pwa/src/sync/loop.js");

test("a uuid is version 7 and sorts by the moment it was made", () => {
  const [early, late] = [uuidv7(1_700_000_000_000), uuidv7(1_700_000_000_001)];
  assert.match(early, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.ok(early < late);
  assert.equal(Number.parseInt(early.replace(/-/g, "").slice(0, 12), 16), 1_700_000_000_000);
});

test("the revision follows from content and parent alone", async () => {
  assert.equal(canonical({ b: [1, { d: null, c: "中" }], a: undefined }), '{"b":[1,{"c":"中","d":null}]}');
  assert.equal(await revisionOf({ a: 1, b: 2 }), await revisionOf({ b: 2, a: 1 }));
  assert.notEqual(await revisionOf({ a: 1 }), await revisionOf({ a: 2 }));
  assert.match(await revisionOf({ a: 1 }, "4-abc"), /^5-[0-9a-f]{32}$/);
});

test("a stamp is later than the one before it, also when the clock went back", () => {
  const first = laterStamp(1000, "d", []);
  assert.equal(first, "000000000001000-0000-d");
  assert.ok(laterStamp(500, "d", [first]) > first);
  assert.ok(laterStamp(2000, "d", [first]) > laterStamp(500, "d", [first]));
});

test("a new record goes to the newest quarter the server announced", () => {
  const { databases } = session();
  assert.equal(databaseFor(databases, "grid", GRID), `grid-${GRID}-2026q4`);
  assert.equal(databaseFor(databases, "home", GRID), `home-${GRID}`);
  assert.throws(() => databaseFor(databases, "beat", GRID), { name: "NoSuchDatabase" });
});

test("fixed addresses win over parameters, and parameters are decoded once", () => {
  const routes = [
    { method: "GET", path: "/m/homes/:id", handle: () => "one" },
    { method: "GET", path: "/m/homes/new", handle: () => "new" },
  ];
  assert.equal(match(routes, "GET", "/m/homes/new")?.route.handle(), "new");
  assert.equal(match(routes, "GET", "/m/homes/household%3A1%2525")?.params.id, "household:1%25");
  assert.equal(match(routes, "POST", "/m/homes/new"), null);
});

test("a poke names databases; a heartbeat or nonsense names none", () => {
  assert.deepEqual(newsOf('event: poke\ndata: {"databases":["a"]}'), { names: ["a"], hasNewRights: false });
  assert.deepEqual(newsOf('data: {"databases":[],"rights_changed":true}'), { names: [], hasNewRights: true });
  assert.equal(newsOf(": keep-alive"), null);
  assert.equal(newsOf("data: {"), null);
});

test("a refused token, a busy server and a refused request are different errors", () => {
  assert.equal(errorOf(401, "token_revoked", null).name, "SignedOut");
  assert.equal(errorOf(507, "insufficient_storage", 5).name, "Busy");
  assert.equal(errorOf(403, "forbidden", null).name, "Refused");
});

test("the clock difference is this phone's minus the server's", () => {
  const answer = { device_id: "d", token: "d.s", user: { id: "user:worker1" }, grids: [], databases: [], server_time: "2026-11-23T08:00:00.000Z" };
  const made = sessionOf(answer, Date.parse("2026-11-23T08:00:05.000Z"));
  assert.deepEqual({ offset_ms: made.offset_ms, author: made.author }, { offset_ms: 5000, author: "worker1" });
});

test("what stops sync is told apart: a full server, a token too old, a revoked one, files alone", () => {
  const full = [errorOf(503, "storage_full", 5), errorOf(503, "insufficient_storage", null), errorOf(507, "", null)];
  assert.deepEqual(full.map(problemOf), ["server_full", "server_full", "server_full"]);
  const codes = ["token_expired", "token_revoked", "token_unknown", "unauthorized"];
  assert.deepEqual(codes.map((code) => problemOf(errorOf(401, code, null))), ["expired", "revoked", "signed_out", "signed_out"]);
  assert.equal(photosProblemOf(errorOf(503, "storage_full", 60)), "server_full");
  assert.equal(photosProblemOf(errorOf(503, "unavailable", 10)), "photos_unavailable");
  assert.equal(photosProblemOf(errorOf(401, "unauthorized", null)), null);
});
