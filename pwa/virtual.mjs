/**
 * What the build makes up for the bundles: compiled templates, texts of both languages, and the domain's limits and lists.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { precompile } from "./src/render/precompile.mjs";

const NAMESPACE = "virtual";

function locale(root) {
  const folder = join(root, "locale");
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  return Object.fromEntries(names.map((name) => [name.replace(".json", ""), JSON.parse(readFileSync(join(folder, name), "utf8"))]));
}

/** The server checks whole schemas; the phone needs the lists and limits its forms are made of. */
function domain(root) {
  const path = join(root, "generated/domain.json");
  if (!existsSync(path)) return {};
  const { schemas, $defs, ...rest } = JSON.parse(readFileSync(path, "utf8"));
  return rest;
}

/** An esbuild plugin for `virtual:templates`, `virtual:locale` and `virtual:domain`. @param {string} root folder `pwa` */
export function virtual(root) {
  const sources = {
    "virtual:templates": () => ({ contents: precompile(join(root, "templates")), loader: "js" }),
    "virtual:locale": () => ({ contents: JSON.stringify(locale(root)), loader: "json" }),
    "virtual:domain": () => ({ contents: JSON.stringify(domain(root)), loader: "json" }),
  };
  return {
    name: NAMESPACE,
    setup(build) {
      build.onResolve({ filter: /^virtual:/ }, ({ path }) => ({ path, namespace: NAMESPACE }));
      build.onLoad({ filter: /.*/, namespace: NAMESPACE }, ({ path }) => sources[path]());
    },
  };
}
