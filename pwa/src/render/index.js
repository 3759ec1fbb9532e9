/**
 * Rendering with the templates that the build put into the bundle and the texts of a language. One environment a language.
 */
import TEMPLATES from "virtual:templates";
import { environmentOf } from "./environment.js";

/** @type {Map<string, any>} */
const environments = new Map();

/** A template with its view model, as HTML. @param {string} template @param {any} data @param {import("../sw/texts.js").Texts} texts */
export function render(template, data, { language, texts }) {
  if (!environments.has(language)) environments.set(language, environmentOf(TEMPLATES, texts));
  return environments.get(language).render(template, data);
}
