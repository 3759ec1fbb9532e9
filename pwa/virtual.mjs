/**
 * What the build makes up for the bundles: compiled templates, the domain's limits and lists, and the
 * one copy of the store that both workers share.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

import { precompile } from "./src/render/precompile.mjs";

const NAMESPACE = "virtual";

/** The server checks whole schemas; the phone needs the lists and limits its forms are made of. */
function domain(root) {
  const path = join(root, "generated/domain.json");
  if (!existsSync(path)) return {};
  const { schemas, $defs, shown_moves, ...rest } = JSON.parse(readFileSync(path, "utf8"));
  return rest;
}

/** An esbuild plugin for `virtual:templates` and `virtual:domain`. @param {string} root folder `pwa` */
export function virtual(root) {
  const sources = {
    "virtual:templates": () => ({ contents: precompile(join(root, "templates")), loader: "js" }),
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

/** Packages that PouchDB imports and that files of ours take the place of; `standins/README.md` says why each may. */
const STANDINS = Object.freeze({ events: "events.js", "spark-md5": "digests.js", "pouchdb-selector-core": "selectors.js", vuvuzela: "json.js" });

/** An esbuild plugin that puts them there, and of the domain's rules takes what the store knows. @param {string} root folder `pwa` */
export function leanStore(root) {
  return {
    name: "lean-store",
    setup(build) {
      build.onResolve({ filter: /^[a-z0-9-]+$/ }, ({ path }) => (path in STANDINS ? { path: join(root, "standins", STANDINS[path]) } : undefined));
      build.onLoad({ filter: /generated.domain\.json$/ }, () => ({ contents: JSON.stringify({ visiting: domain(root).visiting }), loader: "json" }));
    },
  };
}

const SHARED = "xungeStore";

/** The source of `store.js`: every module of `src/store` as one global object. @param {string} root folder `pwa` */
export function storeEntry(root) {
  const resolveDir = join(root, "src/store");
  const names = readdirSync(resolveDir).filter((name) => name.endsWith(".js"));
  const imports = names.map((name, at) => `import * as m${at} from "./${name}";`);
  const fields = names.map((name, at) => `${JSON.stringify(name)}: m${at}`);
  return { contents: `${imports.join("\n")}\nself.${SHARED} = { ${fields.join(", ")} };\n`, resolveDir };
}

/** An esbuild plugin that takes every import of `src/store` from that object. @param {string} root folder `pwa` */
export function sharedStore(root) {
  const store = join(root, "src/store");
  return {
    name: "shared-store",
    setup(build) {
      build.onResolve({ filter: /^\.{1,2}\/.*\.js$/ }, ({ path, resolveDir }) => {
        const file = resolve(resolveDir, path);
        return dirname(file) === store ? { path: basename(file), namespace: SHARED } : undefined;
      });
      build.onLoad({ filter: /.*/, namespace: SHARED }, ({ path }) => {
        return { contents: `module.exports = self.${SHARED}[${JSON.stringify(path)}];`, loader: "js" };
      });
    },
  };
}
