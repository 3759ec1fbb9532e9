/** Today, homes, visits, cases, me and signing in, as their people use them. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { jpeg } from "../engine/phone.mjs";
import { DOMAIN, GRID, NOW, QUARTER, answer, app, caseOf, contextOf, filled } from "./app.mjs";

const { entries, noteUpload, release, releaseUpload, setState } = await import("../../../pwa/src/store/outbox.js");
const { refusalSaying } = await import("../../../pwa/src/handlers/troubles.js");

const HOUSEHOLD = { address: "文昌路 12 号", building: "3 号楼", purpose: "日常走访", how: "consent_spoken", residents_count: "3", contact_phone: "138 0000 0000" };

async function report(phone, text = "垃圾") {
  await phone.post("/m/reports", filled(await phone.get("/m/report"), { category: "1101", text }));
  return (await phone.store.listReports()).rows[0].doc;
}

async function household(phone, values = {}) {
  const made = await phone.post("/m/households", filled(await phone.get("/m/homes/new"), { ...HOUSEHOLD, ...values }));
  return made.redirect?.match(/household:[0-9a-f-]+/)[0] ?? made;
}

test("a patrol runs until it is ended, and is then one record", async () => {
  const phone = await app();
  const { data } = await phone.get("/m/");
  await phone.post("/m/patrols", { uuid: data.patrol_id, grid: GRID });
  await report(phone);
  const running = (await phone.get("/m/")).data.patrol;
  assert.deepEqual([running.id, running.reports_count], [data.patrol_id, 1]);
  const ended = await phone.post(`/m/patrols/${running.id}/end`, {}, { now: NOW + 600_000 });
  assert.equal(ended.redirect, `/m/records/patrol:${running.id}?saved=1`);
  const { doc } = await phone.store.getRecord(`patrol:${running.id}`);
  assert.deepEqual([doc.started_at, doc.ended_at], ["2026-11-23T08:00:00.000Z", "2026-11-23T08:10:00.000Z"]);
  assert.deepEqual(doc.gaps, [[doc.started_at, doc.ended_at]], "no point was recorded: all of it is an interruption");
  assert.equal((await phone.get("/m/")).data.patrol, null);
});

test("starting or ending a patrol twice changes nothing", async () => {
  const phone = await app();
  const { patrol_id } = (await phone.get("/m/")).data;
  const form = { uuid: patrol_id, grid: GRID };
  await phone.post("/m/patrols", form);
  await phone.post("/m/patrols", form, { now: NOW + 1000 });
  await phone.post(`/m/patrols/${patrol_id}/end`, {}, { now: NOW + 2000 });
  await phone.post(`/m/patrols/${patrol_id}/end`, {}, { now: NOW + 9000 });
  await phone.post("/m/patrols", form, { now: NOW + 9500 });
  assert.equal(await phone.store.currentPatrol(), null);
  assert.equal((await phone.store.listPatrols()).rows.length, 1);
});

test("the end of an earlier patrol, sent again, does not end a later one", async () => {
  const phone = await app();
  const first = (await phone.get("/m/")).data.patrol_id;
  await phone.post("/m/patrols", { uuid: first, grid: GRID });
  await phone.post(`/m/patrols/${first}/end`, {}, { now: NOW + 1000 });
  const second = (await phone.get("/m/")).data.patrol_id;
  await phone.post("/m/patrols", { uuid: second, grid: GRID });
  await phone.post(`/m/patrols/${first}/end`, {}, { now: NOW + 2000 });
  assert.equal((await phone.store.currentPatrol()).uuid, second);
});

test("a household keeps what was filled in, with its basis and a stamp for every fact", async () => {
  const phone = await app();
  const { doc, database } = await phone.store.getRecord(await household(phone));
  assert.equal(database, `home-${GRID}`);
  assert.deepEqual(doc.basis, { purpose: "日常走访", given_at: "2026-11-23T08:00:00.000Z", how: "consent_spoken" });
  assert.equal(doc.residents_count, 3);
  assert.deepEqual(Object.keys(doc.stamps).sort(), ["address", "basis", "building", "contact_phone", "residents_count"]);
  assert.match(doc.stamps.address, /^\d{15}-[0-9a-f]{4}-device1$/);
  assert.equal("remark" in doc, false);
});

for (const [name, values, wrong] of [
  ["without an address", { address: " " }, "address"],
  ["without a basis", { how: "" }, "how"],
  ["without a purpose", { purpose: "" }, "purpose"],
  ["with half a resident", { residents_count: "2.5" }, "residents_count"],
  ["with words for a telephone", { contact_phone: "问他儿子" }, "contact_phone"],
  ["with an ID number", { remark: "64010519900101123X" }, "remark"],
]) {
  test(`a household ${name} is refused beside that field`, async () => {
    const phone = await app();
    const answered = await household(phone, values);
    assert.equal(answered.status, 422);
    assert.deepEqual(answered.data.failure.fields.map((field) => field.name), [wrong]);
    assert.equal((await phone.store.unsent()).count, 0);
  });
}

test("a visit to a household is kept with its quarter and shown on the household's page and list", async () => {
  const phone = await app();
  const id = await household(phone);
  const shown = await phone.get(`/m/homes/${id}/visits/new`);
  const saved = await phone.post("/m/visits", filled(shown, { household: id, kind: "elderly", "answer-met": "home", findings: "一切都好", next: "month" }));
  const record = await phone.store.getRecord(saved.redirect.match(/visit:[0-9a-f-]+/)[0]);
  assert.equal(record.database, `home-${GRID}-${QUARTER}`);
  assert.deepEqual([record.doc.household, record.doc.address, record.doc.next_at], [id, "文昌路 12 号 3 号楼", "2026-12-23T08:00:00.000Z"]);
  assert.equal((await phone.get(`/m/homes/${id}`)).data.visits[0].about, "一切都好");
  const [row] = (await phone.get("/m/homes")).data.entries;
  assert.deepEqual([row.lead, row.last.day, row.due], ["文昌路 12 号 3 号楼", "today", null]);
});

test("a police visit names no household and lies in the beat", async () => {
  const phone = await app({ police: true });
  const values = { address: "文昌小区东门超市", kind: "premises", findings: "消防器材齐全", household: "household:0192" };
  const saved = await phone.post("/m/visits", filled(await phone.get("/m/visits/new"), values));
  const { doc, database } = await phone.store.getRecord(saved.redirect.match(/visit:[0-9a-f-]+/)[0]);
  assert.equal(database, `beat-${GRID}-${QUARTER}`);
  assert.equal(doc.household, null);
  assert.equal((await phone.get("/m/visits")).data.records[0].lead, "文昌小区东门超市");
});

test("police are shown their log instead of households, and no patrol", async () => {
  const phone = await app({ police: true });
  assert.equal((await phone.get("/m/homes")).redirect, "/m/visits");
  const { data } = await phone.get("/m/");
  assert.deepEqual([data.is_police, data.is_walking], [true, false]);
});

test("a visit to a household this phone does not have is refused in words", async () => {
  const phone = await app();
  const answered = await phone.post("/m/visits", { household: "household:nobody", kind: "routine", findings: "x" });
  assert.equal(answered.data.failure.label, "error.not_found");
});

test("a report shows its case, and a returned one the reason", async () => {
  const phone = await app();
  const doc = await report(phone);
  assert.equal((await phone.get(`/m/records/${doc._id}`)).data.where.label, "where.phone");
  const waiting = await entries(phone.store.session.author);
  await release(phone.store.session.author, waiting.map(({ key }) => key));
  assert.equal((await phone.get(`/m/records/${doc._id}`)).data.where.label, "where.server");
  await phone.pull([caseOf(doc, "returned", { move: "return", reason: "照片看不清" })]);
  const { data } = await phone.get(`/m/records/${doc._id}`);
  assert.deepEqual([data.where.label, data.reason], ["state.returned", "照片看不清"]);
  assert.equal(data.facts.at(-1).text, "002-261123-7K3M9Q");
  assert.equal((await phone.get("/m/")).data.back_list[0].reason, "照片看不清");
  assert.equal((await phone.get("/m/cases")).data.groups[0].records[0].where.tone, "bad");
});

test("a refused record says why in words", async () => {
  const phone = await app();
  const doc = await report(phone);
  const waiting = await entries(phone.store.session.author);
  await release(phone.store.session.author, waiting.map(({ key }) => key), [{ id: doc._id, reason: "not_grid_holder" }]);
  const { data } = await phone.get(`/m/records/${doc._id}`);
  assert.deepEqual([data.where.tone, data.refused.why.label], ["bad", "refused.not_grid_holder"]);
  assert.equal((await phone.get("/m/me")).data.refused.length, 1);
});

test("every reason of the gate is said in words of its own", () => {
  assert.ok(DOMAIN.reasons.length);
  for (const reason of DOMAIN.reasons) assert.deepEqual(refusalSaying({ reason }, DOMAIN), { label: `refused.${reason}`, slots: {} });
  assert.equal(refusalSaying({ reason: "made_up" }, DOMAIN).label, "refused.other");
});

test("a photo that was put aside is no longer unsent, and its record and Me say which and why", async () => {
  const phone = await app();
  const form = filled(await phone.get("/m/report"), { category: "1101" });
  const saved = await phone.post("/m/reports", form, { files: { photo: [jpeg(), jpeg(20)] } });
  const path = saved.redirect.split("?")[0];
  const { author } = phone.store.session;
  const { doc } = (await phone.store.listReports()).rows[0];
  await noteUpload(author, `${doc.photos[1]}|sent`, { problem: "image_truncated", is_final: true, is_kept: true });
  const shown = { n: 2, label: "upload.image_truncated", slots: {}, next: "upload.kept" };
  assert.deepEqual((await phone.get(path)).data.refused_photos, [shown]);
  const { data } = await phone.get("/m/me");
  assert.deepEqual(data.refused_photos, [{ href: path, lead: "暴露垃圾", ...shown }]);
  assert.equal(data.unsent_photos, 1);
  const waiting = await entries(author);
  await release(author, waiting.map(({ key }) => key));
  await releaseUpload(author, `${doc.photos[0]}|sent`);
  assert.equal((await phone.get(path)).data.where.label, "where.photos_refused");
});

test("a photo whose document the gate put aside is named with its reason", async () => {
  const phone = await app();
  const form = filled(await phone.get("/m/report"), { category: "1101" });
  await phone.post("/m/reports", form, { files: { photo: [jpeg()] } });
  const { doc } = (await phone.store.listReports()).rows[0];
  await release(phone.store.session.author, [], [{ id: doc.photos[0], reason: "schema" }]);
  assert.deepEqual((await phone.get("/m/me")).data.refused_photos.map(({ n, label }) => [n, label]), [[1, "refused.schema"]]);
});

for (const [fields, banner, chip, state] of [
  [{ problem: "server_full" }, "me.state_server_full", "sync.why_server_full", "me.state_server_full"],
  [{ photos_problem: "server_full" }, "me.state_server_full", "sync.why_server_full", "me.state_server_full"],
  [{ photos_problem: "photos_unavailable" }, "upload.unavailable", "", "upload.unavailable"],
  [{ problem: "expired" }, "signin.expired", "sync.why_sign_in", "me.state_signed_out"],
  [{ problem: "revoked" }, "signin.revoked", "sync.why_sign_in", "me.state_signed_out"],
  [{ problem: "signed_out" }, "signin.signed_out", "sync.why_sign_in", "me.state_signed_out"],
]) {
  test(`Today, Me and the chip say why records wait: ${JSON.stringify(fields)}`, async () => {
    const phone = await app();
    await report(phone);
    await setState(phone.store.session.author, "sync", { phase: "idle", ...fields });
    for (const path of ["/m/", "/m/me"]) assert.equal((await phone.get(path)).data.problem.label, banner);
    for (const path of ["/m/cases", "/m/sync-chip", "/m/me"]) assert.equal((await phone.get(path)).data.unsent_why, chip);
    assert.equal((await phone.get("/m/me")).data.facts[0].key, state);
  });
}

test("a record this phone does not have is not found", async () => {
  const phone = await app();
  assert.equal((await phone.get("/m/records/report:nothing")).status, 404);
  assert.equal((await phone.get("/m/homes/household:nothing")).status, 404);
});

test("a photo has a page of its own, and only those a record has", async () => {
  const phone = await app();
  const form = filled(await phone.get("/m/report"), { category: "1101" });
  const saved = await phone.post("/m/reports", form, { files: { photo: [jpeg(), jpeg()] } });
  const path = saved.redirect.split("?")[0];
  const { data } = await phone.get(`${path}/photos/1`);
  assert.deepEqual([data.title, data.previous, data.next], ["照片 1 / 2", "", `${path}/photos/2`]);
  for (const n of ["0", "3", "x", "-1"]) assert.equal((await phone.get(`${path}/photos/${n}`)).status, 404);
});

test("Me says how far the clock is off, in words", async () => {
  const phone = await app({ offset_ms: 180_000 });
  const { facts } = (await phone.get("/m/me")).data;
  assert.deepEqual([facts[2].key, facts[2].slots], ["me.clock_ahead", { amount: "3 分钟" }]);
});

for (const [kind, label] of [["wrong_password", "signin.wrong"], ["locked", "signin.locked"], ["offline", "signin.no_network"],
  ["not_for_phones", "signin.not_allowed"], ["server", "signin.server_trouble"]]) {
  test(`signing in says so when it is refused: ${kind}`, async () => {
    const refusal = Object.assign(new Error(kind), { name: "EnrolmentError", kind, retry_after_s: 600 });
    const context = contextOf(null, "zh-CN", { enrol: async () => { throw refusal; } });
    const answered = await answer(null, context, "POST", "/m/session", { form: { username: "worker1", password: "x" } });
    assert.equal(answered.status, 422);
    assert.deepEqual(answered.data.failure.label, label);
    assert.equal(answered.data.failure.slots.minutes, 10);
  });
}

test("signing in asks for both name and password before it asks the network", async () => {
  const context = contextOf(null, "zh-CN", { enrol: () => assert.fail("asked") });
  const answered = await answer(null, context, "POST", "/m/session", { form: { username: "", password: "" } });
  assert.equal(answered.data.failure.fields.length, 2);
});

test("signing out keeps what is unsent", async () => {
  const phone = await app();
  await report(phone);
  assert.equal((await phone.post("/m/session/end", {})).redirect, "/m/sign-in");
  assert.equal((await phone.store.unsent()).count, 1);
});

test("the language form leads back to where it was used, and nowhere else", async () => {
  const phone = await app();
  const chosen = [];
  phone.context.setLanguage = async (code) => chosen.push(code);
  assert.equal((await phone.post("/m/language", { language: "en", back: "/m/sign-in" })).redirect, "/m/sign-in");
  assert.equal((await phone.post("/m/language", { language: "xx", back: "https://elsewhere" })).redirect, "/m/me");
  assert.deepEqual(chosen, ["en"]);
});
