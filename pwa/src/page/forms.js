/**
 * Forms: which fields a refusal was about, and not losing what was typed by a stray tap. Sending is htmx's.
 */
import { whenArrived } from "./arrival.js";

/** @type {WeakSet<Element>} forms that were changed since they were shown */
const changed = new WeakSet();

export function watchForms() {
  document.addEventListener("input", ({ target }) => {
    const form = /** @type {Element} */ (target).closest("form[data-guard]");
    if (form) changed.add(form);
  });
  document.addEventListener("change", ({ target }) => markField(/** @type {Element} */ (target), ""));
  document.addEventListener("htmx:before:request", keepUnsaved);
  window.addEventListener("beforeunload", (event) => unsaved() && event.preventDefault());
  whenArrived(".field-error", (message) => markMessage(message));
}

/** A form counts as changed when something besides typing filled it, e.g. a photo. @param {Element | null} form */
export function noteChange(form) {
  if (form) changed.add(form);
}

/** The changed form of this page, if any; one on its way is no longer the user's to lose. */
function unsaved() {
  const form = document.querySelector("form[data-guard]");
  return form && changed.has(form) && !form.classList.contains("htmx-request") ? /** @type {HTMLElement} */ (form) : null;
}

function keepUnsaved(event) {
  const { ctx } = event.detail;
  const form = ctx.target === document.body ? unsaved() : null;
  if (!form || ctx.sourceElement === form) return;
  if (window.confirm(form.dataset.guard)) changed.delete(form);
  else event.preventDefault();
}

function markMessage(message) {
  markField(document.getElementById(message.id.replace(/-error$/, "")), message.textContent?.trim() ?? "");
}

function markField(field, wrong) {
  if (!field) return;
  if (wrong) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
}
