/**
 * Makes Node load the packages of PouchDB as a browser's bundle would: by their `browser` entries, as ES modules, and gives
 * them the `navigator` that Node 20 lacks. Imported first by every test that opens a store.
 */
import { register } from "node:module";

register("./browser-resolve.mjs", import.meta.url);
globalThis.navigator ??= /** @type {any} */ ({ userAgent: "Chrome/140", onLine: true });
