/** The event catalogue as a form shows it: the three nearest at hand, then all by class. Names in the phone's language. */

import { dayOf } from "./moments.js";
import { initialsOf } from "./pinyin.js";

/** Kinds whose first category stands in until the user has habits of their own. */
const FIRST_KINDS = Object.freeze(["event", "hazard", "service"]);
const TOP_COUNT = 3;

const KEPT_MS = 60_000;
/** @type {Map<string, {read_at_ms: number, docs: any[]}>} what was read last, by user and kind; only ever saves reading it again */
const kept = new Map();

/**
 * Reference documents, by code. Every list needs their names and they change a few times a year, so one reading serves
 * a minute; none at all are asked for again, since they are about to arrive.
 * @param {import("../store/index.js").Store} store @param {"categories" | "compounds"} kind @param {number} now_ms
 */
async function readKept(store, kind, now_ms) {
  const key = `${kind} ${store.session.author}`;
  const held = kept.get(key);
  if (held && Math.abs(now_ms - held.read_at_ms) < KEPT_MS) return held.docs;
  const docs = await store[kind]();
  if (docs.length) kept.set(key, { read_at_ms: now_ms, docs });
  return docs;
}

/** The catalogue's documents. @param {import("../store/index.js").Store} store @param {number} now_ms */
export function readCategories(store, now_ms) {
  return readKept(store, "categories", now_ms);
}

/** The compounds (小区) of the user's grids that are there today. @param {import("../store/index.js").Store} store @param {number} now_ms */
export async function readCompounds(store, now_ms) {
  return offeredOn(await readKept(store, "compounds", now_ms), now_ms);
}

/** A name that is a text or one per language. @param {any} name @param {string} language */
export function nameIn(name, language) {
  return typeof name === "string" ? name : (name?.[language] ?? name?.["zh-CN"] ?? "");
}

/** The categories in force on a day, China's: one that ended keeps its name for old records but is offered no more. @param {any[]} categories @param {number} now_ms */
export function offeredOn(categories, now_ms) {
  const today = dayOf(now_ms);
  return categories.filter((doc) => !(doc.valid_to && doc.valid_to < today) && !(doc.valid_from > today));
}

/**
 * `{top_categories: [{value, label, initials, chosen}], catalogue: [{name, initials, options}]}`; `initials` are what letters find (`pinyin.js`).
 * @param {any[]} categories documents of the catalogue, by code @param {string[]} used codes, most used first
 */
export function catalogueOf(categories, used, language, chosen = "") {
  const initials = (name) => (language === "en" ? "" : initialsOf(name));
  const option = (doc) => {
    const label = nameIn(doc.name, language);
    return { value: doc.code, label, initials: initials(label), chosen: doc.code === chosen };
  };
  const top = topOf(categories, chosen ? [chosen, ...used] : used);
  const others = categories.filter((doc) => !top.includes(doc));
  const groups = new Map();
  for (const doc of others) {
    const name = nameIn(doc.class_name ?? doc.kind_name ?? "", language);
    groups.set(name, [...(groups.get(name) ?? []), option(doc)]);
  }
  return { top_categories: top.map(option), catalogue: [...groups].map(([name, rows]) => ({ name, initials: initials(name), options: rows })) };
}

function topOf(categories, used) {
  const habits = used.map((code) => categories.find((doc) => doc.code === code));
  const usual = FIRST_KINDS.map((kind) => categories.find((doc) => doc.kind === kind));
  return [...new Set([...habits, ...usual, ...categories].filter(Boolean))].slice(0, TOP_COUNT);
}

/** A category's name by its code; the code itself until the catalogue is here. */
export function categoryName(categories, code, language) {
  return nameIn(categories.find((doc) => doc.code === code)?.name, language) || code;
}
