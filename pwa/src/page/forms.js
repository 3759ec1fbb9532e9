/**
 * Forms: which fields a refusal was about, and not losing what was typed by a stray tap. Sending is htmx's.
 */
import { whenArrived } from "./arrival.js";

const FIELDS = "input:not([type=hidden]), textarea, select, button";

/** @type {WeakSet<Element>} forms that were changed since they were shown */
const changed = new WeakSet();

export function watchForms() {
  document.addEventListener("input", ({ target }) => noteChange(/** @type {Element} */ (target)));
  document.addEventListener("htmx:before:request", keepUnsaved);
  document.addEventListener("htmx:after:request", keepFailed);
  document.addEventListener("htmx:error", keepFailed);
  document.addEventListener("htmx:after:swap", showFirstWrong);
  document.addEventListener("click", goToField);
  window.addEventListener("beforeunload", (event) => unsaved() && event.preventDefault());
  whenArrived(".field-error", (message) => mark(message));
  whenArrived(".action", (action) => heights.observe(action));
}

/** How high the main action is, with a message in it: as much room is left at the page's end (`styles/shell.css`). */
const heights = new ResizeObserver((seen) => {
  const { target } = seen[seen.length - 1];
  if (target.isConnected) document.documentElement.style.setProperty("--action", `${target.clientHeight}px`);
});

/**
 * The user changed something: the form is theirs to lose, and what was said about it is no longer true.
 * @param {Element | null} part a field, or what stands for one
 */
export function noteChange(part) {
  const form = part?.closest("form");
  if (!form || !part) return;
  if (form.matches("[data-guard]")) changed.add(form);
  form.querySelector("#form-errors")?.replaceChildren();
  const message = part.closest(".field")?.querySelector(".field-error");
  if (!message?.textContent) return;
  message.textContent = "";
  mark(message);
}

/** Whether something was typed into a form of this page, be it kept as a draft or not. */
export function isTyped() {
  return [...document.querySelectorAll("form[data-guard]")].some((form) => changed.has(form));
}

/** The changed form of this page, if any; one on its way is no longer the user's to lose. */
function unsaved() {
  const form = document.querySelector("form[data-guard]");
  // Of one whose draft is kept nothing is lost.
  const isTheirs = form && changed.has(form) && !form.matches('.htmx-request, [data-draft="kept"]');
  return isTheirs ? /** @type {HTMLElement} */ (form) : null;
}

/** What is typed is kept elsewhere: leaving asks nothing. */
export function forgetChanges() {
  document.querySelectorAll("form[data-guard]").forEach((form) => changed.delete(form));
}

function keepUnsaved(event) {
  const { ctx } = event.detail;
  const form = ctx.target === document.body ? unsaved() : null;
  if (!form || ctx.sourceElement === form) return;
  if (window.confirm(form.dataset.guard)) changed.delete(form);
  else event.preventDefault();
}

/**
 * A form that failed for no fault of the user (the worker was stopped, storage was closed under it) stays as it is and says so;
 * the page that reports the fault is not shown in its place.
 */
function keepFailed(event) {
  const { ctx } = event.detail;
  const form = ctx?.sourceElement;
  if (!form?.matches?.("form[data-guard]") || (ctx.response && ctx.response.status < 500)) return;
  event.preventDefault();
  const said = form.querySelector("template[data-failed]").content.cloneNode(true);
  form.querySelector("#form-errors").replaceChildren(said);
}

/** What was wrong has the focus, which the button lost while it was busy: its links come next, and no keyboard pops up over them. */
function showFirstWrong({ detail }) {
  const wrong = [...document.querySelectorAll(".field-error")].find(({ textContent }) => textContent?.trim());
  wrong?.closest(".field")?.scrollIntoView({ block: "center" });
  const { target } = detail.ctx;
  if (target?.id === "form-errors") target.focus({ preventScroll: true });
}

/** A message's link leads to a group as well as to a field: the focus goes to what can be filled in. */
function goToField({ target }) {
  const link = /** @type {Element} */ (target).closest("#form-errors a[href^='#']");
  const part = link && document.getElementById(link.getAttribute("href")?.slice(1) ?? "");
  const field = part?.matches(FIELDS) ? part : part?.querySelector(FIELDS);
  if (field) setTimeout(() => /** @type {HTMLElement} */ (field).focus()); // the link's own jump comes first
}

/** Says to screen readers which field is meant. @param {Element} message */
function mark(message) {
  const field = document.getElementById(message.id.replace(/-error$/, ""));
  if (message.textContent?.trim()) field?.setAttribute("aria-invalid", "true");
  else field?.removeAttribute("aria-invalid");
}
