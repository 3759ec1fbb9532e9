/** 警务区: compounds are the way in, visits name premises and no household, a problem found becomes a report that the visit names. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { PIN, jpeg } from "../engine/phone.mjs";
import { GRID, NOW, QUARTER, SECOND_GRID, app, filled, pulled } from "./app.mjs";

const { makeVault, unlock } = await import("../../../pwa/src/store/unlocking.js");
const { lock } = await import("../../../pwa/src/store/vault.js");
const { keep } = await import("../../../pwa/src/store/documents.js");

function compound(n, name, grid = GRID, fields = {}) {
  return {
    _id: `compound:c00${n}`, _rev: "1-0", type: "compound", v: 1, name, grid, address: `怀远路${n}号`,
    police: { name: "马建军", phone: "0951-2070002" }, enforcement: { name: "", phone: null }, valid_from: "2020-01-01", valid_to: null, ...fields,
  };
}

export async function beat(options = {}) {
  const phone = await app({ police: true, grids: [GRID, SECOND_GRID], ...options });
  await keep(phone.store.session.author, "ref", [
    compound(1, "文昌花园"), compound(2, "学府家园", SECOND_GRID), compound(3, "别处小区", "640105009001001"), compound(4, "已拆小区", GRID, { valid_to: "2026-01-01" }),
  ]);
  return phone;
}

async function visitAt(phone, id, values, input) {
  const shown = await phone.get(`/m/visits/new?compound=${id}`, input);
  return phone.post("/m/visits", filled(shown, { compound: id, kind: "premises", findings: "灭火器过期", report: shown.data.report, ...values }), input);
}

test("the beat's compounds are listed by grid, each with its last visit; those of others or gone are not", async () => {
  const phone = await beat();
  await visitAt(phone, "compound:c001", {}, { now: NOW - 86_400_000 });
  const { groups, records } = (await phone.get("/m/visits")).data;
  assert.deepEqual(groups.map(({ name, compounds }) => [name, compounds.map((one) => [one.name, one.last?.day ?? null])]), [
    ["文昌社区第1网格", [["文昌花园", "yesterday"]]], ["文昌社区第2网格", [["学府家园", null]]],
  ]);
  assert.deepEqual(records.map(({ lead }) => lead), ["文昌花园"]);
});

for (const q of ["xfjy", "学府", "怀远路2"]) {
  test(`a compound is found by ${q}`, async () => {
    const { groups } = (await (await beat()).get(`/m/visits?q=${encodeURIComponent(q)}`)).data;
    assert.deepEqual(groups.flatMap(({ compounds }) => compounds.map(({ name }) => name)), ["学府家园"]);
  });
}

test("a visit in a compound lies in the beat of the compound's grid, names the premises and no household", async () => {
  const phone = await beat();
  const saved = await visitAt(phone, "compound:c002", { address: "老马超市", household: "household:x", next: "week" });
  const [{ doc, database }] = await phone.store.visitsOf("compound:c002");
  assert.equal(saved.redirect, `/m/records/${doc._id}?saved=1`);
  assert.deepEqual([database, doc.household, doc.compound, doc.address, doc.reports], [`beat-${SECOND_GRID}-${QUARTER}`, null, "compound:c002", "学府家园 老马超市", []]);
});

test("premises that were visited before are picked, and what is typed counts more", async () => {
  const phone = await beat();
  await visitAt(phone, "compound:c001", { address: "老马超市" });
  await visitAt(phone, "compound:c001", { address: "北门岗亭" }, { now: NOW + 1000 });
  const { premises } = (await phone.get("/m/visits/new?compound=compound:c001")).data;
  assert.deepEqual(premises.map(({ value }) => value), ["北门岗亭", "老马超市"]);
  await visitAt(phone, "compound:c001", { picked: "老马超市" }, { now: NOW + 2000 });
  await visitAt(phone, "compound:c001", { picked: "老马超市", address: "网吧" }, { now: NOW + 3000 });
  const { records } = (await phone.get("/m/compounds/compound:c001")).data;
  assert.deepEqual(records.map(({ lead }) => lead).slice(0, 2), ["文昌花园 网吧", "文昌花园 老马超市"]);
});

test("a visit elsewhere needs a place and goes to the chosen grid", async () => {
  const phone = await beat();
  const shown = await phone.get("/m/visits/new");
  const form = filled(shown, { grid: SECOND_GRID, kind: "routine", findings: "巡查" });
  assert.deepEqual((await phone.post("/m/visits", form)).data.failure.fields.map(({ name }) => name), ["address"]);
  await phone.post("/m/visits", { ...form, address: "加油站" });
  const [{ database, doc }] = (await phone.store.listVisits()).rows;
  assert.deepEqual([database, "compound" in doc], [`beat-${SECOND_GRID}-${QUARTER}`, false]);
});

test("a problem found on a visit is reported under the id that the visit names, once", async () => {
  const phone = await beat();
  const saved = await visitAt(phone, "compound:c001", { address: "老马超市", raise: "1" });
  const shown = await phone.get(saved.redirect);
  const [{ id, doc: visit }] = (await phone.store.listVisits()).rows;
  assert.deepEqual([shown.data.form.uuid, shown.data.form.address, shown.data.grid], [visit.reports[0].slice(7), "文昌花园 老马超市", GRID]);
  assert.equal((await phone.get(`/m/records/${id}`)).data.report_href, `/m/report?visit=${id}`);
  await phone.post("/m/reports", filled(shown, { category: "3101", text: "消防通道堵塞", address: shown.data.form.address }));
  const report = await phone.store.getRecord(visit.reports[0]);
  assert.deepEqual([report.doc.source, report.database], ["police", `grid-${GRID}-${QUARTER}`]);
  const page = (await phone.get(`/m/records/${id}`)).data;
  assert.deepEqual([page.report_href, page.notes.map(({ href }) => href)], ["", [`/m/records/${report.id}`]]);
  assert.equal((await phone.get(`/m/report?visit=${id}`)).redirect, `/m/records/${report.id}`);
});

const DAY_MS = 86_400_000;

test("what a visit found is begun once: its form comes back with its draft, and taken back it is still the visit's", async () => {
  const phone = await beat();
  const { redirect: path } = await visitAt(phone, "compound:c001", { address: "老马超市", raise: "1" });
  const id = path.match(/visit:[0-9a-f-]+/)[0];
  const begun = filled(await phone.get(path), { category: "1101", text: "灭火器过期" });
  await phone.post(`/m/drafts/${begun.uuid}`, { ...begun, pieces: JSON.stringify([{ key: "k1", part: "photo", shot: "{}" }]) }, { files: { "sent:k1": [jpeg()] } });
  const again = (await phone.get(path)).data;
  assert.deepEqual([again.form.text, again.kept_photo.length, again.form.uuid], ["灭火器过期", 1, begun.uuid]);
  const sent = (await phone.post("/m/reports", begun)).redirect.match(/report:[0-9a-f-]+/)[0];
  const back = (await phone.post(`/m/records/${sent}/undo`)).redirect;
  assert.equal((await phone.get(path)).data.form.uuid, back.split("draft=")[1], "no second one is begun");
  const other = (await phone.post("/m/reports", filled(await phone.get(back), { text: "两个灭火器过期", category: "1101" }))).redirect.match(/report:[0-9a-f-]+/)[0];
  assert.notEqual(other, sent);
  assert.deepEqual([(await phone.get(`/m/records/${id}`)).data.report_href, (await phone.get(path)).redirect], ["", `/m/records/${other}`]);
});

test("a compound that is to be visited again stands first when the day has come, and Today counts it until it was visited", async () => {
  const phone = await beat({ grids: [GRID] });
  await keep(phone.store.session.author, "ref", [compound(5, "枫林苑")]);
  const due = async () => (await phone.get("/m/")).data.beat_due_count;
  const rows = async () => (await phone.get("/m/visits")).data.groups.flatMap(({ compounds }) => compounds).map(({ name, next, is_due }) => [name, next?.day ?? next?.date ?? null, is_due]);
  await visitAt(phone, "compound:c005", { next: "week" }, { now: NOW - 10 * DAY_MS });
  assert.equal(await due(), 1);
  assert.deepEqual((await rows()).map(([name, , is_due]) => [name, is_due]), [["枫林苑", true], ["文昌花园", false]]);
  await visitAt(phone, "compound:c005", { next: "month" });
  assert.equal(await due(), 0);
  assert.deepEqual((await rows()).map(([name, next, is_due]) => [name, next !== null, is_due]), [["文昌花园", false, false], ["枫林苑", true, false]]);
  assert.ok((await phone.get("/m/compounds/compound:c005")).data.facts.some(({ label }) => label === "visit.next_at"));
});

test("what is due is known while visits are locked, and a colleague's later visit counts as well", async () => {
  const phone = await beat({ grids: [GRID] });
  const { session } = phone.store;
  await visitAt(phone, "compound:c001", { next: "week" }, { now: NOW - 10 * DAY_MS });
  await makeVault(session, PIN);
  await lock(session.author);
  assert.equal((await phone.get("/m/")).data.beat_due_count, 1);
  await unlock(session, PIN);
  const [{ doc }] = await phone.store.visitsOf("compound:c001");
  const later = { ...doc, _id: `visit:${phone.store.uuid(NOW - DAY_MS)}`, _rev: "1-b", author: "police2", next_at: null };
  await pulled(session, `beat-${GRID}-${QUARTER}`, [later]);
  await phone.get("/m/visits");
  assert.equal((await phone.get("/m/")).data.beat_due_count, 0);
});

test("a visit elsewhere is not asked when the next one is: nobody would be reminded", async () => {
  const phone = await beat();
  const form = filled(await phone.get("/m/visits/new"), { grid: GRID, kind: "routine", findings: "巡查", address: "加油站", next: "week" });
  await phone.post("/m/visits", form);
  assert.equal((await phone.store.listVisits()).rows[0].doc.next_at, null);
});

test("the search finds premises of own visits, each place once with its last visit", async () => {
  const phone = await beat();
  for (const [n, address] of ["老马超市", "北门岗亭", "老马超市"].entries()) await visitAt(phone, "compound:c001", { address }, { now: NOW + n * 1000 });
  const { groups, records } = (await phone.get("/m/visits?q=lmcs")).data;
  assert.deepEqual([groups.length, records.map(({ lead }) => lead)], [0, ["文昌花园 老马超市"]]);
  assert.equal(records[0].href, `/m/records/${(await phone.store.listVisits({ limit: 1 })).rows[0].id}`);
});

test("a compound's visits go on page by page, and its numbers can be called", async () => {
  const phone = await beat();
  for (let n = 0; n < 21; n += 1) await visitAt(phone, "compound:c001", { address: `${n}号` }, { now: NOW + n * 1000 });
  const first = (await phone.get("/m/compounds/compound:c001")).data;
  const second = (await phone.get(first.older)).data;
  assert.deepEqual([first.records.length, first.newer, second.records.map(({ lead }) => lead), second.older], [20, "", ["文昌花园 0号"], ""]);
  assert.equal(second.newer, "/m/compounds/compound:c001");
  assert.deepEqual(first.calls.map(({ who, phone: number }) => [who, number]), [["马建军", "0951-2070002"]]);
});

test("a visit that named no report offers one for some days, with the place filled in", async () => {
  const phone = await beat();
  await visitAt(phone, "compound:c001", { address: "老马超市" });
  const [{ id }] = (await phone.store.listVisits()).rows;
  const { report_href } = (await phone.get(`/m/records/${id}`, { now: NOW + 6 * DAY_MS })).data;
  const { form, grid } = (await phone.get(report_href)).data;
  assert.deepEqual([form.address, grid, /^[0-9a-f-]{36}$/.test(form.uuid)], ["文昌花园 老马超市", GRID, true]);
  assert.equal((await phone.get(`/m/records/${id}`, { now: NOW + 8 * DAY_MS })).data.report_href, "");
});

test("premises that fill their field fit behind the compound's name", async () => {
  const phone = await beat();
  const { premises_most } = (await phone.get("/m/visits/new?compound=compound:c001")).data;
  const saved = await visitAt(phone, "compound:c001", { address: "店".repeat(premises_most) });
  assert.match(saved.redirect, /saved=1/);
  assert.equal((await phone.store.listVisits()).rows[0].doc.address.length, 200);
});

test("an officer is told on Me and Today how many requests were answered; Today leads to them where there is a network", async () => {
  const { setState } = await import("../../../pwa/src/store/outbox.js");
  const phone = await beat({ requests_answered: 2 });
  for (const path of ["/m/", "/m/me"]) assert.equal((await phone.get(path)).data.requests_answered, 2);
  assert.equal((await phone.get("/m/")).data.requests_href, "/requests");
  await setState(phone.store.session.author, "sync", { phase: "idle", problem: "offline" });
  assert.equal((await phone.get("/m/")).data.requests_href, "/m/me");
});

test("workers have no beat: neither its pages nor a compound's", async () => {
  const phone = await app();
  await keep(phone.store.session.author, "ref", [compound(1, "文昌花园")]);
  for (const path of ["/m/visits", "/m/visits/new", "/m/visits/log"]) assert.equal((await phone.get(path)).redirect, "/m/homes");
  assert.equal((await phone.get("/m/compounds/compound:c001")).status, 404);
});

test("household data is asked for in writing, which needs a network; workers see nothing of that", async () => {
  const { setState } = await import("../../../pwa/src/store/outbox.js");
  const phone = await beat();
  const shown = async () => (await phone.get("/m/me")).data;
  assert.deepEqual([(await shown()).is_police, (await shown()).is_offline], [true, false]);
  await setState(phone.store.session.author, "sync", { phase: "idle", problem: "offline" });
  assert.equal((await shown()).is_offline, true);
  assert.equal((await (await app()).get("/m/me")).data.is_police, false);
});

test("the log goes on page by page", async () => {
  const phone = await beat();
  for (let n = 0; n < 21; n += 1) await visitAt(phone, "compound:c001", {}, { now: NOW + n * 1000 });
  const first = (await phone.get("/m/visits/log")).data;
  const second = (await phone.get(first.older)).data;
  assert.deepEqual([first.records.length, second.records.length, second.newer], [20, 1, "/m/visits/log"]);
});
