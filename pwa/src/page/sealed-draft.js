/** Keeping what is typed into a form about a household, sealed, and filling it in again; files are not kept (`store/sealed-drafts.js`). */
import { whenArrived } from "./arrival.js";

const PAUSE_MS = 500;
const FORM = "[data-sealed] form[data-guard]";
let timer = 0;

export function watchSealedDrafts() {
  document.addEventListener("input", ({ target }) => {
    const form = /** @type {HTMLFormElement | null} */ (/** @type {Element} */ (target).closest(FORM));
    clearTimeout(timer);
    // One that is sent is no draft any more.
    if (form) timer = window.setTimeout(() => form.isConnected && !form.matches(".htmx-request") && keep(form), PAUSE_MS);
  });
  whenArrived("[data-sealed-draft]", fill);
}

function keep(form) {
  const fields = [...new FormData(form)].filter(([, value]) => typeof value === "string");
  const path = location.pathname + location.search.replace(/[?&]fresh=1$/, "");
  navigator.serviceWorker?.controller?.postMessage({ type: "draft", path, fields });
}

/** @param {HTMLElement} notice */
function fill({ dataset }) {
  const form = document.querySelector(FORM);
  /** @type {[string, string][]} */ const left = JSON.parse(dataset.sealedDraft ?? "[]");
  for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (form?.querySelectorAll("[name]:not([type=file])") ?? [])) {
    const isPick = field.type === "radio" || field.type === "checkbox";
    const at = left.findIndex(([name, value]) => name === field.name && (!isPick || value === field.value));
    if (isPick) field.checked = at >= 0;
    else if (at >= 0) field.value = left.splice(at, 1)[0][1];
  }
}
