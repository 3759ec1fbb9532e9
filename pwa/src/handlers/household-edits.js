/**
 * Correcting a household file. Colleagues may correct the same one meanwhile, on a phone without a network: so only the fields that
 * were changed are saved as changed, against what the form had shown, and on top of whatever the file says by now.
 */
import { changesOf } from "../store/edits.js";
import { isRefused, judged, limitsOf, options, textOf } from "./fields.js";
import { HOUSING, factChecks, factsOf } from "./households.js";
import { notFound, page, refuse, savedOr } from "./pages.js";

const FACTS = Object.freeze(["address", "building", "unit", "room", "contact_name", "contact_phone", "residents_count", "housing", "remark"]);
/** Before a name: what the form showed. */
const SHOWN = "was_";

/** `GET /m/homes/:id/edit` */
export async function showHouseholdEdit(input, store, context) {
  const record = await store.getRecord(input.params.id);
  if (record?.doc.type !== "household") return notFound(store, context, "homes");
  const { id, doc } = record;
  const form = Object.fromEntries(FACTS.map((name) => [name, String(doc[name] ?? "")]));
  return page(store, "household-edit.html", {
    tab: "homes",
    title: context.t("household.edit"),
    back: `/m/homes/${id}`,
    has_action: true,
    id,
    form,
    shown: FACTS.map((name) => ({ name: SHOWN + name, value: form[name] })),
    housings: options(context, "housing", HOUSING, form.housing),
    limits: limitsOf(context),
  });
}

/** `POST /m/homes/:id/edits`: doing it twice changes nothing the second time. */
export async function saveHouseholdEdit(input, store, context) {
  const { form, params } = input;
  const record = await store.getRecord(params.id);
  if (record?.doc.type !== "household") return refuse(input, context, { label: "error.not_found" });
  const fields = judged(factChecks(form, limitsOf(context)));
  if (isRefused(fields)) return refuse(input, context, { label: "error.check" }, fields);
  const { id, doc, database } = record;
  const changes = changesOf(pick(doc), { ...pick(doc), ...changesOf(factsShown(form), wanted(form)) });
  if (!Object.keys(changes).length) return { redirect: `/m/homes/${id}` };
  const refusal = await savedOr(store, input, context, async () => {
    const edited = await store.edit(doc, changes, await store.stamp(doc));
    await store.saveRecord({ docs: [{ database, doc: signed(store, edited, input.now) }] });
  });
  return refusal ?? { redirect: `/m/homes/${id}?saved=1` };
}

/** Every fact by name, null where the form has none. */
function wanted(form) {
  return { ...Object.fromEntries(FACTS.map((name) => [name, null])), ...factsOf(form) };
}

function factsShown(form) {
  return wanted(Object.fromEntries(FACTS.map((name) => [name, textOf(form, SHOWN + name)])));
}

function pick(doc) {
  return Object.fromEntries(FACTS.map((name) => [name, doc[name] ?? null]));
}

/** The edit bears the name, phone and time of whoever made it. What only the server writes is left to the server. */
function signed(store, { adopted_from, ...doc }, now_ms) {
  const uuid = doc._id.slice(doc._id.indexOf(":") + 1);
  const made = store.mint("household", { uuid, grid: doc.grid, captured_at: new Date(now_ms).toISOString() });
  return { ...doc, ...made };
}
