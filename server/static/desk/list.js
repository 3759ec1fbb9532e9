/**
 * The list of cases: moving through it by keys, and news that never jump under the eye or the hand.
 * News come in by themselves while the list is at its top and nobody has picked a row; else a button says how many there are.
 */
import { isForTyping } from "./keys.js";
import { listen } from "./live.js";

const ORDER_KEY = "xunge-order";
const BACK_KEY = "xunge-back";
const TOP_PX = 80;
const FRESH_MS = 6000;

/** @type {string | null} */
let picked = null;
/** @type {Set<string>} */
let known = new Set();

/** @param {HTMLElement} page */
export function bindList(page) {
  document.addEventListener("keydown", (event) => pressKey(event));
  document.addEventListener("click", (event) => clickRow(event));
  document.addEventListener("htmx:after:swap", () => settle());
  document.getElementById("fresh")?.addEventListener("click", () => takeNews());
  listen(page.dataset.live ?? "", (counts) => hearCounts(counts));
  keepHeadBelowBar();
  settle();
}

/** The bar takes two lines where its words are longer than the window is wide. */
function keepHeadBelowBar() {
  const bar = document.querySelector(".bar");
  if (!(bar instanceof HTMLElement)) return;
  new ResizeObserver(() => document.documentElement.style.setProperty("--bar-height", `${bar.offsetHeight}px`)).observe(bar);
}

/** After each swap: mark new rows, keep the picked one, remember the order for the case page. */
function settle() {
  const rows = allRows();
  const isFirst = known.size === 0;
  for (const row of rows) {
    if (!isFirst && !known.has(row.id) && !row.previousElementSibling?.id.startsWith("more")) markFresh(row);
    known.add(row.id);
    row.classList.toggle("picked", row.id === picked);
  }
  sessionStorage.setItem(ORDER_KEY, JSON.stringify(rows.map((row) => row.dataset.href)));
  sessionStorage.setItem(BACK_KEY, location.pathname + location.search);
}

/** @param {HTMLElement} row */
function markFresh(row) {
  if (row.dataset.updated && Date.now() - Date.parse(row.dataset.updated) > 120000) return;
  row.classList.add("fresh-row");
  setTimeout(() => row.classList.remove("fresh-row"), FRESH_MS);
}

/** @param {Record<string, number>} counts */
function hearCounts(counts) {
  const cases = document.getElementById("cases");
  if (!cases) return;
  const shown = JSON.parse(cases.dataset.counts ?? "{}");
  showTurn(counts.turn ?? 0);
  if (Object.keys(counts).every((state) => counts[state] === shown[state])) return;
  const isCalm = window.scrollY < TOP_PX && !picked && !document.querySelector("#rows tr.row.paged");
  if (isCalm && !document.activeElement?.closest("select")) {
    cases.dispatchEvent(new CustomEvent("refresh"));
    return;
  }
  showTabs(counts);
  showPill(counts, shown, cases.dataset);
}

/** The number in the bar. @param {number} turn */
function showTurn(turn) {
  const badge = document.getElementById("turn-count");
  if (!badge) return;
  badge.textContent = String(turn);
  badge.hidden = turn === 0;
}

/** @param {Record<string, number>} counts */
function showTabs(counts) {
  for (const badge of document.querySelectorAll("[data-count]")) {
    const tab = badge.getAttribute("data-count") ?? "";
    badge.textContent = String(counts[tab] ?? 0);
  }
}

/**
 * @param {Record<string, number>} counts
 * @param {Record<string, number>} shown
 * @param {DOMStringMap} data
 */
function showPill(counts, shown, data) {
  const pill = document.getElementById("fresh");
  if (!pill) return;
  const tab = data.tab ?? "all";
  const more = (counts[tab] ?? 0) - (shown[tab] ?? 0);
  const isCounted = more > 0 && data.filtered === "0";
  pill.textContent = isCounted ? (pill.dataset.new ?? "").replace("{count}", String(more)) : (pill.dataset.changed ?? "");
  pill.hidden = false;
}

/** Shows what waited behind the button, from the top. */
function takeNews() {
  const pill = document.getElementById("fresh");
  if (pill) pill.hidden = true;
  pick(null);
  window.scrollTo({ top: 0 });
  document.getElementById("cases")?.dispatchEvent(new CustomEvent("refresh"));
}

/** @returns {HTMLElement[]} */
function allRows() {
  return Array.from(document.querySelectorAll("#rows tr.row")).filter((row) => row instanceof HTMLElement);
}

/** @param {HTMLElement | null} row */
function pick(row) {
  for (const other of document.querySelectorAll("#rows tr.picked")) other.classList.remove("picked");
  picked = row?.id ?? null;
  if (!row) return;
  row.classList.add("picked");
  row.querySelector("a")?.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

/** @param {KeyboardEvent} event */
function pressKey(event) {
  if (event.key === "Escape") pick(null);
  if (isForTyping(event)) return;
  const rows = allRows();
  const at = rows.findIndex((row) => row.id === picked);
  if (event.key === "j") pick(rows[Math.min(at + 1, rows.length - 1)] ?? null);
  else if (event.key === "k") pick(rows[Math.max(at - 1, 0)] ?? null);
  else if (event.key === "/") document.getElementById("q")?.focus();
  else if (event.key === "n" && !document.getElementById("fresh")?.hidden) takeNews();
  else return;
  event.preventDefault();
}

/** A click anywhere in a row opens it, unless it was on a link or ended a selection of text. @param {MouseEvent} event */
function clickRow(event) {
  const target = event.target instanceof Element ? event.target : null;
  const row = target?.closest("tr.row");
  if (!(row instanceof HTMLElement) || target?.closest("a, button") || String(window.getSelection())) return;
  const href = row.dataset.href ?? "";
  if (event.ctrlKey || event.metaKey) window.open(href, "_blank", "noopener");
  else location.href = href;
}
