/**
 * Compiles the templates at build time (and for tests) with Nunjucks' compiler, which the phone never ships.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";

import nunjucks from "nunjucks";

/** Names of all templates under a folder, as templates call each other. */
export function templateNames(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".html"))
    .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

/** The source of an ES module whose default export maps a template's name to its compiled form. */
export function precompile(folder) {
  const compiled = templateNames(folder).map((name) => {
    const source = readFileSync(join(folder, name), "utf8");
    const wrapper = ([{ template }]) => `${JSON.stringify(name)}: (function () {${template}})()`;
    return nunjucks.precompileString(source, { name, wrapper });
  });
  return `export default {\n${compiled.join(",\n")}\n};\n`;
}
