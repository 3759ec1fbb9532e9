/** 上报: the form of a new report, and saving it with its photos. */
import { catalogueOf, readCategories } from "./catalogue.js";
import {
  isRefused, judged, limitsOf, needed, newOrigin, numberOf, oneOf, options, originOf, textOf, within, withoutIdNumber,
} from "./fields.js";
import { gridChoice, isPolice, page, refuse, savedOr } from "./pages.js";
import { photosOfForm } from "./photos.js";

const TOP_COUNT = 3;
const URGENCIES = Object.freeze(["normal", "urgent", "emergency"]);
const SOURCES = Object.freeze(["patrol", "visit", "resident"]);

/** `GET /m/report` */
export async function showReportForm(input, store, context) {
  const [choice, categories, used] = await Promise.all([
    gridChoice(store), readCategories(store, input.now), store.mostUsedCategories(TOP_COUNT),
  ]);
  return page(store, "report.html", {
    tab: "report",
    title: context.t("report.title"),
    has_action: true,
    open_camera: input.query.camera === "1",
    ...choice,
    ...catalogueOf(categories, used, context.language),
    urgencies: options(context, "urgency", URGENCIES, "normal"),
    sources: isPolice(store.session.user) ? [] : options(context, "source", SOURCES, "patrol"),
    limits: limitsOf(context),
    form: { ...newOrigin(store, input.now), text: "", address: "", lat: "", lon: "", accuracy_m: "" },
  });
}

/** `POST /m/reports` */
export async function saveReport(input, store, context) {
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

function checkPhotos(photos, limit) {
  if (photos.length > limit) return { label: "wrong.too_many_photos", slots: { limit } };
  return photos.every(({ type }) => type.startsWith("image/")) ? null : { label: "wrong.not_a_photo" };
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
