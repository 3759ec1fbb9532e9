/**
 * Refused records: moving through the list and between records by keys, opening a decision's form, reasons by a tap.
 * A key alone never decides: it brings the form under the hand.
 */
import { isForTyping } from "./keys.js";

const ORDER_KEY = "xunge-refused";
const DECISIONS = new Set(["a", "c", "x"]);
let picked = -1;

/** The list. @param {HTMLElement} page */
export function bindRefusedList(page) {
  remember();
  document.addEventListener("htmx:after:swap", remember);
  document.addEventListener("click", (event) => clickRow(event));
  document.addEventListener("keydown", (event) => pressInList(event));
  page.addEventListener("change", (event) => {
    const field = event.target;
    if (field instanceof HTMLSelectElement && field.matches("[data-submit]")) field.form?.requestSubmit();
  });
}

/** One record. @param {HTMLElement} page */
export function bindRefused(page) {
  const order = JSON.parse(sessionStorage.getItem(ORDER_KEY) ?? "[]");
  const at = order.indexOf(location.pathname);
  for (const step of page.querySelectorAll("a[data-step]")) {
    const href = at < 0 ? undefined : order[at + Number(step.getAttribute("data-step"))];
    if (!(step instanceof HTMLAnchorElement) || !href) continue;
    step.href = href;
    step.hidden = false;
  }
  document.addEventListener("keydown", (event) => pressInRecord(event));
  document.addEventListener("click", (event) => pickReason(event));
}

/** The order of the list as it is shown, for the way from record to record. */
function remember() {
  sessionStorage.setItem(ORDER_KEY, JSON.stringify(rows().map((row) => row.dataset.href)));
}

/** @returns {HTMLElement[]} */
function rows() {
  return Array.from(document.querySelectorAll("tr.row[data-href]")).filter((row) => row instanceof HTMLElement);
}

/** @param {MouseEvent} event */
function clickRow(event) {
  const target = event.target instanceof Element ? event.target : null;
  const row = target?.closest("tr.row");
  if (!(row instanceof HTMLElement) || target?.closest("a, button") || String(window.getSelection())) return;
  location.href = row.dataset.href ?? "";
}

/** @param {KeyboardEvent} event */
function pressInList(event) {
  if (isForTyping(event)) return;
  const all = rows();
  if (event.key === "j") pick(Math.min(picked + 1, all.length - 1));
  else if (event.key === "k") pick(Math.max(picked - 1, 0));
  else if (event.key === "Enter" && all[picked] && event.target === document.body) location.href = all[picked].dataset.href ?? "";
  else return;
  event.preventDefault();
}

/** @param {number} index */
function pick(index) {
  picked = index;
  rows().forEach((row, place) => row.classList.toggle("picked", place === index));
  rows()[index]?.scrollIntoView({ block: "nearest" });
}

/** @param {KeyboardEvent} event */
function pressInRecord(event) {
  const target = event.target;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && target instanceof HTMLTextAreaElement) {
    target.form?.requestSubmit();
    return;
  }
  if (isForTyping(event)) return;
  if (event.key === "j") follow('a[data-step="1"]');
  else if (event.key === "k") follow('a[data-step="-1"]');
  else if (event.key === "u") follow("a[data-back]");
  else if (DECISIONS.has(event.key)) openForm(event.key);
  else return;
  event.preventDefault();
}

/** @param {string} selector */
function follow(selector) {
  const link = document.querySelector(selector);
  if (link instanceof HTMLAnchorElement && !link.hidden) link.click();
}

/** @param {string} key */
function openForm(key) {
  const details = document.querySelector(`form.move[data-key="${key}"] details`);
  if (!(details instanceof HTMLDetailsElement)) return;
  details.open = true;
  const field = details.querySelector("select, textarea, button.primary");
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
