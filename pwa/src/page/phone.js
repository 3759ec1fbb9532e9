/** What the Me page asks of the browser itself: sync now, whether data is safe from clean-up, and taking a new version. */
import { TAKING_OVER_MS, askToPersist, onNews, requestSync, takeUpdate } from "../sync/client.js";
import { whenArrived } from "./arrival.js";

/** Where a waiting version shows: the line of every page, and the button that takes it. */
const UPDATE = "#news, main [data-take-update]";
const LATER = "xunge-update-later";
const LATER_MS = 4 * 3_600_000;

export function watchPhone() {
  document.addEventListener("click", ({ target }) => {
    const button = /** @type {Element} */ (target).closest("button");
    if (button?.matches("[data-sync-now]")) syncNow();
    if (button?.matches("[data-take-update]")) take(/** @type {HTMLButtonElement} */ (button));
    if (button?.matches("[data-update-later]")) putOff(button);
    if (button?.matches("[data-ask-persist]")) askToPersist().then(showAll);
  });
  document.addEventListener("htmx:after:request", askWhenSaved);
  addEventListener("appinstalled", () => askToPersist());
  whenArrived("[data-persist]", showPersistence);
  whenArrived(UPDATE, offerUpdate);
  onNews(({ type }) => type === "update-ready" && void offerWhenInstalled());
}

/** The new version says that it is ready a moment before the browser counts it as waiting. */
async function offerWhenInstalled() {
  const registration = await navigator.serviceWorker.getRegistration("/m/");
  const offer = () => document.querySelectorAll(UPDATE).forEach(offerUpdate);
  registration?.installing?.addEventListener("statechange", offer, { once: true });
  offer();
}

function syncNow() {
  const line = /** @type {HTMLElement | null} */ (document.querySelector("[data-sync-says]"));
  requestSync();
  if (line) line.textContent = (navigator.onLine ? line.dataset.asked : line.dataset.offline) ?? "";
}

/** Now there is something to keep, and somebody who uses the app: browsers that decide by that say yes, others ask. */
function askWhenSaved({ detail }) {
  const { sourceElement, response } = detail.ctx;
  if (response?.status < 400 && sourceElement?.matches?.("form[data-guard]")) void askToPersist();
}

async function showPersistence(line) {
  const isKept = (await navigator.storage?.persisted?.()) === true;
  line.textContent = isKept ? line.dataset.yes : line.dataset.no;
  const button = /** @type {HTMLElement | null} */ (document.querySelector("[data-ask-persist]"));
  if (button) button.hidden = isKept || !navigator.storage?.persist;
}

function showAll() {
  document.querySelectorAll("[data-persist]").forEach(showPersistence);
}

/** Never over a form that is being filled in, nor for a while when its user said "later"; on Me always. @param {Element} place */
async function offerUpdate(place) {
  const registration = await navigator.serviceWorker?.getRegistration("/m/");
  const isLater = place.id === "news" && (Number(localStorage.getItem(LATER)) > Date.now() || document.querySelector("form[data-guard]") !== null);
  /** @type {HTMLElement} */ (place).hidden = !registration?.waiting || isLater;
}

/** It takes a second, or longer when the old version has something to finish; when it could not, it may be tried again. @param {HTMLButtonElement} button */
function take(button) {
  button.disabled = true;
  setTimeout(() => (button.disabled = false), TAKING_OVER_MS);
  void takeUpdate();
}

/** @param {Element} button */
function putOff(button) {
  localStorage.setItem(LATER, String(Date.now() + LATER_MS));
  /** @type {HTMLElement} */ (button.closest("#news")).hidden = true;
}
