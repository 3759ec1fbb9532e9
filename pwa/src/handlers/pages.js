/**
 * What every page and every refused form has in common: the frame's data, the two ways to say no, and the grids of a form.
 *
 * @typedef {import("../store/index.js").Store} Store
 * @typedef {{label: string, slots?: object}} Saying a key of `locale/` with its slots
 */
import { NoSuchDatabase, StorageFull, TooLarge } from "../store/errors.js";
import { whyOf } from "./troubles.js";

/** @type {WeakMap<Store, Promise<any>>} what the frames of pages that are being made say */
const frames = new WeakMap();

/** Begins to read what a page's frame says, while its handler reads what is in it. @param {Store} store of one request, which changes nothing */
export function beginFrame(store) {
  const frame = frameOf(store);
  frame.catch(() => undefined); // it is the page's to fail, if one is made at all
  frames.set(store, frame);
}

async function frameOf(store) {
  const [known, patrol, standing, loading] = await Promise.all([chipFacts(store), store.runningPatrol(), store.vault.standing(), loadingFacts(store)]);
  return { ...known, loading, walking: patrol?.uuid ?? "", isOpen: standing === "open" };
}

/**
 * A page of the signed-in app.
 * @param {Store} store @param {string} template
 * @param {{tab: string, title: string, back?: string, has_action?: boolean} & Record<string, any>} data
 */
export async function page(store, template, data) {
  const { isOpen, ...known } = await (frames.get(store) ?? frameOf(store));
  const frame = { back: "", has_action: false, bare: false, ...known, is_police: isPolice(store.session.user), can_lock: data.tab === "homes" && isOpen };
  return { template, data: { ...frame, ...data } };
}

/** What the chip of the top line says: how much is unsent, and why it waits. */
export async function chipFacts(store) {
  const [{ count }, problem] = await Promise.all([store.unsent(), store.problem()]);
  return { unsent_count: count, unsent_why: whyOf(problem) };
}

/** What a page says while not everything has been on this phone yet, or null: `{label, slots, share}`; `share` is a percentage, 0 unknown. */
async function loadingFacts(store) {
  const loading = await store.loading();
  if (!loading) return null;
  const { written, pending } = loading;
  const problem = await store.problem();
  const label = problem === "offline" ? "sync.loading_offline" : pending ? "sync.loading_left" : written ? "sync.loading_some" : "sync.loading";
  return { label, slots: { written, pending }, share: pending ? Math.floor((100 * written) / (written + pending)) : 0 };
}

/** Whether this is a community police officer, whose visits lie apart from household files. */
export function isPolice(user) {
  return user.roles.includes("police") && !user.roles.includes("worker");
}

/** The page for something this phone does not have; of a record (`id`) it says when it was erased on request. */
export async function notFound(store, context, tab, id = "") {
  const message = id && (await store.isErased(id)) ? "failure.erased" : "failure.not_found";
  const answer = await page(store, "message.html", { tab, title: context.t(`${message}_title`), back: "/m/", message, slots: {} });
  return { ...answer, status: 404 };
}

/**
 * Says why a form was not saved, and leaves it as it was typed: htmx gets messages only, a plain form a page to go back from.
 * @param {{is_htmx: boolean}} input @param {any} context @param {Saying} saying
 * @param {{name: string, label?: string, slots?: object}[]} [fields] every field of the form; those with a label are wrong
 */
export function refuse(input, context, saying, fields = []) {
  const wrong = fields.filter(({ label }) => label).map((field) => ({ ...field, slots: field.slots ?? {} }));
  const failure = { label: saying.label, slots: saying.slots ?? {}, fields: wrong };
  const shown = fields.map(({ name, label = "", slots = {} }) => ({ name, label, slots }));
  if (input.is_htmx) {
    const headers = { "HX-Retarget": "#form-errors", "HX-Reswap": "innerHTML" };
    return { template: "form-errors.html", status: 422, headers, data: { failure, fields: shown } };
  }
  const frame = { bare: true, back: "", title: context.t("app.name"), tab: "", has_action: false };
  return { template: "refused.html", status: 422, data: { ...frame, failure } };
}

/**
 * Saves what a form made. The answer is null when it is durable, else the refusal to show.
 * @param {Store} store @param {any} input @param {any} context @param {() => Promise<any>} save
 */
export async function savedOr(store, input, context, save) {
  try {
    await save();
    await rememberGrid(store, input.form.grid);
    return null;
  } catch (error) {
    const label = sayingOf(error);
    if (!label) throw error;
    return refuse(input, context, { label });
  }
}

/** Written only when it is another one: a durable write costs a slow phone as much as the rest of the page. */
async function rememberGrid(store, grid) {
  if (grid && (await store.remembered("grid")) !== grid) await store.remember("grid", grid);
}

function sayingOf(error) {
  if (error instanceof StorageFull) return "error.storage_full";
  if (error instanceof TooLarge) return "error.too_large";
  if (error instanceof NoSuchDatabase) return "error.not_grid_holder";
  return null;
}

/**
 * The grids of a form: `{grids: [{value, name, chosen}], grid}`; the last one used is chosen.
 * @param {Store} store @param {string} [wanted]
 */
export async function gridChoice(store, wanted) {
  const held = await store.grids();
  const last = wanted || (await store.remembered("grid"));
  const chosen = held.find(({ code }) => code === last)?.code ?? held[0]?.code ?? "";
  const grids = held.map(({ code, doc }) => ({ value: code, name: gridName(code, doc), chosen: code === chosen }));
  return { grids, grid: chosen };
}

/** A grid's name, or the end of its code until the reference data is here. */
export function gridName(code, doc) {
  return doc?.name ?? `…${code.slice(-6)}`;
}
