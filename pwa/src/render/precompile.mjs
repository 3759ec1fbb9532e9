/**
 * Compiles the templates at build time (and for tests): Nunjucks' parser reads them, and what comes out is one small module of plain
 * functions, without any engine that would have to be shipped with it. How a single node is written is `writing.mjs`'s.
 *
 * The module's default export is `(parts) => templates`; `environment.js` says what goes in and how a template is called.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";

import parser from "nunjucks/src/parser.js";

import { Writer } from "./writing.mjs";

/** Names of all templates under a folder, as templates call each other. */
export function templateNames(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".html"))
    .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

/** The source of an ES module with all templates of a folder. */
export function precompile(folder) {
  return compileAll(new Map(templateNames(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")])));
}

/** @param {Map<string, string>} sources by name @returns {string} the source of an ES module */
export function compileAll(sources) {
  const trees = new Map([...sources].map(([name, source]) => [name, parser.parse(source, [], {})]));
  const macros = macrosOf(trees);
  const written = [...trees].map(([name, tree]) => writeTemplate(name, tree, macros));
  const functions = written.flatMap((template) => template.macros);
  const templates = written.map(({ name, root, blocks }) => `${JSON.stringify(name)}: { root: ${root}, blocks: {${blocks.join(", ")}} }`);
  return `export default ({ text, safe, each, size, filters, t }) => {\n${functions.join("\n")}\nconst T = {\n${templates.join(",\n")}\n};\nreturn T;\n};\n`;
}

/** Every macro's name in the module, by file and name. @returns {Map<string, Map<string, string>>} */
function macrosOf(trees) {
  let count = 0;
  const named = ({ children }) => children.filter(({ typename }) => typename === "Macro").map(({ name }) => [name.value, `m${(count += 1)}`]);
  return new Map([...trees].map(([name, tree]) => [name, new Map(named(tree))]));
}

/** `root` gets the page's data and the blocks that a template built on this one fills. */
function writeTemplate(name, tree, macros) {
  const writer = new Writer(name, seenFrom(name, tree, macros));
  const parent = tree.children.find(({ typename }) => typename === "Extends");
  const own = tree.children.filter(({ typename }) => typename === "Macro");
  const functions = own.map((macro) => `const ${macros.get(name)?.get(macro.name.value)} = ${writer.macro(macro)};`);
  const blocks = writer.blocksIn(tree).map(([block, body]) => `${block}: ${body}`);
  const begun = parent ? `T[${writer.value(parent.template)}].root(c, b)` : writer.body(tree, writer.page());
  const root = blocks.length ? `(c, b) => (b = { ...T[${JSON.stringify(name)}].blocks, ...b }, ${begun})` : `(c, b) => ${begun}`;
  return { name, macros: functions, blocks, root };
}

/**
 * Which macros a template may call: its own, those it imports, and, as a part sees what the page around it imported, any other by
 * a name that only one file has (the tests render with Jinja2, which finds what no page imported). @returns {Map<string, string>}
 */
function seenFrom(name, tree, macros) {
  const seen = new Map([...uniqueOf(macros), ...(macros.get(name) ?? [])]);
  for (const { template, names } of tree.children.filter(({ typename }) => typename === "FromImport")) {
    for (const asked of names.children) {
      const { key: macro, value: as } = asked.typename === "Pair" ? asked : { key: asked, value: asked };
      const found = macros.get(template.value)?.get(macro.value);
      if (!found) throw new Error(`${name}: ${template.value} has no macro ${macro.value}`);
      seen.set(as.value, found);
    }
  }
  return seen;
}

function uniqueOf(macros) {
  const all = [...macros.values()].flatMap((own) => [...own]);
  return all.filter(([name]) => all.filter(([other]) => other === name).length === 1);
}
