/** Errands: begun from the list, papers photographed and ticked off, signed, and what the office says of them. */
import assert from "node:assert/strict";
import test from "node:test";
import { PIN, jpeg } from "../engine/phone.mjs";
import { GRID, NOW, QUARTER, app, caseOf, filled, pulled } from "./app.mjs";

const { keep } = await import("../../../pwa/src/store/documents.js");
const { unlock } = await import("../../../pwa/src/store/unlocking.js");
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
  assert.equal((await phone.get("/m/errands")).data.records[0].lead, "Old-age allowance");
  assert.equal((await docOf(phone, href)).item, "高龄津贴申领", "the record speaks as its readers at the office do");
});

test("without a list there is nothing to choose, and a made-up errand is refused", async () => {
  const { phone, household } = await withErrand();
  assert.equal((await phone.post(`/m/homes/${household}/errands`, { item: "made-up" })).status, 422);
  assert.equal((await phone.get("/m/errands/errand:none")).status, 404);
});

/** The case of an errand, as a pull brings it among what is sealed. */
let revisions = 1;
async function pullCase(phone, doc, state, move = {}) {
  const last = { move: "x", at: "2026-11-23T08:00:01.000Z", ...move };
  const copy = { ...caseOf({ ...doc, category: "4104" }, state, last), _id: doc._id.replace("errand:", "case:"), _rev: `${(revisions += 1)}-b`, history: [{ move: "report", at: "2026-11-23T08:00:00.000Z" }, last] };
  await pulled(phone.store.session, `home-${GRID}-${QUARTER}`, [copy]);
}

const groupsOf = async (phone) => Object.fromEntries((await phone.get("/m/cases")).data.groups.map(({ title, records }) => [title.slice(6), records.map(({ href }) => href)]));

test("a new errand goes on among the cases, a returned one needs me with its reason, an ended one has ended; what I do myself is no news", async () => {
  const { phone, href } = await withErrand();
  assert.deepEqual(await groupsOf(phone), { going: [href] });
  const doc = await docOf(phone, href);
  await pullCase(phone, doc, "reported", { move: "errand" });
  assert.deepEqual((await phone.get("/m/")).data.back_list, []);
  await pullCase(phone, doc, "returned", { move: "return", reason: "身份证看不清" });
  const { groups } = (await phone.get("/m/cases")).data;
  const [row] = groups[0].records;
  assert.deepEqual([groups.length, groups[0].title, row.href, row.reason, row.about, row.is_news], [1, "cases.needs", href, "身份证看不清", "文昌路 12 号", true]);
  const [back] = (await phone.get("/m/")).data.back_list;
  assert.deepEqual([back.href, back.reason, back.is_news], [href, "身份证看不清", true]);
  assert.deepEqual(await found(phone, "高龄"), [href]);
  await phone.get(href);
  assert.equal((await phone.get("/m/cases")).data.groups[0].records[0].is_news, false, "opened, it is news no more");
  await pullCase(phone, doc, "closed", { move: "close", result: "已发放" });
  assert.deepEqual(await groupsOf(phone), { ended: [href] });
});

const found = async (phone, q) => (await phone.get(`/m/cases?q=${encodeURIComponent(q)}`)).data.groups.flatMap(({ records }) => records.map(({ href }) => href));

test("while errands are locked the lists say only how many came back, and nothing is lost by looking", async () => {
  const { phone, href } = await withErrand();
  await pullCase(phone, await docOf(phone, href), "returned", { move: "return", reason: "身份证看不清" });
  await phone.store.vault.lock();
  for (const path of ["/m/cases", "/m/cases?show=needs", "/m/cases?q=高龄", "/m/"]) {
    const { data } = await phone.get(path);
    assert.ok(!JSON.stringify(data).includes("高龄") || path.includes("q="), path);
    assert.deepEqual([(data.groups ?? []).flatMap(({ records }) => records), data.locked_count], [[], 1], path);
  }
  await unlock(phone.store.session, PIN);
  assert.deepEqual(await groupsOf(phone), { needs: [href] });
  assert.equal((await phone.get("/m/")).data.locked_count, 0);
});

test("a returned errand is sent again with what was put right, once; it lies where the errand's case is", async () => {
  const { phone, href } = await withErrand();
  const doc = await docOf(phone, href);
  assert.equal((await phone.get(href)).data.intent, "");
  await pullCase(phone, doc, "returned", { move: "return", reason: "身份证看不清" });
  const { data } = await phone.get(href);
  assert.deepEqual([data.reason, data.intent], ["身份证看不清", "resubmit"]);
  const shown = await phone.get(`${href}/note?intent=resubmit`, { now: NOW + 60_000 });
  assert.deepEqual([shown.data.action, shown.data.reason, shown.data.back], [`${href}/notes`, "身份证看不清", href]);
  const form = filled(shown, { intent: "resubmit", text: "重拍了身份证" });
  assert.equal((await phone.post(`${href}/notes`, { ...form, text: "" })).status, 422);
  const { redirect } = await phone.post(`${href}/notes`, form, { files: { photo: [jpeg()] } });
  assert.equal(redirect, `${href}?saved=1`);
  const [note] = await phone.store.saidOf(doc._id);
  assert.deepEqual([note.database, note.doc.of, note.doc.intent, note.doc.text], [`home-${GRID}-${QUARTER}`, doc._id, "resubmit", "重拍了身份证"]);
  const after = (await phone.get(redirect)).data;
  assert.deepEqual([after.intent, after.just_saved, after.notes.map(({ about }) => about)], ["", true, ["重拍了身份证"]]);
  assert.deepEqual(await groupsOf(phone), { going: [href] }, "asked for, it waits for the office");
  assert.equal((await phone.get(`/m/records/${note.id}`)).data.back, href);
});

test("withdrawing is asked about first, and handing in while papers lack names them", async () => {
  const { phone, href } = await withErrand();
  const sure = async () => Object.fromEntries((await phone.get(href)).data.moves.map((move) => [move.value, move.sure]));
  assert.deepEqual(await sure(), {
    handed_in: "还缺：居民身份证、银行卡、住户签名。确定已经交到代办点了吗？", withdrawn: "确定不办了？撤回后不能恢复，受理单位也会停办。",
  });
  for (const part of ["m-1", "m-2"]) await phone.post(`${href}/${part}`, filled(await phone.get(`${href}/${part}`), { state: part === "m-1" ? "there" : "not_needed" }));
  await phone.post(`${href}/signature`, filled(await phone.get(`${href}/signature`)), { files: { photo: [jpeg()] } });
  assert.equal((await sure()).handed_in, "");
});

for (const [state, left] of Object.entries({ closed: [["done", "已告知住户办理结果"]], refused: [], withdrawn: [], merged: [] })) {
  test(`once its case is ${state}, what is left of an errand is ${left.length ? "telling the household" : "nothing"}`, async () => {
    const { phone, href } = await withErrand();
    await pullCase(phone, await docOf(phone, href), state);
    assert.deepEqual((await phone.get(href)).data.moves.map(({ value, label }) => [value, label]), left);
    for (const move of ["handed_in", "withdrawn", "done"]) await phone.post(`${href}/state`, { state: move });
    assert.equal((await docOf(phone, href)).state, left.length ? "done" : "open");
  });
}

test("errands under way stand in a list of their own, whichever household they are for", async () => {
  const { phone, household, href } = await withErrand();
  const second = (await phone.post(`/m/homes/${household}/errands`, filled(await phone.get(`/m/homes/${household}/errands/new`), { item: "old-age" }))).redirect;
  await pullCase(phone, await docOf(phone, href), "accepted");
  assert.equal((await phone.get("/m/homes")).data.errands_count, 2);
  await phone.post(`${second}/state`, { state: "withdrawn" });
  const { data } = await phone.get("/m/errands");
  assert.deepEqual(data.records.map((row) => [row.href, row.lead, row.about]), [[href, "高龄津贴申领", "文昌路 12 号"]]);
  assert.equal((await phone.get("/m/homes")).data.errands_count, 1);
});

test("a material's pictures, those that are saved and new ones together, are no more than it takes: none is dropped without a word", async () => {
  const { phone, href } = await withErrand();
  const path = `${href}/m-1`;
  const form = filled(await phone.get(path), { state: "there" });
  const taking = (count) => ({ files: { photo: Array.from({ length: count }, () => jpeg()) } });
  for (let time = 0; time < 2; time += 1) assert.equal((await phone.post(path, form, taking(29))).status, undefined, "the same form again is the same pictures");
  const refused = await phone.post(path, filled(await phone.get(path), { state: "there" }), taking(2));
  const { label, slots } = refused.data.fields.find(({ name }) => name === "photos");
  assert.deepEqual([refused.status, label, slots], [422, "wrong.no_room_for_photos", { limit: 30, kept: 29, left: 1 }]);
  assert.equal((await docOf(phone, href)).materials.find(({ key }) => key === "m-1").photos.length, 29);
});

test("a picture that does not belong there is taken off its material, and a signature off the errand", async () => {
  const { phone, href } = await withErrand();
  for (const part of ["m-1", "signature"]) await phone.post(`${href}/${part}`, filled(await phone.get(`${href}/${part}`), { state: "there", remark: "原件" }), { files: { photo: [jpeg(), jpeg()].slice(0, part === "m-1" ? 2 : 1) } });
  const before = await docOf(phone, href);
  const [wrong, right] = before.materials[0].photos;
  await phone.post(`${href}/m-1/photos/${wrong}/removal`);
  await phone.post(`${href}/m-1/photos/${wrong}/removal`);
  assert.deepEqual((await docOf(phone, href)).materials[0], { ...before.materials[0], photos: [right] });
  await phone.post(`${href}/m-1/photos/${right}/removal`);
  await phone.post(`${href}/signature/photos/${before.signature}/removal`);
  const after = await docOf(phone, href);
  assert.deepEqual([after.materials[0].photos, after.materials[0].remark, after.signature], [undefined, "原件", undefined]);
  assert.equal((await phone.post(`${href}/nothing/photos/${right}/removal`)).status, 422);
});
