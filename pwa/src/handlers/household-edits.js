/** Correcting a household file (`edits.js`). Masked fields are on the form only while they are open. */
import { isRefused, judged, limitsOf } from "./fields.js";
import { changesIn, formOf, saveChanges } from "./edits.js";
import { choicesOf, factChecks, factsOf, FACTS } from "./households.js";
import { isOpened, maskedOf } from "./openings.js";
import { notFound, page, refuse, savedOr } from "./pages.js";

/** `GET /m/homes/:id/edit` */
export async function showHouseholdEdit(input, store, context) {
  const record = await store.getRecord(input.params.id);
  if (record?.doc.type !== "household") return notFound(store, context, "homes");
  const { id, doc } = record;
  const isOpen = await isOpened(store, id, input.now);
  const { form, shown } = formOf(doc, isOpen ? FACTS : FACTS.filter((name) => !maskedOf("household", context).includes(name)));
  return page(store, "household-edit.html", {
    tab: "homes",
    title: context.t("household.edit"),
    back: `/m/homes/${id}`,
    has_action: true,
    id,
    form,
    shown,
    is_open: isOpen,
    ...choicesOf(context, doc),
    limits: limitsOf(context),
  });
}

/** `POST /m/homes/:id/edits`: doing it twice changes nothing the second time. */
export async function saveHouseholdEdit(input, store, context) {
  const record = await store.getRecord(input.params.id);
  if (record?.doc.type !== "household") return refuse(input, context, { label: "error.not_found" });
  const fields = judged(factChecks(input.form, limitsOf(context)));
  if (isRefused(fields)) return refuse(input, context, { label: "error.check" }, fields);
  const changes = changesIn(record.doc, input, factsOf);
  const refusal = await savedOr(store, input, context, () => saveChanges(store, record, changes, input.now));
  return refusal ?? { redirect: `/m/homes/${record.id}${Object.keys(changes).length ? "?saved=1" : ""}` };
}
