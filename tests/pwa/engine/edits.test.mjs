/** The phone's clock and its edits: the same rules as the server's merge, by a clock that may be wrong in any way. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { household, openEntries, phone, session } from "./phone.mjs";

const { AHEAD_MOST_MS, correctedNow, nextStamp, restart } = await import("../../../pwa/src/store/clock.js");
const { changesOf, editOf } = await import("../../../pwa/src/store/edits.js");
const { parseStamp } = await import("../../../pwa/src/store/identity.js");
const { updateSession } = await import("../../../pwa/src/store/meta.js");
const { entries } = await import("../../../pwa/src/store/outbox.js");
const { restamp } = await import("../../../pwa/src/sync/restamp.js");

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 365 * DAY_MS;
const EXAMPLES = JSON.parse(readFileSync(new URL("edits.json", import.meta.url), "utf8"));
const stampAt = (ms, node = "d9") => `${String(ms).padStart(15, "0")}-0000-${node}`;
const msOf = (stamp) => parseStamp(stamp).ms;

for (const { name, doc, changes, stamp, after } of EXAMPLES) {
  test(`an edit here is the server's: ${name}`, async () => {
    assert.deepEqual(await editOf(doc, changes, stamp), after);
  });
}

test("only what differs from what was shown is an edit", () => {
  const shown = { address: "1", remark: "x" };
  assert.deepEqual(changesOf(shown, { address: "1", remark: undefined, housing: "owner" }), { remark: null, housing: "owner" });
});

test("a phone years ahead stamps by the server's time", async () => {
  const own = session({ offset_ms: 4 * YEAR_MS });
  assert.ok(msOf(await nextStamp(own)) < Date.now() - 4 * YEAR_MS + 1_000);
});

test("every stamp is later than the last, also of two contexts at once and after the clock was set back", async () => {
  const own = session();
  const made = [await nextStamp(own), ...(await Promise.all([nextStamp(own), nextStamp(own), nextStamp(own)]))];
  made.push(await nextStamp({ ...own, offset_ms: 3 * DAY_MS }));
  assert.deepEqual(made, [...new Set(made)].sort());
});

test("the server's last word on the time is the least that the clock says", () => {
  assert.equal(correctedNow({ offset_ms: 0, server_ms: 5_000 }, 1_000), 5_000);
  assert.equal(correctedNow({ offset_ms: 0, server_ms: 5_000 }, 9_000), 9_000);
});

test("an edit is later than what it was made from, when that may be right", async () => {
  const own = session();
  const seen = stampAt(Date.now() + AHEAD_MOST_MS - 60_000);
  assert.ok((await nextStamp(own, [seen])) > seen);
});

test("a stamp from the year 2030 pulls nobody along by more than the bound", async () => {
  const own = session();
  const made = await nextStamp(own, [stampAt(Date.now() + 4 * YEAR_MS)]);
  assert.ok(msOf(made) <= Date.now() + AHEAD_MOST_MS + 1);
});

test("after the server refused its stamps the clock follows the server again", async () => {
  const own = session({ offset_ms: -4 * YEAR_MS });
  await nextStamp(own);
  const right = { ...own, offset_ms: 0 };
  await restart(right);
  assert.ok(msOf(await nextStamp(right)) <= Date.now() + 1);
});

async function refusedEdit(theirs, mine_ms = Date.now() + YEAR_MS) {
  const store = await phone({ offset_ms: 0 });
  const [{ database, doc }] = household(store).docs;
  const mine = stampAt(mine_ms, "device1");
  await store.saveRecord({ docs: [{ database, doc: { ...doc, stamps: { address: theirs, contact_phone: mine }, contact_phone: "1" } }] });
  return store;
}

test("a stamp made anew leaves what others stamped alone", async () => {
  const theirs = stampAt(Date.now() - DAY_MS);
  const store = await refusedEdit(theirs);
  await restamp(store.session, (await entries(store.session.author))[0]);
  const [{ doc, rev }] = await openEntries(store.session.author);
  assert.match(rev, /^2-/);
  assert.equal(doc.stamps.address, theirs);
  assert.ok(msOf(doc.stamps.contact_phone) <= Date.now());
});

for (const [name, theirs_ms, expected_ms] of [
  ["says when the edit was made, not when it is sent", Date.now() - YEAR_MS - DAY_MS, Date.now() - YEAR_MS - HOUR_MS],
  ["is later than what the edit was made from", Date.now() - YEAR_MS - 60_000, Date.now() - YEAR_MS - 60_000],
]) {
  test(`a stamp made anew ${name}`, async () => {
    const theirs = stampAt(theirs_ms);
    const store = await refusedEdit(theirs, Date.now() - HOUR_MS);
    await updateSession(store.session.author, { offset_ms: YEAR_MS });
    await restamp(store.session, (await entries(store.session.author))[0]);
    const [{ doc }] = await openEntries(store.session.author);
    assert.ok(doc.stamps.contact_phone > theirs);
    assert.ok(Math.abs(msOf(doc.stamps.contact_phone) - expected_ms) < 10_000);
  });
}

test("of two unsent edits of one household only the later one is stamped anew: it says all of the other", async () => {
  const store = await refusedEdit(stampAt(1));
  const { author } = store.session;
  const [{ database, doc: { _revisions, ...first } }] = await openEntries(author);
  const late = await store.edit(first, { contact_phone: "2" }, stampAt(Date.now() + 2 * YEAR_MS, "device1"));
  await store.saveRecord({ docs: [{ database, doc: late }] });
  for (const entry of await entries(author)) await restamp(store.session, entry);
  const left = await openEntries(author);
  assert.deepEqual(left.map(({ doc }) => doc.contact_phone), ["2"]);
  assert.deepEqual(left[0].doc.settled, []);
});

test("stamps that look right from here wait until the clock was measured anew", async () => {
  const store = await refusedEdit(stampAt(1));
  await updateSession(store.session.author, { offset_ms: -2 * YEAR_MS });
  const [entry] = await entries(store.session.author);
  await restamp(store.session, entry);
  assert.deepEqual((await entries(store.session.author)).map(({ rev }) => rev), [entry.rev]);
});
