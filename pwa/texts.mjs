/**
 * The phone's texts as the source has them: a folder a language, a file a subject. The app ships one file a language.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** The languages there are. @param {string} root folder `pwa` */
export function languages(root) {
  return readdirSync(join(root, "locale")).sort();
}

/** All texts of a language. Throws when two files have the same key. @param {string} root folder `pwa` @returns {Record<string, string>} */
export function textsOf(root, language) {
  const folder = join(root, "locale", language);
  /** @type {Record<string, string>} */
  const found = {};
  for (const name of readdirSync(folder).sort()) {
    for (const [key, text] of Object.entries(JSON.parse(readFileSync(join(folder, name), "utf8")))) {
      if (key in found) throw new Error(`locale/${language}/${name}: ${key} has a text already`);
      found[key] = text;
    }
  }
  return found;
}
