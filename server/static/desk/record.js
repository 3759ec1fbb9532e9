/**
 * What every page about one record has: the way back and to its neighbours in the list, forms that open by a key, reasons by a tap.
 * A key alone never decides: it brings the form under the hand.
 */
import { isForTyping } from "./keys.js";

/** Shows the steps to the records before and after this one, as the list had them. @param {HTMLElement} page @param {string} orderKey */
export function bindSteps(page, orderKey) {
  const order = JSON.parse(sessionStorage.getItem(orderKey) ?? "[]");
  const at = order.indexOf(location.pathname);
  for (const step of page.querySelectorAll("a[data-step]")) {
    const href = at < 0 ? undefined : order[at + Number(step.getAttribute("data-step"))];
    if (!(step instanceof HTMLAnchorElement) || !href) continue;
    step.href = href;
    step.hidden = false;
  }
}

/**
 * Keys and taps: `j` and `k` go to the neighbours, `u` back, a form's own key opens it, Ctrl and Enter sends what is written.
 * @param {Record<string, string>} links more keys, each with the selector of the link it follows
 */
export function bindRecordKeys(links = {}) {
  const followed = { j: 'a[data-step="1"]', k: 'a[data-step="-1"]', u: "a[data-back]", ...links };
  document.addEventListener("keydown", (event) => press(event, followed));
  document.addEventListener("click", (event) => pickReason(event));
}

/** @param {KeyboardEvent} event @param {Record<string, string>} links */
function press(event, links) {
  const target = event.target;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && target instanceof HTMLTextAreaElement) {
    target.form?.requestSubmit();
    return;
  }
  if (isForTyping(event)) return;
  const link = Object.hasOwn(links, event.key) ? document.querySelector(links[event.key]) : null;
  if (link instanceof HTMLAnchorElement && !link.hidden) link.click();
  else if (!link && !openForm(event.key)) return;
  event.preventDefault();
}

/** @param {string} key @returns {boolean} whether a form has this key */
function openForm(key) {
  const form = Array.from(document.querySelectorAll("form.move[data-key]")).find((one) => one.getAttribute("data-key") === key);
  if (!form) return false;
  const details = form.querySelector("details");
  if (details) details.open = true;
  const field = form.querySelector("select, textarea, button.primary") ?? form.querySelector("button");
  if (field instanceof HTMLElement) field.focus();
  return true;
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
