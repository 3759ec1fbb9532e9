/** A patrol's way: recorded point by point, kept through a kill, trimmed by its author, and only then let go. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { GRID, NOW, app, filled } from "./app.mjs";

const { cellsOf, gapsOf, partLength, sketchOf, stretchesOf, thinned, trimmed } = await import("../../../pwa/src/handlers/tracks.js");
const { entries } = await import("../../../pwa/src/store/outbox.js");
const { storeOf } = await import("../../../pwa/src/store/index.js");
const { removeClosed } = await import("../../../pwa/src/store/removal.js");

const MINUTE = 60_000;
const STEP = 0.0005; // 55 m north
const HERE = { lat: "38.5", lon: "106.1", accuracy_m: "9" };
const ALL = { from_s: 0, to_s: Infinity, out: new Set() };

/** A worker's phone with the databases of the author's own tracks, as the server announces them. */
async function walker(fields) {
  const phone = await app(fields);
  const { session } = phone.store;
  const tracks = ["202611", "202610"].map((month) => ({ name: `track-${session.author}-${month}`, pull: false, push: true }));
  session.databases.push(...tracks);
  return phone;
}

/** Starts a patrol and walks north, one point a minute, with a pause of half an hour after the tenth. */
async function walk(phone, minutes = 30) {
  const { patrol_id: id } = (await phone.get("/m/")).data;
  await phone.post("/m/patrols", { uuid: id, grid: GRID });
  for (let n = 0; n < minutes; n += 1) {
    const now = NOW + n * MINUTE + (n >= 10 ? 30 * MINUTE : 0);
    const answered = await phone.post(`/m/patrols/${id}/points`, { lat: String(38.5 + n * STEP), lon: "106.1", accuracy_m: "9.4" }, { now });
    assert.equal(answered.status, 204);
  }
  return id;
}

async function end(phone, id, minutes = 60) {
  return phone.post(`/m/patrols/${id}/end`, {}, { now: NOW + minutes * MINUTE });
}

async function saved(phone, id) {
  const { doc } = await phone.store.getRecord(`patrol:${id}`);
  const track = (await entries(phone.store.session.author)).find((entry) => entry.id === `track:${id}`);
  return { patrol: doc, track };
}

test("a patrol with a way is looked at before anything leaves the phone, then goes with its track", async () => {
  const phone = await walker();
  const id = await walk(phone);
  assert.equal((await phone.get("/m/")).data.patrol.points_count, 30);
  const ended = await end(phone, id);
  assert.equal(ended.redirect, `/m/patrols/${id}/track`);
  assert.equal((await phone.store.unsent()).count, 0);
  const today = (await phone.get("/m/")).data;
  assert.deepEqual([today.patrol.is_over, today.walking], [true, ""]);
  const shown = (await phone.get(ended.redirect)).data;
  assert.deepEqual([shown.minutes, shown.kept], ["60", { count: 30, from: "16:00", to: "16:59" }]);
  const sent = await phone.post(ended.redirect, { from: "0", to: "60", send: "yes" });
  assert.equal(sent.redirect, `/m/records/patrol:${id}?saved=1`);
  const { patrol, track } = await saved(phone, id);
  assert.equal(track.database, `track-${phone.store.session.author}-202611`);
  assert.deepEqual(track.doc.points[0], [0, 38.5, 106.1, 9]);
  assert.equal(track.doc.points.length, 30);
  assert.deepEqual([track.doc.patrol, track.doc.grid, track.doc.author], [`patrol:${id}`, GRID, phone.store.session.author]);
  assert.deepEqual(patrol.gaps, [["2026-11-23T08:09:00.000Z", "2026-11-23T08:40:00.000Z"]]);
  assert.deepEqual(patrol.cells.slice(0, 2), ["15400,42440", "15401,42440"]);
  assert.equal(JSON.stringify(patrol).includes("38.5"), false, "the record that colleagues get has no point");
  assert.deepEqual(await phone.store.pointsOf(id), []);
  assert.equal(await phone.store.currentPatrol(), null);
});

test("what is cut at the beginning, at the end and in between is in neither record", async () => {
  const phone = await walker();
  const id = await walk(phone);
  const { redirect } = await end(phone, id);
  const trim = { from: "3", to: "55", "out-1": "1" }; // parts are five minutes long
  const shown = (await phone.get(`${redirect}?${new URLSearchParams(trim)}`)).data;
  assert.deepEqual([shown.kept.from, shown.kept.to, shown.parts[1].is_out], ["16:03", "16:55", true]);
  assert.deepEqual(new Set(shown.sketch.runs.map(({ is_kept }) => is_kept)), new Set([true, false]));
  await phone.post(redirect, { ...trim, send: "yes" });
  const { patrol, track } = await saved(phone, id);
  const times = track.doc.points.map(([t_s]) => t_s / 60);
  assert.deepEqual(times, [3, 4, ...Array.from({ length: 16 }, (_, n) => 40 + n)]);
  assert.deepEqual(patrol.gaps.map(([from]) => from.slice(11, 16)), ["08:04", "08:55"]);
  assert.deepEqual(patrol.cells, cellsOf(track.doc.points));
});

test("a track that is kept back never becomes a document; the patrol goes with its coarse cells alone", async () => {
  const phone = await walker();
  const id = await walk(phone, 12);
  const { redirect } = await end(phone, id);
  await phone.post(redirect, { "out-0": "1", send: "no" });
  const { patrol, track } = await saved(phone, id);
  assert.equal(track, undefined);
  assert.equal(patrol.cells.length > 0, true);
  assert.deepEqual(await phone.store.pointsOf(id), []);
});

test("a part left out to the last point sends no track at all", async () => {
  const phone = await walker();
  const id = await walk(phone, 4);
  const { redirect } = await end(phone, id, 4);
  await phone.post(redirect, { "out-0": "1", send: "yes" });
  const { patrol, track } = await saved(phone, id);
  assert.deepEqual([track, patrol.cells], [undefined, []]);
});

test("a killed browser finds the patrol running with every point", async () => {
  const phone = await walker();
  const id = await walk(phone, 7);
  const again = storeOf(phone.store.session);
  assert.equal((await again.currentPatrol()).uuid, id);
  assert.equal((await again.pointsOf(id)).length, 7);
});

test("a track let go twice is one track, as it was the first time", async () => {
  const phone = await walker();
  const id = await walk(phone, 8);
  const { redirect } = await end(phone, id, 8);
  await phone.post(redirect, { send: "yes" });
  const twice = await phone.post(redirect, { "out-0": "1", send: "no" });
  assert.equal(twice.redirect, `/m/records/patrol:${id}`);
  assert.equal((await saved(phone, id)).track.doc.points.length, 8);
});

test("no point is kept of a patrol that is over, is another one, or was forgotten for a day", async () => {
  const phone = await walker();
  const post = async (id, fields, input) => (await phone.post(`/m/patrols/${id}/points`, fields, input)).status;
  assert.equal(await post("none", HERE), 409);
  const id = await walk(phone, 1);
  assert.equal(await post("other", HERE), 409);
  for (const wrong of [{ lat: "91" }, { lon: "x" }, { accuracy_m: "" }, { accuracy_m: "900" }]) assert.equal(await post(id, { ...HERE, ...wrong }), 422);
  assert.equal(await post(id, HERE, { now: NOW + 25 * 60 * MINUTE }), 409);
  await end(phone, id);
  assert.equal(await post(id, HERE), 409);
  assert.equal((await phone.store.pointsOf(id)).length, 1);
});

test("a phone whose server announces no database for tracks sends the patrol alone", async () => {
  const phone = await app();
  const id = await walk(phone, 3);
  const { redirect } = await end(phone, id, 3);
  await phone.post(redirect, { send: "yes" });
  const { patrol, track } = await saved(phone, id);
  assert.deepEqual([track, patrol.cells.length > 0], [undefined, true]);
});

test("a track leaves the phone once the server has it, photos of others' pages stay", async () => {
  const phone = await walker();
  const { session } = phone.store;
  const id = await walk(phone, 3);
  const { redirect } = await end(phone, id, 3);
  await phone.post(redirect, { send: "yes" });
  const { release } = await import("../../../pwa/src/store/outbox.js");
  assert.deepEqual(await removeClosed(session), [], "while it waits it stays");
  await release(session.author, (await entries(session.author)).map(({ key }) => key));
  assert.deepEqual(await removeClosed(session), [`track-${session.author}-202611`]);
  assert.notEqual(await phone.store.getRecord(`patrol:${id}`), null);
});

test("a patrol that was ended too early goes on, and the pause is an interruption", async () => {
  const phone = await walker();
  const id = await walk(phone, 5);
  await end(phone, id, 5);
  assert.equal((await phone.post(`/m/patrols/${id}/resume`)).redirect, "/m/");
  const today = (await phone.get("/m/")).data;
  assert.deepEqual([today.walking, today.patrol.is_over], [id, false]);
  assert.equal((await phone.post(`/m/patrols/${id}/points`, HERE, { now: NOW + 20 * MINUTE })).status, 204);
  const { redirect } = await end(phone, id, 21);
  await phone.post(redirect, { send: "yes" });
  const { patrol, track } = await saved(phone, id);
  assert.deepEqual([patrol.ended_at, track.doc.points.length], ["2026-11-23T08:21:00.000Z", 6]);
  assert.deepEqual(patrol.gaps, [["2026-11-23T08:04:00.000Z", "2026-11-23T08:20:00.000Z"]]);
  assert.equal((await phone.post(`/m/patrols/${id}/resume`)).redirect, `/m/records/patrol:${id}`);
  assert.equal(await phone.store.currentPatrol(), null, "what was let go does not come back");
});

test("Today counts every report of a patrol, however many, and none that was taken back", async () => {
  const phone = await walker();
  const report = async (text) => (await phone.post("/m/reports", filled(await phone.get("/m/report"), { category: "1101", text }))).redirect;
  await report("巡查前");
  await walk(phone, 1);
  for (let n = 0; n < 35; n += 1) await report(`第 ${n} 条`);
  assert.equal((await phone.get("/m/")).data.patrol.reports_count, 35);
  await phone.post(`/m/records/${(await report("看错了")).match(/report:[0-9a-f-]+/)[0]}/undo`);
  assert.equal((await phone.get("/m/")).data.patrol.reports_count, 35);
});

test("a clock that is set back in mid-patrol turns no time of it around", async () => {
  const phone = await walker();
  const id = await walk(phone, 5);
  assert.equal((await phone.post(`/m/patrols/${id}/points`, HERE, { now: NOW - 60 * MINUTE })).status, 204);
  assert.deepEqual((await phone.store.pointsOf(id)).map(([t_s]) => t_s), [0, 60, 120, 180, 240, 240]);
  const { redirect } = await end(phone, id, -50);
  assert.deepEqual((await phone.get(redirect)).data.minutes, "4");
  await phone.post(redirect, { send: "no" });
  const { patrol } = await saved(phone, id);
  assert.deepEqual([patrol.started_at, patrol.ended_at, patrol.gaps], ["2026-11-23T08:00:00.000Z", "2026-11-23T08:04:00.000Z", []]);
});

test("a patrol without a point does not end before it began either", async () => {
  const phone = await walker();
  const id = await walk(phone, 0);
  await end(phone, id, -50);
  const { patrol } = await saved(phone, id);
  assert.deepEqual([patrol.started_at, patrol.ended_at, patrol.gaps], ["2026-11-23T08:00:00.000Z", "2026-11-23T08:00:00.000Z", []]);
});

test("once the server has said how the clock was set, a patrol goes on by the time it began with", async () => {
  const phone = await walker({ offset_ms: 60 * MINUTE });
  const id = await walk(phone, 5);
  phone.store.session.offset_ms = 0; // an hour ahead before, right now
  await phone.post(`/m/patrols/${id}/points`, HERE, { now: NOW - 54 * MINUTE });
  assert.equal((await phone.store.pointsOf(id))[5][0], 360);
  const { redirect } = await end(phone, id, -53);
  await phone.post(redirect, { send: "yes" });
  const { patrol, track } = await saved(phone, id);
  assert.deepEqual([patrol.ended_at, patrol.clock_offset_ms, track.doc.clock_offset_ms], ["2026-11-23T08:07:00.000Z", 60 * MINUTE, 60 * MINUTE]);
});

test("every page says that positions are recorded while a patrol runs, and only then", async () => {
  const phone = await walker();
  assert.equal((await phone.get("/m/cases")).data.walking, "");
  const id = await walk(phone, 1);
  for (const path of ["/m/", "/m/cases", "/m/me", "/m/report"]) assert.equal((await phone.get(path)).data.walking, id);
});

test("interruptions are what lies between points too far apart in time, edges included", () => {
  const point = (t_s) => [t_s, 38.5, 106.1, 5];
  const stretches = stretchesOf([300, 400, 500, 1000, 1100].map(point));
  assert.deepEqual(stretches.map((one) => one.length), [3, 2]);
  assert.deepEqual(gapsOf(stretches, 1200), [[0, 300], [500, 1000]]);
  assert.deepEqual(gapsOf([], 1200), [[0, 1200]]);
  assert.deepEqual([gapsOf([], 60), gapsOf([], 0)], [[[0, 60]], []], "without a point there was nothing but interruption");
  assert.deepEqual(gapsOf(stretchesOf([point(10)]), 60), []);
});

test("points that could be anywhere are left out", () => {
  assert.deepEqual(stretchesOf([[0, 38.5, 106.1, 900], [60, 38.5, 106.1, 30]]), [[[60, 38.5, 106.1, 30]]]);
});

test("an hour of standing still is two points, a walk keeps its way", () => {
  const still = Array.from({ length: 40 }, (_, n) => [n * 90, 38.5 + (n % 2) * 0.00003, 106.1, 9]);
  assert.equal(thinned([still]).length, 2);
  const walked = Array.from({ length: 100 }, (_, n) => [n * 20, 38.5 + n * 0.0002, 106.1, 9]);
  assert.deepEqual(thinned([walked]), walked);
});

test("a day of walking fits into a document", () => {
  const day = Array.from({ length: 5000 }, (_, n) => [n * 17, 38.12345 + n * 0.00021, 106.12345 + n * 0.00021, 199]);
  assert.ok(JSON.stringify(thinned([day])).length < 250 * 1024);
});

test("parts are few however long the patrol was", () => {
  assert.deepEqual([partLength(600), partLength(3600), partLength(86_400)], [300, 300, 7200]);
  assert.equal(trimmed([[0, 0, 0, 5], [7300, 0, 0, 5]], { ...ALL, out: new Set([0]) }, 86_400).length, 1);
});

test("a sketch fits its sheet, whatever the way", () => {
  for (const points of [[[0, 38.5, 106.1, 5]], Array.from({ length: 50 }, (_, n) => [n * 60, 38.5, 106.1 + n * 0.001, 5])]) {
    const { height, runs, marks } = sketchOf([points], ALL, 3600);
    const all = runs.flatMap(({ points: text }) => text.split(" ").map((pair) => pair.split(",").map(Number)));
    assert.ok(all.every(([x, y]) => x >= 0 && x <= 328 && y >= 0 && y <= Number(height)));
    assert.equal(marks[0].n, "1");
  }
});

test("Today reads no more of a colleague's thousand records than of ten", async () => {
  const asked = [];
  for (const count of [10, 1000]) {
    const phone = await app();
    await phone.post("/m/reports", { category: "1101", text: "垃圾", grid: GRID });
    const theirs = Array.from({ length: count }, (_, n) => ({
      _id: `report:01934f00-0000-7000-8000-${String(n).padStart(12, "0")}`, _rev: "1-a", type: "report", v: 1, grid: GRID, author: "somebody", device: "d",
      captured_at: "2026-11-23T07:00:00.000Z", clock_offset_ms: 0, category: "1101", text: "x", urgency: "normal", place: null, photos: [], source: "patrol",
    }));
    await phone.pull(theirs);
    await phone.get("/m/");
    asked.push(await requestsOf(() => phone.get("/m/")));
  }
  assert.equal(asked[0], asked[1]);
});

/** How often the browser's database was asked meanwhile. */
async function requestsOf(work) {
  const real = IDBObjectStore.prototype.get;
  let count = 0;
  IDBObjectStore.prototype.get = function get(...given) {
    count += 1;
    return real.apply(this, given);
  };
  try {
    await work();
  } finally {
    IDBObjectStore.prototype.get = real;
  }
  return count;
}

test("one's own records from before there was an index are found all the same", async () => {
  const phone = await app();
  const { author } = phone.store.session;
  const old = { _id: "report:01934f00-0000-7000-8000-000000000001", _rev: "1-a", type: "report", v: 1, grid: GRID, author, device: "d",
    captured_at: "2026-11-23T07:00:00.000Z", clock_offset_ms: 0, category: "1101", text: "旧的", urgency: "normal", place: null, photos: [], source: "patrol" };
  await phone.pull([old]);
  assert.deepEqual((await phone.get("/m/")).data.recent.map(({ about }) => about), ["旧的"]);
});

