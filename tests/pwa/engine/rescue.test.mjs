/** A token that is refused, a phone that is shared: everything unsent gets to the server, and nothing is wiped before. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { household, jpeg, phone, report } from "./phone.mjs";
import { serveAll } from "./fleet.mjs";
import { reply } from "./server.mjs";
import "./xhr.mjs";

const { rescue } = await import("../../../pwa/src/sync/rescue.js");
const { listen } = await import("../../../pwa/src/sync/channel.js");
const { runRound } = await import("../../../pwa/src/sync/round.js");
const { sendForOthers } = await import("../../../pwa/src/sync/others.js");
const { sendPhotos } = await import("../../../pwa/src/sync/uploads.js");
const { askToHandOver, waitingOfOthers } = await import("../../../pwa/src/store/handover.js");
const { currentSession, dropSession, endSession, sessionOf, sessions, wiped } = await import("../../../pwa/src/store/meta.js");
const { wipeUser } = await import("../../../pwa/src/store/removal.js");
const { localNames } = await import("../../../pwa/src/store/documents.js");
const { entries, release, uploads } = await import("../../../pwa/src/store/outbox.js");
const { refusals } = await import("../../../pwa/src/store/refusals.js");
const { storeOf } = await import("../../../pwa/src/store/index.js");
const REVOKED = { code: "token_revoked", wipe: true, rescue_until: "2027-02-22T00:00:00.000Z" };
const EXPIRED = { code: "token_expired", wipe: false, rescue_until: "2027-02-22T00:00:00.000Z" };

globalThis.navigator.locks ??= /** @type {any} */ ({ request: async (_name, _options, work) => work({}) });

async function phoneWithUnsent() {
  for (const { author } of await sessions()) await dropSession(author);
  const store = await phone();
  await store.saveRecord(await report(store, { photos: [jpeg()] }));
  await store.saveRecord(await report(store));
  return { store, server: serveAll(store), author: store.session.author };
}

async function left(author) {
  return [(await entries(author)).length, (await uploads(author)).filter(({ problem }) => !problem).length];
}

test("a revoked phone hands over every record and photo, and only then wipes itself", async () => {
  const { store, server, author } = await phoneWithUnsent();
  server.refusing = REVOKED;
  server.isDown = (name) => name === "POST /api/rescue/uploads" && reply(503, { code: "unavailable" });
  await assert.rejects(rescue(store.session), { name: "Busy" });
  assert.deepEqual([server.rescued.length, await left(author)], [3, [0, 1]]);
  assert.equal((await currentSession()).author, author, "a photo is still here: nothing is wiped");
  assert.ok((await localNames(author)).length);
  server.isDown = () => false;
  assert.equal(await rescue(store.session), "wiped");
  assert.deepEqual([server.rescued.length, await localNames(author), await sessionOf(author), await currentSession()], [4, [], null, null]);
  assert.ok(await wiped());
  assert.equal(server.asked.pop(), "DELETE /api/session", "a desk's page that was open in this browser is over, too");
  assert.ok(!(await indexedDB.databases()).some(({ name }) => name === `xunge-own-${author}`));
});

test("a patrol that runs when a phone is revoked is handed over without its way; what was begun goes, and is counted", async () => {
  const { store, server } = await phoneWithUnsent();
  const uuid = store.uuid();
  await store.keepDraft({ uuid, fields: { text: "没提交" }, pieces: [], saved_at: "2026-11-23T08:00:00.000Z" }, []);
  await store.startPatrol({ uuid, grid: store.session.grids[0], started_at: "2026-11-23T08:00:00.000Z" });
  await store.addPoint(uuid, [0, 38.5, 106.1, 5]);
  server.refusing = REVOKED;
  assert.equal(await rescue(store.session), "wiped");
  assert.ok(server.rescued.includes(`patrol:${uuid}`));
  assert.equal(server.rescued.some((id) => id.startsWith("track:")), false);
  assert.equal((await wiped())?.drafts, 1);
});

test("a wipe that meets something unsent signs its user out and removes nothing", async () => {
  const { author } = await phoneWithUnsent();
  assert.equal(await wipeUser(author), false);
  assert.deepEqual([await currentSession(), await left(author)], [null, [3, 1]]);
  assert.ok(await sessionOf(author), "the token is still there to hand over with");
});

test("a revoked phone whose records find no room at the server keeps them and is not wiped", async () => {
  const { store, server, author } = await phoneWithUnsent();
  Object.assign(server, { refusing: REVOKED, isKept: () => false });
  assert.equal(await rescue(store.session), "waiting");
  assert.deepEqual([(await entries(author)).length, (await store.status()).rescue.phase], [3, "sending"]);
  assert.ok(await sessionOf(author));
});

test("a revoked phone that need not wipe keeps showing what it handed over", async () => {
  const { store, server, author } = await phoneWithUnsent();
  server.refusing = { ...REVOKED, wipe: false };
  assert.equal(await rescue(store.session), "kept");
  assert.deepEqual((await refusals(author)).map(({ reason, state }) => `${reason} ${state}`), Array(3).fill("rescued waiting"));
});

test("an expired token waits for its user, hands over when asked, and the same user's new token sends all of it where it belongs", async () => {
  const { store, server, author } = await phoneWithUnsent();
  server.refusing = EXPIRED;
  assert.equal(await rescue(store.session), "waiting");
  assert.deepEqual([server.rescued.length, (await entries(author)).length], [0, 3]);
  await askToHandOver(author);
  assert.equal(await rescue(store.session), "kept");
  assert.equal((await store.unsent()).count, 0);
  server.refusing = null;
  const again = { ...store.session, device: "device2", token: "device2.secret" };
  await runRound(again, { me: true, all: false, names: new Set() }, { isUnsure: false });
  assert.deepEqual([server.held.size, (await refusals(author)).length, (await storeOf(again).status()).rescue], [3, 0, null]);
  await sendPhotos(again, { shouldStop: () => false, onProgress: () => undefined });
  assert.deepEqual([(await uploads(author)).length, server.asked.at(-1)], [0, "POST /api/uploads"]);
});

test("an expired token nobody renews for days hands over by itself", async (t) => {
  const { store, server } = await phoneWithUnsent();
  server.refusing = EXPIRED;
  await rescue(store.session);
  const now_ms = Date.now();
  t.mock.method(Date, "now", () => now_ms + 3 * 86_400_000 + 1);
  assert.equal(await rescue(store.session), "kept");
});

test("a token that is good after all is found out before anything is handed over", async () => {
  const { store, server } = await phoneWithUnsent();
  assert.equal(await rescue(store.session), "valid");
  assert.equal(server.rescued.length, 0);
});

test("what a signed-out user left is counted, and sent with that user's own token while another is signed in", async () => {
  const { store, server, author } = await phoneWithUnsent();
  const { docs: [home] } = household(store);
  await store.saveRecord({ docs: [home] });
  await endSession();
  assert.deepEqual(await waitingOfOthers(null), { count: 4, sealed: 1, can_make: false });
  await release(author, (await entries(author)).filter(({ id }) => id === home.doc._id).map(({ key }) => key));
  const next = await phone();
  server.asked.length = 0;
  const tokens = new Set();
  const served = globalThis.fetch;
  globalThis.fetch = async (path, init) => (tokens.add(init.headers.Authorization), served(path, init));
  await sendForOthers(next.session.author);
  assert.deepEqual(await left(author), [0, 0]);
  assert.deepEqual([server.held.size, (await waitingOfOthers(next.session.author)).count, tokens.size], [3, 0, 1]);
  assert.ok(!server.asked.some((name) => name.includes("_changes")), "nothing of theirs is pulled");
  assert.equal((await currentSession()).author, next.session.author);
});

test("a signed-out user's phone that was revoked meanwhile is rescued and wiped, and the one signed in notices nothing", { timeout: 60_000 }, async () => {
  const { server, author } = await phoneWithUnsent();
  const next = await phone();
  server.refusing = REVOKED;
  const told = [];
  const stop = listen(({ type }) => told.push(type));
  await sendForOthers(next.session.author);
  while (!told.includes("status")) await new Promise((resolve) => setImmediate(resolve));
  stop();
  assert.deepEqual([server.rescued.length, await sessionOf(author), (await currentSession()).author], [4, null, next.session.author]);
  assert.deepEqual([told.includes("wiped"), await wiped()], [false, null], "nobody sends them away or speaks of a wipe");
});
