/** 补充: a note about a report, and what its reporter may still ask for by one: withdrawing it, or sending a returned one again. */
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
  const intent = doc.author === author ? (INTENTS[where.case?.state] ?? "") : "";
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
    reason: intent === "resubmit" ? (lastMove(record.where.case ?? {}, "return").reason ?? "") : "",
    takes_pictures: intent !== "withdraw",
    intent,
    limits: limitsOf(context),
    grids: [],
    grid: record.doc.grid,
    form: newOrigin(store, input.now),
  });
}

/** `POST /m/records/:id/notes` */
export async function saveNote(input, store, context) {
  const { form } = input;
  const record = await store.getRecord(input.params.id);
  if (record?.doc.type !== "report") return refuse(input, context, { label: "error.not_found" });
  const fields = checkNote(input, context);
  if (isRefused(fields)) return refuse(input, context, { label: "error.check" }, fields);
  const { uuid, captured_at } = originOf(form, store, input.now);
  const { grid } = record.doc;
  const refusal = await savedOr(store, input, context, async () => {
    const database = store.databaseFor("grid", grid);
    const photos = await photosOfForm(input, store, { uuid, captured_at, grid, of: `note:${uuid}`, database });
    const intent = Object.values(INTENTS).includes(form.intent) ? { intent: form.intent } : {};
    const doc = store.mint("note", { uuid, grid, captured_at, of: record.id, text: textOf(form, "text"), photos: photos.ids, ...intent });
    await store.saveRecord({ docs: [{ database, doc }, ...photos.docs], blobs: photos.blobs });
  });
  return refusal ?? { redirect: `/m/records/${record.id}?saved=1` };
}

function checkNote({ form, files }, context) {
  const limits = limitsOf(context);
  const [text, photos] = [textOf(form, "text"), files.photo ?? []];
  const isSaid = text || (!form.intent && photos.length);
  return judged({
    text: (isSaid ? null : needed("", form.intent ? "wrong.reason_missing" : "wrong.nothing_said")) ?? within(text, limits.said) ?? withoutIdNumber(text),
    photos: checkPhotos(photos, limits.photos),
  });
}
