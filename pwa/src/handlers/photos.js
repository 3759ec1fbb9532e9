/**
 * Photos and voice of a form as photo documents and bytes to keep. A form has parts (`PARTS`), each with its files; the page says beside
 * each file what is known of it (`shot`: JSON `{taken_at, lat, lon, width_px, height_px, thumb, original}`). All of it is optional and
 * none of it is trusted. `thumb: false`: the browser could not decode it, so no small picture comes with it; `original`: it is evidence,
 * kept byte for byte.
 */
import { photosNamed } from "../store/capture.js";
import { numberOf } from "./fields.js";

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
/** The parts of a form, with the number of a part's first photo: its id follows from that. */
export const PARTS = Object.freeze({ photo: 0, after: 100, voice: 200 });

/** What a part's further fields are called; those of the first part had their names before there were others. */
function named(part, what) {
  return part === "photo" ? what : `${part}_${what}`;
}

/**
 * @typedef {{uuid: string, captured_at: string, grid: string, of: string, database: string}} RecordFacts
 * @param {any} input @param {import("../store/index.js").Store} store @param {RecordFacts} record
 * @param {(keyof PARTS)[]} [parts]
 * @returns {Promise<{ids: string[], docs: {database: string, doc: any}[], blobs: {photo: string, role: string, blob: Blob}[]}>}
 */
export async function photosOfForm(input, store, record, parts = ["photo"]) {
  const made = (await Promise.all(parts.map((part) => photosOfPart(input, store, record, part)))).flat();
  return {
    ids: made.map(({ doc }) => doc._id),
    docs: made.map(({ doc }) => ({ database: record.database, doc })),
    blobs: made.flatMap(({ blobs }) => blobs),
  };
}

async function photosOfPart(input, store, record, part) {
  const queues = { thumb: [...(input.files[named(part, "thumb")] ?? [])], original: [...(input.files[named(part, "original")] ?? [])] };
  const files = (input.files[part] ?? []).map((blob, at) => {
    const shot = shotOf(input.every[named(part, "shot")]?.[at]);
    const thumb = shot.thumb ? queues.thumb.shift() : undefined;
    return { blob, shot, thumb, original: shot.thumb && shot.original ? queues.original.shift() : undefined };
  });
  return Promise.all(files.map(async (file, at) => photoOf(file, await uuidOfPhoto(record.uuid, PARTS[part] + at), store, record)));
}

/** What could not be decoded is evidence by itself when evidence is wanted: the same bytes do not go twice. */
async function photoOf({ blob, shot, thumb, original }, uuid, store, { captured_at, grid, of }) {
  const blobs = [{ role: !shot.thumb && shot.original ? "original" : "sent", blob }, ...(original ? [{ role: "original", blob: original }] : [])];
  const files = await Promise.all(blobs.map(async ({ role, blob: bytes }, at) => ({
    role,
    content_type: bytes.type.split(";")[0] || "image/jpeg",
    width_px: at ? null : shot.width_px,
    height_px: at ? null : shot.height_px,
    ...(await store.fingerprint(bytes)),
  })));
  const doc = store.mint("photo", { uuid, grid, captured_at, of, files, taken_at: shot.taken_at, place: shot.place });
  const all = [...blobs, ...(thumb ? [{ role: "thumb", blob: thumb }] : [])];
  return { doc, blobs: all.map((one) => ({ photo: doc._id, ...one })) };
}

/**
 * Puts files that are on this phone already before those of the form.
 * @param {any} input @param {{part: string, shot: string, sent?: Blob, thumb?: Blob, original?: Blob}[]} pieces
 */
export function withPieces(input, pieces) {
  const [files, every] = [{ ...input.files }, { ...input.every }];
  for (const part of Object.keys(PARTS)) {
    const own = pieces.filter((piece) => piece.part === part && (piece.sent ?? piece.original));
    const isEvidence = Boolean(input.form.evidence);
    const put = (lists, name, values) => values.length && (lists[name] = [...values, ...(lists[name] ?? [])]);
    put(files, part, own.map(({ sent, original }) => sent ?? original));
    put(files, named(part, "thumb"), own.flatMap(({ thumb }) => thumb ?? []));
    put(files, named(part, "original"), own.flatMap(({ sent, thumb, original }) => (isEvidence && sent && thumb && original) || []));
    put(every, named(part, "shot"), own.map(({ shot, thumb, original }) => {
      const isItsOwn = part !== "voice" && !thumb; // what could not be decoded
      return JSON.stringify({ ...parse(shot), thumb: Boolean(thumb), original: isEvidence && (isItsOwn || Boolean(original)) });
    }));
  }
  return { ...input, files, every };
}

/** Ids of the photos of a form's first part, before there are any. @param {string} record uuid of the record @param {number} count */
export async function idsOfPhotos(record, count) {
  return Promise.all(Array.from({ length: count }, async (_, at) => `photo:${await uuidOfPhoto(record, PARTS.photo + at)}`));
}

/**
 * A photo's id follows from its record's id and its place in the form: the same form posted twice names the same photos.
 * @param {string} record uuid of the record @param {number} at
 */
export async function uuidOfPhoto(record, at) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${record}/${at}`));
  const tail = Array.from(new Uint8Array(digest).slice(0, 6), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${record.slice(0, -12)}${tail}`;
}

function shotOf(text) {
  const told = parse(text);
  const lat = numberOf(told.lat, -90, 90);
  const lon = numberOf(told.lon, -180, 180);
  return {
    taken_at: INSTANT.test(told.taken_at) ? told.taken_at : null,
    place: lat === null || lon === null ? null : { lat, lon, accuracy_m: null, datum: "WGS84", address: null, compound: null },
    width_px: whole(told.width_px),
    height_px: whole(told.height_px),
    thumb: told.thumb !== false,
    original: told.original === true,
  };
}

function whole(value) {
  return Number.isInteger(value) && value > 0 ? value : null;
}

/** JSON that a page wrote, or `{}`. */
export function parse(text) {
  try {
    return JSON.parse(text || "{}") ?? {};
  } catch {
    return {};
  }
}

/** The photos a record names, without its voice note. @returns {string[]} */
export function photosIn(doc) {
  return photosNamed(doc).filter((id) => id !== doc.voice);
}

/** What is wrong with a form's photos. @returns {import("./fields.js").Wrong} */
export function checkPhotos(photos, limit) {
  if (photos.length > limit) return { label: "wrong.too_many_photos", slots: { limit } };
  return photos.every(({ type }) => type.startsWith("image/")) ? null : { label: "wrong.not_a_photo" };
}
