/**
 * Photos of a form: taken out of the file inputs as soon as they are picked, shrunk while the user goes on typing, shown with a
 * way to remove each, and put into the request when the form is sent. They live in this page until the service worker has
 * kept them, so a refused form still has them.
 */
import { saying, whenArrived } from "./arrival.js";
import { readExif } from "./exif.js";
import { noteChange } from "./forms.js";
import { offerPlace } from "./place.js";
import { shrink } from "./shrink.js";

/** @typedef {{item: HTMLElement, ready: Promise<any>, made: any, url: string}} Shot */
/** @type {WeakMap<Element, Shot[]>} shots of each `[data-photos]` part, in the order they were taken */
const taken = new WeakMap();
/** One photo at a time: a 12-megapixel picture is 48 MB when decoded, and phones have 2 GB. */
let queue = Promise.resolve();

export function watchPhotos() {
  document.addEventListener("change", ({ target }) => {
    const input = /** @type {HTMLInputElement} */ (target);
    const part = input.type === "file" ? input.closest("[data-photos]") : null;
    if (part) take(/** @type {HTMLElement} */ (part), input);
  });
  document.addEventListener("click", ({ target }) => {
    const button = /** @type {Element} */ (target).closest("[data-shots] button");
    if (button) remove(button);
  });
  document.addEventListener("submit", waitForPhotos, { capture: true });
  document.addEventListener("htmx:config:request", addPhotos);
  whenArrived("form[data-open-camera] [data-camera]", openCamera);
}

/** Only the tap that led here lets a page open the camera; without one the browser ignores this. */
function openCamera(input) {
  input.closest("form")?.removeAttribute("data-open-camera");
  if (navigator.userActivation?.isActive ?? false) input.click();
}

function take(part, input) {
  const files = [...(input.files ?? [])];
  input.value = "";
  const shots = shotsOf(part);
  const room = Number(part.dataset.limit) - shots.length;
  say(part, files.length > room ? saying(part, "too-many") : "");
  for (const file of files.slice(0, Math.max(0, room))) shots.push(begin(part, file));
  noteChange(part);
  noteChange(part.closest("form")?.querySelector("#text") ?? null); // a photo says enough without words
}

function shotsOf(part) {
  if (!taken.has(part)) taken.set(part, []);
  return /** @type {Shot[]} */ (taken.get(part));
}

/** @returns {Shot} */
function begin(part, file) {
  const frame = part.querySelector("template[data-shot]").content.cloneNode(true);
  const item = /** @type {HTMLElement} */ (frame.querySelector("li"));
  part.querySelector("[data-shots]").append(item);
  const shot = { item, ready: Promise.resolve(), made: null, url: "" };
  shot.ready = queue = queue.then(() => make(part, shot, file));
  return shot;
}

async function make(part, shot, file) {
  if (!shot.item.isConnected) return; // removed while it waited
  try {
    const [notes, made] = await Promise.all([readExif(file), shrink(file)]);
    shot.made = { ...made, notes };
    shot.url = URL.createObjectURL(made.thumb);
    show(shot);
    offerPlace(part.closest("form"), notes);
  } catch {
    say(part, saying(part, "unreadable"));
    drop(part, shot);
  }
}

function show({ item, url }) {
  const picture = /** @type {HTMLImageElement} */ (item.querySelector("img"));
  picture.src = url;
  item.querySelector(".busy")?.remove();
}

function remove(button) {
  const part = button.closest("[data-photos]");
  const shot = shotsOf(part).find(({ item }) => item.contains(button));
  if (shot) drop(part, shot);
  say(part, "");
}

function drop(part, shot) {
  taken.set(part, shotsOf(part).filter((other) => other !== shot));
  shot.item.remove();
  if (shot.url) URL.revokeObjectURL(shot.url);
}

function say(part, text) {
  const place = part.querySelector("#photos-error");
  if (place) place.textContent = text;
}

/** Holds the form back until its photos are ready, then sends it as if tapped once more. */
function waitForPhotos(event) {
  const form = /** @type {HTMLFormElement} */ (event.target);
  const part = form.querySelector("[data-photos]");
  const waiting = part ? shotsOf(part).filter(({ made }) => !made) : [];
  if (!waiting.length) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (form.classList.contains("htmx-request")) return;
  form.classList.add("htmx-request");
  Promise.all(waiting.map(({ ready }) => ready)).then(() => {
    form.classList.remove("htmx-request");
    form.requestSubmit(event.submitter);
  });
}

function addPhotos(event) {
  const { ctx } = event.detail;
  const part = ctx.request.form?.querySelector("[data-photos]");
  if (!part) return;
  const { body } = ctx.request;
  body.delete("photo");
  for (const { made } of shotsOf(part)) {
    const { sent, thumb, width_px, height_px, notes } = made;
    body.append("photo", sent, "photo.jpg");
    body.append("thumb", thumb, "thumb.jpg");
    body.append("shot", JSON.stringify({ ...notes, width_px, height_px }));
  }
}
