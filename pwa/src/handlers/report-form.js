/** 上报: the form of a new report, filled from a draft, a refused report or a visit where there is one. */
import { catalogueOf, offeredOn, readCategories } from "./catalogue.js";
import { draftsOffered, shownPieces } from "./drafts.js";
import { dutyOf } from "./duty.js";
import { limitsOf, newOrigin, options } from "./fields.js";
import { gridChoice, isPolice, page } from "./pages.js";
import { photosIn } from "./photos.js";
import { placeChoice } from "./places.js";
import { raisedAs } from "./raised.js";
import { aboutRows } from "./rows.js";
import { uuidOf } from "../store/identity.js";

const TOP_COUNT = 3;
export const URGENCIES = Object.freeze(["normal", "urgent", "emergency"]);
export const SOURCES = Object.freeze(["patrol", "visit", "resident"]);

/** `GET /m/report` */
export async function showReportForm(input, store, context) {
  const { query, now } = input;
  const visit = await visitBehind(store, query.visit);
  const [raised] = visit?.reports ?? [];
  const begun = raised ? await raisedAs(store, raised) : null;
  if (begun?.record) return { redirect: `/m/records/${begun.record.id}` };
  const draft = query.draft ? await store.draft(query.draft) : (begun?.draft ?? null);
  const [before, pieces] = await Promise.all([refusedBefore(store, query.from ?? draft?.fields.from), shownPieces(store, draft)]);
  const drafted = draft ? { ...draft.fields, uuid: draft.uuid, from: before?._id ?? "" } : {};
  const form = { ...newOrigin(store, now), ...formOf(before), ...ofVisit(visit, raised && uuidOf(raised)), ...drafted };
  const photos_again = before ? photosIn(before).length : 0;
  const about = await aboutRows(store, context, now);
  const [choice, used, drafts, places] = await Promise.all([
    gridChoice(store, form.grid ?? (before ?? visit)?.grid), store.mostUsedCategories(TOP_COUNT), draftsOffered(store, about),
    placeChoice(store, form, now, context),
  ]);
  void store.prepareFor("grid", choice.grid); // the form is shown meanwhile
  const urgency = form.urgency ?? query.urgency ?? "normal";
  return page(store, "report.html", {
    tab: "report",
    title: context.t("report.title"),
    has_action: true,
    open_camera: query.camera === "1",
    ...choice,
    ...catalogueOf(offeredOn(about.categories, now), used, context.language, form.category),
    ...places,
    ...pieces,
    near: [],
    lacks_originals: photos_again > 0 || [...pieces.kept_photo, ...pieces.kept_after].some(({ is_small }) => is_small),
    drafts: drafts.filter(({ uuid }) => uuid !== form.uuid),
    drafts_back: "report",
    drafts_form: form.uuid,
    urgencies: options(context, "urgency", URGENCIES, urgency),
    is_alarm: urgency === "emergency",
    duty: await dutyOf(store, choice.grid, about.now_ms, context.language),
    sources: isPolice(store.session.user) ? [] : options(context, "source", SOURCES, form.source ?? (visit ? "visit" : "patrol")),
    limits: limitsOf(context),
    photos_again,
    form,
  });
}

/**
 * The visit that found what is to be reported, or null. The report takes the id that the visit names, if it names one; where the visit was goes along
 * when that was no household, whose files the police, who read reports, have no part in.
 */
async function visitBehind(store, id) {
  const record = id ? await store.getRecord(id) : null;
  return record?.doc.type === "visit" ? record.doc : null;
}

function ofVisit(visit, uuid) {
  return visit ? { ...(uuid ? { uuid } : {}), address: visit.household ? "" : visit.address } : {};
}

/** The report that is to be made anew because it was not accepted, or null. */
export async function refusedBefore(store, id) {
  const record = id ? await store.getRecord(id) : null;
  return record?.doc.type === "report" && record.where.place === "refused" ? record.doc : null;
}

function formOf(before) {
  if (!before) return { from: "", text: "", address: "" };
  const { lat, lon, accuracy_m, address, compound } = before.place ?? {};
  const text = (value) => (value === null || value === undefined ? "" : String(value));
  const solved = before.solved ? { solved: "1", solved_text: before.solved.text } : {};
  const { _id: from, text: said, category, urgency } = before;
  return { from, text: said, category, urgency, ...solved, address: text(address), compound: text(compound), lat: text(lat), lon: text(lon), accuracy_m: text(accuracy_m) };
}
