/** Links as they are: slow, breaking, silent behind a proxy. Pages shrink and grow, uploads lose little, streams give way to asking. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { GRID, QUARTER, jpeg, phone, report } from "./phone.mjs";
import { reply, serve } from "./server.mjs";
import { inItsOwnTime } from "./time.mjs";
import "./xhr.mjs";

const { afterFailure, nextPage } = await import("../../../pwa/src/sync/pace.js");
const { planFor, qualityAfter } = await import("../../../pwa/src/sync/link.js");
const { hasMoved, offsetOf } = await import("../../../pwa/src/sync/clock.js");
const { PATIENCE, listenForPokes } = await import("../../../pwa/src/sync/poke.js");
const { pullAll, pullDatabase } = await import("../../../pwa/src/sync/pull.js");
const { sendPhotos } = await import("../../../pwa/src/sync/uploads.js");
const { uploads } = await import("../../../pwa/src/store/outbox.js");
const { checkpointOf, setCheckpoint } = await import("../../../pwa/src/store/checkpoints.js");
const DATABASE = `grid-${GRID}-${QUARTER}`;

async function foreignReports(count) {
  const other = await phone();
  const made = await Promise.all(Array.from({ length: count }, () => report(other)));
  return made.map(({ docs: [{ doc }] }, at) => ({ ...doc, _rev: `1-${at}` }));
}

/** A changes feed that `mayAnswer(nth request, its limit)` or that breaks. */
function feed(docs, mayAnswer = (_nth, _limit) => true) {
  let nth = 0;
  return (_body, url) => {
    const [since, limit] = [Number(url.searchParams.get("since")), Number(url.searchParams.get("limit"))];
    if (!mayAnswer((nth += 1), limit)) throw new TypeError("link died");
    const page = docs.slice(since, since + limit);
    const results = page.map((doc, at) => ({ seq: since + at + 1, id: doc._id, changes: [{ rev: doc._rev }], doc }));
    return reply(200, { results, last_seq: since + page.length, pending: docs.length - since - page.length });
  };
}

test("pages grow on a fast link, shrink on a slow one, and never hold more bytes than a phone can take at once", () => {
  const page = { docs: 200, got: 200, size_bytes: 140_000, took_ms: 900 };
  assert.equal(nextPage(page), 400);
  assert.equal(nextPage({ ...page, took_ms: 300 }), 800);
  assert.equal(nextPage({ ...page, took_ms: 200 }), 1600);
  assert.equal(nextPage({ ...page, got: 3, size_bytes: 2_000 }), 200);
  assert.equal(nextPage({ ...page, took_ms: 3_000 }), 200);
  assert.equal(nextPage({ ...page, took_ms: 20_000 }), 100);
  assert.equal(nextPage({ ...page, size_bytes: 200 * 100_000 }), 20);
  assert.equal(nextPage({ docs: 4000, got: 4000, size_bytes: 1_000_000, took_ms: 10 }), 4000);
  assert.equal(nextPage({ docs: 1000, got: 1000, size_bytes: 1_000_000, took_ms: 10 }), 2000);
  assert.deepEqual([afterFailure(200), afterFailure(10)], [100, 10]);
});

test("a page too large for the link comes in smaller ones, and the next load begins with those", async () => {
  const store = await phone();
  const asked = serve({ [`GET /db/${DATABASE}/_changes`]: feed(await foreignReports(300), (_nth, limit) => limit <= 60) });
  let loads = 0;
  for (let isWhole = false; !isWhole && loads < 10; loads += 1) {
    isWhole = await pullDatabase(store.session, DATABASE).then(() => true, (error) => error.name !== "Offline");
  }
  assert.deepEqual(asked.slice(0, 3).map(({ query }) => query.get("limit")), ["200", "100", "50"]);
  assert.equal((await store.listReports({ limit: 500 })).rows.length, 300);
  assert.ok((await checkpointOf(store.session.author, DATABASE)).is_loaded, `after ${loads} loads`);
});

test("a first load that is killed at every page goes on with the next one each time and reads nothing twice", async () => {
  const store = await phone();
  const docs = await foreignReports(230);
  let loads = 0;
  for (let written = 0; written < docs.length; loads += 1) {
    const asked = serve({ [`GET /db/${DATABASE}/_changes`]: feed(docs, (nth) => nth === 1) });
    const held = await checkpointOf(store.session.author, DATABASE);
    if (held) await setCheckpoint(store.session.author, DATABASE, { ...held, page_docs: 40 });
    await pullDatabase(store.session, DATABASE).catch((error) => assert.equal(error.name, "Offline"));
    assert.equal(asked[0].query.get("since"), String(written));
    const reached = Number((await checkpointOf(store.session.author, DATABASE)).since);
    assert.ok(reached > written, "a page that was written is kept");
    written = reached;
  }
  assert.equal(loads, 2);
  assert.equal((await store.listReports({ limit: 500 })).rows.length, 230);
});

const NAMES = ["a", "b", "c", "d", "e", "f"].map((part) => `grid-${GRID}-${part}`);
const HOOKS = { before: async () => undefined, onPage: () => undefined, onError: (_name, error) => { throw error; } };

test("the first pages of several databases are on their way at once, and each is asked for once", async () => {
  const store = await phone();
  let goOn = () => undefined;
  const areFour = new Promise((resolve) => (goOn = resolve));
  const late = (answer) => async (body, url) => {
    if (asked.length >= 4) goOn();
    await areFour; // for ever, should they be asked for one after another
    return answer(body, url);
  };
  const asked = serve(Object.fromEntries(NAMES.map((name) => [`GET /db/${name}/_changes`, late(feed([]))])));
  await pullAll(store.session, async () => NAMES, HOOKS);
  assert.deepEqual(asked.map(({ path }) => path).sort(), NAMES.map((name) => `/db/${name}/_changes`));
});

test("a link that dies ends what is pulled beside, each database between two of its pages, and the next round goes on there", async () => {
  const store = await phone();
  const docs = await foreignReports(600);
  const [dead, long, ...rest] = NAMES;
  serve({ [`GET /db/${long}/_changes`]: feed(docs) });
  await assert.rejects(pullAll(store.session, async () => [dead, long, ...rest], {
    ...HOOKS,
    onError: () => { throw new TypeError("link died"); }, // what the first one without an answer says
  }), TypeError);
  const { since, is_loaded } = (await checkpointOf(store.session.author, long)) ?? { since: "0", is_loaded: false };
  assert.equal(is_loaded, false);
  const second = serve(Object.fromEntries(NAMES.map((name) => [`GET /db/${name}/_changes`, feed(name === long ? docs : [])])));
  await pullAll(store.session, async () => NAMES, HOOKS);
  assert.equal(second.find(({ path }) => path.includes(long)).query.get("since"), since);
  assert.equal((await checkpointOf(store.session.author, long)).is_loaded, true);
});

test("on a link that breaks, uploads are begun empty and in small chunks; long after the last break they are whole again", () => {
  assert.deepEqual(planFor(null), { chunk_bytes: 512 * 1024, with_creation: true });
  let quality = qualityAfter(null, false);
  assert.deepEqual(planFor(quality), { chunk_bytes: 64 * 1024, with_creation: false });
  for (let n = 0; n < 19; n += 1) quality = qualityAfter(quality, true);
  assert.equal(planFor(quality).with_creation, false);
  assert.equal(planFor(qualityAfter(quality, true)).with_creation, true);
});

test("an upload whose chunk broke off goes on from the byte that the server has, not from the chunk's beginning", async () => {
  const store = await phone();
  await store.saveRecord(await report(store, { photos: [jpeg(200_000)] }));
  const server = { held: 0, sent: 0, breaks: 0 };
  globalThis.fetch = async (_path, { method, headers, body }) => {
    if (method === "POST") return new Response(null, { status: 201, headers: { Location: "/api/uploads/a", "Upload-Offset": "0" } });
    if (method === "HEAD") return new Response(null, { status: 200, headers: { "Upload-Offset": String(server.held), "Upload-Length": "200000" } });
    assert.equal(Number(headers["Upload-Offset"]), server.held);
    if (server.breaks === 0 || (server.breaks < 3 && server.held > 60_000)) {
      server.breaks += 1;
      server.held += Math.floor(body.size * 0.4);
      server.sent += Math.floor(body.size * 0.4);
      throw new TypeError("link died");
    }
    server.held += body.size;
    server.sent += body.size;
    return new Response(null, { status: 204, headers: { "Upload-Offset": String(server.held) } });
  };
  await sendPhotos(store.session, { shouldStop: () => false, onProgress: () => undefined });
  assert.deepEqual([server.held, server.sent, (await uploads(store.session.author)).length], [200_000, 200_000, 0]);
  assert.ok(server.breaks >= 1);
});

test("an upload that broke before its address was known is begun empty the next time, and its bytes are not sent again at once", async () => {
  const store = await phone();
  await store.saveRecord(await report(store, { photos: [jpeg(200_000)] }));
  const asked = [];
  globalThis.fetch = async (_path, { method, headers, body }) => {
    asked.push(`${method} ${body?.size ?? 0}`);
    if (asked.length === 1) throw new TypeError("link died");
    const offset = Number(headers["Upload-Offset"] ?? 0) + (body?.size ?? 0);
    return new Response(null, { status: method === "POST" ? 201 : 204, headers: { Location: "/api/uploads/a", "Upload-Offset": String(offset) } });
  };
  const hooks = { shouldStop: () => false, onProgress: () => undefined };
  await assert.rejects(sendPhotos(store.session, hooks), { name: "Offline" });
  await sendPhotos(store.session, hooks);
  assert.deepEqual(asked, ["POST 200000", "POST 0", "PATCH 65536", "PATCH 65536", "PATCH 65536", "PATCH 3392"]);
});

test("the clock's difference is taken halfway between question and answer, and a clock that was set is noticed", () => {
  assert.equal(offsetOf("2026-11-24T00:00:00.000Z", Date.parse("2026-11-24T00:00:01.000Z"), Date.parse("2026-11-24T00:00:03.000Z")), 2_000);
  assert.equal(offsetOf(undefined, 1, 2), null);
  const date = "Tue, 24 Nov 2026 00:00:00 GMT";
  const at_ms = Date.parse(date);
  assert.equal(hasMoved(date, 0, at_ms - 200, at_ms + 900), false);
  assert.equal(hasMoved(date, 3_600_000, at_ms + 3_600_000, at_ms + 3_600_900), false);
  assert.equal(hasMoved(date, 0, at_ms + 60_000, at_ms + 60_100), true);
  assert.equal(hasMoved(date, 0, at_ms - 60_000, at_ms - 59_900), true);
  assert.equal(hasMoved(null, 0, 0, 1), false);
});

/** Listens to a server whose streams `open` makes, until `isEnough()` or for ten seconds; tells what was heard. */
function listening(t, open, isEnough, hooks = {}) {
  return inItsOwnTime(t, () => listen(open, isEnough, hooks));
}

async function listen(open, isEnough, hooks) {
  const ending = new AbortController();
  const limit = setTimeout(() => ending.abort(), 10_000);
  const heard = { opened: 0, polled: 0, streams: 0, names: /** @type {string[]} */ ([]) };
  const check = () => isEnough(heard) && ending.abort();
  globalThis.fetch = async (_path, { signal }) => {
    heard.streams += 1;
    check();
    return open(signal);
  };
  await listenForPokes({ token: "t", offset_ms: 0 }, {
    signal: ending.signal,
    onOpen: () => ((heard.opened += 1), check()),
    onPoll: () => ((heard.polled += 1), check()),
    onNews: ({ names }) => (heard.names.push(...names), check()),
    onSignedOut: () => ending.abort(),
    isHidden: () => false,
    isReachable: () => true,
    patience: { ...PATIENCE, first_wait_ms: 5, first_event_ms: 60, silence_ms: 2_000, poll_ms: 20, poll_hidden_ms: 10_000, stream_again_ms: 150 },
    ...hooks,
  });
  clearTimeout(limit);
  return heard;
}

/** What a proxy that holds everything back makes of a stream: nothing comes. */
function heldBack(signal) {
  return new Promise((_resolve, reject) => {
    const end = () => reject(new DOMException("aborted", "AbortError"));
    if (signal.aborted) end();
    else signal.addEventListener("abort", end);
  });
}

function streaming(...events) {
  return new Response(events.join(""));
}

test("behind a proxy that holds streams back the phone asks at intervals, and tries the stream again later", async (t) => {
  const heard = await listening(t, heldBack, ({ streams }) => streams === 2);
  assert.ok(heard.polled >= 7 && heard.polled <= 9, `asked ${heard.polled} times`);
  assert.equal(heard.opened, 0);
});

test("a phone in a pocket asks less often", async (t) => {
  const heard = await listening(t, heldBack, ({ streams }) => streams === 2, { isHidden: () => true });
  assert.equal(heard.polled, 1);
});

test("a stream that only has no network is tried again soon and not asked around", async (t) => {
  const heard = await listening(t, heldBack, ({ streams }) => streams === 3, { isReachable: () => false });
  assert.equal(heard.polled, 0);
});

test("a stream that speaks is all there is: the first event asks for everything, later ones for what they name", async (t) => {
  const heard = await listening(t, () => streaming('data: {"databases":["a","b"]}\n\n', ': still here\n\n', 'data: {"databases":["b"]}\n\n'), ({ names }) => names.length === 1);
  assert.deepEqual(heard, { opened: 1, polled: 0, streams: 1, names: ["b"] });
});
