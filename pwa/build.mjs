/**
 * Builds the phone app into `dist/m/` and the desk's bundles into `dist/desk/`.
 *
 *     node build.mjs        prints sizes; fails when the phone's JS + CSS exceed 150 KB gzip
 *
 * The version is a hash of everything that is shipped, so an unchanged source builds an unchanged app.
 */
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

import { languages, textsOf } from "./texts.mjs";
import { leanStore, sharedStore, storeEntry, virtual } from "./virtual.mjs";

const ROOT = import.meta.dirname;
const OUT = join(ROOT, "dist");
const NEXT = join(ROOT, `dist.next-${process.pid}`);
const PHONE_BYTES = 150 * 1024;
const COMMON = {
  bundle: true,
  minify: true,
  format: "iife",
  target: ["chrome91", "firefox100", "safari15.4"],
  charset: "utf8",
  legalComments: "none",
  absWorkingDir: ROOT,
  logLevel: "warning",
};

/** Both workers load the store (and PouchDB in it) from one file: it is a quarter of all the code. */
const WORKER = { ...COMMON, plugins: [virtual(ROOT), sharedStore(ROOT)], banner: { js: 'importScripts("/m/store.js");' } };

/** @param {string} phone the folder `m` that is being made */
async function buildPhone(phone) {
  await build({ ...COMMON, entryPoints: { boot: "src/boot/index.js", page: "src/page/index.js" }, outdir: phone });
  await build({ ...COMMON, plugins: [leanStore(ROOT)], stdin: storeEntry(ROOT), outfile: join(phone, "store.js") });
  await build({ ...WORKER, entryPoints: { sync: "src/sync/index.js" }, outdir: phone });
  await build({ ...COMMON, entryPoints: { page: "styles/page.css", boot: "src/boot/boot.css" }, outdir: phone });
  cpSync(join(ROOT, "src/boot/index.html"), join(phone, "index.html"));
  mkdirSync(join(phone, "locale"));
  for (const language of languages(ROOT)) writeFileSync(join(phone, `locale/${language}.json`), JSON.stringify(textsOf(ROOT, language)));
  cpSync(join(ROOT, "manifest.webmanifest"), join(phone, "manifest.webmanifest"));
  cpSync(join(ROOT, "icons"), join(phone, "icons"), { recursive: true, filter: (path) => !/\.(py|mjs|md)$/.test(path) });
  return buildServiceWorker(phone);
}

/** Built last: it carries the list of all other files and the version made of everything. */
async function buildServiceWorker(phone) {
  const files = filesUnder(phone).map((path) => `/m/${path}`);
  const define = { BUILD_VERSION: '"@version@"', BUILD_FILES: JSON.stringify(files.filter((path) => path !== "/m/index.html")) };
  await build({ ...WORKER, entryPoints: { sw: "src/sw/index.js" }, outdir: phone, define });
  const path = join(phone, "sw.js");
  const version = hashOf(phone);
  writeFileSync(path, readFileSync(path, "utf8").replaceAll("@version@", version));
  writeFileSync(join(phone, "version.json"), `${JSON.stringify({ version })}\n`);
  return version;
}

/** The desk's script and style, with what they import. @param {string} desk the folder `desk` that is being made */
async function buildDesk(desk) {
  const source = join(ROOT, "../server/static");
  const entries = ["desk.js", "desk.css"].filter((name) => existsSync(join(source, name)));
  mkdirSync(desk, { recursive: true });
  if (!entries.length) return;
  await build({
    ...COMMON,
    entryPoints: entries.map((name) => join(source, name)),
    outdir: desk,
    nodePaths: [join(ROOT, "node_modules")],
    loader: { ".png": "file", ".svg": "file", ".gif": "file" },
    assetNames: "[name]",
  });
}

function filesUnder(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

function hashOf(folder) {
  const hash = createHash("sha256");
  for (const name of filesUnder(folder)) hash.update(name).update(readFileSync(join(folder, name)));
  return hash.digest("hex").slice(0, 12);
}

/** Prints the texts too, which are neither. @returns {number} bytes of JS and CSS, gzipped */
function printSizes(folder, label) {
  const sizes = filesUnder(folder)
    .filter((name) => /\.(js|css)$|^locale\//.test(name))
    .map((name) => ({ name, bytes: gzipSync(readFileSync(join(folder, name)), { level: 9 }).length }));
  for (const { name, bytes } of sizes) console.log(`${label}/${name}`.padEnd(24), `${(bytes / 1024).toFixed(1)} KB gzip`);
  return sizes.filter(({ name }) => !name.endsWith(".json")).reduce((sum, { bytes }) => sum + bytes, 0);
}

/** The old build is served until the new one is whole. */
function replaceDist() {
  const old = join(ROOT, `dist.old-${process.pid}`);
  if (existsSync(OUT)) renameSync(OUT, old);
  renameSync(NEXT, OUT);
  rmSync(old, { recursive: true, force: true });
}

rmSync(NEXT, { recursive: true, force: true });
try {
  mkdirSync(join(NEXT, "m"), { recursive: true });
  const version = await buildPhone(join(NEXT, "m"));
  await buildDesk(join(NEXT, "desk"));
  const total = printSizes(join(NEXT, "m"), "m");
  printSizes(join(NEXT, "desk"), "desk");
  console.log(`phone ${version}: ${(total / 1024).toFixed(1)} KB of ${PHONE_BYTES / 1024} KB gzip`);
  if (total > PHONE_BYTES) throw new Error("the phone app is over its size");
  replaceDist();
} finally {
  rmSync(NEXT, { recursive: true, force: true });
}
