/**
 * Which files wait although there is a link: originals for Wi-Fi, and what its user may still take back. A browser that does not tell
 * what the link is (`navigator.connection.type`) makes originals wait until the user lets them go.
 */
import { holdOf } from "../store/outbox.js";

const FREE = new Set(["wifi", "ethernet"]);

/** @returns {any} what the browser tells of the link, if anything */
function link() {
  return /** @type {any} */ (globalThis.navigator)?.connection;
}

/** @param {import("../store/outbox.js").Upload} upload */
export function mayGo(upload, now_ms = Date.now()) {
  return !holdOf(upload, now_ms) && (!upload.wifi_only || FREE.has(link()?.type));
}

/** Asks to be told when the link is another one. @param {() => void} hear */
export function onLinkChange(hear) {
  link()?.addEventListener?.("change", hear);
}
