/**
 * Drafts of forms: kept while one is filled in, and read again when it is shown. The page (`page/draft.js`) posts what changed. Those of the
 * report form are offered after a crash or an undo and never in the way of a new report; one that belongs to an address (`at`: an answer to a
 * task, a note about a report) is filled in again there and offered nowhere else.
 */
import { photosNamed } from "../store/capture.js";
import { categoryName } from "./catalogue.js";
import { momentOf } from "./moments.js";
import { notFound } from "./pages.js";
import { parse, withPieces } from "./photos.js";
import { aboutRows, snippet } from "./rows.js";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const ROLES = Object.freeze(["sent", "thumb", "original"]);
/** Pages whose forms keep their draft by their own address. */
const PLACES = /^\/m\/(tasks|records)\//;

/** `POST /m/drafts/:uuid`: the whole form's fields, what pieces it has, and the bytes of new ones (`<role>:<key>`). */
export async function keepDraft(input, store, context) {
  const { uuid } = input.params;
  if (!UUID_V7.test(uuid)) return notFound(store, context, "report");
  const { pieces: told, at = "", ...fields } = input.form;
  const before = (await store.draft(uuid))?.pieces ?? [];
  const listed = Object.values(parse(told)).filter(({ key, part }) => key && part);
  const pieces = listed.map((piece) => ({ shot: "", ...before.find(({ key }) => key === piece.key), ...piece }));
  const files = pieces.flatMap(({ key }) => ROLES.flatMap((role) => (input.files[`${role}:${key}`] ?? []).map((blob) => ({ key, role, blob }))));
  await store.keepDraft({ uuid, fields, pieces, saved_at: new Date(input.now).toISOString(), ...(PLACES.test(at) ? { at } : {}) }, files);
  return { template: "draft-kept.html", data: {} };
}

/**
 * `POST /m/drafts/:uuid/drop`; one that belongs to an address leaves its form there empty. Of the others htmx gets those that are left, since
 * another form may be being filled in around them.
 */
export async function dropDraft(input, store, context) {
  const draft = await store.draft(input.params.uuid);
  await store.dropDraft(input.params.uuid);
  if (draft?.at) return { redirect: draft.at };
  const { back, open } = input.form;
  if (!input.is_htmx) return { redirect: back === "report" ? "/m/report" : "/m/" };
  const drafts = await draftsOffered(store, await aboutRows(store, context, input.now));
  return { template: "drafts.html", data: { drafts: drafts.filter(({ uuid }) => uuid !== open), drafts_back: back, drafts_form: open, is_unfolded: true } };
}

/** What was begun at an address, or null; one whose record (of `type`) was saved in the meantime is none. @param {any} store @param {string} at @param {string} type */
export async function draftAt(store, at, type) {
  const draft = (await store.drafts()).find((one) => one.at === at);
  if (!draft || !(await store.getRecord(`${type}:${draft.uuid}`))) return draft ?? null;
  await store.dropDraft(draft.uuid);
  return null;
}

/** The id and capture time that a draft's form had when it was begun. */
export function originAgain(draft) {
  return draft ? { uuid: draft.uuid, captured_at: draft.fields.captured_at } : null;
}

/** All drafts as pages offer them; one whose report was saved in the meantime is none. @param {any} store @param {any} about what rows need to know */
export async function draftsOffered(store, about) {
  const { categories, language, t, now_ms } = about;
  const open = [];
  for (const draft of (await store.drafts()).filter(({ at }) => !at)) {
    if (await store.getRecord(`report:${draft.uuid}`)) await store.dropDraft(draft.uuid);
    else open.push(draft);
  }
  return open.map(({ uuid, fields, pieces, saved_at }) => ({
    uuid,
    lead: [categoryName(categories, fields.category, language), snippet(fields.text ?? "")].filter(Boolean).join(" · ") || t("draft.untitled"),
    photos: pieces.filter(({ part }) => part !== "voice").length,
    at: momentOf(saved_at, now_ms),
  }));
}

/**
 * The pieces of a draft as its form shows them again, by part: `{kept_photo: [{key, href, is_as_is, is_small}], …}`. `is_as_is`: no browser
 * shows it; `is_small`: the camera's own file is not here any more.
 */
export async function shownPieces(store, draft) {
  const shown = await Promise.all((draft?.pieces ?? []).map(async ({ key, part }) => {
    const { sent, thumb, original } = await store.draftFiles(draft.uuid, key);
    const href = `/m/drafts/${draft.uuid}/files/${encodeURIComponent(key)}`;
    return { key, part, href, is_as_is: !thumb && /hei[cf]/.test((sent ?? original)?.type ?? ""), is_small: Boolean(thumb && !original) };
  }));
  const of = (wanted) => shown.filter(({ part }) => part === wanted);
  return { kept_photo: of("photo"), kept_after: of("after"), kept_voice: of("voice") };
}

/** A form's input with the pieces of its draft that it still shows (`kept`). */
export async function withKept(input, store) {
  const kept = input.every.kept ?? [];
  const draft = kept.length ? await store.draft(input.form.uuid) : null;
  const pieces = (draft?.pieces ?? []).filter(({ key }) => kept.includes(key));
  return withPieces(input, await Promise.all(pieces.map(async (piece) => ({ ...piece, ...(await store.draftFiles(draft?.uuid, piece.key)) }))));
}

/** What a record is made of, as pieces of a draft: keys are the photos' ids. @param {any} doc @param {any[]} photos its photo documents */
export function piecesOf(doc, photos) {
  const partOf = (id) => (id === doc.voice ? "voice" : doc.photos.includes(id) ? "photo" : "after");
  return photosNamed(doc).map((id) => {
    const { taken_at = null, place, files = [{}] } = photos.find(({ _id }) => _id === id) ?? {};
    const { width_px = null, height_px = null } = files[0];
    return { key: id, part: partOf(id), shot: JSON.stringify({ taken_at, lat: place?.lat ?? null, lon: place?.lon ?? null, width_px, height_px }) };
  });
}
