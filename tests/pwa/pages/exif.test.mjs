/** What is read of a camera's notes: both byte orders, JPEG and HEIC alike, and nothing of what is broken. */
import assert from "node:assert/strict";
import { test } from "node:test";

const { readExif } = await import("../../../pwa/src/page/exif.js");
const NOTHING = { taken_at: null, lat: null, lon: null };
const TEXT = 2;
const LONG = 4;
const RATIO = 5;

/** A TIFF structure: its main table points to the camera's and the place's. */
function notes({ isLittle = true, exif = [], gps = [] } = {}) {
  const view = new DataView(new ArrayBuffer(1024));
  let free = 600;
  const table = (at, rows) => {
    view.setUint16(at, rows.length, isLittle);
    rows.forEach(([tag, type, values], n) => {
      const row = at + 2 + n * 12;
      const size = { [TEXT]: 1, [LONG]: 4, [RATIO]: 8 }[type] * values.length;
      view.setUint16(row, tag, isLittle);
      view.setUint16(row + 2, type, isLittle);
      view.setUint32(row + 4, values.length, isLittle);
      let to = row + 8;
      if (size > 4) {
        view.setUint32(row + 8, free, isLittle);
        [to, free] = [free, free + size];
      }
      for (const value of values) to = put(type, to, value);
    });
  };
  const put = (type, to, value) => {
    if (type === TEXT) return view.setUint8(to, value.charCodeAt(0)), to + 1;
    view.setUint32(to, type === RATIO ? Math.round(value * 1e4) : value, isLittle);
    if (type === RATIO) view.setUint32(to + 4, 1e4, isLittle);
    return to + (type === RATIO ? 8 : 4);
  };
  view.setUint16(0, isLittle ? 0x4949 : 0x4d4d);
  view.setUint16(2, 42, isLittle);
  view.setUint32(4, 8, isLittle);
  table(8, [[0x8769, LONG, [100]], [0x8825, LONG, [300]]]);
  table(100, exif);
  table(300, gps);
  return new Uint8Array(view.buffer);
}

const word = new Uint8Array([0x45, 0x78, 0x69, 0x66, 0, 0]);
const jpeg = (tiff) => new Blob([new Uint8Array([0xff, 0xd8, 0xff, 0xe1, 0, 0]), word, tiff, new Uint8Array(300)], { type: "image/jpeg" });
const text = (value) => [...`${value}\0`];
const taken = [0x9003, TEXT, text("2026:11:24 08:05:00")];
const zone = [0x9011, TEXT, text("+08:00")];
const place = (ns, ew) => [[1, TEXT, text(ns)], [2, RATIO, [38, 29, 24]], [3, TEXT, text(ew)], [4, RATIO, [106, 8, 60]]];

for (const isLittle of [true, false]) {
  test(`time with its zone and place are read, ${isLittle ? "little" : "big"} end first`, async () => {
    const found = await readExif(jpeg(notes({ isLittle, exif: [taken, zone], gps: place("N", "E") })));
    assert.equal(found.taken_at, "2026-11-24T00:05:00.000Z");
    assert.deepEqual([found.lat?.toFixed(4), found.lon?.toFixed(4)], ["38.4900", "106.1500"]);
  });
}

test("a time without a zone is the phone's own, south and west are negative", async () => {
  const found = await readExif(jpeg(notes({ exif: [[0x9004, TEXT, text("2026:11:24 08:05:00")]], gps: place("S", "W") })));
  assert.equal(found.taken_at, new Date("2026-11-24T08:05:00").toISOString());
  assert.deepEqual([found.lat?.toFixed(4), found.lon?.toFixed(4)], ["-38.4900", "-106.1500"]);
});

test("the notes of a HEIC are found wherever they lie", async () => {
  const heic = new Blob([new Uint8Array(700_000), word, notes({ exif: [taken, zone] })], { type: "image/heic" });
  assert.equal((await readExif(heic)).taken_at, "2026-11-24T00:05:00.000Z");
});

test("no notes, empty ones, a time that is none and tables that point out of the file are no error", async () => {
  const broken = notes({ exif: [taken] });
  broken[4] = 0xff;
  broken[5] = 0xff;
  const blank = [0x9003, TEXT, text("    :  :     :  :  ")];
  const nowhere = [[1, TEXT, text("N")], [2, RATIO, [200, 0, 0]], [3, TEXT, text("E")], [4, RATIO, [106, 0, 0]]];
  for (const file of [new Blob([]), new Blob([new Uint8Array(9000)]), jpeg(notes()), jpeg(broken), jpeg(notes({ exif: [blank], gps: nowhere }))]) {
    assert.deepEqual(await readExif(file), NOTHING);
  }
});
