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

/** A macro taken from a file, with what is said when the file has none: the tests render every template. */
const IMPORTED = /if\(Object\.prototype\.hasOwnProperty\.call\((t_\d+), "(\w+)"\)\) \{\nvar (t_\d+) = t_\d+\.\w+;\n\} else \{\ncb\(new Error\("cannot import '\w+'"\)\); return;\n\}\n/g;

/**
 * Without what only a template's author needs (line numbers for errors) and what templates may not use (the lint knows): a sixth
 * of all that a phone loads for its pages. @param {string} code of one template
 */
export function lean(code) {
  return code
    .replace(/\blineno = \d+, colno = \d+, /g, "")
    .replace(/^var (lineno|colno) = \d+;\n/gm, "")
    .replace(/, lineno, colno\)/g, ")")
    .replace(IMPORTED, "var $3 = $1.$2;\n")
    .replace(/, env\.opts\.autoescape\)/g, ", true)")
    .replace(/^frame\.set\("loop\.(index0|revindex|revindex0|length)", .*\);\n/gm, "");
}

/** The source of an ES module whose default export maps a template's name to its compiled form. */
export function precompile(folder) {
  const compiled = templateNames(folder).map((name) => {
    const source = readFileSync(join(folder, name), "utf8");
    const wrapper = ([{ template }]) => `${JSON.stringify(name)}: (function () {${lean(template)}})()`;
    return nunjucks.precompileString(source, { name, wrapper });
  });
  return `export default {\n${compiled.join(",\n")}\n};\n`;
}
