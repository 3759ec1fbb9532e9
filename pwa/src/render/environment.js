/**
 * The template engine of the phone: Nunjucks' slim runtime over templates compiled at build time (no `eval`), made to give the
 * same bytes as Jinja2 (`tests/pwa/` compares them). Texts and templates come in; nothing is read here.
 */
import nunjucks from "nunjucks/browser/nunjucks-slim.js";
import { FILTERS } from "./filters.js";

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;" };

// Nunjucks names the quote and escapes backquotes too; Jinja2 writes &#34; and leaves them.
nunjucks.lib.escape = (text) => String(text).replace(/[&<>"']/g, (sign) => ENTITIES[sign]);

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
 * @param {Record<string, any>} templates compiled, by name @param {Record<string, string>} texts of one language
 */
export function environmentOf(templates, texts) {
  const loader = new nunjucks.PrecompiledLoader(templates);
  const environment = new nunjucks.Environment([loader], { autoescape: true });
  environment.addGlobal("t", translator(texts));
  for (const [name, filter] of Object.entries(FILTERS)) environment.addFilter(name, filter);
  return environment;
}
