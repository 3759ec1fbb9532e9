/** Errands: begun from the list, papers photographed and ticked off, signed, and what the office says of them. */
import assert from "node:assert/strict";
import test from "node:test";
import { jpeg } from "../engine/phone.mjs";
import { GRID, NOW, QUARTER, app, caseOf, filled } from "./app.mjs";

const { keep } = await import("../../../pwa/src/store/documents.js");
const { entries, release, uploads } = await import("../../../pwa/src/store/outbox.js");

async function withErrand(fields) {
  const phone = await app(fields);
  const home = await phone.post("/m/households", filled(await phone.get("/m/homes/new"), { address: "文昌路 12 号", purpose: "走访", how: "consent_spoken" }));
  const household = home.redirect.match(/household:[0-9a-f-]+/)[0];
  const shown = await phone.get(`/m/homes/${household}/errands/new`);
  const made = await phone.post(`/m/homes/${household}/errands`, filled(shown, { item: "old-age" }));
  return { phone, household, shown, href: made.redirect };
}

const docOf = async (phone, href) => (await phone.store.getRecord(href.slice("/m/errands/".length))).doc;

test("the errands of today are offered with what each takes, and begun as the list has them", async () => {
  const { phone, household, shown, href } = await withErrand();
  assert.deepEqual(shown.data.choices, [{ value: "old-age", label: "高龄津贴申领", about: "居民身份证 · 银行卡" }]);
  const doc = await docOf(phone, href);
  assert.deepEqual([doc.household, doc.item, doc.item_key, doc.state], [household, "高龄津贴申领", "old-age", "open"]);
  assert.deepEqual(doc.materials, [{ key: "m-2", name: "居民身份证", state: "missing" }, { key: "m-1", name: "银行卡", state: "missing" }]);
  assert.deepEqual(Object.keys(doc.stamps).sort(), ["household", "item", "item_key", "materials/m-1", "materials/m-2", "state"]);
  assert.equal((await phone.get(`/m/homes/${household}`)).data.errands[0].href, href);
});

test("a paper is photographed and ticked off; another phone's tick on another paper stays", async () => {
  const { phone, href } = await withErrand();
  const path = `${href}/m-1`;
  const form = filled(await phone.get(path), { state: "there", remark: "原件" });
  for (let time = 0; time < 2; time += 1) await phone.post(path, form, { files: { photo: [jpeg()] }, now: NOW + 1000 });
  await phone.post(`${href}/m-2`, filled(await phone.get(`${href}/m-2`), { state: "not_needed" }));
  const doc = await docOf(phone, href);
  assert.match(doc._rev, /^3-/);
  const [card, identity] = doc.materials;
  assert.deepEqual([card.state, card.remark, card.photos.length, identity.state], ["there", "原件", 1, "not_needed"]);
  const photo = await phone.store.getRecord(card.photos[0]);
  assert.deepEqual([photo.database, photo.doc.of], [`home-${GRID}-${QUARTER}`, doc._id]);
  assert.equal((await uploads(phone.store.session.author)).length, 1);
  const rows = (await phone.get(href)).data.materials;
  assert.deepEqual(rows.map(({ lead, where }) => [lead, where.label]), [["居民身份证", "material.not_needed"], ["银行卡", "material.there"], ["住户签名", "errand.unsigned"]]);
});

test("the signature is a picture of the errand; without one the form is refused", async () => {
  const { phone, href } = await withErrand();
  const shown = await phone.get(`${href}/signature`);
  assert.equal((await phone.post(`${href}/signature`, filled(shown))).status, 422);
  await phone.post(`${href}/signature`, filled(shown), { files: { photo: [new Blob([new Uint8Array(90)], { type: "image/png" })] } });
  const doc = await docOf(phone, href);
  assert.equal((await phone.store.getRecord(doc.signature)).doc.files[0].content_type, "image/png");
  assert.equal((await phone.get(href)).data.materials[2].photo, doc.signature);
});

test("what the office says of it comes back as its case", async () => {
  const { phone, household, href } = await withErrand();
  const doc = await docOf(phone, href);
  const copy = { ...caseOf({ ...doc, category: "4104" }, "accepted"), _id: doc._id.replace("errand:", "case:"), history: [{ move: "report", at: "2026-11-23T07:58:00.000Z" }, { move: "accept", at: "2026-11-23T07:59:00.000Z" }] };
  const { author } = phone.store.session;
  await keep(author, `home-${GRID}-${QUARTER}`, [copy]);
  assert.equal((await phone.get(href)).data.where.label, "where.phone");
  await release(author, (await entries(author)).map(({ key }) => key));
  const { data } = await phone.get(href);
  assert.equal(data.where.label, "state.accepted");
  assert.ok(data.facts.some(({ text }) => text === "002-261123-7K3M9Q"));
  assert.ok(data.steps.some(({ label }) => label === "move.accept"));
  assert.equal((await phone.get(`/m/homes/${household}`)).data.errands[0].where.label, "state.accepted");
});

test("an errand is handed in, then done; what is over moves no more", async () => {
  const { phone, href } = await withErrand();
  assert.deepEqual((await phone.get(href)).data.moves.map(({ value }) => value), ["handed_in", "withdrawn"]);
  for (const state of ["done", "handed_in", "done", "open"]) await phone.post(`${href}/state`, { state });
  assert.equal((await docOf(phone, href)).state, "done");
  assert.deepEqual((await phone.get(href)).data.moves, []);
  assert.equal((await entries(phone.store.session.author)).filter(({ id }) => id.startsWith("errand:")).length, 3);
});

test("in English an errand and its papers have their English names", async () => {
  const { phone, href } = await withErrand({ language: "en" });
  const { data } = await phone.get(href);
  assert.deepEqual([data.lead, data.materials[0].lead], ["Old-age allowance", "Identity card"]);
  assert.equal((await docOf(phone, href)).item, "高龄津贴申领", "the record speaks as its readers at the office do");
});

test("without a list there is nothing to choose, and a made-up errand is refused", async () => {
  const { phone, household } = await withErrand();
  assert.equal((await phone.post(`/m/homes/${household}/errands`, { item: "made-up" })).status, 422);
  assert.equal((await phone.get("/m/errands/errand:none")).status, 404);
});
