/** 上报: saving a report with its photos and voice, and taking it back within seconds. The form itself is `report-form.js`'s. */
import { piecesOf, withKept } from "./drafts.js";
import { isRefused, judged, limitsOf, needed, numberOf, oneOf, originOf, textOf, within, withoutIdNumber } from "./fields.js";
import { saveNote } from "./notes.js";
import { gridChoice, isPolice, refuse, savedOr } from "./pages.js";
import { checkPhotos, photosOfForm, withPieces } from "./photos.js";
import { placePicked, rememberPlace } from "./places.js";
import { afterUndo } from "./raised.js";
import { SOURCES, URGENCIES, refusedBefore } from "./report-form.js";
import { uuidOf } from "../store/identity.js";

/** The photos of the report that is made anew come first, then the form's own. */
async function withPhotosBefore(input, store) {
  const before = await refusedBefore(store, input.form.from);
  const pieces = before ? piecesOf(before, []) : [];
  const sent = await Promise.all(pieces.map(({ key }) => store.photoBlob(key, "screen")));
  return withPieces(input, pieces.map((piece, at) => ({ ...piece, sent: sent[at] ?? undefined, thumb: sent[at] ?? undefined })));
}

/** `POST /m/reports`; with `same`, what was filled in becomes a note about that report instead. */
export async function saveReport(given, store, context) {
  const input = await withPhotosBefore(await withKept(given, store), store);
  const { form } = input;
  const picked = await placePicked(store, form, input.now, context);
  const place = placeOf(form, picked);
  // An emergency is never only a word more about something that somebody else has in hand.
  if (form.same && form.urgency !== "emergency") return saveAsNote(input, place, store, context);
  const { grids, grid } = await gridChoice(store, picked.grid || form.grid);
  if (!grids.length) return refuse(input, context, { label: "error.no_grid" });
  const fields = checkReport(input, place, context);
  if (isRefused(fields)) return refuse(input, context, { label: "error.check" }, fields);
  const { uuid, captured_at } = originOf(form, store, input.now);
  const refusal = await savedOr(store, input, context, async () => {
    const database = store.databaseFor("grid", grid);
    const record = { uuid, captured_at, grid, of: `report:${uuid}`, database };
    const [photos, after, voice] = await Promise.all([["photo"], form.solved ? ["after"] : [], ["voice"]].map((parts) => {
      return photosOfForm(input, store, record, /** @type {any} */ (parts));
    }));
    const doc = await reportOf(store, form, { uuid, captured_at, grid, photos: photos.ids, place });
    const solved = form.solved ? { text: textOf(form, "solved_text"), photos: after.ids } : null;
    const all = [photos, after, voice];
    await store.saveRecord({
      docs: [{ database, doc: { ...doc, solved, ...(voice.ids.length ? { voice: voice.ids[0] } : {}) } }, ...all.flatMap(({ docs }) => docs)],
      blobs: all.flatMap(({ blobs }) => blobs),
      form: formAgain(form),
    });
    await Promise.all([store.dropDraft(form.uuid), rememberPlace(store, form)]);
  });
  return refusal ?? { redirect: `/m/records/report:${uuid}?saved=1` };
}

/** What an undo fills in again. The photos of a refused report that it was made from are its own by now. */
function formAgain({ kept, pieces, from, ...form }) {
  return form;
}

/** A note has words and photos only: what else was filled in becomes lines of it. */
async function saveAsNote(input, place, store, context) {
  if (input.files.voice) return refuse(input, context, { label: "near.no_voice" });
  const { form } = input;
  const { t } = context;
  const joined = (lists, ...names) => names.flatMap((name) => lists[name] ?? []);
  const photos = form.solved ? {
    files: { photo: joined(input.files, "photo", "after"), thumb: joined(input.files, "thumb", "after_thumb"), original: joined(input.files, "original", "after_original") },
    every: { shot: joined(input.every, "shot", "after_shot") },
  } : {};
  const lines = [
    textOf(form, "text"),
    form.solved ? textOf(form, "solved_text") : "",
    place?.address ? t("near.address_is", { address: place.address }) : "",
    form.urgency === "urgent" ? t("urgency.urgent") : "",
  ];
  const text = lines.filter(Boolean).join("\n");
  const answer = await saveNote({ ...input, ...photos, form: { ...form, text }, params: { id: form.same } }, store, context);
  if ("redirect" in answer) await store.dropDraft(form.uuid);
  return answer;
}

function checkReport({ form, files }, place, context) {
  const limits = limitsOf(context);
  const [text, address, photos, after] = [textOf(form, "text"), place?.address ?? "", files.photo ?? [], files.after ?? []];
  const said = text || photos.length || files.voice ? null : { label: "wrong.nothing_said" };
  const done = textOf(form, "solved_text");
  return judged({
    photos: checkPhotos(photos, limits.photos),
    category: needed(textOf(form, "category"), "wrong.category_missing"),
    text: said ?? within(text, limits.text) ?? withoutIdNumber(text),
    after: form.solved ? checkPhotos(after, limits.photos) : null,
    solved_text: form.solved ? needed(done || after.length, "wrong.solved_missing") ?? within(done, limits.text) ?? withoutIdNumber(done) : null,
    address: within(address, limits.short, "wrong.place_too_long") ?? withoutIdNumber(address),
    urgency: form.urgency ? oneOf(form.urgency, URGENCIES, "wrong.category_missing") : null,
  });
}

async function reportOf(store, form, { uuid, captured_at, grid, photos, place }) {
  const running = await store.runningPatrol();
  return store.mint("report", {
    uuid,
    grid,
    captured_at,
    category: textOf(form, "category"),
    text: textOf(form, "text"),
    urgency: form.urgency || "normal",
    place,
    photos,
    source: sourceOf(store, form),
    patrol: running ? `patrol:${running.uuid}` : null,
  });
}

function sourceOf(store, form) {
  if (isPolice(store.session.user)) return "police";
  return SOURCES.includes(form.source) ? form.source : "patrol";
}

function placeOf(form, picked) {
  const lat = numberOf(form.lat, -90, 90);
  const lon = numberOf(form.lon, -180, 180);
  const isFound = lat !== null && lon !== null;
  const typed = textOf(form, "address");
  const address = [typed.startsWith(picked.address) ? "" : picked.address, typed].filter(Boolean).join(" ") || null;
  if (!isFound && !address) return null;
  const point = isFound ? { lat, lon, accuracy_m: numberOf(form.accuracy_m, 0, 1e6) } : { lat: null, lon: null, accuracy_m: null };
  return { ...point, datum: "WGS84", address, compound: picked.compound };
}

/** `POST /m/records/:id/undo`: the record is a draft again, and its form is shown; too late, the record's page says what is left to do. */
export async function undoReport(input, store) {
  const { id } = input.params;
  const record = await store.getRecord(id);
  const photos = record ? await store.photosOf(record) : [];
  const uuid = await afterUndo(uuidOf(id));
  const pieces = record ? piecesOf(record.doc, photos.map(({ doc }) => doc)) : [];
  const isBack = record ? await store.takeBack(id, { uuid, pieces }) : await store.draft(uuid);
  return { redirect: isBack ? `/m/report?draft=${uuid}` : `/m/records/${id}?late=1` };
}

/** `POST /m/records/:id/originals`: its user lets the originals go without Wi-Fi. */
export async function sendOriginals(input, store) {
  await store.sendOriginals(input.params.id);
  return { redirect: `/m/records/${input.params.id}` };
}
