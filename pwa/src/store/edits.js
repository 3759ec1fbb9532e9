/**
 * Changing a document that others change as well (`household`, `member`, `errand`): only the fields that were changed get a new
 * stamp, and what they replaced is marked as seen, so that the server's merge tells a knowing edit from a lost one. The rules are
 * `server/domain/merge.py`'s; a test holds both to the same examples.
 */
import { canonical, digest, later, parseStamp } from "./identity.js";

/** What `settled` may hold (`server/domain/documents.py`); the oldest marks are forgotten first, which at worst asks once more. */
const SETTLED_MOST = 64;
/** An errand's materials are fields of their own, `materials/<key>`. */
const ITEM = "materials/";

/**
 * The fields of `after` that differ from what was shown. @param {Record<string, any>} before @param {Record<string, any>} after
 * @returns {Record<string, any>} null for a field that was cleared
 */
export function changesOf(before, after) {
  const names = Object.keys(after).filter((name) => plain(before[name]) !== plain(after[name]));
  return Object.fromEntries(names.map((name) => [name, after[name] ?? null]));
}

/**
 * The document with some fields changed by somebody who saw it. The envelope is the caller's to renew.
 * @param {any} doc @param {Record<string, any>} changes null clears @param {string} stamp later than those of the document
 */
export async function editOf(doc, changes, stamp) {
  const names = Object.keys(changes);
  const fields = { ...doc, ...itemsOf(doc) };
  const seen = names.filter((name) => plain(fields[name]) !== plain(changes[name]) && (name in fields || name in doc.stamps));
  const marks = await Promise.all(seen.map((name) => markOf(name, doc.stamps[name] ?? "", fields[name])));
  const kept = Object.entries(withItems({ ...doc, ...changes })).filter(([, value]) => value !== null && value !== undefined);
  return {
    ...Object.fromEntries(kept),
    stamps: { ...doc.stamps, ...Object.fromEntries(names.map((name) => [name, stamp])) },
    superseded: (doc.superseded ?? []).filter((lost) => !(lost.field in changes && plain(lost.value) === plain(changes[lost.field]))),
    settled: newest([...(doc.settled ?? []), ...marks]),
  };
}

/** @param {any} doc @returns {Record<string, any>} its materials by field */
export function itemsOf({ materials = [] }) {
  return Object.fromEntries(materials.map((item) => [ITEM + item.key, item]));
}

/** Materials that stand as fields of their own are put back into their list, which is sorted as the server sorts it. */
function withItems(fields) {
  if (!Object.keys(fields).some((name) => name.startsWith(ITEM))) return fields;
  const items = Object.entries({ ...itemsOf(fields), ...fields }).filter(([name]) => name.startsWith(ITEM)).sort(([one], [other]) => (one < other ? -1 : 1));
  const rest = Object.entries(fields).filter(([name]) => !name.startsWith(ITEM));
  return { ...Object.fromEntries(rest), materials: items.map(([, item]) => item).filter((item) => item !== null) };
}

/** Says that a value was seen: `<stamp> <digest>`, never the value. @param {string} field @param {string} stamp @param {any} value */
export async function markOf(field, stamp, value) {
  return `${stamp} ${(await digest(`${field}\n${plain(value)}`)).slice(0, 16)}`;
}

/** One mark for each value, the latest, oldest first. @param {string[]} marks */
function newest(marks) {
  /** @type {Map<string, string>} */ const until = new Map();
  for (const mark of marks) {
    const [stamp, name] = [mark.slice(0, mark.lastIndexOf(" ")), mark.slice(mark.lastIndexOf(" ") + 1)];
    until.set(name, later(until.get(name) ?? "", stamp));
  }
  return [...until].map(([name, stamp]) => `${stamp} ${name}`).sort().slice(-SETTLED_MOST);
}

/** Canonical text of a value in which a member that is null is not there. */
function plain(value) {
  return canonical(withoutNulls(value ?? null));
}

function withoutNulls(value) {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null).map(([name, one]) => [name, withoutNulls(one)]));
}

/** Every stamp in a document, for making a later one. @param {any} doc @returns {string[]} */
export function stampsOf(doc) {
  return [...Object.values(doc.stamps ?? {}), ...(doc.superseded ?? []).map(({ stamp }) => stamp)].filter((text) => parseStamp(text));
}
