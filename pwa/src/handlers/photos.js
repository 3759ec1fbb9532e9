/**
 * Photos of a form as photo documents and bytes to keep. The page has shrunk them and says beside each file what the
 * camera wrote (`shot`: JSON `{taken_at, lat, lon, width_px, height_px}`); all of it is optional and none of it is trusted.
 */
import { numberOf } from "./fields.js";

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/**
 * @param {any} input @param {import("../store/index.js").Store} store
 * @param {{uuid: string, captured_at: string, grid: string, of: string, database: string}} record
 * @returns {Promise<{ids: string[], docs: {database: string, doc: any}[], blobs: {photo: string, role: string, blob: Blob}[]}>}
 */
export async function photosOfForm(input, store, record) {
  const files = input.files.photo ?? [];
  const made = await Promise.all(files.map((blob, at) => photoOf(input, store, record, blob, at)));
  return {
    ids: made.map(({ doc }) => doc._id),
    docs: made.map(({ doc }) => ({ database: record.database, doc })),
    blobs: made.flatMap(({ blobs }) => blobs),
  };
}

async function photoOf(input, store, { uuid, captured_at, grid, of }, blob, at) {
  const shot = shotOf(input.every.shot?.[at]);
  const file = {
    role: "sent",
    content_type: blob.type || "image/jpeg",
    width_px: shot.width_px,
    height_px: shot.height_px,
    ...(await store.fingerprint(blob)),
  };
  const doc = store.mint("photo", {
    uuid: await uuidOfPhoto(uuid, at), grid, captured_at, of, files: [file], taken_at: shot.taken_at, place: shot.place,
  });
  const thumb = input.files.thumb?.[at];
  const small = thumb ? [{ photo: doc._id, role: "thumb", blob: thumb }] : [];
  return { doc, blobs: [{ photo: doc._id, role: "sent", blob }, ...small] };
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
  };
}

function whole(value) {
  return Number.isInteger(value) && value > 0 ? value : null;
}

function parse(text) {
  try {
    return JSON.parse(text || "{}") ?? {};
  } catch {
    return {};
  }
}

/** What is wrong with a form's photos. @returns {import("./fields.js").Wrong} */
export function checkPhotos(photos, limit) {
  if (photos.length > limit) return { label: "wrong.too_many_photos", slots: { limit } };
  return photos.every(({ type }) => type.startsWith("image/")) ? null : { label: "wrong.not_a_photo" };
}
