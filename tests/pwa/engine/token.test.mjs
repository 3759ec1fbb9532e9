/** A renewed token: kept, used from then on by everything that is open, and no trouble when the answer with it is lost. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { GRID, phone, report } from "./phone.mjs";
import { accepting, reply } from "./server.mjs";

const { runRound } = await import("../../../pwa/src/sync/round.js");
const { currentSession } = await import("../../../pwa/src/store/meta.js");
const DATABASE = `grid-${GRID}-2026q4`;
const WANTS = () => ({ me: true, all: false, names: new Set() });
const HOOKS = { isUnsure: false };

/** A phone with one report and a server that answers `me` with what `renewed()` gives; `used` are the tokens that came. */
async function met(renewed) {
  const store = await phone();
  await store.saveRecord(await report(store));
  const { user, grids, databases } = store.session;
  const used = /** @type {string[]} */ ([]);
  const answers = {
    "GET /api/devices/me": () => reply(200, { user, grids, databases, server_time: new Date().toISOString(), ...renewed() }),
    "POST /api/devices/me": () => new Response(null, { status: 204 }),
    "GET /api/quarantine/mine": () => reply(200, { entries: [] }),
    ...accepting(DATABASE),
  };
  globalThis.fetch = async (path, { method = "GET", body, headers = {} } = {}) => {
    const name = `${method} ${new URL(String(path), "http://phone.test").pathname}`;
    used.push(`${name} ${new Headers(headers).get("Authorization")}`);
    return (answers[name] ?? (() => reply(404, {})))(typeof body === "string" ? JSON.parse(body) : body);
  };
  return { store, used };
}

test("a renewed token is kept and used from the next request on, by whoever has the session open too", async () => {
  const { store, used } = await met(() => ({ token: "device1.renewed" }));
  const held = await currentSession();
  const after = await runRound(held, WANTS(), HOOKS);
  assert.equal((await currentSession()).token, "device1.renewed");
  assert.equal(after, held, "a stream that was opened with this session sees the new token");
  assert.equal(held.token, "device1.renewed");
  assert.ok(used[0].endsWith("Bearer device1.secret"));
  assert.ok(used.slice(1).every((line) => line.endsWith("Bearer device1.renewed")), used.join("\n"));
  assert.equal((await store.unsent()).count, 0);
});

test("without a renewal the token stays", async () => {
  await met(() => ({}));
  await runRound(await currentSession(), WANTS(), HOOKS);
  assert.equal((await currentSession()).token, "device1.secret");
});
