/**
 * What the camera wrote into a photo that a record needs: when and where it was taken. Everything else is left unread.
 * The notes are a TIFF structure behind the word "Exif", in JPEG as in HEIC (Exif 2.32, CIPA DC-008): the word is looked for instead
 * of walking each container, in the first part of a JPEG, where it must be, and in all of another file.
 */

const HEAD_BYTES = 256 * 1024;
const [EXIF, GPS, TAKEN, DIGITIZED, ZONE] = [0x8769, 0x8825, 0x9003, 0x9004, 0x9011];
const [SOUTH_NORTH, LATITUDE, WEST_EAST, LONGITUDE] = [1, 2, 3, 4];
/** Bytes of one value by its type; types that are not here are not ours to read. */
const SIZES = Object.freeze({ 2: 1, 3: 2, 4: 4, 5: 8 });

/** @param {Blob} file @returns {Promise<{taken_at: string | null, lat: number | null, lon: number | null}>} */
export async function readExif(file) {
  try {
    const head = (await notesIn(file.slice(0, HEAD_BYTES))) ?? (file.type === "image/jpeg" ? null : await notesIn(file));
    if (head) return noteOf(head);
  } catch {
    // a photo without readable notes is still a photo
  }
  return { taken_at: null, lat: null, lon: null };
}

/** The TIFF structure in a file, or null. @param {Blob} part @returns {Promise<DataView | null>} */
async function notesIn(part) {
  const bytes = new Uint8Array(await part.arrayBuffer());
  const view = new DataView(bytes.buffer);
  for (let at = bytes.indexOf(0x45); at >= 0 && at + 14 < bytes.length; at = bytes.indexOf(0x45, at + 1)) {
    const isWord = view.getUint32(at) === 0x45786966 && view.getUint16(at + 4) === 0;
    if (isWord && [0x49492a00, 0x4d4d002a].includes(view.getUint32(at + 6))) return new DataView(bytes.buffer, at + 6);
  }
  return null;
}

/** @param {DataView} view */
function noteOf(view) {
  const isLittle = view.getUint16(0) === 0x4949;
  const main = tableAt(view, view.getUint32(4, isLittle), isLittle);
  const exif = main[EXIF] ? tableAt(view, main[EXIF][0], isLittle) : {};
  const gps = main[GPS] ? tableAt(view, main[GPS][0], isLittle) : {};
  const [lat, lon] = [degrees(gps[LATITUDE], gps[SOUTH_NORTH] === "S"), degrees(gps[LONGITUDE], gps[WEST_EAST] === "W")];
  const isPlace = Math.abs(lat) <= 90 && Math.abs(lon) <= 180;
  return { taken_at: momentOf(exif[TAKEN] ?? exif[DIGITIZED], exif[ZONE]), lat: isPlace ? lat : null, lon: isPlace ? lon : null };
}

/** Values of one table of tags: a text, or a list of numbers. @returns {Record<number, any>} */
function tableAt(view, start, isLittle) {
  /** @type {Record<number, any>} */
  const table = {};
  for (let n = 0; n < view.getUint16(start, isLittle); n += 1) {
    const at = start + 2 + n * 12;
    const [type, count] = [view.getUint16(at + 2, isLittle), view.getUint32(at + 4, isLittle)];
    const size_bytes = (SIZES[type] ?? 0) * count;
    if (!size_bytes || size_bytes > 64) continue;
    const from = size_bytes > 4 ? view.getUint32(at + 8, isLittle) : at + 8;
    const values = Array.from({ length: count }, (_, nth) => numberAt(view, type, from + nth * SIZES[type], isLittle));
    table[view.getUint16(at, isLittle)] = type === 2 ? String.fromCharCode(...values).split("\0")[0] : values;
  }
  return table;
}

function numberAt(view, type, at, isLittle) {
  if (type === 2) return view.getUint8(at);
  if (type === 3) return view.getUint16(at, isLittle);
  return type === 4 ? view.getUint32(at, isLittle) : view.getUint32(at, isLittle) / view.getUint32(at + 4, isLittle);
}

function degrees([whole, minutes, seconds] = [NaN, 0, 0], isNegative) {
  const value = whole + (minutes || 0) / 60 + (seconds || 0) / 3600;
  return isNegative ? -value : value;
}

/** The camera's "2026:11:24 08:05:00" is the phone's local time unless its zone stands beside it. */
function momentOf(text = "", zone = "") {
  const [, day, time] = text.match(/^(\d{4}:\d\d:\d\d) (\d\d:\d\d:\d\d)/) ?? [];
  const moment = new Date(`${day?.replaceAll(":", "-")}T${time}${/^[+-]\d\d:\d\d$/.test(zone) ? zone : ""}`);
  return Number.isNaN(moment.getTime()) ? null : moment.toISOString();
}
