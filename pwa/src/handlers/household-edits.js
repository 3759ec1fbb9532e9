/** Correcting a household file (`edits.js`). Masked fields are on the form only while they are open. */
import { basisChange, basisChecks, basisForm, showsBasis, waysOf } from "./basis.js";
import { isRefused, judged, limitsOf } from "./fields.js";
import { changesIn, formOf, saveChanges } from "./edits.js";
import { choicesOf, factChecks, factsOf, FACTS } from "./households.js";
import { serverNow } from "./moments.js";
import { isOpened, maskedOf } from "./openings.js";
import { notFound, page, refuse, savedOr } from "./pages.js";

/** `GET /m/homes/:id/edit` */
export async function showHouseholdEdit(input, store, context) {
  const record = await store.getRecord(input.params.id);
  if (record?.doc.type !== "household") return notFound(store, context, "homes");
  const { id, doc } = record;
  const isOpen = await isOpened(store, id, input.now);
  const [facts, basis] = [formOf(doc, isOpen ? FACTS : FACTS.filter((name) => !maskedOf("household", context).includes(name))), basisForm(doc)];
  return page(store, "household-edit.html", {
    tab: "homes",
    title: context.t("household.edit"),
    back: `/m/homes/${id}`,
    has_action: true,
    id,
    form: { ...facts.form, ...basis.form },
    shown: [...facts.shown, ...basis.shown],
    hows: waysOf(context, doc.basis.how),
    is_open: isOpen,
    ...choicesOf(context, doc),
    limits: limitsOf(context),
  });
}

/** `POST /m/homes/:id/edits`: doing it twice changes nothing the second time. */
export async function saveHouseholdEdit(input, store, context) {
  const record = await store.getRecord(input.params.id);
  if (record?.doc.type !== "household") return refuse(input, context, { label: "error.not_found" });
  const [{ form, now }, limits] = [input, limitsOf(context)];
  const server_ms = serverNow(store, now);
  const fields = judged({ ...factChecks(form, limits), ...(showsBasis(form) ? basisChecks(form, limits, server_ms) : {}) });
  if (isRefused(fields)) return refuse(input, context, { label: "error.check" }, fields);
  const changes = { ...changesIn(record.doc, input, factsOf), ...basisChange(record.doc, form, server_ms) };
  const refusal = await savedOr(store, input, context, () => saveChanges(store, record, changes, now));
  return refusal ?? { redirect: `/m/homes/${record.id}${Object.keys(changes).length ? "?saved=1" : ""}` };
}
