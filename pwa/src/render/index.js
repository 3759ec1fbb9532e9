/**
 * Rendering with the templates and texts that the build put into the bundle. One environment a language.
 */
import LOCALE from "virtual:locale";
import TEMPLATES from "virtual:templates";
import { environmentOf, translator } from "./environment.js";

/** @type {Map<string, any>} */
const environments = new Map();

function textsOf(language) {
  return LOCALE[language] ?? LOCALE["zh-CN"];
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
