/**
 * 补充: a note about a report, and what its reporter may still ask for by one: withdrawing it, or sending a returned one again. Of an errand 代办,
 * which is its grid's and no one's own, whoever works there sends it again; it is withdrawn as an errand (`errands.js`).
 */
import { categoryName, nameIn, offeredOn, readCategories } from "./catalogue.js";
import { draftAt, originAgain, shownPieces, withKept } from "./drafts.js";
import { isRefused, judged, limitsOf, needed, newOrigin, originOf, textOf, within, withoutIdNumber } from "./fields.js";
import { notFound, page, refuse, savedOr } from "./pages.js";
import { checkPhotos, photosOfForm } from "./photos.js";
import { lastMove, pageOf } from "./rows.js";
import { withFates } from "./said.js";

/** What may be asked for in which state of the case. */
const INTENTS = Object.freeze({ reported: "withdraw", returned: "resubmit" });
/** Of what there are notes, and where they lie. */
const LIE_IN = Object.freeze({ report: "grid", errand: "home-quarter" });
/** An errand in one of these is no more worked at. */
const OVER = new Set(["done", "withdrawn"]);

/** What this user may still do about a report: `note`, and `withdraw` or `resubmit` in `intent`. @param {any} record @param {any[]} said notes about it so far, with `where` @param {string} author */
export function movesOf(record, said, author) {
  const { doc, where } = record;
  if (!LIE_IN[doc.type] || where.place === "refused") return { note: false, intent: "" };
  const intent = doc.type === "errand" ? intentOfErrand(doc, where) : intentOfReport(doc, where, author);
  // One that is on its way is not asked for a second time.
  const asksToo = (note) => (doc.type === "errand" || note.doc.author === author) && isAlive(note);
  const isAsked = withFates(said, where.case).some((note) => asksToo(note) && note.doc.intent === intent && note.fate?.is === "asked");
  return { note: true, intent: isAsked ? "" : intent };
}

/** One that was not accepted asks for nothing any more, once a clerk has decided so. */
function isAlive({ where }) {
  return where.place !== "refused" || where.outcome?.state === "waiting";
}

function intentOfReport(doc, where, author) {
  const state = where.case?.state ?? (doc.solved ? "" : "reported");
  return doc.author === author ? (INTENTS[state] ?? "") : "";
}

function intentOfErrand(doc, where) {
  return where.case?.state === "returned" && !OVER.has(doc.state) ? "resubmit" : "";
}

/** `GET /m/records/:id/note`, of an errand `GET /m/errands/:id/note` */
export async function showNoteForm(input, store, context) {
  const record = await store.getRecord(input.params.id);
  if (!record || !LIE_IN[record.doc.type]) return notFound(store, context, "cases");
  const intent = Object.values(INTENTS).includes(input.query.intent) ? input.query.intent : "";
  const at = `${input.path}${intent ? `?intent=${intent}` : ""}`;
  const draft = await draftAt(store, at, "note");
  return page(store, "note.html", {
    tab: record.doc.type === "errand" ? "homes" : "cases",
    title: context.t(`note.${intent || "plain"}`),
    back: pageOf(record.id),
    has_action: true,
    action: `${pageOf(record.id)}/notes`,
    takes_pictures: intent !== "withdraw",
    intent,
    limits: limitsOf(context),
    grids: [],
    grid: record.doc.grid,
    form: originAgain(draft) ?? newOrigin(store, input.now),
    at,
    // What is said of an errand is sealed, and kept as all that is typed there.
    is_kept: record.doc.type === "report",
    draft: draft?.uuid ?? "",
    ...(await shownPieces(store, draft)),
    ...(intent === "resubmit" ? await asReported(record, draft?.fields ?? {}, input.now, store, context) : { text: draft?.fields.text ?? "" }),
  });
}

/** The form of a returned report as it was sent, or as it was `begun` to be put right; its photos stay with the case. */
async function asReported({ doc, where }, begun, now_ms, store, { language }) {
  const shown = { again: true, reason: lastMove(where.case ?? {}, "return").reason ?? "" };
  if (doc.type === "errand") return { ...shown, text: begun.text ?? "" }; // its papers are put right on its own page
  const categories = offeredOn(await readCategories(store, now_ms), now_ms);
  const { text, address, category } = { text: doc.text, address: doc.place?.address ?? "", category: doc.category, ...begun };
  return {
    ...shown,
    kept: doc.photos,
    text,
    address,
    categories: categories.map(({ code, name }) => ({ value: code, label: nameIn(name, language), chosen: code === category })),
  };
}

/**
 * What is said: the text, and of a report that is sent again also what else was put right, in lines after it. Category and place are the
 * clerk's to amend, since a report never changes.
 * @returns {Promise<{text: string, lines: string[]}>}
 */
async function wordsOf({ form, now }, { doc }, store, { t, language }) {
  const { category = "", intent } = form;
  const address = textOf(form, "address");
  const isAgain = intent === "resubmit";
  const lines = [
    isAgain && category && category !== doc.category ? t("note.category_is", { name: categoryName(await readCategories(store, now), category, language) }) : "",
    isAgain && address && address !== doc.place?.address ? t("note.address_is", { address }) : "",
  ];
  return { text: textOf(form, "text"), lines: lines.filter(Boolean) };
}

/** `POST /m/records/:id/notes`, of an errand `POST /m/errands/:id/notes` */
export async function sendNote(given, store, context) {
  const input = await withKept(given, store);
  const answer = await saveNote(input, store, context);
  if ("redirect" in answer) await store.dropDraft(input.form.uuid);
  return answer;
}

/** Keeps a form's words and photos as a note about a record. */
export async function saveNote(input, store, context) {
  const { form } = input;
  const record = await store.getRecord(input.params.id);
  if (!record || !LIE_IN[record.doc.type]) return refuse(input, context, { label: "error.not_found" });
  const words = await wordsOf(input, record, store, context);
  const fields = checkNote(input, words, context);
  if (isRefused(fields)) return refuse(input, context, { label: "error.check" }, fields);
  const { uuid, captured_at } = originOf(form, store, input.now);
  const { grid } = record.doc;
  const text = [words.text, ...words.lines].filter(Boolean).join("\n");
  const refusal = await savedOr(store, input, context, async () => {
    const database = store.databaseFor(LIE_IN[record.doc.type], grid);
    const photos = await photosOfForm(input, store, { uuid, captured_at, grid, of: `note:${uuid}`, database });
    const intent = Object.values(INTENTS).includes(form.intent) ? { intent: form.intent } : {};
    const doc = store.mint("note", { uuid, grid, captured_at, of: record.id, text, photos: photos.ids, ...intent });
    await store.saveRecord({ docs: [{ database, doc }, ...photos.docs], blobs: photos.blobs });
  });
  return refusal ?? { redirect: `${pageOf(record.id)}?saved=1` };
}

function checkNote({ form, files }, { text, lines }, context) {
  const limits = limitsOf(context);
  const photos = files.photo ?? [];
  const isSaid = text || (!form.intent && photos.length);
  const missing = isSaid ? null : needed("", form.intent ? "wrong.reason_missing" : "wrong.nothing_said");
  return judged({
    text: missing ?? withLines(text, lines, limits.said) ?? withoutIdNumber(text),
    ...(form.intent === "resubmit" ? { address: within(textOf(form, "address"), limits.short) ?? withoutIdNumber(textOf(form, "address")) } : {}),
    photos: checkPhotos(photos, limits.photos),
  });
}

/** What was put right besides the text is said after it and has to fit, too. @returns {import("./fields.js").Wrong} */
function withLines(text, lines, limit) {
  const room = limit - lines.reduce((sum, line) => sum + 1 + [...line].length, 0);
  return within(text, room, lines.length ? "wrong.text_too_long_with" : undefined);
}
