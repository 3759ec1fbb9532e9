/**
 * 代办/跑长制: something staff do for a household. Which errands there are and which papers each takes comes from the server's lists; here one
 * is begun and moved, and what the office says of it comes back as its case. Its papers and signature are `errand-parts.js`.
 */
import { newOrigin, originOf } from "./fields.js";
import { addressOf } from "./addresses.js";
import { nameIn, offeredOn } from "./catalogue.js";
import { errandOf, itemOf, lackingIn, materialsOf, partRows } from "./errand-parts.js";
import { mintStamped, saveChanges } from "./edits.js";
import { momentOf } from "./moments.js";
import { movesOf } from "./notes.js";
import { notFound, page, refuse, savedOr } from "./pages.js";
import { fact, resultOf, returnReason, stepsOf, unitsOf } from "./records.js";
import { heldBack, refusedRecord } from "./refused.js";
import { aboutRows, chipOf, rowOf } from "./rows.js";
import { ENDED } from "../store/cases.js";

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

/** `GET /m/errands/:id`; opening it is having seen what the office said of it. */
export async function showErrand(input, store, context) {
  const record = await errandOf(store, input.params.id);
  if (!record) return notFound(store, context, "homes");
  const { doc, where, id } = record;
  await store.noteSeen(id);
  const [about, { item, materials }, household, units, said] = await Promise.all([
    aboutRows(store, context, input.now), materialsOf(store, doc, context), store.getRecord(doc.household), unitsOf(store, where.case, context.language), store.saidOf(id),
  ]);
  const [unit] = await store.known(item ? [item.unit] : []);
  const notes = said.filter((row) => row.doc.type === "note");
  const { intent } = movesOf(record, notes, store.session.author);
  return page(store, "errand.html", {
    tab: "homes",
    title: context.t("errand.page"),
    back: `/m/homes/${doc.household}`,
    id,
    just_saved: input.query.saved === "1" && notes.some((note) => note.where.place !== "server"),
    lead: item ? nameIn(item.name, context.language) : doc.item,
    where: chipOf(where),
    refused: refusedRecord(record, context.domain),
    held_back: heldBack(where, context.domain),
    reason: returnReason(where.case),
    result: resultOf(where.case),
    intent,
    intent_label: `note.${intent}`,
    steps: stepsOf(record, { ...about, units }),
    facts: [
      fact("household.address", { text: household ? addressOf(household.doc, context.t) : "" }),
      fact("errand.state", { key: `errand.state_${doc.state}` }),
      ...(unit ? [fact("errand.unit", { text: nameIn(unit.doc.name, context.language) })] : []),
      ...(item?.days ? [fact("errand.days", { key: "amount.days", slots: { n: item.days } })] : []),
      ...(where.case ? [fact("record.case_no", { text: where.case.case_no })] : []),
      ...(where.case?.due_at ? [fact("task.due", { at: momentOf(where.case.due_at, about.now_ms) })] : []),
    ],
    materials: partRows(record, materials, context),
    notes: notes.map((note) => ({ ...rowOf(note, about), href: `/m/records/${note.id}` })),
    moves: nextOf(record).map((value) => ({ value, ...sayingOf(value, record, lackingIn(doc, materials, context), context) })),
  });
}

/** What may be made of an errand now. Once its case has ended there is only its result to tell the household, or nothing. */
function nextOf({ doc, where }) {
  const next = NEXT[doc.state] ?? [];
  const settled = where.case?.follows ?? where.case;
  if (!ENDED.includes(settled?.state)) return next;
  return next.length && settled.state === "closed" ? ["done"] : [];
}

/** What a move's button says, and what is asked before: withdrawing is for good, and papers that lack should not be overlooked. */
function sayingOf(value, { where }, lacking, { t }) {
  const isTold = value === "done" && ENDED.includes((where.case?.follows ?? where.case)?.state);
  const sure = { withdrawn: t("errand.sure_withdrawn"), handed_in: lacking.length ? t("errand.sure_handed_in", { names: lacking.join(t("errand.and")) }) : "" };
  return { label: t(isTold ? "errand.to_told" : `errand.to_${value}`), sure: sure[value] ?? "" };
}

/** `POST /m/errands/:id/state` */
export async function moveErrand(input, store, context) {
  const record = await errandOf(store, input.params.id);
  if (!record) return refuse(input, context, { label: "error.not_found" });
  const { state } = input.form;
  const refusal = await savedOr(store, input, context, () => saveChanges(store, record, nextOf(record).includes(state) ? { state } : {}, input.now));
  return refusal ?? { redirect: `/m/errands/${record.id}` };
}
