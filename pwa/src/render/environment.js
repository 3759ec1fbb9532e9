/**
 * What compiled templates (`precompile.mjs`) need to become HTML, made to give the same bytes as Jinja2 (`tests/pwa/` compares
 * them). Texts and templates come in; nothing is read here.
 */
import { FILTERS } from "./filters.js";

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;" };

/** HTML that is not escaped again. */
class Safe {
  constructor(html) {
    this.html = html;
  }
}

/** A value as HTML: escaped, nothing for what is missing. */
function text(value) {
  if (value instanceof Safe) return value.html;
  return String(value ?? "").replace(/[&<>"']/g, (sign) => ENTITIES[sign]);
}

/** A loop: `write(item, {index, first, last})` for each, or what `otherwise` gives for none. */
function each(list, write, otherwise = () => "") {
  if (!list?.length) return otherwise();
  return list.map((item, at) => write(item, { index: at + 1, first: !at, last: at + 1 === list.length })).join("");
}

/** How many things, letters or keys. */
function size(value) {
  return value instanceof Object ? Object.keys(value).length : (value ?? "").length;
}

/** Fills `{name}` slots of a text. */
export function fill(text, slots = {}) {
  return text.replace(/\{(\w+)\}/g, (slot, name) => (name in slots ? String(slots[name]) : slot));
}

/**
 * `t(key, slots)` of one language; a key without a text shows itself, which a test makes impossible to ship.
 * @param {Record<string, string>} texts
 */
export function translator(texts) {
  return (key, slots) => fill(texts[key] ?? key, slots);
}

/**
 * An environment whose `render(name, data)` gives a string.
 * @param {(parts: any) => Record<string, {root: (data: any) => string}>} compiled @param {Record<string, string>} texts of one language
 */
export function environmentOf(compiled, texts) {
  const templates = compiled({ text, safe: (html) => new Safe(html), each, size, filters: FILTERS, t: translator(texts) });
  return { render: (name, data) => templates[name].root(data) };
}
