/** Sending photo files with the phone's own tus client: what arrives, what is sent anew, what is refused, and what waits. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { jpeg, phone, report } from "./phone.mjs";
import "./xhr.mjs";

const { retryDamaged, sendPhotos } = await import("../../../pwa/src/sync/uploads.js");
const { MOST_FAULTS, faultWait, verdictOf } = await import("../../../pwa/src/sync/verdicts.js");
const { noteUpload, uploads } = await import("../../../pwa/src/store/outbox.js");
const HOOKS = { shouldStop: () => false, onProgress: () => undefined };

/** A server that answers each new file with `answers[n](body)`, the last one from then on; tells what came. */
function uploading(...answers) {
  const asked = [];
  globalThis.fetch = async (path, { method, headers, body }) => {
    asked.push({ method, path: String(path), size_bytes: body?.size ?? 0, photo: photoOf(headers["Upload-Metadata"]) });
    const answer = answers[Math.min(asked.length, answers.length) - 1];
    return answer({ size_bytes: body?.size ?? 0, photo: photoOf(headers["Upload-Metadata"]) });
  };
  return asked;
}

function photoOf(metadata = "") {
  return atob(metadata.match(/photo ([^,]+)/)?.[1] ?? "");
}

const stored = ({ size_bytes }) => new Response(null, { status: 201, headers: { Location: "/api/uploads/a", "Upload-Offset": String(size_bytes) } });
const refusing = (status, code, more = {}, headers = {}) => () => new Response(JSON.stringify({ code, ...more }), { status, headers });

async function phoneWithPhotos(count) {
  const store = await phone();
  const made = await report(store, { photos: Array.from({ length: count }, (_, at) => jpeg(500 + at)) });
  await store.saveRecord(made);
  return { store, id: made.docs[0].doc._id, author: store.session.author };
}

/** As if the time of a damaged file's next try had come. */
async function waited(author) {
  for (const { key } of await uploads(author)) await noteUpload(author, key, { retry_at_ms: 0 });
}

test("a file the server keeps is unsent no more", async () => {
  const { store } = await phoneWithPhotos(1);
  uploading(stored);
  assert.equal(await sendPhotos(store.session, HOOKS), null);
  assert.equal((await store.unsent()).photos, 0);
});

test("a file that arrived damaged is sent anew after a wait, and does not hold up the others", async () => {
  const { store, author } = await phoneWithPhotos(2);
  const asked = uploading(refusing(422, "hash_mismatch", { quarantined: false }), stored);
  const wait_ms = await sendPhotos(store.session, HOOKS);
  assert.ok(wait_ms > 0 && wait_ms <= faultWait(1));
  assert.deepEqual([asked.length, (await store.unsent()).photos], [2, 1]);
  await sendPhotos(store.session, HOOKS);
  assert.equal(asked.length, 2, "not before its time");
  await waited(author);
  await sendPhotos(store.session, HOOKS);
  assert.deepEqual([asked[2].method, asked[2].photo], ["POST", asked[0].photo], "as a new upload of the same photo");
  assert.equal((await store.unsent()).photos, 0);
});

test("a file damaged again and again stays unsent, says so, and is tried once more when somebody asks", async () => {
  const { store, id, author } = await phoneWithPhotos(1);
  const asked = uploading(refusing(422, "hash_mismatch", { quarantined: false }));
  for (let n = 0; n < MOST_FAULTS + 2; n += 1) {
    await waited(author);
    await sendPhotos(store.session, HOOKS);
  }
  assert.equal(asked.length, MOST_FAULTS);
  const { photos_refused, photos_unsent } = await store.whereIs(id);
  assert.deepEqual([photos_refused[0].code, photos_refused[0].is_kept, photos_unsent], ["hash_mismatch", false, 1]);
  assert.equal((await store.unsent()).photos, 1);
  await retryDamaged(author);
  uploading(stored);
  await sendPhotos(store.session, HOOKS);
  assert.deepEqual([(await store.unsent()).photos, (await store.whereIs(id)).photos_refused], [0, []]);
});

for (const code of ["not_an_image", "image_truncated", "image_too_large", "photo_conflict"]) {
  test(`a file put aside as ${code} is unsent no more, stands refused, and is not sent again`, async () => {
    const { store, id, author } = await phoneWithPhotos(1);
    const asked = uploading(refusing(422, code, { quarantined: true }));
    await sendPhotos(store.session, HOOKS);
    await retryDamaged(author);
    await sendPhotos(store.session, HOOKS);
    assert.equal(asked.length, 1);
    assert.equal((await store.unsent()).photos, 0);
    const { photos_unsent, photos_refused } = await store.whereIs(id);
    const [{ n, of, code: told, is_kept }] = photos_refused;
    assert.deepEqual([photos_unsent, n, of, told, is_kept], [0, 1, "file", code, true]);
    assert.deepEqual(await store.withRefusedPhotos(), [id]);
  });
}

for (const [status, code] of [[503, "storage_full"], [507, ""], [503, "unavailable"]]) {
  test(`a server that answers ${status} ${code} keeps every file on the phone, for the time it asks`, async () => {
    const { store } = await phoneWithPhotos(2);
    const asked = uploading(refusing(status, code, {}, { "Retry-After": "60" }));
    await assert.rejects(sendPhotos(store.session, HOOKS), { name: "Busy", status, reason: code, retry_after_s: 60 });
    assert.deepEqual([asked.length, (await store.unsent()).photos], [1, 2]);
  });
}

test("only what lies in quarantine or can never be right is refused for good", () => {
  const kinds = [[422, true], [422, false], [403, false], [410, true], [413, false], [429, false], [500, false], [503, false], [0, false]]
    .map(([status, quarantined]) => verdictOf(Number(status), { code: "x", quarantined: Boolean(quarantined) }).kind);
  assert.deepEqual(kinds, ["refused", "fault", "refused", "refused", "refused", "failed", "failed", "failed", "failed"]);
});
