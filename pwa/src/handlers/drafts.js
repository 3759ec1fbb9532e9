/**
 * Drafts of the report form: kept while it is filled in, offered after a crash or an undo, and read again when the form is shown. The
 * page (`page/draft.js`) posts what changed; a draft is never in the way of a new report.
 */
import { photosNamed } from "../store/capture.js";
import { categoryName } from "./catalogue.js";
import { momentOf } from "./moments.js";
import { notFound } from "./pages.js";
import { parse, withPieces } from "./photos.js";
import { snippet } from "./rows.js";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const ROLES = Object.freeze(["sent", "thumb", "original"]);
const OFFERED = 3;

/** `POST /m/drafts/:uuid`: the whole form's fields, what pieces it has, and the bytes of new ones (`<role>:<key>`). */
export async function keepDraft(input, store, context) {
  const { uuid } = input.params;
  if (!UUID_V7.test(uuid)) return notFound(store, context, "report");
  const { pieces: told, ...fields } = input.form;
  const before = (await store.draft(uuid))?.pieces ?? [];
  const listed = Object.values(parse(told)).filter(({ key, part }) => key && part);
  const pieces = listed.map((piece) => ({ shot: "", ...before.find(({ key }) => key === piece.key), ...piece }));
  const files = pieces.flatMap(({ key }) => ROLES.flatMap((role) => (input.files[`${role}:${key}`] ?? []).map((blob) => ({ key, role, blob }))));
  await store.keepDraft({ uuid, fields, pieces, saved_at: new Date(input.now).toISOString() }, files);
  return { template: "draft-kept.html", data: {} };
}

/** `POST /m/drafts/:uuid/drop` */
export async function dropDraft(input, store) {
  await store.dropDraft(input.params.uuid);
  return { redirect: input.form.back === "report" ? "/m/report" : "/m/" };
}

/** The newest drafts as pages offer them; one whose report was saved in the meantime is none. @param {any} store @param {any} about what rows need to know */
export async function draftsOffered(store, about) {
  const { categories, language, t, now_ms } = about;
  const open = [];
  for (const draft of await store.drafts()) {
    if (await store.getRecord(`report:${draft.uuid}`)) await store.dropDraft(draft.uuid);
    else open.push(draft);
  }
  return open.slice(0, OFFERED).map(({ uuid, fields, pieces, saved_at }) => ({
    uuid,
    lead: [categoryName(categories, fields.category, language), snippet(fields.text ?? "")].filter(Boolean).join(" · ") || t("draft.untitled"),
    photos: pieces.filter(({ part }) => part !== "voice").length,
    at: momentOf(saved_at, now_ms),
  }));
}

/** The pieces of a draft as its form shows them again, by part: `{kept_photo: [{key, href}], …}`. */
export function shownPieces(draft) {
  const of = (part) => (draft?.pieces ?? []).filter((piece) => piece.part === part).map(({ key }) => {
    return { key, href: `/m/drafts/${draft.uuid}/files/${encodeURIComponent(key)}` };
  });
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
