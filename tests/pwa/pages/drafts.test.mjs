/** Forms with an address of their own, an answer to a task and a note: what was begun is filled in again there, until it is sent or emptied. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { jpeg } from "../engine/phone.mjs";
import { GRID, NOW, app, caseOf, filled } from "./app.mjs";

const TASK = "task:019aaf00-0000-7000-8000-000000000001";
const PATH = `/m/tasks/${TASK}`;

async function withTask() {
  const phone = await app();
  const form = [{ key: "q1", label: "灭火器几个", kind: "number" }, { key: "q2", label: "通道畅通", kind: "yes_no" }];
  await phone.pull([{
    _id: TASK, _rev: "1-a", type: "task", v: 1, grid: GRID, kind: "campaign", text: "看看", household: null, campaign: null, form,
    case: null, state: "open", due_at: "2026-11-25T10:00:00.000Z", created_at: "2026-11-23T07:00:00.000Z", updated_at: "2026-11-23T07:00:00.000Z", events: 1,
  }]);
  return phone;
}

/** As the page keeps a form: all fields, and a photo with its bytes. */
async function begin(phone, path, values) {
  const shown = await phone.get(path);
  const form = { ...filled(shown, values), at: shown.data.at, pieces: JSON.stringify([{ key: "k1", part: "photo", shot: "{}" }]) };
  await phone.post(`/m/drafts/${form.uuid}`, form, { files: { "sent:k1": [jpeg()] } });
  return form;
}

test("an answer that was begun is filled in again on its task's page and nowhere else, and is gone when it is sent", async () => {
  const phone = await withTask();
  const begun = await begin(phone, PATH, { outcome: "not_done", text: "门锁着", "answer-q1": "3", "answer-q2": "no" });
  const { data } = await phone.get(PATH);
  assert.deepEqual([data.said, data.outcomes.find(({ chosen }) => chosen).value, data.questions[0].value], ["门锁着", "not_done", "3"]);
  assert.equal(data.questions[1].choices.find(({ chosen }) => chosen).value, "no");
  assert.deepEqual([data.form.uuid, data.form.captured_at, data.kept_photo.length], [begun.uuid, begun.captured_at, 1]);
  for (const path of ["/m/", "/m/report"]) assert.deepEqual((await phone.get(path)).data.drafts, []);
  await phone.post(`${PATH}/replies`, { ...begun, pieces: undefined }, { every: { kept: ["k1"] } });
  const [reply] = await phone.store.saidOf(TASK);
  assert.deepEqual([reply.doc.text, reply.doc.photos.length], ["门锁着", 1]);
  assert.deepEqual(await phone.store.drafts(), []);
});

test("what is put right of a returned report is kept with its photos; emptied, it is as it was sent", async () => {
  const phone = await app();
  const made = await phone.post("/m/reports", filled(await phone.get("/m/report"), { category: "1101", text: "有垃圾" }));
  const id = made.redirect.match(/report:[0-9a-f-]+/)[0];
  await phone.pull([caseOf((await phone.store.getRecord(id)).doc, "returned", { move: "return", reason: "看不清" })]);
  const path = `/m/records/${id}/note?intent=resubmit`;
  const { uuid } = await begin(phone, path, { intent: "resubmit", text: "重拍", address: "三号楼", category: "1401" });
  const again = (await phone.get(path)).data;
  assert.deepEqual([again.text, again.address, again.categories.find(({ chosen }) => chosen).value, again.kept_photo.length, again.draft], ["重拍", "三号楼", "1401", 1, uuid]);
  assert.equal((await phone.get(`/m/records/${id}/note`)).data.text, "", "a plain note is another form");
  assert.deepEqual(await phone.post(`/m/drafts/${uuid}/drop`), { redirect: path });
  const { data } = await phone.get(path);
  assert.deepEqual([data.text, data.address, data.draft, data.kept_photo], ["有垃圾", "", "", []]);
});

test("a draft that is kept a moment after its form was sent is none", async () => {
  const phone = await withTask();
  const form = filled(await phone.get(PATH), { outcome: "done" });
  await phone.post(`${PATH}/replies`, form);
  await phone.post(`/m/drafts/${form.uuid}`, { ...form, at: PATH });
  assert.equal((await phone.get(PATH)).data.draft, "");
  assert.deepEqual(await phone.store.drafts(), []);
});

test("an address outside the app's own forms is none of a draft's", async () => {
  const phone = await app();
  const uuid = phone.store.uuid(NOW);
  await phone.post(`/m/drafts/${uuid}`, { uuid, text: "x", at: "https://elsewhere" });
  assert.equal((await phone.post(`/m/drafts/${uuid}/drop`)).template, "drafts.html", "it is one of those that are offered");
});
