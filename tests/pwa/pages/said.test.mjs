/** What became of what was said afterwards: told by the case's history, whatever the phone's clock says; and in the words of what it is about. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { GRID, NOW, app, caseOf, filled } from "./app.mjs";

const HOUR_MS = 3_600_000;
const BEGIN = { move: "report", at: "2026-11-23T07:50:00.000Z" };
const RETURN = { move: "return", at: "2026-11-23T07:55:00.000Z", reason: "照片看不清" };
const later = (move, fields = {}) => ({ move, at: "2026-11-23T08:30:00.000Z", ...fields });
let revision = 0;

async function reported(phone) {
  const made = await phone.post("/m/reports", filled(await phone.get("/m/report"), { category: "1101", text: "有" }));
  return made.redirect.match(/report:[0-9a-f-]+/)[0];
}

/** The case as it stands now, for the phone of its reporter. */
async function stands(phone, id, state, moves) {
  const { doc } = await phone.store.getRecord(id);
  const history = [BEGIN, ...moves];
  await phone.pull([{ ...caseOf(doc, state), _rev: `${(revision += 1)}-a`, history, last_event: history[history.length - 1] }]);
}

async function ask(phone, id, intent, text, now = NOW) {
  const shown = await phone.get(`/m/records/${id}/note?intent=${intent}`, { now });
  return phone.post(`/m/records/${id}/notes`, filled(shown, { intent, text }), { now });
}

async function intentOf(phone, id) {
  return (await phone.get(`/m/records/${id}`)).data.moves.intent;
}

for (const [name, wrong_ms] of [["three hours ahead", 3 * HOUR_MS], ["three hours behind", -3 * HOUR_MS]]) {
  test(`with the phone's clock ${name} a report is sent again once for each time it came back`, async () => {
    const phone = await app();
    const id = await reported(phone);
    await stands(phone, id, "returned", [RETURN]);
    await ask(phone, id, "resubmit", "重拍了", NOW + wrong_ms);
    assert.equal(await intentOf(phone, id), "", "it is on its way");
    const again = [RETURN, later("resubmit", { text: "重拍了" }), later("return", { reason: "还是看不清" })];
    await stands(phone, id, "returned", again);
    assert.equal(await intentOf(phone, id), "resubmit");
    assert.deepEqual((await phone.get("/m/cases")).data.groups.map(({ title }) => title), ["cases.needs"]);
    await ask(phone, id, "resubmit", "重拍了", NOW + wrong_ms + 1000);
    assert.equal(await intentOf(phone, id), "", "the same words a second time are another answer");
  });
}

test("a long history that has lost its beginning does not hold back what is asked now", async () => {
  const phone = await app();
  const id = await reported(phone);
  await stands(phone, id, "returned", [RETURN]);
  await ask(phone, id, "resubmit", "重拍了");
  const { doc } = await phone.store.getRecord(id);
  await phone.pull([{ ...caseOf(doc, "returned"), _rev: "9-a", history: [later("reopen"), later("return", { reason: "x" })] }]);
  assert.equal(await intentOf(phone, id), "resubmit");
});

test("a withdrawal that came too late says so in the list, on its page and on Today, and is not green", async () => {
  const phone = await app();
  const id = await reported(phone);
  await stands(phone, id, "reported", []);
  await ask(phone, id, "withdraw", "报错了");
  const row = async () => (await phone.get(`/m/records/${id}`)).data.notes[0];
  assert.equal((await row()).why, undefined);
  await stands(phone, id, "in_hand", [later("accept"), later("note", { text: "报错了" }), later("take_on")]);
  const note = await row();
  const said = ({ t }, { why }) => t(why.label, why.slots);
  assert.equal(said(phone.context, note), "来不及撤回（已受理），已作为补充说明送到。");
  assert.notEqual(note.where.tone, "good");
  assert.equal(said(phone.context, (await phone.get(note.href)).data), said(phone.context, note));
  const recent = (await phone.get("/m/")).data.recent.find(({ lead }) => lead === "撤回上报");
  assert.equal(said(phone.context, recent), said(phone.context, note));
});

test("what was sent again a second time by mistake arrived as a note, the first time as what it was", async () => {
  const phone = await app();
  const id = await reported(phone);
  await stands(phone, id, "returned", [RETURN]);
  await ask(phone, id, "resubmit", "重拍了");
  await ask(phone, id, "resubmit", "重拍了", NOW + 60_000);
  await stands(phone, id, "reported", [RETURN, later("resubmit", { text: "重拍了" }), later("note", { text: "重拍了" })]);
  assert.deepEqual((await phone.get(`/m/records/${id}`)).data.notes.map(({ why }) => why?.label), ["note.late_resubmit", undefined]);
});

test("why a report came back and how it was settled stand on its page once, with the way to put it right", async () => {
  const phone = await app();
  const id = await reported(phone);
  await stands(phone, id, "returned", [RETURN]);
  const words = ({ steps }) => steps.map(({ text }) => text).filter(Boolean);
  const { data } = await phone.get(`/m/records/${id}`);
  assert.deepEqual([data.reason, data.has_action, words(data)], [RETURN.reason, true, []]);
  await stands(phone, id, "closed", [RETURN, later("resubmit", { text: "重拍了" }), later("close", { result: "已清运" })]);
  const closed = (await phone.get(`/m/records/${id}`)).data;
  assert.deepEqual([closed.result, closed.has_action, words(closed)], ["已清运", false, [RETURN.reason, "重拍了"]]);
});

test("what is put right besides the text has to fit with it, and how much room there is, is said", async () => {
  const phone = await app();
  const id = await reported(phone);
  await stands(phone, id, "returned", [RETURN]);
  const shown = await phone.get(`/m/records/${id}/note?intent=resubmit`);
  const form = filled(shown, { intent: "resubmit", text: "字".repeat(1000), address: "四号楼" });
  const [{ label, slots }] = (await phone.post(`/m/records/${id}/notes`, form)).data.failure.fields;
  assert.equal(label, "wrong.text_too_long_with");
  const saved = await phone.post(`/m/records/${id}/notes`, { ...form, text: "字".repeat(slots.limit) });
  assert.ok(saved.redirect);
  const [{ doc }] = await phone.store.saidOf(id);
  assert.equal(doc.text.length, 1000);
  assert.ok(doc.text.endsWith("\n地址应为：四号楼"));
});

for (const [kind, words] of [["verify", "未解决"], ["fix", "未完成"]]) {
  test(`not_done of a task to ${kind} reads ${words} wherever the answer is listed, and the task says that the answer waits`, async () => {
    const phone = await app();
    const task = {
      _id: "task:019aaf00-0000-7000-8000-000000000001", _rev: "1-a", type: "task", v: 1, grid: GRID, kind, text: "看看井盖", household: null, campaign: null, form: null,
      case: null, state: "open", due_at: "2026-11-25T10:00:00.000Z", created_at: BEGIN.at, updated_at: BEGIN.at, events: 1,
    };
    await phone.pull([task]);
    await phone.post(`/m/tasks/${task._id}/replies`, filled(await phone.get(`/m/tasks/${task._id}`), { outcome: "not_done", text: "还缺" }));
    const { data } = await phone.get(`/m/tasks/${task._id}`);
    assert.deepEqual([data.replies[0].lead, data.where.label], [words, "task.answer_waits"]);
    assert.equal((await phone.get("/m/")).data.recent[0].lead, words);
    assert.equal((await phone.get("/m/sync")).data.waiting[0].lead, words);
  });
}
