/**
 * Masked fields (`sensitive` of `generated/domain.json`): opened for a purpose of a short list, for ten minutes and one household, and logged
 * as `access` records that travel in `log-<device>`. The server puts them into its access log.
 */
import { originOf } from "./fields.js";
import { wordOf } from "./households.js";
import { refuse, savedOr } from "./pages.js";
import { uuidOfPhoto } from "./photos.js";
import { fact } from "./records.js";

const OPENED = "opened";
const OPEN_MS = 600_000;

/** Names of the fields of a type that are masked. @returns {string[]} */
export function maskedOf(type, context) {
  return context.domain?.sensitive?.[type] ?? [];
}

/** Whether a household's masked fields are open. @param {import("../store/index.js").Store} store @param {string} household @param {number} now_ms */
export async function isOpened(store, household, now_ms) {
  const opened = await store.remembered(OPENED);
  return opened?.of === household && opened.at_ms <= now_ms && now_ms < opened.at_ms + OPEN_MS;
}

/** Which masked fields of a document say anything. */
export function filledOf(doc, context) {
  return maskedOf(doc.type, context).filter((name) => [doc[name] ?? []].flat().length);
}

/** `POST /m/homes/:id/openings`: the record of it is kept before anything is shown. */
export async function openMasked(input, store, context) {
  const { form, params, now } = input;
  const files = await store.filesOf(params.id);
  if (!files) return refuse(input, context, { label: "error.not_found" });
  if (!context.domain.purposes.includes(form.purpose)) return refuse(input, context, { label: "wrong.purpose_missing" });
  const { uuid } = originOf(form, store, now);
  const read = [files.household, ...files.members].filter(({ doc }) => filledOf(doc, context).length);
  const { grid } = files.household.doc;
  const docs = await Promise.all(read.map(async ({ doc }, at) => ({
    database: store.databaseFor("log", grid),
    doc: store.mint("access", {
      uuid: at ? await uuidOfPhoto(uuid, at) : uuid,
      grid,
      captured_at: new Date(now).toISOString(),
      of: doc._id,
      fields: filledOf(doc, context),
      purpose: form.purpose,
    }),
  })));
  const refusal = await savedOr(store, input, context, async () => {
    if (docs.length) await store.saveRecord({ docs });
    await store.remember(OPENED, { of: params.id, at_ms: now });
  });
  return refusal ?? { redirect: `/m/homes/${params.id}` };
}

/**
 * What a household's page shows of it: whether its masked fields are open, whether there are any, and the form that opens them.
 * @param {any} input @param {import("../store/index.js").Store} store @param {any} context @param {{household: any, members: any[]}} files
 */
export async function openingOf(input, store, context, { household, members }) {
  const has = [household, ...members].some(({ doc }) => filledOf(doc, context).length > 0);
  const purposes = (context.domain?.purposes ?? []).map((value) => ({ value, label: context.t(`purpose.${value}`) }));
  return { has, purposes, is_open: has && (await isOpened(store, household.id, input.now)), uuid: store.uuid(input.now) };
}

/** The masked fields that say anything, as facts: in words when they are open. */
export function maskedFacts(doc, context, isOpen) {
  return filledOf(doc, context).map((name) => fact(`household.${name}`, { text: isOpen ? textOfField(doc[name], context) : "••••••" }));
}

/** @param {any} value of a masked field */
export function textOfField(value, { t }) {
  return [value].flat().map((one) => wordOf(t, "needs", String(one))).join(" · ");
}
