/** Refused records: the list by keys, and what a page about one of them has. */
import { isForTyping } from "./keys.js";
import { bindRecordKeys, bindSteps } from "./record.js";

const ORDER_KEY = "xunge-refused";
let picked = -1;

/** The list. */
export function bindRefusedList() {
  remember();
  document.addEventListener("htmx:after:swap", remember);
  document.addEventListener("click", (event) => clickRow(event));
  document.addEventListener("keydown", (event) => pressInList(event));
}

/** One record. @param {HTMLElement} page */
export function bindRefused(page) {
  bindSteps(page, ORDER_KEY);
  bindRecordKeys();
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
