/**
 * Rendering with the templates and texts that the build put into the bundle. One environment a language.
 */
import LOCALE from "virtual:locale";
import TEMPLATES from "virtual:templates";
import { environmentOf, translator } from "./environment.js";

/** @type {Map<string, any>} */
const environments = new Map();

/** @type {Map<string, Record<string, string>>} */
const texts = new Map();

function textsOf(language) {
  const known = language in LOCALE ? language : "zh-CN";
  if (!texts.has(known)) texts.set(known, Object.fromEntries(LOCALE.keys.map((key, at) => [key, LOCALE[known][at]])));
  return /** @type {Record<string, string>} */ (texts.get(known));
}

/** `t` of a language. */
export function textOf(language) {
  return translator(textsOf(language));
}

/** A template with its view model, as HTML. @param {string} template @param {any} data @param {string} language */
export function render(template, data, language) {
  if (!environments.has(language)) environments.set(language, environmentOf(TEMPLATES, textsOf(language)));
  return environments.get(language).render(template, data);
}
