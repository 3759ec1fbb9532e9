/** The resolve hook of `browser.mjs`: the `module` file of PouchDB's packages, replaced as its `browser` field says. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const PWA = new URL("../../../pwa/package.json", import.meta.url);

export async function resolve(specifier, context, next) {
  if (!/^pouchdb-[a-z-]+$/.test(specifier)) return next(specifier, context);
  const from = createRequire(context.parentURL?.startsWith("file:") ? context.parentURL : PWA);
  const entry = from.resolve(specifier);
  const root = entry.slice(0, entry.lastIndexOf(`${specifier}/`) + specifier.length + 1);
  const { module, browser = {} } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
  const file = browser[module] ?? browser[`./${module.replace("./", "")}`] ?? module;
  return { url: new URL(file, `file://${root}`).href, format: "module", shortCircuit: true };
}
