/**
 * The case page: moves by keys, reasons by a tap, the way to the next case, and news that never take away what was typed.
 */
import { isForTyping } from "./keys.js";
import { listen } from "./live.js";

const ORDER_KEY = "xunge-order";
const BACK_KEY = "xunge-back";
const MOVE_KEYS = new Set(["a", "r", "c"]);

/** @param {HTMLElement} page */
export function bindCase(page) {
  bindWay(page);
  document.addEventListener("keydown", (event) => pressKey(event));
  document.addEventListener("click", (event) => pickReason(event));
  document.addEventListener("htmx:before:request", (event) => release(event));
  listen(page.dataset.live ?? "", (message) => hearVersion(message.version));
}

/** Back to the list as it was, and to the neighbours in it. @param {HTMLElement} page */
function bindWay(page) {
  const back = page.querySelector("a[data-back]");
  const kept = sessionStorage.getItem(BACK_KEY);
  if (back instanceof HTMLAnchorElement && kept) back.href = kept;
  const order = JSON.parse(sessionStorage.getItem(ORDER_KEY) ?? "[]");
  const at = order.indexOf(location.pathname);
  for (const step of page.querySelectorAll("a[data-step]")) {
    const href = at < 0 ? undefined : order[at + Number(step.getAttribute("data-step"))];
    if (!(step instanceof HTMLAnchorElement) || !href) continue;
    step.href = href;
    step.hidden = false;
  }
}

/** @param {KeyboardEvent} event */
function pressKey(event) {
  const target = event.target;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && target instanceof HTMLTextAreaElement) {
    target.form?.requestSubmit();
    return;
  }
  if (isForTyping(event)) return;
  if (event.key === "j") follow('a[data-step="1"]');
  else if (event.key === "k") follow('a[data-step="-1"]');
  else if (event.key === "u") follow("a[data-back]");
  else if (event.key === "p") follow(".gallery a");
  else if (MOVE_KEYS.has(event.key)) openMove(event.key);
  else return;
  event.preventDefault();
}

/** @param {string} selector */
function follow(selector) {
  const link = document.querySelector(selector);
  if (link instanceof HTMLAnchorElement && !link.hidden) link.click();
}

/** Brings a move under the hand: its button, or its opened form. A key alone never makes a move. @param {string} key */
function openMove(key) {
  const form = document.querySelector(`form.move[data-key="${key}"]`);
  const details = form?.querySelector("details");
  if (details) details.open = true;
  const field = form?.querySelector("textarea") ?? form?.querySelector("button");
  if (field instanceof HTMLElement) field.focus();
}

/** @param {MouseEvent} event */
function pickReason(event) {
  const button = event.target instanceof Element ? event.target.closest("[data-pick]") : null;
  const field = button && document.getElementById(button.getAttribute("data-pick") ?? "");
  if (!button || !(field instanceof HTMLTextAreaElement)) return;
  const words = button.textContent?.trim() ?? "";
  field.value = field.value.trim() ? `${field.value.trim()}\n${words}` : words;
  field.focus();
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
