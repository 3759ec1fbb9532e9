/** An idle phone in a pocket: what may wake its processor while nothing happens. The page's own part is in `test_pages_in_chromium.py`. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { GRID, phone } from "./phone.mjs";
import { accepting, reply } from "./server.mjs";

const { Loop } = await import("../../../pwa/src/sync/loop.js");
const DATABASE = `grid-${GRID}-2026q4`;
const ALLOWED_MS = 15_000;

/** Timers that are set, by when they fire; those of IndexedDB in memory, which waits for nothing, are left out. */
function watchTimers() {
  const waiting = new Map();
  const { setTimeout: set, setInterval: every, clearTimeout: clear, clearInterval: end } = globalThis;
  globalThis.setTimeout = /** @type {any} */ ((act, ms = 0, ...rest) => {
    const id = set((...given) => (waiting.delete(id), act(...given)), ms, ...rest);
    if (ms >= 20) waiting.set(id, ms);
    return id;
  });
  globalThis.setInterval = /** @type {any} */ ((act, ms, ...rest) => {
    const id = every(act, ms, ...rest);
    waiting.set(id, ms);
    return id;
  });
  globalThis.clearTimeout = (id) => (waiting.delete(id), clear(id));
  globalThis.clearInterval = (id) => (waiting.delete(id), end(id));
  return waiting;
}

/** A server with nothing new, whose stream says once that it is there and then stays open; tells how many requests came. */
function quietServer({ user, grids, databases }) {
  const server = { asked: 0 };
  const answers = {
    "GET /api/devices/me": () => reply(200, { user, grids, databases, server_time: new Date().toISOString() }),
    "POST /api/devices/me": () => reply(200, {}),
    ...accepting(DATABASE),
  };
  globalThis.fetch = async (path, { method = "GET", signal } = {}) => {
    server.asked += 1;
    const { pathname } = new URL(String(path), "http://phone.test");
    if (pathname === "/api/poke") return new Response(openStream(signal));
    if (pathname.endsWith("/_changes")) return reply(200, { results: [], last_seq: "0", pending: 0 });
    return (answers[`${method} ${pathname}`] ?? (() => reply(200, {})))();
  };
  return server;
}

function openStream(signal) {
  return new ReadableStream({
    start: (stream) => {
      stream.enqueue(new TextEncoder().encode('data: {"databases":[]}\n\n'));
      signal?.addEventListener("abort", () => stream.error(new DOMException("aborted", "AbortError")));
    },
  });
}

const wait = globalThis.setTimeout;

/** Tells when the loop has been asked for everything, as it is once the stream is open, and rests with nothing left to do. */
function watchRest(loop) {
  let [isAsked, isResting] = [false, false];
  const { want, sleep } = loop;
  loop.want = (more) => ((isAsked ||= more?.all === true), want.call(loop, more));
  loop.sleep = async (duration_ms) => {
    isResting = true;
    await sleep.call(loop, duration_ms);
    isResting = false;
  };
  return async () => {
    while (!isAsked || !isResting || loop.isWanted || loop.photosRun) await new Promise((resolve) => wait(resolve, 5));
  };
}

test("with nothing to send and nothing new, no timer of the sync worker fires more often than every 15 seconds, and none asks the server", { timeout: 60_000 }, async () => {
  const store = await phone();
  const server = quietServer(store.session);
  const waiting = watchTimers();
  const loop = new Loop(store.session);
  const settled = watchRest(loop);
  loop.isHidden = true;
  const ended = loop.run();
  try {
    await settled();
    const asked = server.asked;
    const short = [...waiting.values()].filter((ms) => ms < ALLOWED_MS);
    loop.askRegularly(); // the five-minute timer, in a pocket
    await settled();
    assert.ok(asked > 0, "it did sync before");
    assert.deepEqual(short, []);
    assert.equal(server.asked, asked);
  } finally {
    loop.stop();
    await ended;
  }
});
