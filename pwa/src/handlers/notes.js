/** 补充: a note about a report, and what its reporter may still ask for by one: withdrawing it, or sending a returned one again. */
import { categoryName, nameIn, offeredOn, readCategories } from "./catalogue.js";
import { isRefused, judged, limitsOf, needed, newOrigin, originOf, textOf, within, withoutIdNumber } from "./fields.js";
import { notFound, page, refuse, savedOr } from "./pages.js";
import { checkPhotos, photosOfForm } from "./photos.js";
import { lastMove } from "./rows.js";

/** What may be asked for in which state of the case. */
const INTENTS = Object.freeze({ reported: "withdraw", returned: "resubmit" });

/** What this user may still do about a report: `note`, and `withdraw` or `resubmit` in `intent`. @param {any} record @param {any[]} said about it so far @param {string} author */
export function movesOf(record, said, author) {
  const { doc, where } = record;
  if (doc.type !== "report" || where.place === "refused") return { note: false, intent: "" };
  const state = where.case?.state ?? (doc.solved ? "" : "reported");
  const intent = doc.author === author ? (INTENTS[state] ?? "") : "";
  // One that is on its way is not asked for a second time.
  const since = intent === "resubmit" ? (lastMove(where.case, "return").at ?? "") : "";
  const isAsked = said.some((note) => note.doc.intent === intent && note.doc.captured_at > since);
  return { note: true, intent: isAsked ? "" : intent };
}

/** `GET /m/records/:id/note` */
export async function showNoteForm(input, store, context) {
  const record = await store.getRecord(input.params.id);
  if (record?.doc.type !== "report") return notFound(store, context, "cases");
  const intent = Object.values(INTENTS).includes(input.query.intent) ? input.query.intent : "";
  return page(store, "note.html", {
    tab: "cases",
    title: context.t(`note.${intent || "plain"}`),
    back: `/m/records/${record.id}`,
    has_action: true,
    id: record.id,
    takes_pictures: intent !== "withdraw",
    intent,
    limits: limitsOf(context),
    grids: [],
    grid: record.doc.grid,
    form: newOrigin(store, input.now),
    ...(intent === "resubmit" ? await asReported(record, input.now, store, context) : {}),
  });
}

/** The form of a returned report as it was sent; its photos stay with the case. */
async function asReported({ doc, where }, now_ms, store, { language }) {
  const categories = offeredOn(await readCategories(store, now_ms), now_ms);
  return {
    again: true,
    reason: lastMove(where.case ?? {}, "return").reason ?? "",
    kept: doc.photos,
    text: doc.text,
    address: doc.place?.address ?? "",
    categories: categories.map(({ code, name }) => ({ value: code, label: nameIn(name, language), chosen: code === doc.category })),
  };
}

/**
 * What is said: the text, and of a report that is sent again also what else was put right. Category and place are the clerk's to amend, since
 * a report never changes.
 */
async function wordsOf({ form, now }, { doc }, store, { t, language }) {
  const { category = "", intent } = form;
  const address = textOf(form, "address");
  const isAgain = intent === "resubmit";
  return [
    textOf(form, "text"),
    isAgain && category && category !== doc.category ? t("note.category_is", { name: categoryName(await readCategories(store, now), category, language) }) : "",
    isAgain && address && address !== doc.place?.address ? t("note.address_is", { address }) : "",
  ].filter(Boolean).join("\n");
}

/** `POST /m/records/:id/notes` */
export async function saveNote(input, store, context) {
  const { form } = input;
  const record = await store.getRecord(input.params.id);
  if (record?.doc.type !== "report") return refuse(input, context, { label: "error.not_found" });
  const text = await wordsOf(input, record, store, context);
  const fields = checkNote(input, text, context);
  if (isRefused(fields)) return refuse(input, context, { label: "error.check" }, fields);
  const { uuid, captured_at } = originOf(form, store, input.now);
  const { grid } = record.doc;
  const refusal = await savedOr(store, input, context, async () => {
    const database = store.databaseFor("grid", grid);
    const photos = await photosOfForm(input, store, { uuid, captured_at, grid, of: `note:${uuid}`, database });
    const intent = Object.values(INTENTS).includes(form.intent) ? { intent: form.intent } : {};
    const doc = store.mint("note", { uuid, grid, captured_at, of: record.id, text, photos: photos.ids, ...intent });
    await store.saveRecord({ docs: [{ database, doc }, ...photos.docs], blobs: photos.blobs });
  });
  return refusal ?? { redirect: `/m/records/${record.id}?saved=1` };
}

function checkNote({ form, files }, text, context) {
  const limits = limitsOf(context);
  const photos = files.photo ?? [];
  const isSaid = form.intent ? textOf(form, "text") : text || photos.length;
  return judged({
    text: (isSaid ? null : needed("", form.intent ? "wrong.reason_missing" : "wrong.nothing_said")) ?? within(text, limits.said) ?? withoutIdNumber(text),
    photos: checkPhotos(photos, limits.photos),
  });
}
