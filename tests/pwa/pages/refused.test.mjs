/** What a user sees and may do about records that were not accepted, about a refused sign-in, a shared phone and a wrong clock. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { jpeg } from "../engine/phone.mjs";
import { GRID, NOW, answer, app, contextOf, filled } from "./app.mjs";

const { noteHeldBack, entries, release, setState } = await import("../../../pwa/src/store/outbox.js");
const { noteOutcomes, refusalOf } = await import("../../../pwa/src/store/refusals.js");
const HOUR_MS = 3_600_000;

/** A phone with one report of two photos that was put aside with `reason`, decided as `outcome` says. */
async function refusedPhone(reason, outcome = {}) {
  const phone = await app();
  const form = filled(await phone.get("/m/report"), { category: "1401", text: "占道", urgency: "urgent", address: "富宁街" });
  const { redirect } = await phone.post("/m/reports", form, { files: { photo: [jpeg(), jpeg(70)] } });
  const id = redirect.match(/report:[0-9a-f-]+/)[0];
  const { author } = phone.store.session;
  const waiting = await entries(author);
  const rows = waiting.map((entry) => refusalOf(entry, { reason }, { grants: "g", version: "1" }));
  await release(author, waiting.map(({ key }) => key), rows);
  await noteOutcomes(author, rows.map((row) => ({ database: row.database, doc_id: row.id, rev: row.rev, ...outcome })));
  return { phone, id, author };
}

test("a refused record's page says why, what happens now, and offers to send it again or to correct it", async () => {
  const { phone, id } = await refusedPhone("not_grid_holder", { state: "waiting" });
  const { refused } = (await phone.get(`/m/records/${id}`)).data;
  assert.deepEqual([refused.why.label, refused.next.map(({ label }) => label), refused.can_resend, refused.correct_href],
    ["refused.not_grid_holder", ["record.refused_next", "refused.again_when_granted"], true, `/m/report?from=${id}`]);
});

test("sending again puts the record and its photo records back into the outbox as they were", async () => {
  const { phone, id, author } = await refusedPhone("author_mismatch", { state: "waiting" });
  const { redirect } = await phone.post(`/m/records/${id}/resend`, {});
  assert.equal(redirect, `/m/records/${id}`);
  const { refused, where } = (await phone.get(redirect)).data;
  assert.deepEqual([refused, where.label, (await entries(author)).length], [null, "where.phone", 3]);
});

test("a report made anew carries the words and photos of the one that was not accepted, under an id of its own", async () => {
  const { phone, id } = await refusedPhone("schema", { state: "waiting" });
  const shown = await phone.get(`/m/report?from=${id}`);
  const { form, photos_again, top_categories, urgencies } = shown.data;
  assert.deepEqual([form.text, form.address, photos_again, top_categories.find(({ chosen }) => chosen).value, urgencies.find(({ chosen }) => chosen).value],
    ["占道", "富宁街", 2, "1401", "urgent"]);
  const sent = filled(shown, { category: "1401", text: "占道经营", from: form.from });
  const { redirect } = await phone.post("/m/reports", sent, { files: { photo: [jpeg(90)] } });
  const record = await phone.store.getRecord(redirect.match(/report:[0-9a-f-]+/)[0]);
  assert.notEqual(record.id, id);
  const sizes = (await phone.store.photosOf(record)).map(({ doc }) => doc.files[0].size_bytes);
  assert.deepEqual([record.doc.photos.length, sizes, record.doc.text], [3, [1000, 70, 90], "占道经营"]);
});

test("what was corrected, taken back and sent again has every photo once, and so has a correction that was left as a draft", async () => {
  const { phone, id } = await refusedPhone("schema", { state: "waiting" });
  const shown = await phone.get(`/m/report?from=${id}`);
  await phone.post(`/m/drafts/${shown.data.form.uuid}`, { ...shown.data.form, pieces: "[]" });
  const draft = (await phone.get(`/m/report?draft=${shown.data.form.uuid}`)).data;
  assert.deepEqual([draft.form.from, draft.photos_again], [id, 2]);
  const first = await phone.post("/m/reports", filled(shown, { category: "1401", from: id }), { files: { photo: [jpeg(90)] } });
  const back = await phone.post(first.redirect.replace(/\?.*/, "/undo"), {});
  const { data } = await phone.get(back.redirect);
  assert.deepEqual([data.form.from, data.kept_photo.length], ["", 3]);
  const kept = data.kept_photo.map(({ key }) => key);
  const second = await phone.post("/m/reports", { ...data.form, category: "1401", grid: GRID }, { every: { kept } });
  const { doc } = await phone.store.getRecord(second.redirect.match(/report:[0-9a-f-]+/)[0]);
  assert.equal(doc.photos.length, 3);
});

test("only a report that was not accepted can be made anew", async () => {
  const phone = await app();
  const { redirect } = await phone.post("/m/reports", filled(await phone.get("/m/report"), { category: "1401", text: "好的" }));
  const id = redirect.match(/report:[0-9a-f-]+/)[0];
  assert.equal((await phone.get(`/m/report?from=${id}`)).data.form.text, "");
});

for (const [state, adopted_as, chip, next] of [
  ["dismissed", null, "where.dismissed", "refused.dismissed_because"],
  ["adopted", { database: "x", id: "report:corrected" }, "where.adopted", "refused.adopted_corrected"],
]) {
  test(`a record that was ${state} says so, and need not be sent again`, async () => {
    const { phone, id } = await refusedPhone("schema", { state, adopted_as, decided_at: "2026-11-23T07:00:00.000Z", decision_reason: "重复" });
    const { refused, where } = (await phone.get(`/m/records/${id}`)).data;
    assert.deepEqual([where.label, refused.next[0].label, refused.can_resend], [chip, next, false]);
    assert.equal((await phone.get("/m/me")).data.refused.length, 1);
    assert.equal((await phone.get("/m/me", { now: NOW + 15 * 24 * HOUR_MS })).data.refused.length, 0, "not for ever");
  });
}

test("a record that the server did not take yet says that it waits, and why", async () => {
  const phone = await app();
  await phone.post("/m/reports", filled(await phone.get("/m/report"), { category: "1401", text: "等待" }));
  const { author } = phone.store.session;
  const [entry] = await entries(author);
  await noteHeldBack(author, new Map([[entry.key, "quota"]]));
  assert.equal((await phone.get(`/m/records/${entry.id}`)).data.held_back.label, "refused.quota");
});

test("a revoked phone says how much it still hands over, and an expired one lets its user hand over at once", async () => {
  const phone = await app();
  const { author } = phone.store.session;
  const rescue = { documents: 2, photos: 1, wipe: true };
  await setState(author, "sync", { problem: "revoked", rescue: { ...rescue, phase: "sending", code: "token_revoked" } });
  const { label, slots, more } = (await phone.get("/m/me")).data.problem;
  assert.deepEqual([label, slots.count, more], ["rescue.sending", 3, "rescue.wipe"]);
  await setState(author, "sync", { problem: "expired", rescue: { ...rescue, phase: "waiting", wipe: false, code: "token_expired" } });
  assert.equal((await phone.get("/m/me")).data.problem.can_hand_over, true);
  let asked = 0;
  const context = { ...phone.context, handOver: async () => (asked += 1) };
  await answer(phone.store, context, "POST", "/m/hand-over");
  assert.equal(asked, 1);
});

test("what waits for other users is told in numbers on Me and at the sign-in, what needs their PIN apart; there it can be exported", async () => {
  const phone = await app();
  const waiting = { waitingOfOthers: async () => ({ count: 4, sealed: 1, can_make: true }) };
  const said = [{ label: "others.waiting", slots: { count: 3 } }, { label: "others.sealed", slots: { count: 1 } }];
  assert.deepEqual((await answer(phone.store, contextOf(phone.store, "zh-CN", waiting), "GET", "/m/me")).data.others, said);
  const { others, rescue } = (await answer(null, contextOf(null, "zh-CN", waiting), "GET", "/m/sign-in")).data;
  assert.deepEqual([others, rescue], [said, { count: 4, can_make: true, made_at: null }]);
  assert.equal((await answer(null, contextOf(null), "GET", "/m/sign-in")).data.rescue, null);
});

test("a clock more than two minutes wrong is spoken of; records stand in the order and at the time of the server", async () => {
  for (const [offset_ms, isSaid] of [[60_000, false], [24 * HOUR_MS, true], [-24 * HOUR_MS, true]]) {
    const phone = await app({ offset_ms });
    assert.equal((await phone.get("/m/me", { now: NOW + offset_ms })).data.clock !== null, isSaid);
    await phone.pull([{ _id: "report:01ffffff-0000-7000-8000-000000000000", _rev: "1-a", type: "report", v: 1, grid: GRID, author: "another", device: "d", photos: [],
      category: "1401", text: "同事的", captured_at: new Date(NOW + 5_000).toISOString(), clock_offset_ms: 0 }]);
    const form = filled(await phone.get("/m/report", { now: NOW + 10_000 + offset_ms }), { category: "1401", text: "后来的" });
    await phone.post("/m/reports", form, { now: NOW + 10_000 + offset_ms });
    const { rows } = await phone.store.listReports();
    assert.deepEqual(rows.map(({ doc }) => doc.text), ["后来的", "同事的"]);
    assert.equal(rows[0].doc.clock_offset_ms, offset_ms);
    assert.equal(Number.parseInt(rows[0].id.slice("report:".length).replace(/-/g, "").slice(0, 12), 16), NOW + 10_000, "its id sorts by the server's time");
    const { recent } = (await phone.get("/m/", { now: NOW + 20_000 + offset_ms })).data;
    assert.deepEqual([recent[0].at.day, recent[0].at.iso], ["today", new Date(NOW + 10_000).toISOString()]);
  }
});
