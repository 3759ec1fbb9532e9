/** 上报: what the form makes, and what a wrong one gets back. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { offeredOn } from "../../../pwa/src/handlers/catalogue.js";
import { jpeg } from "../engine/phone.mjs";
import { GRID, NOW, QUARTER, SECOND_GRID, app, filled } from "./app.mjs";

const PHOTO = () => jpeg(1000);
const SHOT = JSON.stringify({ taken_at: "2026-11-23T07:58:00.000Z", lat: 38.49, lon: 106.13, width_px: 1600, height_px: 1200 });

async function send(phone, values, input) {
  const shown = await phone.get("/m/report");
  return phone.post("/m/reports", filled(shown, { category: "1101", urgency: "normal", ...values }), input);
}

async function onlyReport(phone) {
  const { rows } = await phone.store.listReports();
  assert.equal(rows.length, 1);
  return rows[0];
}

test("a report is saved with its photos, place and category, and its page is shown", async () => {
  const phone = await app();
  const input = { files: { photo: [PHOTO()], thumb: [jpeg(100)] }, every: { shot: [SHOT] } };
  const answer = await send(phone, { text: "垃圾堆在单元门口", lat: "38.490001", lon: "106.130001", accuracy_m: "12", address: "3 号楼" }, input);
  const row = await onlyReport(phone);
  assert.equal(answer.redirect, `/m/records/${row.id}?saved=1`);
  assert.equal(row.database, `grid-${GRID}-${QUARTER}`);
  assert.deepEqual(row.doc.place, { lat: 38.490001, lon: 106.130001, accuracy_m: 12, datum: "WGS84", address: "3 号楼", compound: null });
  assert.equal(row.doc.captured_at, new Date(NOW).toISOString());
  const [photo] = await phone.store.photosOf(row);
  assert.equal(photo.doc.of, row.id);
  assert.equal(photo.doc.taken_at, "2026-11-23T07:58:00.000Z");
  assert.deepEqual([photo.doc.files[0].width_px, photo.doc.files[0].role, photo.doc.files[0].size_bytes], [1600, "sent", 1000]);
  assert.equal((await phone.store.photoBlob(photo.id, "thumb")).size, 100);
});

test("a report without any place says so on its page", async () => {
  const phone = await app();
  const { redirect } = await send(phone, { text: "不知道在哪" });
  const facts = (await phone.get(redirect)).data.facts.filter(({ label }) => label === "record.place");
  assert.deepEqual(facts.map(({ key }) => key), ["place.unknown"]);
});

test("the same form posted twice makes one record with the same photos", async () => {
  const phone = await app();
  const form = filled(await phone.get("/m/report"), { category: "1101", text: "一次" });
  const first = await phone.post("/m/reports", form, { files: { photo: [PHOTO()] } });
  const second = await phone.post("/m/reports", form, { files: { photo: [PHOTO()] }, now: NOW + 5000 });
  assert.equal(second.redirect, first.redirect);
  const row = await onlyReport(phone);
  assert.equal((await phone.store.photosOf(row)).length, 1);
  assert.equal((await phone.store.unsent()).count, 2);
});

test("a report says which patrol it was made on", async () => {
  const phone = await app();
  const today = await phone.get("/m/");
  await phone.post("/m/patrols", { uuid: today.data.patrol_id, grid: GRID });
  await send(phone, { text: "巡查时看到" });
  const { doc } = await onlyReport(phone);
  assert.equal(doc.patrol, `patrol:${today.data.patrol_id}`);
  assert.equal(doc.source, "patrol");
  await phone.post(`/m/patrols/${today.data.patrol_id}/points`, { lat: "38.5", lon: "106.1", accuracy_m: "9" });
  await phone.post(`/m/patrols/${today.data.patrol_id}/end`);
  assert.notEqual(await phone.store.currentPatrol(), null, "its way is not let go yet");
  const later = await send(phone, { text: "巡查结束后看到" });
  const { doc: after } = await phone.store.getRecord(later.redirect.match(/report:[0-9a-f-]+/)[0]);
  assert.equal(after.patrol, null);
});

test("a report of the police says so and goes to the grid like any other", async () => {
  const phone = await app({ police: true });
  await send(phone, { text: "线缆垂落", source: "resident" });
  const { doc, database } = await onlyReport(phone);
  assert.equal(doc.source, "police");
  assert.equal(database, `grid-${GRID}-${QUARTER}`);
});

for (const [name, values, input, wrong] of [
  ["without a category", { category: "", text: "有" }, {}, "category"],
  ["without photo and words", { text: "  " }, {}, "text"],
  ["with too much text", { text: "字".repeat(4001) }, {}, "text"],
  ["with an ID number in the text", { text: "身份证 640105199001011234 的人" }, {}, "text"],
  ["with an ID number in the address", { text: "有", address: "640105199001011234 家" }, {}, "address"],
  ["with an ID number for a building", { text: "有", building_typed: "640105199001011234" }, {}, "address"],
  ["with a place that is too long when it is put together", { text: "有", building_typed: "甲".repeat(20), address: "字".repeat(190) }, {}, "address"],
  ["with a text file for a photo", { text: "有" }, { files: { photo: [new Blob(["x"], { type: "text/plain" })] } }, "photos"],
  ["with too many photos", { text: "有" }, { files: { photo: Array.from({ length: 31 }, PHOTO) } }, "photos"],
]) {
  test(`a report ${name} is refused beside its field and nothing is kept`, async () => {
    const phone = await app();
    const answer = await send(phone, values, input);
    assert.equal(answer.status, 422);
    assert.equal(answer.headers["HX-Retarget"], "#form-errors");
    assert.deepEqual(answer.data.failure.fields.map((field) => field.name), [wrong]);
    assert.equal((await phone.store.unsent()).count, 0);
  });
}

test("a full phone is told so, and nothing is half-saved", async () => {
  const phone = await app();
  const { StorageFull } = await import("../../../pwa/src/store/errors.js");
  phone.store.saveRecord = async () => { throw new StorageFull(new Error("QuotaExceededError")); };
  const answer = await send(phone, { text: "有" });
  assert.equal(answer.status, 422);
  assert.equal(answer.data.failure.label, "error.storage_full");
});

test("a grid that is no longer mine is named as the reason", async () => {
  const phone = await app();
  phone.store.session.databases = phone.store.session.databases.filter(({ name }) => !name.startsWith("grid-"));
  const answer = await send(phone, { text: "有" });
  assert.equal(answer.data.failure.label, "error.not_grid_holder");
});

test("a refused plain form gets a page of its own", async () => {
  const phone = await app();
  const answer = await send(phone, { category: "" }, { is_htmx: false });
  assert.equal(answer.template, "refused.html");
  assert.equal(answer.status, 422);
});

test("of two grids the last one used is chosen the next time", async () => {
  const phone = await app({ grids: [GRID, SECOND_GRID] });
  assert.deepEqual((await phone.get("/m/report")).data.grids.map(({ chosen }) => chosen), [true, false]);
  await send(phone, { text: "有", grid: SECOND_GRID });
  const shown = await phone.get("/m/report");
  assert.deepEqual(shown.data.grids.map(({ chosen }) => chosen), [false, true]);
  assert.equal((await onlyReport(phone)).doc.grid, SECOND_GRID);
});

test("the categories used most come first", async () => {
  const phone = await app();
  await send(phone, { category: "1401", text: "摊位" });
  const { data } = await phone.get("/m/report");
  assert.equal(data.top_categories[0].value, "1401");
  assert.equal(data.top_categories.length, 3);
  assert.deepEqual(data.catalogue.flatMap(({ options }) => options.map(({ value }) => value)), ["4101"]);
});

test("a scribbled place, id or time never reaches a record", async () => {
  const phone = await app();
  const form = { uuid: "x", captured_at: "later", grid: "no", category: "1101", text: "有", lat: "91", lon: "x", source: "police", urgency: "" };
  await phone.post("/m/reports", form, { files: { photo: [PHOTO()] }, every: { shot: ["{broken"] } });
  const { doc } = await onlyReport(phone);
  assert.match(doc._id, /^report:[0-9a-f-]{36}$/);
  assert.deepEqual([doc.place, doc.grid, doc.source, doc.urgency], [null, GRID, "patrol", "normal"]);
});

test("the catalogue is read once a minute, and again while it is empty", async () => {
  const phone = await app();
  let reads = 0;
  const { categories } = phone.store;
  phone.store.categories = async () => { reads += 1; return reads === 1 ? [] : categories(); };
  const counts = [];
  for (const after_ms of [0, 1, 2, 61_000]) {
    const { data } = await phone.get("/m/report", { now: NOW + after_ms });
    counts.push([reads, data.top_categories.length]);
  }
  assert.deepEqual(counts, [[1, 0], [2, 3], [2, 3], [3, 3]]);
});

test("a category that ended is offered no more from the next day in China, one that is yet to begin not before", () => {
  const ended = { code: "1101", valid_from: "2000-01-01", valid_to: "2026-11-23" };
  const coming = { code: "1102", valid_from: "2026-11-24", valid_to: null };
  const always = { code: "1103" };
  const codesAt = (at) => offeredOn([ended, coming, always], Date.parse(at)).map((doc) => doc.code);
  assert.deepEqual(codesAt("2026-11-23T15:59:59Z"), ["1101", "1103"]);
  assert.deepEqual(codesAt("2026-11-23T16:00:00Z"), ["1102", "1103"]);
});
