/**
 * The parts of an errand: each paper it takes, with its pictures and how it stands, and the resident's signature. One page a part; what its
 * form changes is kept with the pictures it brings, all or nothing, and a picture that does not belong there is taken off again.
 */
import { isRefused, judged, limitsOf, newOrigin, oneOf, options, originOf, textOf, within, withoutIdNumber } from "./fields.js";
import { nameIn } from "./catalogue.js";
import { changesOf } from "../store/edits.js";
import { saveChanges } from "./edits.js";
import { notFound, page, refuse, savedOr } from "./pages.js";
import { checkPhotos, idsOfPhotos, photosOfForm } from "./photos.js";

const SIGNATURE = "signature";
const STATES = Object.freeze(["missing", "there", "handed_in", "not_needed"]);
const LOOK = Object.freeze({ missing: ["wait", "alert"], there: ["good", "server"], handed_in: ["move", "sending"], not_needed: ["move", "close"] });

/** An errand as a record, or null. @param {import("../store/index.js").Store} store @param {string} id */
export async function errandOf(store, id) {
  const record = await store.getRecord(id);
  return record?.doc.type === "errand" ? record : null;
}

/** The entry of the list of errands that one was begun from, or null. @param {import("../store/index.js").Store} store @param {string} key */
export async function itemOf(store, key) {
  return (await store.reference("erranditem")).find((item) => item.key === key) ?? null;
}

/** Its materials in the list's order, named in the user's language: `{item, materials}`. */
export async function materialsOf(store, { item_key, materials = [] }, { language }) {
  const item = await itemOf(store, item_key);
  const listed = new Map((item?.materials ?? []).map((one, at) => [one.key, { at, name: nameIn(one.name, language) }]));
  const named = materials.map((one) => ({ ...one, name: listed.get(one.key)?.name ?? one.name, at: listed.get(one.key)?.at ?? listed.size }));
  return { item, materials: named.sort((one, other) => one.at - other.at) };
}

/** The parts of an errand as rows of its page. */
export function partRows({ id, doc }, materials, context) {
  return [...materials.map((one) => materialRow(id, one)), signatureRow(id, doc, context)];
}

/** What an errand still lacks before it can be handed in, by name. @returns {string[]} */
export function lackingIn({ signature }, materials, { t }) {
  const missing = materials.filter(({ state = "missing" }) => state === "missing").map(({ name }) => name);
  return signature ? missing : [...missing, t("errand.signature")];
}

function materialRow(id, { key, name, state = "missing", remark = "", photos = [] }) {
  const [tone, icon] = LOOK[state];
  return { href: `/m/errands/${id}/${key}`, photo: photos[0] ?? "", icon: "camera", lead: name, about: remark, where: { label: `material.${state}`, slots: {}, tone, icon } };
}

function signatureRow(id, { signature = "" }, { t }) {
  const [tone, icon] = LOOK[signature ? "there" : "missing"];
  const where = { label: signature ? "errand.signed" : "errand.unsigned", slots: {}, tone, icon };
  return { href: `/m/errands/${id}/signature`, photo: signature, icon: "edit", lead: t("errand.signature"), about: "", where };
}

/** `GET /m/errands/:id/:part`: the pictures of a material (its key), or `signature`. */
export async function showPart(input, store, context) {
  const { id, part } = input.params;
  const record = await errandOf(store, id);
  const { materials } = record ? await materialsOf(store, record.doc, context) : { materials: [] };
  const material = materials.find(({ key }) => key === part);
  if (!record || (part !== SIGNATURE && !material)) return notFound(store, context, "homes");
  const { item, grid } = record.doc;
  return page(store, "errand-picture.html", {
    tab: "homes",
    title: material?.name ?? context.t("errand.signature"),
    back: `/m/errands/${id}`,
    has_action: true,
    action: `/m/errands/${id}/${part}`,
    // A picture is most often taken because the paper is there.
    states: material ? options(context, "material", STATES, material.state === "missing" ? "there" : material.state) : [],
    photos: picturesOf(record.doc, material),
    item: material ? "" : item,
    form: { ...newOrigin(store, input.now), remark: material?.remark ?? "" },
    limits: limitsOf(context),
    grids: [],
    grid,
  });
}

/** Pictures of a material, or of the signature when there is none. @returns {string[]} */
function picturesOf({ signature }, material) {
  return material ? (material.photos ?? []) : [signature].filter(Boolean);
}

/** `POST /m/errands/:id/:part` */
export async function savePart(input, store, context) {
  const { form, files, now, params: { id, part } } = input;
  const { record, material } = await partOf(store, id, part);
  if (!record) return refuse(input, context, { label: "error.not_found" });
  const [limits, remark, taken, { grid }, { uuid, captured_at }] = [limitsOf(context), textOf(form, "remark"), files.photo ?? [], record.doc, originOf(form, store, now)];
  const fields = judged({
    ...(material ? { state: oneOf(form.state, STATES, "wrong.outcome_missing"), remark: within(remark, limits.short) ?? withoutIdNumber(remark) } : {}),
    ...(material || taken.length ? {} : { signature: { label: "wrong.signature_missing" } }),
    photos: checkPhotos(taken, limits.photos) ?? (await roomFor(material, uuid, taken, limits.photos)),
  });
  if (isRefused(fields)) return refuse(input, context, { label: "error.check" }, fields);
  const refusal = await savedOr(store, input, context, async () => {
    const photos = await photosOfForm(input, store, { uuid, captured_at, grid, of: id, database: store.databaseFor("home-quarter", grid) });
    const made = material ? materialWith(material, form.state, remark, photos.ids) : photos.ids[0];
    await saveChanges(store, record, changesOf({ [fieldOf(part)]: material ?? record.doc.signature }, { [fieldOf(part)]: made }), now, photos);
  });
  return refusal ?? { redirect: `/m/errands/${id}` };
}

/** `POST /m/errands/:id/:part/photos/:photo/removal`: a picture that does not belong there; the errand names it no more. */
export async function removePicture(input, store, context) {
  const { id, part, photo } = input.params;
  const { record, material } = await partOf(store, id, part);
  if (!record) return refuse(input, context, { label: "error.not_found" });
  const isThere = picturesOf(record.doc, material).includes(photo);
  const left = material ? withoutPicture(material, photo) : null;
  const changes = isThere ? changesOf({ [fieldOf(part)]: material ?? record.doc.signature }, { [fieldOf(part)]: left }) : {};
  const refusal = await savedOr(store, input, context, () => saveChanges(store, record, changes, input.now));
  return refusal ?? { redirect: `/m/errands/${id}/${part}` };
}

/** An errand's record with the material of that key, none for the signature; nothing when there is no such part. */
async function partOf(store, id, part) {
  const record = await errandOf(store, id);
  const material = (record?.doc.materials ?? []).find(({ key }) => key === part);
  return record && (material || part === SIGNATURE) ? { record, material } : { record: null, material: null };
}

function fieldOf(part) {
  return part === SIGNATURE ? SIGNATURE : `materials/${part}`;
}

/** What is wrong when kept and new pictures are too many together. A form that comes twice brings the same ones. @returns {Promise<import("./fields.js").Wrong>} */
async function roomFor(material, uuid, taken, limit) {
  const kept = material?.photos ?? [];
  if (new Set([...kept, ...(await idsOfPhotos(uuid, taken.length))]).size <= limit) return null;
  return { label: "wrong.no_room_for_photos", slots: { limit, kept: kept.length, left: Math.max(0, limit - kept.length) } };
}

function materialWith({ key, name, photos = [] }, state, remark, taken) {
  const all = [...new Set([...photos, ...taken])];
  return { key, name, state, ...(remark ? { remark } : {}), ...(all.length ? { photos: all } : {}) };
}

function withoutPicture({ photos = [], ...material }, photo) {
  const left = photos.filter((one) => one !== photo);
  return left.length ? { ...material, photos: left } : material;
}
