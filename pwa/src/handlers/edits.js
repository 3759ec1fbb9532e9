/**
 * Forms that change a file others change as well, on a phone without a network: only what somebody changed is saved as changed, against
 * what the form had shown (`was_<name>`), and on top of whatever the file says by now. A fact that a form does not show stays.
 */
import { changesOf } from "../store/edits.js";

/** Before a name: what the form showed. */
export const WAS = "was_";

/** What a form shows of a document, as texts, with the hidden fields that say so. Lists are one word a line. @param {any} doc @param {readonly string[]} names */
export function formOf(doc, names) {
  const form = Object.fromEntries(names.map((name) => [name, [doc[name] ?? ""].flat().join("\n")]));
  return { form, shown: names.map((name) => ({ name: WAS + name, value: form[name] })) };
}

/**
 * The facts that a form changes in a document; null clears one.
 * @param {any} doc as it is now @param {any} input @param {(form: Record<string, string>) => Record<string, any>} read facts of a form's texts
 */
export function changesIn(doc, { form, every }, read) {
  const names = Object.keys(form).filter((name) => name.startsWith(WAS)).map((name) => name.slice(WAS.length));
  const texts = (prefix) => Object.fromEntries(names.map((name) => [name, (every[prefix + name] ?? [form[prefix + name] ?? ""]).join("\n")]));
  const facts = (prefix) => ({ ...Object.fromEntries(names.map((name) => [name, null])), ...only(read(texts(prefix)), names) });
  const now = only(doc, names);
  return changesOf(now, { ...now, ...changesOf(facts(WAS), facts("")) });
}

function only(facts, names) {
  return Object.fromEntries(names.filter((name) => name in facts).map((name) => [name, facts[name]]));
}

/**
 * Saves changes of a document, with what else belongs to them; nothing when there are none. What only the server writes is left to it.
 * @param {import("../store/index.js").Store} store @param {any} record @param {Record<string, any>} changes @param {number} now_ms
 * @param {{docs: any[], blobs: any[]}} [more]
 */
export async function saveChanges(store, { doc, database }, changes, now_ms, more = { docs: [], blobs: [] }) {
  if (!Object.keys(changes).length) return;
  /** @type {any} */ const { adopted_from, ...edited } = await store.edit(doc, changes, await store.stamp(doc));
  const uuid = doc._id.slice(doc._id.indexOf(":") + 1);
  const made = store.mint(doc.type, { uuid, grid: doc.grid, captured_at: new Date(now_ms).toISOString() });
  await store.saveRecord({ docs: [{ database, doc: { ...edited, ...made } }, ...more.docs], blobs: more.blobs });
}

/** A new document of several people's, with a stamp for each of its facts. @param {import("../store/index.js").Store} store */
export async function mintStamped(store, type, head, facts) {
  const stamp = await store.stamp();
  const items = (facts.materials ?? []).map(({ key }) => `materials/${key}`);
  const names = [...Object.keys(facts).filter((name) => name !== "materials"), ...items];
  return store.mint(type, { ...head, ...facts, stamps: Object.fromEntries(names.map((name) => [name, stamp])) });
}
