/**
 * The texts of the language in use, from the app's own files: a worker that was just started reads one language, not all of them.
 *
 * @typedef {{language: string, texts: Record<string, string>}} Texts
 */
import { file } from "./files.js";

const DEFAULT = "zh-CN";

/** @type {Map<string, Promise<Texts>>} */
const known = new Map();

/** All texts of a language; of the first language where there is no such language. @param {string} language @returns {Promise<Texts>} */
export function textsOf(language) {
  const chosen = BUILD_FILES.includes(pathOf(language)) ? language : DEFAULT;
  const found = known.get(chosen) ?? read(chosen);
  known.set(chosen, found);
  // One that could not be read is asked for again by the next page.
  found.catch(() => known.delete(chosen));
  return found;
}

async function read(language) {
  const response = await file(new Request(pathOf(language)));
  if (!response.ok) throw new Error(`no texts of ${language}: ${response.status}`);
  return { language, texts: await response.json() };
}

function pathOf(language) {
  return `/m/locale/${language}.json`;
}
