/** A phone whose data its system has cleared: the user is told what is lost, the server what its user said, and what came back is counted. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { GRID, QUARTER, phone, report } from "./phone.mjs";
import { serveAll } from "./fleet.mjs";
import { reply, serve } from "./server.mjs";

const { enrol } = await import("../../../pwa/src/sync/enrolment.js");
const { lossOf } = await import("../../../pwa/src/store/losses.js");
const { storeOf } = await import("../../../pwa/src/store/index.js");
const { runRound } = await import("../../../pwa/src/sync/round.js");

const BEFORE = { device: "0123456789abcdef", name: "旧手机", last_seen_on: "2026-11-16", records: 3, photos: 1, is_certain: false };
const ALL = { me: true, all: true, names: new Set() };
const HOOKS = { isUnsure: false };
let users = 0;

/** Signs in at a server that knows of a phone before. */
async function signedIn(before) {
  users += 1;
  const name = `lost${users}`;
  const databases = ["ref", `grid-${GRID}-${QUARTER}`].map((one) => ({ name: one, pull: true, push: one !== "ref" }));
  const asked = serve({
    "POST /api/devices": () => reply(201, {
      device_id: `device${users}`, token: "t", user: { id: `user:${name}`, name, roles: ["worker"] }, grids: [GRID], databases,
      server_time: new Date().toISOString(), before,
    }),
  });
  const session = await enrol({ username: name, password: "x", name: "手机" });
  return { session, asked, name };
}

test("whoever signs in locks what somebody else had open", async () => {
  const { vault } = await phone();
  assert.equal(await vault.standing(), "open");
  await signedIn(null);
  assert.equal(await vault.standing(), "locked");
});

test("a phone that has the user's data says so when it signs in again; one that has none does not", async () => {
  const { asked, session, name } = await signedIn(null);
  assert.equal(asked[0].body.previous, "");
  await enrol({ username: name, password: "x", name: "手机" });
  assert.deepEqual([asked[1].body.previous, await lossOf(name)], [session.device, null]);
});

test("what was lost stays said until it is read, and what the server had of that phone is counted once all is pulled", async () => {
  const { session } = await signedIn({ ...BEFORE, is_certain: true });
  const server = serveAll(storeOf(session));
  const old = await phone({ device: BEFORE.device });
  const docs = await Promise.all(["一", "二"].map(async (text) => ({ ...(await report(old, { text })).docs[0].doc, _rev: "1-a" })));
  server.feeds[`grid-${GRID}-${QUARTER}`] = [...docs, { ...docs[0], _id: old.uuid().replace(/^/, "report:"), device: "another" }];
  await runRound(session, ALL, HOOKS);
  const store = storeOf(session);
  assert.deepEqual((await store.status()).loss, { ...BEFORE, is_certain: true, found: 2 });
  assert.ok(!server.asked.some((name) => name.includes("/loss")), "the server knows of it already");
  await store.forgetLoss();
  await runRound(session, ALL, HOOKS);
  assert.equal((await store.status()).loss, null);
});

test("the server is told once that it was this phone, also when the first try finds no network", async () => {
  const { session } = await signedIn(BEFORE);
  const server = serveAll(storeOf(session));
  const told = `POST /api/devices/${BEFORE.device}/loss`;
  await runRound(session, ALL, HOOKS);
  assert.ok(!server.asked.includes(told), "its user has not said anything yet");
  await storeOf(session).confirmLoss();
  server.isDown = (name) => name === told;
  await assert.rejects(runRound(session, ALL, HOOKS), { name: "Offline" });
  server.isDown = (name) => name === told && new Response(null, { status: 204 });
  await runRound(session, ALL, HOOKS);
  await runRound(session, ALL, HOOKS);
  assert.equal(server.asked.filter((name) => name === told).length, 2);
});
