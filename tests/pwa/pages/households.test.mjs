/** Correcting a household file: only what was changed is an edit, and two people's corrections live side by side. */
import assert from "node:assert/strict";
import test from "node:test";
import { GRID, NOW, app, filled } from "./app.mjs";

const { withoutIdNumber } = await import("../../../pwa/src/handlers/fields.js");
const { entries } = await import("../../../pwa/src/store/outbox.js");
const HOUSEHOLD = { address: "文昌路 12 号", building: "3", contact_phone: "138", residents_count: "2", remark: "一\n二", purpose: "走访", how: "consent_spoken" };

async function withHousehold() {
  const phone = await app();
  const made = await phone.post("/m/households", filled(await phone.get("/m/homes/new"), HOUSEHOLD));
  const id = made.redirect.match(/household:[0-9a-f-]+/)[0];
  return { phone, id };
}

/** Opens what is masked, as whoever wants to correct it must. */
function open(phone, id, fields = {}) {
  return phone.post(`/m/homes/${id}/openings`, { purpose: "correction", ...fields });
}

/** The form as a browser sends it: what was shown, line breaks as on paper, and what the user changed. */
async function formOf(phone, id, values = {}) {
  const { form, shown } = (await phone.get(`/m/homes/${id}/edit`)).data;
  const sent = { ...form, ...Object.fromEntries(shown.map(({ name, value }) => [name, value])), ...values };
  return Object.fromEntries(Object.entries(sent).map(([name, value]) => [name, value.replace(/\n/g, "\r\n")]));
}

const docOf = async (phone, id) => (await phone.store.getRecord(id)).doc;

test("only the fields that were changed get a new stamp", async () => {
  const { phone, id } = await withHousehold();
  await open(phone, id);
  const before = await docOf(phone, id);
  const answered = await phone.post(`/m/homes/${id}/edits`, await formOf(phone, id, { contact_phone: "139" }), { now: NOW + 60_000 });
  assert.equal(answered.redirect, `/m/homes/${id}?saved=1`);
  const after = await docOf(phone, id);
  assert.equal(after.contact_phone, "139");
  assert.ok(after.stamps.contact_phone > before.stamps.contact_phone);
  assert.deepEqual({ ...after.stamps, contact_phone: "" }, { ...before.stamps, contact_phone: "" });
  assert.equal(after.settled.length, 1);
  assert.deepEqual([after.remark, after.basis, after.captured_at], [before.remark, before.basis, "2026-11-23T08:01:00.000Z"]);
  assert.equal((await entries(phone.store.session.author)).filter((entry) => entry.id === id).length, 2);
});

test("a form sent twice makes one edit, and one that changed nothing makes none", async () => {
  const { phone, id } = await withHousehold();
  await open(phone, id);
  const form = await formOf(phone, id, { contact_phone: "139" });
  for (let time = 0; time < 2; time += 1) await phone.post(`/m/homes/${id}/edits`, form);
  await phone.post(`/m/homes/${id}/edits`, await formOf(phone, id));
  assert.match((await docOf(phone, id))._rev, /^2-/);
});

test("what came in while the form was open stays, beside what the form changed", async () => {
  const { phone, id } = await withHousehold();
  await open(phone, id);
  const mine = await formOf(phone, id, { contact_phone: "139", building: "" });
  await phone.post(`/m/homes/${id}/edits`, await formOf(phone, id, { residents_count: "5" }));
  await phone.post(`/m/homes/${id}/edits`, mine);
  const doc = await docOf(phone, id);
  assert.deepEqual([doc.contact_phone, doc.residents_count, "building" in doc], ["139", 5, false]);
  assert.ok(doc.stamps.building);
});

test("a correction is checked like a new file", async () => {
  const { phone, id } = await withHousehold();
  const answered = await phone.post(`/m/homes/${id}/edits`, await formOf(phone, id, { address: "", remark: "64010519900101123X" }));
  assert.deepEqual([answered.status, answered.data.failure.fields.map(({ name }) => name)], [422, ["address", "remark"]]);
  assert.match((await docOf(phone, id))._rev, /^1-/);
});

test("the file's page shows what counts now and nothing of what was superseded", async () => {
  const { phone, id } = await withHousehold();
  const doc = await docOf(phone, id);
  const lost = { field: "contact_phone", stamp: "000001795420800000-0000-d2".slice(3), value: "13912345678" };
  await phone.store.saveRecord({ docs: [{ database: `home-${GRID}`, doc: { ...doc, superseded: [lost] } }] });
  assert.equal(JSON.stringify((await phone.get(`/m/homes/${id}`)).data).includes("13912345678"), false);
});

test("a file that this phone does not have cannot be corrected", async () => {
  const phone = await app();
  assert.equal((await phone.get("/m/homes/household:none/edit")).status, 404);
  assert.equal((await phone.post("/m/homes/household:none/edits", {})).status, 422);
});

test("masked fields are neither on the page nor on the form until they are opened for a purpose", async () => {
  const { phone, id } = await withHousehold();
  const [page, edit] = [await phone.get(`/m/homes/${id}`), await phone.get(`/m/homes/${id}/edit`)];
  assert.equal(JSON.stringify([page.data.facts, page.data.phone, edit.data]).includes("138"), false);
  assert.equal((await open(phone, id, { purpose: "curiosity" })).status, 422);
  assert.equal((await phone.get(`/m/homes/${id}`)).data.opening.is_open, false);
  await open(phone, id, { purpose: "visit" });
  assert.equal((await phone.get(`/m/homes/${id}`)).data.phone, "138");
  assert.equal((await phone.get(`/m/homes/${id}/edit`)).data.form.contact_phone, "138");
  assert.equal((await phone.get(`/m/homes/${id}`, { now: NOW + 600_001 })).data.phone, "", "for ten minutes");
});

test("a reading is logged once, with what was read for what, before it is shown", async () => {
  const { phone, id } = await withHousehold();
  const { opening } = (await phone.get(`/m/homes/${id}`)).data;
  for (let time = 0; time < 2; time += 1) await open(phone, id, { purpose: "visit", uuid: opening.uuid });
  const logged = (await entries(phone.store.session.author)).filter(({ doc }) => doc.type === "access");
  assert.deepEqual(logged.map(({ database, doc }) => [database, doc.of, doc.fields, doc.purpose]), [["log-device1", id, ["contact_phone"], "visit"]]);
  assert.equal((await phone.store.unsent()).records, 1, "nobody sees it as a record of theirs");
});

test("a form that did not show what is masked leaves it alone", async () => {
  const { phone, id } = await withHousehold();
  await phone.post(`/m/homes/${id}/edits`, await formOf(phone, id, { contact_phone: "139", remark: "新" }));
  const doc = await docOf(phone, id);
  assert.deepEqual([doc.contact_phone, doc.remark], ["138", "新"]);
});

test("needs and services are lists, corrected as one fact each", async () => {
  const { phone, id } = await withHousehold();
  await open(phone, id);
  const edit = async (every, now) => phone.post(`/m/homes/${id}/edits`, await formOf(phone, id, { needs: "", services: "" }), { every, now });
  await edit({ needs: ["hardship", "disability"], services: ["meal_help"] }, NOW + 1000);
  const doc = await docOf(phone, id);
  assert.deepEqual([doc.needs, doc.services], [["disability", "hardship"], ["meal_help"]]);
  await edit({ needs: ["disability", "hardship"] }, NOW + 2000);
  const after = await docOf(phone, id);
  assert.deepEqual([after.needs, "services" in after, after.stamps.needs], [doc.needs, false, doc.stamps.needs]);
});

test("where there is a file already it is shown, and another one is made only when its user says so", async () => {
  const phone = await app();
  const make = async (fields, shown) => phone.post("/m/households", filled(shown ?? (await phone.get("/m/homes/new")), { ...HOUSEHOLD, address: "文昌路 12 号", ...fields }));
  const shown = await phone.get("/m/homes/new");
  const { redirect } = await make({ building: "2号楼", unit: "1单元", room: "501室" }, shown);
  const id = redirect.match(/household:[0-9a-f-]+/)[0];
  const { building, unit, room } = await docOf(phone, id);
  assert.deepEqual([building, unit, room], ["2", "1", "501"]);
  assert.ok((await make({ building: "2", unit: "1", room: "501" }, shown)).redirect, "the same form twice is one file");
  const again = { address: "文昌路12号", building: "2 栋", unit: "1", room: "501" };
  const refused = await make(again);
  assert.deepEqual([refused.status, refused.data.known.href], [422, `/m/homes/${id}`]);
  assert.ok((await make({ ...again, room: "502" })).redirect);
  assert.ok((await make({ ...again, anyway: "1" })).redirect);
  assert.equal((await phone.store.homes(true)).length, 3);
});

test("an ID number is refused however it is written, and no telephone or case number is one", () => {
  for (const text of ["64010519900101123X", "身份证 640105 19900101 123x", "640105-1990-0101-1234。", "６４０１０５ １９９００１０１ １２３４", "电话 13912345678 640105.19900101.1234"]) {
    assert.deepEqual(withoutIdNumber(text), { label: "wrong.id_number" }, text);
  }
  for (const text of ["13912345678 1381234", "13912345678、13812345678", "0951-6012345 13912345678", "案件 002-261123-7K3M9Q", "2026-11-23 2026-11-24 12", "6222 0212 3456 7890 123", "网格 640105002001001"]) {
    assert.equal(withoutIdNumber(text), null, text);
  }
});

test("the basis says for what, by what and since when; a day to come is refused", async () => {
  const phone = await app();
  const given = (given_on) => ({ ...HOUSEHOLD, given_on });
  assert.equal((await phone.post("/m/households", filled(await phone.get("/m/homes/new"), given("2026-11-24")))).status, 422);
  const made = await phone.post("/m/households", filled(await phone.get("/m/homes/new"), given("2026-11-01")));
  const id = made.redirect.match(/household:[0-9a-f-]+/)[0];
  assert.deepEqual((await docOf(phone, id)).basis, { purpose: "走访", given_at: "2026-11-01T00:00:00.000Z", how: "consent_spoken" });
  const labels = (await phone.get(`/m/homes/${id}`)).data.facts.map(({ label }) => label);
  assert.deepEqual(labels.filter((label) => /purpose|how|given/.test(label)), ["household.purpose", "household.how", "household.given_on"]);
});

test("a basis that was written down wrongly is put right, and only it", async () => {
  const { phone, id } = await withHousehold();
  const before = await docOf(phone, id);
  const edit = async (values, now) => phone.post(`/m/homes/${id}/edits`, await formOf(phone, id, values), { now });
  await edit({ how: "consent_signed" }, NOW + 60_000);
  const after = await docOf(phone, id);
  assert.deepEqual(after.basis, { ...before.basis, how: "consent_signed" }, "since the very moment that it said");
  assert.deepEqual({ ...after.stamps, basis: "" }, { ...before.stamps, basis: "" });
  await edit({ given_on: "2026-11-01" }, NOW + 120_000);
  assert.deepEqual((await docOf(phone, id)).basis, { ...after.basis, given_at: "2026-11-01T00:00:00.000Z" });
  const answered = await edit({ purpose: "", how: "", given_on: "2027-01-01" }, NOW + 180_000);
  assert.deepEqual([answered.status, answered.data.failure.fields.map(({ name }) => name)], [422, ["purpose", "how", "given_on"]]);
});

test("a phone whose clock is wrong says since when by the server's time", async () => {
  const two_days_ms = 48 * 3600_000;
  const phone = await app({ offset_ms: two_days_ms });
  const shown = await phone.get("/m/homes/new");
  assert.equal(shown.data.form.given_on, "2026-11-21");
  const made = await phone.post("/m/households", filled(shown, HOUSEHOLD));
  const id = made.redirect.match(/household:[0-9a-f-]+/)[0];
  const { basis, captured_at } = await docOf(phone, id);
  assert.equal(Date.parse(captured_at) - Date.parse(basis.given_at), two_days_ms);
  assert.equal((await phone.post(`/m/homes/${id}/edits`, await formOf(phone, id, { given_on: "2026-11-22" }))).status, 422, "a day to come");
  const form = await phone.post(`/m/homes/${id}/members`, filled(await phone.get(`/m/homes/${id}/members/new`), { name: "李奶奶" }));
  assert.equal(form.redirect, `/m/homes/${id}`);
  const [member] = (await phone.get(`/m/homes/${id}`)).data.members;
  const { stays } = (await phone.get(member.href)).data;
  assert.equal(Date.parse(stays[1].value), NOW - two_days_ms);
});

test("a form that the version before had drawn, without the basis, leaves it alone", async () => {
  const { phone, id } = await withHousehold();
  const before = await docOf(phone, id);
  const form = Object.entries(await formOf(phone, id, { remark: "新" })).filter(([name]) => !/purpose|how$|given_on/.test(name));
  await phone.post(`/m/homes/${id}/edits`, Object.fromEntries(form));
  const doc = await docOf(phone, id);
  assert.deepEqual([doc.remark, doc.basis, doc.stamps.basis], ["新", before.basis, before.stamps.basis]);
});

test("signing in leads to the first PIN, and past it whoever has one", async () => {
  const phone = await app();
  assert.equal((await phone.get("/m/pin?first=1")).redirect, "/m/");
  assert.equal((await phone.get("/m/pin")).data.is_first, false);
  await phone.store.vault.lock();
  assert.equal((await phone.get("/m/pin?first=1")).redirect, "/m/");
  assert.equal((await phone.get("/m/lock?to=//elsewhere")).data.to, "/m/");
});

test("a form that goes out again with another household in it makes another household; the same one, the same", async () => {
  const { phone, id } = await withHousehold();
  const form = filled(await phone.get("/m/homes/new"), { ...HOUSEHOLD, anyway: "1" });
  const send = (values) => phone.post("/m/households", { ...form, ...values }, { now: NOW + 60_000 });
  const first = await send({});
  assert.equal((await send({})).redirect, first.redirect);
  const neighbour = await send({ address: "文昌路 14 号" });
  assert.notEqual(neighbour.redirect, first.redirect);
  const addresses = (await phone.store.homes(true)).length;
  assert.equal(addresses, 3);
  assert.equal((await docOf(phone, neighbour.redirect.match(/household:[0-9a-f-]+/)[0])).address, "文昌路 14 号");
  assert.equal((await docOf(phone, id)).address, HOUSEHOLD.address);
});
