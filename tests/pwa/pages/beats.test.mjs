/** 警务区: compounds are the way in, visits name premises and no household, a problem found becomes a report that the visit names. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { GRID, NOW, QUARTER, SECOND_GRID, app, filled } from "./app.mjs";

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
