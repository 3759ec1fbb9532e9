/** Correcting a household file: only what was changed is an edit, and two people's corrections live side by side. */
import assert from "node:assert/strict";
import test from "node:test";
import { GRID, NOW, app, filled } from "./app.mjs";

const { entries } = await import("../../../pwa/src/store/outbox.js");
const HOUSEHOLD = { address: "文昌路 12 号", building: "3", contact_phone: "138", residents_count: "2", remark: "一\n二", purpose: "走访", how: "consent_spoken" };

async function withHousehold() {
  const phone = await app();
  const made = await phone.post("/m/households", filled(await phone.get("/m/homes/new"), HOUSEHOLD));
  const id = made.redirect.match(/household:[0-9a-f-]+/)[0];
  return { phone, id };
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
  const before = await docOf(phone, id);
  const answered = await phone.post(`/m/homes/${id}/edits`, await formOf(phone, id, { contact_phone: "139" }), { now: NOW + 60_000 });
  assert.equal(answered.redirect, `/m/homes/${id}?saved=1`);
  const after = await docOf(phone, id);
  assert.equal(after.contact_phone, "139");
  assert.ok(after.stamps.contact_phone > before.stamps.contact_phone);
  assert.deepEqual({ ...after.stamps, contact_phone: "" }, { ...before.stamps, contact_phone: "" });
  assert.equal(after.settled.length, 1);
  assert.deepEqual([after.remark, after.basis, after.captured_at], [before.remark, before.basis, "2026-11-23T08:01:00.000Z"]);
  assert.equal((await entries(phone.store.session.author)).length, 2);
});

test("a form sent twice makes one edit, and one that changed nothing makes none", async () => {
  const { phone, id } = await withHousehold();
  const form = await formOf(phone, id, { contact_phone: "139" });
  for (let time = 0; time < 2; time += 1) await phone.post(`/m/homes/${id}/edits`, form);
  await phone.post(`/m/homes/${id}/edits`, await formOf(phone, id));
  assert.match((await docOf(phone, id))._rev, /^2-/);
});

test("what came in while the form was open stays, beside what the form changed", async () => {
  const { phone, id } = await withHousehold();
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
