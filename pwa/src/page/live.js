/**
 * News from the workers becomes one page event, `xunge:changed`, on which the live parts of a page ask for themselves again.
 * Forms are never live parts: nothing that is being typed is touched.
 */
import { onNews } from "../sync/client.js";
import { whenArrived } from "./arrival.js";

const EVENT = "xunge:changed";
/** Uploads report their progress often; a page that redraws more than once a second only drains the battery. */
const PAUSE_MS = 1000;
/** While a new phone loads, every redraw reads the databases that are being written. */
const LOADING_PAUSE_MS = 5000;
/** A new version takes over when the old one has nothing left to answer: redraws must not keep it at work meanwhile. */
const TAKING_OVER_MS = 30_000;
const CHANGES = new Set(["changed", "status", "wrote"]);

export function watchNews() {
  let last_at_ms = 0;
  let pause_ms = PAUSE_MS;
  let waiting = 0;
  let quiet_until_ms = 0;
  const redraw = () => {
    waiting = 0;
    if (Date.now() < quiet_until_ms) return;
    last_at_ms = Date.now();
    document.body.dispatchEvent(new CustomEvent(EVENT, { bubbles: true }));
  };
  const ask = () => {
    if (waiting || document.hidden) return;
    waiting = window.setTimeout(redraw, Math.max(100, last_at_ms + pause_ms - Date.now()));
  };
  onNews(({ type, status }) => {
    if (status) pause_ms = status.phase === "load" ? LOADING_PAUSE_MS : PAUSE_MS;
    if (CHANGES.has(type)) ask();
    if (type === "update-taken") quiet_until_ms = Date.now() + TAKING_OVER_MS;
  });
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    quiet_until_ms = 0;
    ask();
  });
  onNews(({ type }) => type === "wiped" && location.replace("/m/sign-in"));
  document.addEventListener("visibilitychange", ask);
  whenArrived("[type=search]", findTyped);
}

/** What was typed before this script was there, on a slow phone, is looked for now. @param {HTMLElement} field */
function findTyped(field) {
  const { value, defaultValue } = /** @type {HTMLInputElement} */ (field);
  if (value !== defaultValue) field.dispatchEvent(new Event("input"));
}
