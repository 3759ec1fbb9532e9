/**
 * The case page: the way back to the list as it was, and news that never take away what was typed.
 */
import { listen } from "./live.js";
import { bindRecordKeys, bindSteps } from "./record.js";

const ORDER_KEY = "xunge-order";
const BACK_KEY = "xunge-back";

/** The form of a move of one's own that has no answer yet. @type {Element | null} */
let moving = null;
/** The version that was heard of last. @type {string | null} */
let heard = null;

/** @param {HTMLElement} page */
export function bindCase(page) {
  bindWay(page);
  bindRecordKeys({ p: ".gallery a" });
  document.addEventListener("htmx:before:request", (event) => release(event));
  document.addEventListener("change", (event) => chooseUnit(event));
  listen(page.dataset.live ?? "", (message) => hearVersion(message.version));
}

/** Back to the list as it was, and to the neighbours in it. @param {HTMLElement} page */
function bindWay(page) {
  const back = page.querySelector("a[data-back]");
  const kept = sessionStorage.getItem(BACK_KEY);
  if (back instanceof HTMLAnchorElement && kept) back.href = kept;
  bindSteps(page, ORDER_KEY);
}

/** News of a move of one's own may come before its answer, which shows it: they are looked at after it. @param {string} version */
function hearVersion(version) {
  heard = version;
  if (moving) return;
  const shown = document.getElementById("case");
  if (!shown || shown.dataset.version === version) return;
  const moves = document.getElementById("moves");
  const isTyped = moves !== null && isAtWork(moves);
  if (isTyped && moves) {
    moves.setAttribute("hx-morph-skip", "");
    for (const note of moves.querySelectorAll("[data-stale]")) if (note instanceof HTMLElement) note.hidden = false;
  }
  shown.dispatchEvent(new CustomEvent("refresh"));
}

/** True while somebody fills in a form: one is open, or something is written. @param {HTMLElement} moves */
function isAtWork(moves) {
  if (moves.querySelector("form.move > details[open]")) return true;
  return Array.from(moves.querySelectorAll("textarea")).some((field) => field.value.trim() !== "" && !field.readOnly);
}

/** Another unit than the proposed one rests on another basis: the proposed entry is let go. @param {Event} event */
function chooseUnit(event) {
  const unit = event.target;
  if (!(unit instanceof HTMLSelectElement) || unit.name !== "unit") return;
  const entry = unit.form?.elements.namedItem("entry");
  if (!(entry instanceof HTMLSelectElement)) return;
  entry.selectedIndex = unit.value === unit.form?.dataset.proposed ? 1 : 0;
}

/** A move's own answer may replace the forms again. @param {Event} event */
function release(event) {
  const form = event.target instanceof Element && event.target.matches("form.move") ? event.target : null;
  if (!form) return;
  moving = form;
  document.getElementById("moves")?.removeAttribute("hx-morph-skip");
  // At the form itself: its answer may have taken it off the page.
  form.addEventListener("htmx:finally:request", () => settle(form), { once: true });
}

/** The answer is shown, or there was none: what was heard meanwhile counts now. @param {Element} form */
function settle(form) {
  if (moving !== form) return;
  moving = null;
  if (heard !== null) hearVersion(heard);
}
