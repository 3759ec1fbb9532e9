/**
 * Keeping a form while it is filled in (`form[data-draft]`): what changed goes to the service worker half a second after the last change,
 * photos once each. A form whose draft is kept, with everything that was shot and said, may be left without a question: it is offered again.
 */
import { areKept, piecesOf } from "./photos.js";

const PAUSE_MS = 500;
/** @type {WeakMap<HTMLFormElement, number>} */
const timers = new WeakMap();
/** @type {WeakSet<HTMLFormElement>} forms that their user changed: a place that is found by itself makes no draft */
const begun = new WeakSet();
/** @type {Promise<any>} */
let last = Promise.resolve();

export function watchDrafts() {
  for (const name of ["input", "change", "xunge:shots", "xunge:place"]) document.addEventListener(name, note);
  document.addEventListener("htmx:before:request", ({ detail }) => leave(/** @type {any} */ (detail).ctx));
  document.addEventListener("visibilitychange", () => document.hidden && leave({}));
}

/** @returns {HTMLFormElement | null} the form of this page that is kept */
function formHere() {
  return document.querySelector("form[data-draft]");
}

function note({ target, type }) {
  const form = target.closest("form[data-draft]");
  if (!form || (target.matches("input") && (!target.name || target.type === "file"))) return;
  if (type !== "xunge:place") begun.add(form);
  if (!begun.has(form)) return;
  if (!areKept(form)) form.dataset.draft = "";
  clearTimeout(timers.get(form));
  timers.set(form, window.setTimeout(() => save(form), PAUSE_MS));
}

/** A form that is sent, or emptied, is no draft; one that is left is kept at once. @param {{sourceElement?: Element, target?: Element}} request */
function leave({ sourceElement, target }) {
  const form = formHere();
  if (!form || !timers.has(form) || (target && target !== document.body)) return;
  clearTimeout(timers.get(form));
  if (sourceElement === form || sourceElement?.matches("[data-drops-draft]")) timers.delete(form);
  else save(form);
}

/** One after the other, so that what was typed last is what is kept. @param {HTMLFormElement} form */
function save(form) {
  timers.delete(form);
  const body = new FormData(form);
  for (const { name } of /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll("[type=file]"))) body.delete(name);
  const pieces = piecesOf(form);
  body.set("pieces", JSON.stringify(pieces.map(({ key, part, shot }) => ({ key, part, shot }))));
  const fresh = pieces.flatMap(({ key, kept, blobs }) => Object.entries(blobs).flatMap(([role, blob]) => (blob && !kept.has(role) ? [{ key, role, kept, blob }] : [])));
  for (const { key, role, blob } of fresh) body.set(`${role}:${key}`, blob, "file");
  last = last.then(() => post(form, body, fresh)).catch(() => undefined);
}

async function post(form, body, fresh) {
  const answer = await fetch(`/m/drafts/${body.get("uuid")}`, { method: "POST", body });
  if (answer.ok) for (const { kept, role } of fresh) kept.add(role);
  form.dataset.draft = answer.ok && areKept(form) ? "kept" : "";
  const says = form.querySelector("[data-draft-says]");
  says.role = answer.ok ? "status" : "alert";
  says.classList.toggle("bad-text", !answer.ok);
  says.textContent = answer.ok ? (await answer.text()).trim() : says.dataset.notKept;
}
