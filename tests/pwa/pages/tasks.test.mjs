/** 任务 and 补充: what was sent down is shown, answered offline, declined with a reason; a report's own later words. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { jpeg } from "../engine/phone.mjs";
import { GRID, NOW, QUARTER, app, caseOf, filled } from "./app.mjs";

const TASK = "task:019aaf00-0000-7000-8000-000000000001";
const LATER = "task:019aaf00-0000-7000-8000-000000000002";

export function taskDoc(fields = {}) {
  return {
    _id: TASK, _rev: "1-a", type: "task", v: 1, grid: GRID, kind: "verify", text: "请到现场看井盖", household: null, campaign: null, form: null,
    case: { id: "case:x", case_no: "002-261123-7K3M9Q", category: "1101", text: "井盖缺失", place: { lat: 38.5, lon: 106.1, address: "同心北街" }, photos: [] },
    state: "open", due_at: "2026-11-25T10:00:00.000Z", created_at: "2026-11-23T07:00:00.000Z", updated_at: "2026-11-23T07:00:00.000Z", events: 5, ...fields,
  };
}

async function withTask(fields, options) {
  const phone = await app(options);
  await phone.pull([taskDoc(fields)]);
  return phone;
}

async function answer(phone, values, input) {
  const shown = await phone.get(`/m/tasks/${TASK}`);
  return phone.post(`/m/tasks/${TASK}/replies`, filled(shown, values), input);
}

async function replies(phone) {
  return phone.store.saidOf(TASK);
}

async function reported(phone, state, event = {}) {
  const made = await phone.post("/m/reports", filled(await phone.get("/m/report"), { category: "1101", text: "有" }));
  const id = made.redirect.match(/report:[0-9a-f-]+/)[0];
  const { doc } = await phone.store.getRecord(id);
  const history = [{ move: "report", at: "2026-11-23T07:50:00.000Z" }, ...(event.move ? [event] : [])];
  await phone.pull([{ ...caseOf(doc, state, event), history }]);
  return id;
}

test("Today lists open tasks, the first due first, and a new one stands out until it was opened", async () => {
  const phone = await withTask();
  await phone.pull([taskDoc({ _id: LATER, kind: "visit", due_at: "2026-11-24T10:00:00.000Z" }), taskDoc({ _id: TASK.replace(/1$/, "3"), state: "withdrawn" })]);
  const { tasks } = (await phone.get("/m/")).data;
  assert.deepEqual(tasks.map(({ lead, where }) => [lead, where.label]), [["走访 · 暴露垃圾", "task.new"], ["核查 · 暴露垃圾", "task.new"]]);
  await phone.get(`/m/tasks/${TASK}`);
  assert.deepEqual((await phone.get("/m/")).data.tasks.map(({ where }) => where.label), ["task.new", "task.due"]);
});

test("a task is answered with photos, waits in the outbox, and is no longer on Today", async () => {
  const phone = await withTask();
  const saved = await answer(phone, { outcome: "done", text: "盖好了" }, { files: { photo: [jpeg()] } });
  assert.equal(saved.redirect, `/m/tasks/${TASK}?saved=1`);
  const [reply] = await replies(phone);
  assert.deepEqual([reply.doc.of, reply.doc.outcome, reply.doc.text, reply.database], [TASK, "done", "盖好了", `grid-${GRID}-${QUARTER}`]);
  assert.equal((await phone.store.photosOf(reply))[0].doc.of, reply.id);
  const today = (await phone.get("/m/")).data;
  assert.equal(today.tasks.length, 0);
  assert.equal(today.recent[0].href, `/m/tasks/${TASK}`);
  const { data } = await phone.get(`/m/tasks/${TASK}`);
  assert.deepEqual([data.can_answer, data.replies[0].where.label], [false, "where.phone"]);
});

test("the same answer posted twice is one", async () => {
  const phone = await withTask();
  const form = filled(await phone.get(`/m/tasks/${TASK}`), { outcome: "done" });
  await phone.post(`/m/tasks/${TASK}/replies`, form);
  await phone.post(`/m/tasks/${TASK}/replies`, form, { now: NOW + 5000 });
  assert.equal((await replies(phone)).length, 1);
});

for (const outcome of ["declined", "not_done"]) {
  test(`${outcome} needs a reason`, async () => {
    const phone = await withTask();
    const refused = await answer(phone, { outcome, text: " " });
    assert.deepEqual(refused.data.failure.fields.map(({ name, label }) => [name, label]), [["text", "wrong.reason_missing"]]);
    assert.equal((await replies(phone)).length, 0);
    await answer(phone, { outcome, text: "门锁着" });
    assert.equal((await replies(phone))[0].doc.outcome, outcome);
  });
}

test("an answer says something of the outcome", async () => {
  const refused = await answer(await withTask(), { text: "看过" });
  assert.deepEqual(refused.data.failure.fields.map(({ name }) => name), ["outcome"]);
});

test("a campaign's questions are asked and their answers kept", async () => {
  const form = [
    { key: "q1", label: "灭火器几个", kind: "number", needed: true },
    { key: "q2", label: "通道畅通", kind: "yes_no" },
  ];
  const phone = await withTask({ kind: "campaign", case: null, form });
  const wrong = await answer(phone, { outcome: "done", "answer-q1": "几个" });
  assert.deepEqual(wrong.data.failure.fields.map(({ name, label }) => [name, label]), [["answer-q1", "wrong.not_a_number"]]);
  await answer(phone, { outcome: "done", "answer-q1": "3", "answer-q2": "yes" });
  assert.deepEqual((await replies(phone))[0].doc.answers, { q1: "3", q2: "yes" });
});

test("a task of a household lies with what is sealed, from Today on, and is answered there", async () => {
  const phone = await app();
  const { keep } = await import("../../../pwa/src/store/documents.js");
  await keep(phone.store.session.author, `home-${GRID}-${QUARTER}`, [taskDoc({ household: "household:x" })]);
  const path = `/m/homes/household:x/tasks/${TASK}`;
  assert.equal((await phone.get("/m/")).data.tasks[0].href, path);
  assert.deepEqual(await phone.get(`/m/tasks/${TASK}`), { redirect: path }, "what a message or an older page leads to");
  const shown = await phone.get(path);
  assert.deepEqual([shown.data.tab, shown.data.at, shown.data.is_kept], ["homes", path, false], "what is begun of it is not kept unsealed");
  const saved = await phone.post(`${path}/replies`, filled(shown, { outcome: "done" }));
  assert.equal(saved.redirect, `${path}?saved=1`);
  assert.equal((await replies(phone))[0].database, `home-${GRID}-${QUARTER}`);
});

test("what is begun of a task among the household databases is not kept unsealed, though no household is named", async () => {
  const phone = await app();
  const { keep } = await import("../../../pwa/src/store/documents.js");
  await keep(phone.store.session.author, `home-${GRID}-${QUARTER}`, [taskDoc()]);
  assert.equal((await phone.get(`/m/tasks/${TASK}`)).data.is_kept, false);
});

test("a task that is called off cannot be answered any more", async () => {
  const { data } = await (await withTask({ state: "withdrawn" })).get(`/m/tasks/${TASK}`);
  assert.deepEqual([data.can_answer, data.where.label], [false, "task.withdrawn"]);
});

test("a note about a report is kept with its photos and shown with it", async () => {
  const phone = await app();
  const id = await reported(phone, "accepted");
  await phone.post(`/m/records/${id}/notes`, filled(await phone.get(`/m/records/${id}/note`), { text: "还在" }), { files: { photo: [jpeg()] } });
  const { data } = await phone.get(`/m/records/${id}`);
  assert.deepEqual([data.notes.map(({ about }) => about), data.moves], [["还在"], { note: true, intent: "" }]);
  const [{ doc }] = await phone.store.saidOf(id);
  assert.equal("intent" in doc, false);
});

test("a report is withdrawn while it is reported, once, with a reason", async () => {
  const phone = await app();
  const id = await reported(phone, "reported");
  assert.equal((await phone.get(`/m/records/${id}`)).data.moves.intent, "withdraw");
  const shown = await phone.get(`/m/records/${id}/note?intent=withdraw`);
  const refused = await phone.post(`/m/records/${id}/notes`, filled(shown, { intent: "withdraw", text: "" }));
  assert.equal(refused.status, 422);
  await phone.post(`/m/records/${id}/notes`, filled(shown, { intent: "withdraw", text: "报错了" }));
  assert.equal((await phone.get(`/m/records/${id}`)).data.moves.intent, "");
  assert.equal((await phone.store.saidOf(id))[0].doc.intent, "withdraw");
});

test("a returned report is sent again with what it lacked; a note meanwhile does not hide why it came back", async () => {
  const phone = await app();
  const id = await reported(phone, "returned", { move: "return", at: "2026-11-23T07:59:00.000Z", reason: "照片看不清" });
  const { data } = await phone.get(`/m/records/${id}`);
  assert.deepEqual([data.reason, data.moves.intent], ["照片看不清", "resubmit"]);
  const shown = await phone.get(`/m/records/${id}/note?intent=resubmit`);
  assert.equal(shown.data.reason, "照片看不清");
  await phone.post(`/m/records/${id}/notes`, filled(shown, { intent: "resubmit", text: "重拍了" }), { files: { photo: [jpeg()] } });
  assert.equal((await phone.store.saidOf(id))[0].doc.intent, "resubmit");
});

test("the form of a returned report is filled in; what is put right besides its text is said to the clerk in words", async () => {
  const phone = await app();
  const form = filled(await phone.get("/m/report"), { category: "1101", text: "一堆垃圾", address: "三号楼" });
  const id = (await phone.post("/m/reports", form, { files: { photo: [jpeg()] } })).redirect.match(/report:[0-9a-f-]+/)[0];
  const { doc } = await phone.store.getRecord(id);
  await phone.pull([caseOf(doc, "returned", { move: "return", at: "2026-11-23T07:59:00.000Z", reason: "类别不对" })]);
  const shown = await phone.get(`/m/records/${id}/note?intent=resubmit`);
  const { reason, text, address, kept, categories } = shown.data;
  assert.deepEqual([reason, text, address, kept], ["类别不对", "一堆垃圾", "三号楼", doc.photos]);
  assert.deepEqual(categories.filter(({ chosen }) => chosen).map(({ value }) => value), ["1101"]);
  await phone.post(`/m/records/${id}/notes`, filled(shown, { intent: "resubmit", text: "一堆旧家具", category: "1401", address: "四号楼" }));
  const [note] = await phone.store.saidOf(id);
  assert.equal(note.doc.text, "一堆旧家具\n类别应为：占道经营\n地址应为：四号楼");
  const { data } = await phone.get(`/m/records/${id}?saved=1`);
  assert.deepEqual([data.moves.intent, data.just_saved], ["", true]);
});

test("nothing but the text is said when nothing else was put right, and without words nothing is sent again", async () => {
  const phone = await app();
  const id = await reported(phone, "returned", { move: "return", at: "2026-11-23T07:59:00.000Z", reason: "照片看不清" });
  const shown = await phone.get(`/m/records/${id}/note?intent=resubmit`);
  const form = filled(shown, { intent: "resubmit", text: " ", category: "1401" });
  assert.deepEqual((await phone.post(`/m/records/${id}/notes`, form)).data.failure.fields.map(({ name }) => name), ["text"]);
  await phone.post(`/m/records/${id}/notes`, { ...form, text: "重拍了", category: "1101", address: "" });
  assert.equal((await phone.store.saidOf(id))[0].doc.text, "重拍了");
});

test("a report that is still on its way may be withdrawn, too", async () => {
  const phone = await app();
  const made = await phone.post("/m/reports", filled(await phone.get("/m/report"), { category: "1101", text: "有" }));
  const id = made.redirect.match(/report:[0-9a-f-]+/)[0];
  assert.equal((await phone.get(`/m/records/${id}`)).data.moves.intent, "withdraw");
});

test("the timeline says which unit or level made a move, and when it is to be done by", async () => {
  const phone = await app();
  const { keep } = await import("../../../pwa/src/store/documents.js");
  await keep(phone.store.session.author, "ref", [{ _id: "unit:water", _rev: "1-0", type: "unit", name: { "zh-CN": "供水所", en: "Water works" } }]);
  const id = await reported(phone, "in_hand");
  const { doc } = await phone.store.getRecord(id);
  const at = "2026-11-23T07:55:00.000Z";
  const history = [{ move: "report", at }, { move: "accept", at, party: "community:640105002001" }, { move: "dispatch", at, party: "township:640105002" },
    { move: "start", at, party: "unit:water" }, { move: "answer", at, party: "unit:gone", result: "修好了" }];
  await phone.pull([{ ...caseOf(doc, "in_hand"), _rev: "2-a", history, due_at: "2026-11-25T10:00:00.000Z" }]);
  const { steps, facts } = (await phone.get(`/m/records/${id}`)).data;
  assert.deepEqual(steps.filter(({ who }) => who).map(({ label, who }) => [label, who]), [
    ["move.accept", "社区（村）"], ["move.dispatch", "镇街综治中心"], ["move.start", "供水所"], ["move.answer", "责任单位"],
  ]);
  assert.equal(facts.find(({ label }) => label === "record.due").at.iso, "2026-11-25T10:00:00.000Z");
});

test("a verification is answered by one tap, other tasks by a choice", async () => {
  for (const kind of ["verify", "visit"]) assert.equal((await (await withTask({ kind })).get(`/m/tasks/${TASK}`)).data.is_verify, kind === "verify");
});

test("every state and every move that a reporter may see has words", async () => {
  const phone = await app();
  const { t, domain } = phone.context;
  for (const state of domain.states) assert.notEqual(t(`state.${state}`), `state.${state}`);
  for (const move of domain.shown_moves) assert.notEqual(t(`move.${move}`), `move.${move}`);
});

test("of a merged case the list and the page say which case it is part of, how that stands, and how it was settled", async () => {
  const phone = await app();
  const id = await reported(phone, "merged", { move: "merge", at: "2026-11-23T07:55:00.000Z" });
  const slots = { case_no: "002-261123-ABCDEF", state: "已结案" };
  const { doc } = await phone.store.getRecord(id);
  const follows = { ...slots, state: "closed", updated_at: "2026-11-23T07:58:00.000Z", last_event: { move: "close", result: "已修好" } };
  await phone.pull([{ ...caseOf(doc, "merged"), _rev: "2-a", events: 3, follows }]);
  const [row] = (await phone.get("/m/cases")).data.groups[0].records;
  assert.deepEqual([row.why.label, row.why.slots], ["step.follows", slots]);
  const { data } = await phone.get(`/m/records/${id}`);
  assert.equal(data.result, "已修好");
  assert.deepEqual(data.steps.find(({ label }) => label === "step.follows").slots, slots);
});
