/** The log of a killed browser's storage: filled after a round that did not end, with nothing left of it, and only then. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { phone } from "./phone.mjs";

const { changeState, setState } = await import("../../../pwa/src/store/outbox.js");
const { leaveTornLog } = await import("../../../pwa/src/store/torn.js");
const { vaultOf } = await import("../../../pwa/src/store/vault.js");
const LOG_BYTES = 4 * 1024 * 1024;
const LARGEST_IN_LOG_BYTES = 64 * 1024;

/** A phone that stood like this when it was stopped, and how long what is written into the log of it was, value by value. */
async function stopped(t, phase, is_swept = true) {
  const { author } = (await phone()).session;
  await setState(author, "vault", { ...(await vaultOf(author)), is_swept });
  await changeState(author, "sync", { phase });
  const lengths = [];
  const put = IDBObjectStore.prototype.put;
  t.mock.method(IDBObjectStore.prototype, "put", function (value, key) {
    if (value.byteLength) lengths.push(value.byteLength);
    return put.call(this, value, key);
  });
  return { author, lengths };
}

const names = async () => (await indexedDB.databases()).map(({ name }) => name);

for (const [phase, is_swept] of [["push", true], ["load", true], ["idle", false]]) {
  test(`stopped in ${phase}, ${is_swept ? "all" : "not all"} sealed: two logs are filled, value by value, and nothing is left`, async (t) => {
    const { author, lengths } = await stopped(t, phase, is_swept);
    await leaveTornLog(author);
    assert.ok(lengths.reduce((sum, length) => sum + length, 0) > 2 * LOG_BYTES);
    assert.ok(lengths.every((length) => length < LARGEST_IN_LOG_BYTES));
    assert.ok(!(await names()).includes("xunge-filling"));
  });
}

test("stopped at rest, nothing is written", async (t) => {
  const { author, lengths } = await stopped(t, "idle");
  await leaveTornLog(author);
  assert.deepEqual(lengths, []);
});

test("a phone without room goes on, and keeps nothing of what it tried", async (t) => {
  const { author } = await stopped(t, "pull");
  const said = t.mock.method(console, "error", () => undefined);
  t.mock.method(IDBObjectStore.prototype, "put", () => {
    throw new DOMException("full", "QuotaExceededError");
  });
  await leaveTornLog(author);
  assert.equal(said.mock.callCount(), 1);
  assert.ok(!(await names()).includes("xunge-filling"));
});
