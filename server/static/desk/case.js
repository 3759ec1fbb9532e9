/**
 * The case page: the way back to the list as it was, and news that never take away what was typed.
 */
import { listen } from "./live.js";
import { bindRecordKeys, bindSteps } from "./record.js";

const ORDER_KEY = "xunge-order";
const BACK_KEY = "xunge-back";
/** Parts in which somebody may be at work: news leave such a one as it is. */
const PARTS = "#moves, #twins, #caller";
const OPENED = "form.move > details[open], #twins details[open], #caller details[open], #caller dl";

/** A form of one's own that has no answer yet. @type {Element | null} */
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
  for (const part of shown.querySelectorAll(PARTS)) keepAsItIs(part, isAtWork(part));
  shown.dispatchEvent(new CustomEvent("refresh"));
}

/** @param {Element} part @param {boolean} isKept */
function keepAsItIs(part, isKept) {
  part.toggleAttribute("hx-morph-skip", isKept);
  for (const note of part.querySelectorAll("[data-stale]")) if (note instanceof HTMLElement) note.hidden = !isKept;
}

/** True while somebody fills in a form or has opened something: what is read or typed there does not go at a moment of others' choosing. @param {Element} part */
function isAtWork(part) {
  if (part.querySelector(OPENED)) return true;
  /** @type {(HTMLTextAreaElement | HTMLInputElement)[]} */
  const fields = Array.from(part.querySelectorAll("textarea, input[maxlength]"));
  return fields.some((field) => field.value.trim() !== field.defaultValue.trim() && !field.readOnly);
}

/** Another unit than the proposed one rests on another basis: the proposed entry is let go. @param {Event} event */
function chooseUnit(event) {
  const unit = event.target;
  if (!(unit instanceof HTMLSelectElement) || unit.name !== "unit") return;
  const entry = unit.form?.elements.namedItem("entry");
  if (!(entry instanceof HTMLSelectElement)) return;
  entry.selectedIndex = unit.value === unit.form?.dataset.proposed ? 1 : 0;
}

/** A form's own answer may replace its part again. @param {Event} event */
function release(event) {
  const form = event.target instanceof Element && event.target.matches("form[hx-target='#case']") ? event.target : null;
  if (!form) return;
  moving = form;
  form.closest(PARTS)?.removeAttribute("hx-morph-skip");
  // At the form itself: its answer may have taken it off the page.
  form.addEventListener("htmx:finally:request", () => settle(form), { once: true });
}

/** The answer is shown, or there was none: what was heard meanwhile counts now. @param {Element} form */
function settle(form) {
  if (moving !== form) return;
  moving = null;
  if (heard !== null) hearVersion(heard);
}
