/** What the badge counts, and the switch for pushes. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { GRID, answer, app, caseOf, contextOf, filled } from "./app.mjs";

const { countAwaiting } = await import("../../../pwa/src/store/awaiting.js");
const { newsLinks } = await import("../../../pwa/src/store/cases.js");
const { linksOf, putLinks } = await import("../../../pwa/src/store/links.js");

const TASK = {
  _id: "task:019aaf00-0000-7000-8000-000000000001", _rev: "1-a", type: "task", v: 1, grid: GRID, kind: "verify", text: "看一看", household: null, campaign: null,
  form: null, case: null, state: "open", due_at: "2026-11-25T10:00:00.000Z", created_at: "2026-11-23T07:00:00.000Z", updated_at: "2026-11-23T07:00:00.000Z", events: 5,
};

/** As a pull writes it: the documents and what the small index keeps of them. */
async function pull(phone, docs) {
  await phone.pull(docs);
  const { author } = phone.store.session;
  const database = `grid-${GRID}-2026q4`;
  await putLinks(author, [...docs.flatMap((doc) => linksOf(author, database, doc)), ...newsLinks(phone.store.session, database, docs)]);
}

test("the badge counts tasks that were not opened and reports that came back, until they are looked at", async () => {
  const phone = await app();
  const { session } = phone.store;
  assert.equal(await countAwaiting(session), 0);
  await pull(phone, [TASK, { ...TASK, _id: TASK._id.replace(/1$/, "2"), state: "answered" }]);
  assert.equal(await countAwaiting(session), 1);
  await phone.get(`/m/tasks/${TASK._id}`);
  assert.equal(await countAwaiting(session), 0);
  assert.equal((await phone.get("/m/")).data.tasks.length, 1, "it still waits, it is only not new");
  for (const state of ["returned", "accepted"]) {
    const made = await phone.post("/m/reports", filled(await phone.get("/m/report"), { category: "1101", text: state }));
    const { doc } = await phone.store.getRecord(made.redirect.match(/report:[0-9a-f-]+/)[0]);
    await pull(phone, [caseOf(doc, state, { move: state === "returned" ? "return" : "accept", at: "2026-11-23T09:00:00.000Z" })]);
    assert.equal(await countAwaiting(session), 1, "only what came back asks for something");
  }
  const back = (await phone.store.listReports()).rows.find(({ doc }) => doc.text === "returned");
  await phone.get(`/m/records/${back.id}`);
  assert.equal(await countAwaiting(session), 0);
});

test("a switch turned on is told to the server, and one that could not be told says so", async () => {
  const phone = await app({ push_key: "B-key", push_endpoint: "https://push.example/0" });
  const { push_key, push_endpoint } = (await phone.get("/m/me")).data;
  assert.deepEqual([push_key, push_endpoint], ["B-key", "https://push.example/0"]);
  const told = [];
  const turn = (subscription, tellSubscription) => {
    return answer(phone.store, contextOf(phone.store, "zh-CN", { tellSubscription }), "POST", "/m/push", { form: { subscription } });
  };
  const hear = async (subscription) => void told.push(subscription);
  assert.equal((await turn(JSON.stringify({ endpoint: "https://push.example/1" }), hear)).status, 204);
  assert.equal((await turn("", hear)).status, 204);
  assert.deepEqual(told, [{ endpoint: "https://push.example/1" }, null]);
  assert.equal((await turn("", async () => Promise.reject(new Error("offline")))).status, 503);
  assert.equal((await turn("no json", hear)).status, 503);
});
