/**
 * 代办/跑长制: something staff do for a household. Which errands there are and which papers each takes comes from the server's lists; here one
 * is begun, its papers are photographed and ticked off, the resident signs, and what the office says of it comes back as its case.
 */
import { isRefused, judged, limitsOf, newOrigin, oneOf, options, originOf, textOf, within, withoutIdNumber } from "./fields.js";
import { addressOf } from "./addresses.js";
import { nameIn, offeredOn } from "./catalogue.js";
import { changesOf } from "../store/edits.js";
import { mintStamped, saveChanges } from "./edits.js";
import { momentOf } from "./moments.js";
import { notFound, page, refuse, savedOr } from "./pages.js";
import { checkPhotos, photosOfForm } from "./photos.js";
import { fact, stepsOf, unitsOf } from "./records.js";
import { heldBack, refusedRecord } from "./refused.js";
import { aboutRows, chipOf } from "./rows.js";

const SIGNATURE = "signature";
const STATES = Object.freeze(["missing", "there", "handed_in", "not_needed"]);
const LOOK = Object.freeze({ missing: ["wait", "alert"], there: ["good", "server"], handed_in: ["move", "sending"], not_needed: ["move", "close"] });
/** What a worker may make of an errand that is under way. */
const NEXT = Object.freeze({ open: ["handed_in", "withdrawn"], handed_in: ["done", "withdrawn"] });

/** `GET /m/homes/:id/errands/new` */
export async function showErrandForm(input, store, context) {
  const record = await store.getRecord(input.params.id);
  if (record?.doc.type !== "household") return notFound(store, context, "homes");
  const items = offeredOn(await store.reference("erranditem"), input.now);
  const name = ({ name: one }) => nameIn(one, context.language);
  return page(store, "errand-new.html", {
    tab: "homes",
    title: context.t("errand.new"),
    back: `/m/homes/${record.id}`,
    has_action: items.length > 0,
    id: record.id,
    address: addressOf(record.doc, context.t),
    choices: items.map((item) => ({ value: item.key, label: name(item), about: item.materials.map(name).join(" · ") })),
    grids: [],
    grid: record.doc.grid,
    form: newOrigin(store, input.now),
  });
}

/** `POST /m/homes/:id/errands` */
export async function saveErrand(input, store, context) {
  const { form } = input;
  const record = await store.getRecord(input.params.id);
  if (record?.doc.type !== "household") return refuse(input, context, { label: "error.not_found" });
  const item = await itemOf(store, form.item);
  if (!item) return refuse(input, context, { label: "error.check" }, [{ name: "item", label: "wrong.item_missing" }]);
  const { uuid, captured_at } = originOf(form, store, input.now);
  const { grid } = record.doc;
  const name = (one) => nameIn(one.name, "zh-CN");
  const materials = item.materials.map((one) => ({ key: one.key, name: name(one), state: "missing" }));
  const refusal = await savedOr(store, input, context, async () => {
    const facts = { household: record.id, item: name(item), item_key: item.key, state: "open", materials };
    const doc = await mintStamped(store, "errand", { uuid, grid, captured_at }, facts);
    await store.saveRecord({ docs: [{ database: store.databaseFor("home", grid), doc }] });
  });
  return refusal ?? { redirect: `/m/errands/errand:${uuid}` };
}

async function itemOf(store, key) {
  return (await store.reference("erranditem")).find((item) => item.key === key) ?? null;
}

async function errandOf(store, id) {
  const record = await store.getRecord(id);
  return record?.doc.type === "errand" ? record : null;
}

/** Its materials in the list's order, named in the user's language. */
async function materialsOf(store, { item_key, materials = [] }, { language }) {
  const item = await itemOf(store, item_key);
  const listed = new Map((item?.materials ?? []).map((one, at) => [one.key, { at, name: nameIn(one.name, language) }]));
  const named = materials.map((one) => ({ ...one, name: listed.get(one.key)?.name ?? one.name, at: listed.get(one.key)?.at ?? listed.size }));
  return { item, materials: named.sort((one, other) => one.at - other.at) };
}

/** `GET /m/errands/:id` */
export async function showErrand(input, store, context) {
  const record = await errandOf(store, input.params.id);
  if (!record) return notFound(store, context, "homes");
  const { doc, where, id } = record;
  const [about, { item, materials }, household, units] = await Promise.all([
    aboutRows(store, context, input.now), materialsOf(store, doc, context), store.getRecord(doc.household), unitsOf(store, where.case, context.language),
  ]);
  const [unit] = await store.known(item ? [item.unit] : []);
  return page(store, "errand.html", {
    tab: "homes",
    title: context.t("errand.page"),
    back: `/m/homes/${doc.household}`,
    id,
    lead: item ? nameIn(item.name, context.language) : doc.item,
    where: chipOf(where),
    refused: refusedRecord(record, context.domain),
    held_back: heldBack(where, context.domain),
    steps: stepsOf(record, { ...about, units }),
    facts: [
      fact("household.address", { text: household ? addressOf(household.doc, context.t) : "" }),
      fact("errand.state", { key: `errand.state_${doc.state}` }),
      ...(unit ? [fact("errand.unit", { text: nameIn(unit.doc.name, context.language) })] : []),
      ...(item?.days ? [fact("errand.days", { key: "amount.days", slots: { n: item.days } })] : []),
      ...(where.case ? [fact("record.case_no", { text: where.case.case_no })] : []),
      ...(where.case?.due_at ? [fact("task.due", { at: momentOf(where.case.due_at, about.now_ms) })] : []),
    ],
    materials: [...materials.map((one) => materialRow(id, one)), signatureRow(id, doc, context)],
    moves: (NEXT[doc.state] ?? []).map((value) => ({ value, label: context.t(`errand.to_${value}`) })),
  });
}

function materialRow(id, { key, name, state, remark = "", photos = [] }) {
  const [tone, icon] = LOOK[state];
  return { href: `/m/errands/${id}/${key}`, photo: photos[0] ?? "", icon: "camera", lead: name, about: remark, where: { label: `material.${state}`, slots: {}, tone, icon } };
}

function signatureRow(id, { signature = "" }, { t }) {
  const [tone, icon] = LOOK[signature ? "there" : "missing"];
  const where = { label: signature ? "errand.signed" : "errand.unsigned", slots: {}, tone, icon };
  return { href: `/m/errands/${id}/signature`, photo: signature, icon: "edit", lead: t("errand.signature"), about: "", where };
}

/** `GET /m/errands/:id/:part`: the picture of a material (its key), or `signature`. */
export async function showPart(input, store, context) {
  const { id, part } = input.params;
  const record = await errandOf(store, id);
  const { materials } = record ? await materialsOf(store, record.doc, context) : { materials: [] };
  const material = materials.find(({ key }) => key === part);
  if (!record || (part !== SIGNATURE && !material)) return notFound(store, context, "homes");
  const { item, signature, grid } = record.doc;
  return page(store, "errand-picture.html", {
    tab: "homes",
    title: material?.name ?? context.t("errand.signature"),
    back: `/m/errands/${id}`,
    has_action: true,
    action: `/m/errands/${id}/${part}`,
    // A picture is most often taken because the paper is there.
    states: material ? options(context, "material", STATES, material.state === "missing" ? "there" : material.state) : [],
    photos: material ? (material.photos ?? []) : [signature].filter(Boolean),
    item: material ? "" : item,
    form: { ...newOrigin(store, input.now), remark: material?.remark ?? "" },
    limits: limitsOf(context),
    grids: [],
    grid,
  });
}

/** `POST /m/errands/:id/:part`: what the form changes is kept with the pictures it brings, all or nothing. */
export async function savePart(input, store, context) {
  const { form, files, now, params: { id, part } } = input;
  const record = await errandOf(store, id);
  const material = record?.doc.materials.find(({ key }) => key === part);
  if (!record || (part !== SIGNATURE && !material)) return refuse(input, context, { label: "error.not_found" });
  const [limits, remark, taken, { grid }] = [limitsOf(context), textOf(form, "remark"), files.photo ?? [], record.doc];
  const fields = judged({
    ...(material ? { state: oneOf(form.state, STATES, "wrong.outcome_missing"), remark: within(remark, limits.short) ?? withoutIdNumber(remark) } : {}),
    ...(material || taken.length ? {} : { signature: { label: "wrong.signature_missing" } }),
    photos: checkPhotos(taken, limits.photos),
  });
  if (isRefused(fields)) return refuse(input, context, { label: "error.check" }, fields);
  const { uuid, captured_at } = originOf(form, store, now);
  const refusal = await savedOr(store, input, context, async () => {
    const photos = await photosOfForm(input, store, { uuid, captured_at, grid, of: id, database: store.databaseFor("home-quarter", grid) });
    const field = material ? `materials/${part}` : SIGNATURE;
    const made = material ? materialWith(material, form.state, remark, photos.ids, limits) : photos.ids[0];
    await saveChanges(store, record, changesOf({ [field]: material ?? record.doc.signature }, { [field]: made }), now, photos);
  });
  return refusal ?? { redirect: `/m/errands/${id}` };
}

function materialWith({ key, name, photos = [] }, state, remark, taken, limits) {
  const all = [...new Set([...photos, ...taken])].slice(0, limits.photos);
  return { key, name, state, ...(remark ? { remark } : {}), ...(all.length ? { photos: all } : {}) };
}

/** `POST /m/errands/:id/state` */
export async function moveErrand(input, store, context) {
  const record = await errandOf(store, input.params.id);
  if (!record) return refuse(input, context, { label: "error.not_found" });
  const { state } = input.form;
  const isMove = (NEXT[record.doc.state] ?? []).includes(state);
  const refusal = await savedOr(store, input, context, () => saveChanges(store, record, isMove ? { state } : {}, input.now));
  return refusal ?? { redirect: `/m/errands/${record.id}` };
}
