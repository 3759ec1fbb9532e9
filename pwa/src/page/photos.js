/**
 * Photos of a form, and its voice note: taken out of the file inputs as soon as they are picked, shrunk while the user goes on typing,
 * shown with a way to remove each, and put into the request when the form is sent. They live in this page until the service worker has
 * kept them, so a refused form still has them; those of a draft (`data-key`) lie with the service worker already.
 */
import { saying, whenArrived } from "./arrival.js";
import { readExif } from "./exif.js";
import { noteChange } from "./forms.js";
import { offerPlace, takePlaceBack } from "./place.js";
import { isHeif, shrink } from "./shrink.js";

/**
 * @typedef {{item: HTMLElement, key: string, ready: Promise<any>, made: Made | null, url?: string, file?: Blob, hurry?: () => void, kept: Set<string>, isLost?: boolean}} Shot
 *   `kept` are the roles whose bytes a draft has; `isLost`: it could not be made
 * @typedef {{sent?: Blob, thumb?: Blob | null, width_px?: number | null, height_px?: number | null, notes?: object, isOld?: boolean}} Made
 */
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
  document.addEventListener("htmx:config:request", addPhotos);
  whenArrived("[data-shots] [data-key]", (item) => {
    shotsOf(item.closest("[data-photos]")).push({ item, key: item.dataset.key ?? "", ready: Promise.resolve(), made: { isOld: true }, kept: new Set() });
  });
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
  const room = Number(part.dataset.limit) - shotsOf(part).length;
  noteChange(part);
  noteChange(part.closest("form")?.querySelector("#text") ?? null); // a photo says enough without words
  say(part, files.length > room ? saying(part, "too-many") : "");
  for (const file of files.slice(0, Math.max(0, room))) {
    const shot = begin(part, file);
    shot.ready = queue = queue.then(() => make(part, shot, file));
  }
}

/** @returns {Shot[]} */
export function shotsOf(part) {
  if (!taken.has(part)) taken.set(part, []);
  return /** @type {Shot[]} */ (taken.get(part));
}

/** A place for a photo or sound that is being made. @returns {Shot} */
export function begin(part, file) {
  const frame = part.querySelector("template[data-shot]").content.cloneNode(true);
  const item = /** @type {HTMLElement} */ (frame.querySelector("li"));
  part.querySelector("[data-shots]").append(item);
  const shot = { item, file, key: Date.now().toString(36) + Math.random().toString(36).slice(2, 8), ready: Promise.resolve(), made: null, kept: new Set() };
  shotsOf(part).push(shot);
  changed(part);
  return shot;
}

/** A draft has to hear of it. */
function changed(part) {
  part.dispatchEvent(new CustomEvent("xunge:shots", { bubbles: true }));
}

async function make(part, shot, file) {
  if (!shot.item.isConnected) return; // removed while it waited
  try {
    const [notes, made] = await Promise.all([readExif(file), shrink(file).catch(() => asItIs(file))]);
    show(part, shot, { ...made, notes });
    if (shot.item.isConnected) offerPlace(part.closest("form"), notes, shot);
  } catch {
    lose(part, shot, saying(part, "unreadable").replace("{names}", file.name));
  }
}

/** What only the server can decode goes as it is. */
async function asItIs(file) {
  if (!(await isHeif(file))) throw new Error("no photo");
  return { sent: new Blob([file], { type: "image/heic" }), thumb: null, width_px: null, height_px: null };
}

/** A finished photo or sound in its place. @param {Shot} shot @param {Made} made */
export function show(part, shot, made) {
  shot.made = made;
  const { thumb = made.sent } = made;
  const [player, busy] = [/** @type {HTMLImageElement | null} */ (shot.item.querySelector("img, audio")), shot.item.querySelector(".busy")];
  if (thumb && player) player.src = shot.url = URL.createObjectURL(thumb);
  if (thumb) busy?.remove();
  else if (busy) busy.textContent = saying(part, "as-is");
  changed(part);
}

function remove(button) {
  const part = button.closest("[data-photos]");
  const shot = shotsOf(part).find(({ item }) => item.contains(button));
  if (shot) {
    drop(part, shot);
    takePlaceBack(part.closest("form"), shot, shotsOf(part));
  }
  say(part, "");
}

/** A photo or sound that could not be made: what is said of others that dropped out stays. @param {Shot} shot @param {string} text */
export function lose(part, shot, text) {
  shot.isLost = true;
  drop(part, shot);
  const said = part.querySelector(".field-error")?.textContent;
  say(part, said ? `${said} ${text}` : text);
}

function drop(part, shot) {
  taken.set(part, shotsOf(part).filter((other) => other !== shot));
  shot.item.remove();
  if (shot.url) URL.revokeObjectURL(shot.url);
  changed(part);
}

export function say(part, text) {
  const place = part.querySelector(".field-error");
  if (place) place.textContent = text;
}

/** What a form waits for until its photos are made; one that drops out is shown. @type {import("./hold.js").Wait} */
export function photosReady(form) {
  const parts = [...form.querySelectorAll("[data-photos]")];
  const waiting = parts.flatMap(shotsOf).filter(({ made }) => !made);
  if (!waiting.length) return null;
  for (const { hurry } of waiting) hurry?.();
  return Promise.all(waiting.map(({ ready }) => ready)).then(() => {
    const isWhole = !waiting.some(({ isLost }) => isLost);
    if (!isWhole) form.querySelector("[data-photos] .field-error:not(:empty)")?.scrollIntoView({ block: "center" });
    return isWhole;
  });
}

/** Whether a draft has every photo and sound of its form, whole. @param {HTMLFormElement} form */
export function areKept(form) {
  const isMade = [...form.querySelectorAll("[data-photos]")].flatMap(shotsOf).every(({ made }) => made);
  return isMade && piecesOf(form).every(({ kept, blobs }) => Object.entries(blobs).every(([role, blob]) => !blob || kept.has(role)));
}

/**
 * What a form is made of besides its fields, in its order: which part each piece belongs to, what is known of it (`shot`), its bytes by role.
 * @param {HTMLFormElement} form
 */
export function piecesOf(form) {
  const isEvidence = Boolean(/** @type {HTMLInputElement | null} */ (form.querySelector("[name=evidence]"))?.checked);
  return [.../** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-photos]"))].flatMap((part) => {
    const name = part.dataset.name ?? "photo";
    return shotsOf(part).flatMap((shot) => (shot.made ? [pieceOf(shot, name, isEvidence && name !== "voice")] : []));
  });
}

/** @param {Shot} shot @param {string} part @param {boolean} isEvidence */
function pieceOf({ made, key, file, kept }, part, isEvidence) {
  const { sent, thumb, width_px, height_px, notes, isOld } = /** @type {Made} */ (made);
  const original = isEvidence && thumb ? file : undefined;
  const shot = JSON.stringify({ ...notes, width_px, height_px, thumb: Boolean(thumb), original: isEvidence });
  return { key, part, kept, shot: isOld ? undefined : shot, blobs: { sent, thumb, original } };
}

function addPhotos(event) {
  const { body, form } = event.detail.ctx.request;
  if (!form?.querySelector("[data-photos]")) return;
  for (const { name } of form.querySelectorAll("[data-photos] [type=file]")) body.delete(name);
  for (const { key, part, shot, blobs } of piecesOf(form)) {
    const named = (what) => (part === "photo" ? what : `${part}_${what}`);
    const add = (name, blob) => blob && body.append(name, blob, "file");
    if (shot) body.append(named("shot"), shot);
    else body.append("kept", key);
    add(part, blobs.sent);
    add(named("thumb"), blobs.thumb);
    add(named("original"), blobs.original);
  }
}
