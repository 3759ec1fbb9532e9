/** 上报 beyond its words: solved on the spot, evidence, voice, undo, drafts, picked places, what was reported nearby, the duty number. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { jpeg } from "../engine/phone.mjs";
import { GRID, NOW, QUARTER, SECOND_GRID, app, caseOf, filled } from "./app.mjs";

const { keep } = await import("../../../pwa/src/store/documents.js");
const { due, entries, HOLD_MS, release } = await import("../../../pwa/src/store/outbox.js");
const { refusalOf } = await import("../../../pwa/src/store/refusals.js");
const { isOn } = await import("../../../pwa/src/handlers/duty.js");
const { metresBetween } = await import("../../../pwa/src/handlers/near.js");
const SOUND = new Blob(["sound"], { type: "audio/webm;codecs=opus" });
const HEIC = new Blob([new Uint8Array(3000)], { type: "image/heic" });
const shots = (...all) => ({ shot: all.map((one) => JSON.stringify(one)) });

async function send(phone, values, input) {
  return phone.post("/m/reports", filled(await phone.get("/m/report"), { category: "1101", text: "垃圾", ...values }), input);
}

async function sent(phone, values, input) {
  const { redirect } = await send(phone, values, input);
  const id = redirect?.match(/report:[0-9a-f-]+/)[0];
  const row = await phone.store.getRecord(id);
  return { id, doc: row.doc, photos: (await phone.store.photosOf(row)).map((one) => one.doc), row };
}

const filesOf = ({ files }) => files.map(({ role, content_type, size_bytes }) => [role, content_type, size_bytes]);

test("solved on the spot carries what was done and the photos of afterwards, apart from those of before", async () => {
  const phone = await app();
  const { doc, photos, id } = await sent(phone, { solved: "1", solved_text: "已清走" }, { files: { photo: [jpeg(10)], after: [jpeg(20), jpeg(30)] } });
  assert.deepEqual([doc.photos.length, doc.solved.text, doc.solved.photos.length], [1, "已清走", 2]);
  assert.equal(new Set([...doc.photos, ...doc.solved.photos]).size, 3);
  assert.ok(photos.every(({ of }) => of === id));
  const page = await phone.get(`/m/records/${id}`);
  assert.deepEqual(page.data.photos.map(({ is_after }) => is_after), [false, true, true]);
});

test("solved on the spot needs a photo of afterwards or words, and is nothing when it is not ticked", async () => {
  const phone = await app();
  const refused = await send(phone, { solved: "1" }, { files: { photo: [jpeg()] } });
  assert.deepEqual(refused.data.fields.filter(({ label }) => label).map(({ name, label }) => [name, label]), [["solved_text", "wrong.solved_missing"]]);
  const { doc } = await sent(phone, { solved_text: "写了又取消" }, { files: { photo: [jpeg()], after: [jpeg()] } });
  assert.equal(doc.solved, null);
});

test("evidence goes as its original too, byte for byte, and waits for Wi-Fi", async () => {
  const phone = await app();
  const input = { files: { photo: [jpeg(10), jpeg(20)], thumb: [jpeg(1), jpeg(2)], original: [jpeg(9000), jpeg(8000)] }, every: shots({ original: true }, { original: true }) };
  const { photos, id } = await sent(phone, { evidence: "1" }, input);
  assert.deepEqual(photos.map(filesOf), [[["sent", "image/jpeg", 10], ["original", "image/jpeg", 9000]], [["sent", "image/jpeg", 20], ["original", "image/jpeg", 8000]]]);
  assert.equal((await phone.store.photoBlob(photos[1]._id, "original")).size, 8000);
  assert.equal((await phone.get(`/m/records/${id}`)).data.originals, 2);
  await phone.post(`/m/records/${id}/originals`, {});
  assert.equal((await phone.get(`/m/records/${id}`)).data.originals, 0);
});

test("what the browser cannot decode goes as it is, once, and shifts nobody's small picture", async () => {
  const phone = await app();
  const input = { files: { photo: [HEIC, jpeg(20)], thumb: [jpeg(2)] }, every: shots({ thumb: false }, {}) };
  const { photos } = await sent(phone, {}, input);
  assert.deepEqual(photos.map(filesOf), [[["sent", "image/heic", 3000]], [["sent", "image/jpeg", 20]]]);
  assert.equal(await phone.store.photoBlob(photos[0]._id, "thumb"), null, "a placeholder until the server has made one");
  assert.equal((await phone.store.photoBlob(photos[1]._id, "thumb")).size, 2);
  const evidence = await sent(phone, { evidence: "1" }, { files: { photo: [HEIC] }, every: shots({ thumb: false, original: true }) });
  assert.deepEqual(filesOf(evidence.photos[0]), [["original", "image/heic", 3000]]);
  assert.equal((await phone.get(`/m/records/${evidence.id}`)).data.originals, 0, "nothing smaller could go first");
});

test("a voice note alone is a report, its sound a photo record of its own", async () => {
  const phone = await app();
  const { doc, photos, row } = await sent(phone, { text: "" }, { files: { voice: [SOUND] } });
  assert.deepEqual([doc.photos, doc.voice, filesOf(photos[0])], [[], photos[0]._id, [["sent", "audio/webm", 5]]]);
  assert.equal(row.where.photos_unsent, 1);
  assert.equal((await phone.store.photoBlob(doc.voice, "voice")).size, 5);
});

test("an undo within ten seconds brings the form back as it was, with every photo, and nothing is left of the record", async () => {
  const phone = await app();
  const typed = { category: "3101", text: "堵了", urgency: "urgent", address: "3 号楼", solved: "1", solved_text: "挪走了", source: "resident" };
  const input = { files: { photo: [jpeg(10)], thumb: [jpeg(1)], after: [jpeg(20)], voice: [SOUND] }, every: { shot: [JSON.stringify({ taken_at: "2026-11-23T07:58:00.000Z", lat: 38.5, lon: 106.1 })] } };
  const { id, doc } = await sent(phone, typed, input);
  const { author } = phone.store.session;
  const taken_at_ms = Date.now();
  assert.deepEqual(await due(author, taken_at_ms), []);
  assert.ok((await phone.get(`/m/records/${id}`, { now: taken_at_ms })).data.undo_ms > 0);
  const { redirect } = await phone.post(`/m/records/${id}/undo`, {});
  assert.equal(await phone.store.getRecord(id), null);
  assert.equal((await phone.store.unsent()).count, 0);
  assert.equal((await phone.post(`/m/records/${id}/undo`, {})).redirect, redirect, "asked twice it is one draft");
  const { data } = await phone.get(redirect);
  for (const [name, value] of Object.entries(typed)) if (name !== "category") assert.equal(data.form[name], value, name);
  assert.equal(data.top_categories.find(({ chosen }) => chosen).value, "3101");
  assert.deepEqual([data.kept_photo.length, data.kept_after.length, data.kept_voice.length, data.drafts.length], [1, 1, 1, 0]);
  assert.equal(data.form.captured_at, doc.captured_at);
  const kept = [...data.kept_photo, ...data.kept_after, ...data.kept_voice].map(({ key }) => key);
  const again = await phone.post("/m/reports", { ...data.form, category: "3101", grid: data.grid }, { every: { kept } });
  const row = await phone.store.getRecord(again.redirect.match(/report:[0-9a-f-]+/)[0]);
  const photos = (await phone.store.photosOf(row)).map((one) => one.doc);
  assert.notEqual(row.id, id);
  assert.deepEqual([row.doc.photos.length, row.doc.solved.photos.length, Boolean(row.doc.voice)], [1, 1, true]);
  assert.deepEqual([photos[0].taken_at, photos[0].place.lat, photos[0].files[0].size_bytes], ["2026-11-23T07:58:00.000Z", 38.5, 10]);
  assert.deepEqual(await phone.store.drafts(), []);
});

test("after ten seconds there is no undo but a note, and trying it says so", async () => {
  const phone = await app();
  const { id } = await sent(phone, {});
  await release(phone.store.session.author, (await due(phone.store.session.author, Date.now() + HOLD_MS)).map(({ key }) => key));
  assert.equal((await phone.get(`/m/records/${id}`)).data.undo_ms, 0);
  const { redirect } = await phone.post(`/m/records/${id}/undo`, {});
  const { data } = await phone.get(redirect);
  assert.deepEqual([data.is_late, data.moves.note], [true, true]);
});

async function drafted(phone, fields, pieces = [], files = {}) {
  const uuid = (await phone.get("/m/report")).data.form.uuid;
  await phone.post(`/m/drafts/${uuid}`, { uuid, captured_at: new Date(NOW).toISOString(), grid: GRID, ...fields, pieces: JSON.stringify(pieces) }, { files });
  return uuid;
}

test("a draft is offered on Today and on the form, filled in when it is gone on with, and gone when it is sent", async () => {
  const phone = await app();
  const uuid = await drafted(phone, { category: "1401", text: "写到一半", lat: "38.5" }, [{ key: "a", part: "photo", shot: '{"width_px":800}' }], { "sent:a": [jpeg(70)], "thumb:a": [jpeg(7)] });
  for (const path of ["/m/", "/m/report"]) {
    const [{ lead, photos }] = (await phone.get(path)).data.drafts;
    assert.deepEqual([lead, photos], ["占道经营 · 写到一半", 1], path);
  }
  assert.equal((await phone.get("/m/report")).data.form.text, "", "a new report is not in its way");
  const { data } = await phone.get(`/m/report?draft=${uuid}`);
  assert.deepEqual([data.form.uuid, data.form.text, data.form.lat, data.kept_photo[0].href], [uuid, "写到一半", "38.5", `/m/drafts/${uuid}/files/a`]);
  const answer = await phone.post("/m/reports", { ...data.form, grid: GRID }, { every: { kept: ["a"] } });
  const row = await phone.store.getRecord(answer.redirect.match(/report:[0-9a-f-]+/)[0]);
  assert.equal((await phone.store.photosOf(row))[0].doc.files[0].width_px, 800);
  assert.equal((await phone.store.photoBlob(row.doc.photos[0], "thumb")).size, 7);
  assert.deepEqual((await phone.get("/m/")).data.drafts, []);
});

test("a photo taken off the form is not in the report, and later keeping does not lose what the draft has", async () => {
  const phone = await app();
  const uuid = await drafted(phone, { category: "1401" }, [{ key: "a", part: "photo", shot: "{}" }, { key: "b", part: "photo", shot: '{"width_px":9}' }], { "sent:a": [jpeg(1)], "sent:b": [jpeg(2)] });
  await phone.post(`/m/drafts/${uuid}`, { uuid, text: "改了", pieces: JSON.stringify([{ key: "b", part: "photo" }]) });
  const [draft] = await phone.store.drafts();
  assert.deepEqual([draft.fields.text, draft.pieces], ["改了", [{ shot: '{"width_px":9}', key: "b", part: "photo" }]]);
  const answer = await phone.post("/m/reports", { uuid, category: "1401", grid: GRID }, { every: { kept: ["b"] } });
  const row = await phone.store.getRecord(answer.redirect.match(/report:[0-9a-f-]+/)[0]);
  assert.deepEqual((await phone.store.photosOf(row)).map(({ doc }) => doc.files[0].size_bytes), [2]);
});

test("a draft that is dropped is gone with its bytes; one whose report was saved is offered no more", async () => {
  const phone = await app();
  const uuid = await drafted(phone, { text: "不要了" }, [{ key: "a", part: "photo" }], { "sent:a": [jpeg()] });
  const [other, open] = [await drafted(phone, { text: "另一份" }), await drafted(phone, { text: "正在写的" })];
  const { data, redirect } = await phone.post(`/m/drafts/${uuid}/drop`, { back: "report", open });
  assert.deepEqual([redirect, data.drafts.map((draft) => draft.uuid)], [undefined, [other]], "the form that is being filled in stays, and is no offer");
  assert.equal((await phone.post(`/m/drafts/${other}/drop`, { back: "report" }, { is_htmx: false })).redirect, "/m/report");
  await phone.post(`/m/drafts/${open}/drop`, {});
  assert.deepEqual([await phone.store.drafts(), (await phone.store.draftFiles(uuid, "a")).sent], [[], undefined]);
  const { id } = await sent(phone, {});
  await phone.post(`/m/drafts/${id.slice(7)}`, { uuid: id.slice(7), text: "晚到的草稿", pieces: "[]" });
  assert.deepEqual((await phone.get("/m/")).data.drafts, []);
  assert.equal((await phone.post("/m/drafts/not-an-id", { text: "x" })).status, 404);
});

test("what only the server can decode is evidence out of a draft, too, and a smaller picture without its original says so", async () => {
  const phone = await app();
  const pieces = [{ key: "a", part: "photo", shot: '{"thumb":false}' }, { key: "b", part: "photo", shot: "{}" }];
  const files = { "sent:a": [HEIC], "sent:b": [jpeg(20)], "thumb:b": [jpeg(2)] };
  const uuid = await drafted(phone, { category: "1401", evidence: "1" }, pieces, files);
  const { data } = await phone.get(`/m/report?draft=${uuid}`);
  assert.deepEqual(data.kept_photo.map(({ is_as_is, is_small }) => [is_as_is, is_small]), [[true, false], [false, true]]);
  assert.equal(data.lacks_originals, true);
  const answer = await phone.post("/m/reports", { ...data.form, grid: GRID }, { every: { kept: ["a", "b"] }, files: { voice: [SOUND] } });
  const row = await phone.store.getRecord(answer.redirect.match(/report:[0-9a-f-]+/)[0]);
  const photos = (await phone.store.photosOf(row)).map(({ doc }) => filesOf(doc)[0].slice(0, 2));
  assert.deepEqual(photos.sort(), [["original", "image/heic"], ["sent", "audio/webm"], ["sent", "image/jpeg"]]);
});

test("every draft is offered, however many there are", async () => {
  const phone = await app();
  for (const text of ["一", "二", "三", "四", "五"]) await drafted(phone, { text });
  assert.equal((await phone.get("/m/")).data.drafts.length, 5);
});

function compound(n, name, grid = GRID) {
  return { _id: `compound:c00${n}`, _rev: "1-0", type: "compound", v: 1, name, grid, address: "", police: null, enforcement: null };
}

test("a place is picked by compound, building and unit, known from households and from the last time", async () => {
  const phone = await app({ grids: [GRID, SECOND_GRID] });
  const { author } = phone.store.session;
  await keep(author, "ref", [compound(1, "文昌花园"), compound(2, "学府家园", SECOND_GRID)]);
  await keep(author, `home-${GRID}`, [["3", "1"], ["3", "2"], ["12", "1"], ["", ""]].map(([building, unit], at) => ({
    _id: `household:0192f0c0-0000-7000-8000-00000000000${at}`, _rev: "1-a", type: "household", address: "文昌花园", building, unit, author: "worker9", captured_at: "2026-11-01T00:00:00.000Z",
  })));
  assert.deepEqual((await phone.get("/m/report")).data.compounds.map(({ label }) => label), ["文昌花园", "学府家园"]);
  const below = async (query) => (await phone.get(`/m/report/places?${new URLSearchParams(query)}`)).data;
  const first = await below({ compound: "compound:c001", building: "3" });
  assert.deepEqual([first.buildings.map(({ label }) => label), first.units.map(({ label }) => label)], [["3 号楼", "12 号楼"], ["1 单元", "2 单元"]]);
  const { doc, row } = await sent(phone, { compound: "compound:c002", building_typed: "9", unit_typed: "4", address: "501 门口" });
  assert.deepEqual([doc.place.compound, doc.place.address, doc.place.lat], ["compound:c002", "学府家园 9 号楼 4 单元 501 门口", null]);
  assert.equal(row.database, `grid-${SECOND_GRID}-${QUARTER}`, "the compound's grid is the report's");
  const second = await below({ compound: "compound:c002", building: "9" });
  assert.deepEqual([second.buildings, second.units].map((all) => all.map(({ value, chosen }) => [value, chosen])), [[["9", true]], [["4", false]]]);
});

function near(phone, values) {
  return phone.get(`/m/report/near?${new URLSearchParams({ category: "1102", lat: "38.4900", lon: "106.1300", uuid: "x", ...values })}`).then(({ data }) => data.near);
}

test("what was reported close by in the last three days is told, as far as it is of the same class", async () => {
  const phone = await app();
  const at = (hours) => ({ now: NOW - hours * 3_600_000 });
  const made = async (values, hours) => {
    const form = filled(await phone.get("/m/report", at(hours)), { category: "1101", text: "垃圾", lat: "38.4900", lon: "106.1300", ...values });
    return (await phone.post("/m/reports", form, at(hours))).redirect.match(/report:[0-9a-f-]+/)[0];
  };
  const close = await made({ lat: "38.49036" }, 2);
  await made({ lat: "38.4920" }, 2);
  await made({ category: "3101" }, 2);
  await made({}, 80);
  const [one, ...others] = await near(phone, {});
  assert.deepEqual([one.id, one.label, one.slots, others], [close, "near.metres", { metres: 40, ago: "2 小时" }, []]);
  assert.deepEqual(await near(phone, { category: "" }), []);
  assert.deepEqual(await near(phone, { lat: "", lon: "" }), []);
  assert.deepEqual(await near(phone, { uuid: close.slice(7) }), [], "not itself");
  await phone.pull([caseOf((await phone.store.getRecord(close)).doc, "withdrawn")]);
  assert.deepEqual(await near(phone, {}), [], "nothing was there");
});

test("nothing is added to what was put aside, was solved on the spot or has ended, but it is told", async () => {
  const phone = await app();
  const here = { lat: "38.4900", lon: "106.1300" };
  const { id, doc } = await sent(phone, here);
  const takesMore = async () => (await near(phone, {})).map(({ takes_more }) => takes_more);
  assert.deepEqual(await takesMore(), [true]);
  const after = { accepted: [true], closed: [false], rework: [true], self_solved: [false], merged: [false], transferred: [false], refused: [] };
  for (const [at, [state, expected]] of Object.entries(after).entries()) {
    await phone.pull([{ ...caseOf(doc, state), _rev: `${at + 1}-a` }]);
    assert.deepEqual(await takesMore(), expected, state);
  }
  const solved = await sent(phone, { ...here, solved: "1", solved_text: "清了" });
  assert.deepEqual((await near(phone, {})).map((one) => [one.id, one.takes_more]), [[solved.id, false]]);
  const { author } = phone.store.session;
  const waiting = await entries(author);
  await release(author, waiting.map(({ key }) => key), waiting.map((entry) => refusalOf(entry, { reason: "schema" }, { grants: "g", version: "1" })));
  assert.deepEqual((await near(phone, {})).map((one) => [one.id, one.takes_more]), [[solved.id, false]], `${id} was refused by its case`);
});

test("an emergency is always a report of its own", async () => {
  const phone = await app();
  const { id } = await sent(phone, {});
  const other = await sent(phone, { same: id, urgency: "emergency" });
  assert.notEqual(other.id, id);
  assert.deepEqual(await phone.store.saidOf(id), []);
});

test("a note about the same thing says where it was picked or typed and that it is urgent", async () => {
  const phone = await app();
  await keep(phone.store.session.author, "ref", [compound(1, "文昌花园")]);
  const { id } = await sent(phone, {});
  await send(phone, { same: id, text: "还在", urgency: "urgent", compound: "compound:c001", building_typed: "3", address: "门口" });
  const [note] = await phone.store.saidOf(id);
  assert.equal(note.doc.text, "还在\n地址：文昌花园 3 号楼 门口\n较急");
});

test("without a point the same compound is near", async () => {
  const phone = await app();
  await keep(phone.store.session.author, "ref", [compound(1, "文昌花园")]);
  const { id } = await sent(phone, { compound: "compound:c001" });
  const found = await near(phone, { lat: "", lon: "", compound: "compound:c001" });
  assert.deepEqual(found.map((one) => [one.id, one.label]), [[id, "near.same_place"]]);
});

test("the same thing becomes a note about the report that is there, with what was filled in, and no second report", async () => {
  const phone = await app();
  const { id } = await sent(phone, {});
  const shown = await phone.get("/m/report");
  const form = filled(shown, { same: id, category: "1101", text: "还在", solved: "1", solved_text: "清了一半" });
  const input = { files: { photo: [jpeg(10)], thumb: [jpeg(1)], after: [jpeg(20)] }, every: { shot: ["{}"], after_shot: ['{"thumb":false}'] } };
  assert.equal((await phone.post("/m/reports", form, input)).redirect, `/m/records/${id}?saved=1`);
  const [note] = await phone.store.saidOf(id);
  assert.deepEqual([note.doc.text, note.doc.photos.length], ["还在\n清了一半", 2]);
  assert.equal((await phone.store.listReports()).rows.length, 1);
  const spoken = await phone.post("/m/reports", filled(await phone.get("/m/report"), { same: id, text: "x" }), { files: { voice: [SOUND] } });
  assert.equal(spoken.data.failure.label, "near.no_voice");
});

test("the number on duty is that of the smallest area whose shift is on now, in China's time", async () => {
  const phone = await app();
  const shift = (phone_number, fields) => ({ unit: "unit:safety", phone: phone_number, days: [1, 2, 3, 4, 5], begins: "08:00", ends: "18:00", valid_to: null, ...fields });
  const roster = (area, ...shifts) => ({ _id: `duty:${area}`, _rev: "1-0", type: "duty", v: 1, area, shifts });
  await keep(phone.store.session.author, "ref", [
    roster(GRID.slice(0, 9), shift("0951-9"), shift("0951-night", { begins: "18:00", ends: "08:00" })), roster(GRID.slice(0, 12), shift("0951-12")),
    { _id: "unit:safety", _rev: "1-0", type: "unit", v: 1, name: { "zh-CN": "应急办", en: "Safety" } },
  ]);
  const numbers = async (at) => (await phone.get("/m/report", { now: Date.parse(at) })).data.duty.map(({ phone: number, unit }) => `${unit} ${number}`);
  assert.deepEqual(await numbers("2026-11-23T08:00:00.000Z"), ["应急办 0951-12", "应急办 0951-9"]);
  assert.deepEqual(await numbers("2026-11-23T15:00:00.000Z"), ["应急办 0951-night"]);
  assert.deepEqual(await numbers("2026-11-29T08:00:00.000Z"), [], "a Sunday");
  const emergency = await sent(phone, { urgency: "emergency" });
  assert.ok((await phone.get(`/m/records/${emergency.id}`)).data.is_alarm);
});

test("a shift over midnight belongs to the day it began on, and ends with its validity", () => {
  const night = { days: [5], begins: "22:00", ends: "06:00" };
  assert.ok(isOn(night, Date.parse("2026-11-27T15:00:00.000Z")), "Friday 23:00");
  assert.ok(isOn(night, Date.parse("2026-11-27T21:00:00.000Z")), "Saturday 05:00");
  assert.equal(isOn(night, Date.parse("2026-11-26T21:00:00.000Z")), false, "Friday 05:00");
  assert.equal(isOn(night, Date.parse("2026-11-27T22:30:00.000Z")), false, "Saturday 06:30");
  assert.equal(isOn({ ...night, valid_to: "2026-11-26" }, Date.parse("2026-11-27T15:00:00.000Z")), false);
});

test("metres between two points are right within a few per cent, and unknown without a point", () => {
  assert.ok(Math.abs(metresBetween({ lat: 38.49, lon: 106.13 }, { lat: 38.49, lon: 106.131 }) - 87.2) < 1);
  assert.equal(metresBetween({ lat: null, lon: null }, { lat: 1, lon: 1 }), null);
});
