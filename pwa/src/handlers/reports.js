/** 上报: the form of a new report, and saving it with its photos. */
import { catalogueOf, offeredOn, readCategories } from "./catalogue.js";
import {
  isRefused, judged, limitsOf, needed, newOrigin, numberOf, oneOf, options, originOf, textOf, within, withoutIdNumber,
} from "./fields.js";
import { gridChoice, isPolice, page, refuse, savedOr } from "./pages.js";
import { checkPhotos, photosOfForm } from "./photos.js";
import { uuidOf } from "../store/identity.js";

const TOP_COUNT = 3;
const URGENCIES = Object.freeze(["normal", "urgent", "emergency"]);
const SOURCES = Object.freeze(["patrol", "visit", "resident"]);

/** `GET /m/report` */
export async function showReportForm(input, store, context) {
  const [before, visit] = await Promise.all([refusedBefore(store, input.query.from), visitBehind(store, input.query.visit)]);
  const [uuid] = (visit?.reports ?? []).map(uuidOf);
  if (uuid && (await store.getRecord(`report:${uuid}`))) return { redirect: `/m/records/report:${uuid}` };
  const [choice, categories, used] = await Promise.all([
    gridChoice(store, (before ?? visit)?.grid), readCategories(store, input.now), store.mostUsedCategories(TOP_COUNT),
  ]);
  return page(store, "report.html", {
    tab: "report",
    title: context.t("report.title"),
    has_action: true,
    open_camera: input.query.camera === "1",
    ...choice,
    ...catalogueOf(offeredOn(categories, input.now), used, context.language, before?.category),
    urgencies: options(context, "urgency", URGENCIES, before?.urgency ?? "normal"),
    sources: isPolice(store.session.user) ? [] : options(context, "source", SOURCES, visit ? "visit" : "patrol"),
    limits: limitsOf(context),
    photos_again: before?.photos.length ?? 0,
    form: { ...newOrigin(store, input.now), ...formOf(before), ...(visit ? { uuid, address: visit.household ? "" : visit.address } : {}) },
  });
}

/**
 * The visit that found what is to be reported, or null. The report takes the id that the visit names; where the visit was goes along
 * when that was no household, whose files the police, who read reports, have no part in.
 */
async function visitBehind(store, id) {
  const record = id ? await store.getRecord(id) : null;
  return record?.doc.type === "visit" && record.doc.reports.length ? record.doc : null;
}

/** The report that is to be made anew because it was not accepted, or null. */
async function refusedBefore(store, id) {
  const record = id ? await store.getRecord(id) : null;
  return record?.doc.type === "report" && record.where.place === "refused" ? record.doc : null;
}

function formOf(before) {
  const { lat, lon, accuracy_m, address } = before?.place ?? {};
  const text = (value) => (value === null || value === undefined ? "" : String(value));
  return { from: before?._id ?? "", text: before?.text ?? "", address: text(address), lat: text(lat), lon: text(lon), accuracy_m: text(accuracy_m) };
}

/** The photos of the report that is made anew come first, then the form's own. */
async function withPhotosBefore(input, store) {
  const before = await refusedBefore(store, input.form.from);
  if (!before) return input;
  const blobs = (await Promise.all(before.photos.map((id) => store.photoBlob(id, "screen")))).filter(Boolean);
  const { photo = [], ...others } = input.files;
  const shot = [...blobs.map(() => ""), ...(input.every.shot ?? [])];
  const thumb = others.thumb ? { thumb: [...blobs, ...others.thumb] } : {};
  return { ...input, files: { ...others, ...thumb, photo: [...blobs, ...photo] }, every: { ...input.every, shot } };
}

/** `POST /m/reports` */
export async function saveReport(given, store, context) {
  const input = await withPhotosBefore(given, store);
  const { form } = input;
  const { grids, grid } = await gridChoice(store, form.grid);
  if (!grids.length) return refuse(input, context, { label: "error.no_grid" });
  const fields = checkReport(input, context);
  if (isRefused(fields)) return refuse(input, context, { label: "error.check" }, fields);
  const { uuid, captured_at } = originOf(form, store, input.now);
  const refusal = await savedOr(store, input, context, async () => {
    const database = store.databaseFor("grid", grid);
    const of = `report:${uuid}`;
    const photos = await photosOfForm(input, store, { uuid, captured_at, grid, of, database });
    const doc = await reportOf(store, form, { uuid, captured_at, grid, photos: photos.ids });
    await store.saveRecord({ docs: [{ database, doc }, ...photos.docs], blobs: photos.blobs });
  });
  return refusal ?? { redirect: `/m/records/report:${uuid}?saved=1` };
}

function checkReport({ form, files }, context) {
  const limits = limitsOf(context);
  const [text, address, photos] = [textOf(form, "text"), textOf(form, "address"), files.photo ?? []];
  const said = text || photos.length ? null : { label: "wrong.nothing_said" };
  return judged({
    photos: checkPhotos(photos, limits.photos),
    category: needed(textOf(form, "category"), "wrong.category_missing"),
    text: said ?? within(text, limits.text) ?? withoutIdNumber(text),
    address: within(address, limits.short, "wrong.address_too_long"),
    urgency: form.urgency ? oneOf(form.urgency, URGENCIES, "wrong.category_missing") : null,
  });
}

async function reportOf(store, form, { uuid, captured_at, grid, photos }) {
  const running = await store.currentPatrol();
  return store.mint("report", {
    uuid,
    grid,
    captured_at,
    category: textOf(form, "category"),
    text: textOf(form, "text"),
    urgency: form.urgency || "normal",
    place: placeOf(form),
    photos,
    source: sourceOf(store, form),
    patrol: running ? `patrol:${running.uuid}` : null,
    solved: null,
  });
}

function sourceOf(store, form) {
  if (isPolice(store.session.user)) return "police";
  return SOURCES.includes(form.source) ? form.source : "patrol";
}

function placeOf(form) {
  const lat = numberOf(form.lat, -90, 90);
  const lon = numberOf(form.lon, -180, 180);
  const isFound = lat !== null && lon !== null;
  const address = textOf(form, "address") || null;
  if (!isFound && !address) return null;
  const point = isFound ? { lat, lon, accuracy_m: numberOf(form.accuracy_m, 0, 1e6) } : { lat: null, lon: null, accuracy_m: null };
  return { ...point, datum: "WGS84", address, compound: null };
}
