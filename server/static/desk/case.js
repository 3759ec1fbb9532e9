/**
 * The case page: the way back to the list as it was, and news that never take away what was typed.
 */
import { listen } from "./live.js";
import { bindRecordKeys, bindSteps } from "./record.js";

const ORDER_KEY = "xunge-order";
const BACK_KEY = "xunge-back";

/** @param {HTMLElement} page */
export function bindCase(page) {
  bindWay(page);
  bindRecordKeys({ p: ".gallery a" });
  document.addEventListener("htmx:before:request", (event) => release(event));
  listen(page.dataset.live ?? "", (message) => hearVersion(message.version));
}

/** Back to the list as it was, and to the neighbours in it. @param {HTMLElement} page */
function bindWay(page) {
  const back = page.querySelector("a[data-back]");
  const kept = sessionStorage.getItem(BACK_KEY);
  if (back instanceof HTMLAnchorElement && kept) back.href = kept;
  bindSteps(page, ORDER_KEY);
}

/** @param {string} version */
function hearVersion(version) {
  const shown = document.getElementById("case");
  if (!shown || shown.dataset.version === version) return;
  const moves = document.getElementById("moves");
  const isTyped = Array.from(document.querySelectorAll("#moves textarea")).some(
    (field) => field instanceof HTMLTextAreaElement && field.value.trim() !== "" && !field.readOnly,
  );
  if (isTyped && moves) {
    moves.setAttribute("hx-morph-skip", "");
    for (const note of moves.querySelectorAll("[data-stale]")) if (note instanceof HTMLElement) note.hidden = false;
  }
  shown.dispatchEvent(new CustomEvent("refresh"));
}

/** A move's own answer may replace the forms again. @param {Event} event */
function release(event) {
  const source = event.target instanceof Element ? event.target : null;
  if (source?.matches("form.move")) document.getElementById("moves")?.removeAttribute("hx-morph-skip");
}
