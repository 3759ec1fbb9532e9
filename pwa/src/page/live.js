/**
 * News from the workers becomes one page event, `xunge:changed`, on which the live parts of a page ask for themselves again; they do so, too,
 * when it is locked or unlocked, since what is sealed comes and goes with that (`xunge:lock`, for parts that show nothing else).
 * Forms are never live parts: nothing that is being typed is touched.
 */
import { TAKING_OVER_MS, onNews } from "../sync/client.js";
import { whenArrived } from "./arrival.js";

const EVENT = "xunge:changed";
const LOCK_EVENT = "xunge:lock";
const STANDINGS = new Set(["open", "locked"]);
/** Uploads report their progress often; a page that redraws more than once a second only drains the battery. */
const PAUSE_MS = 1000;
/** While a new phone loads, every redraw reads the databases that are being written. */
const LOADING_PAUSE_MS = 5000;
const CHANGES = new Set(["changed", "status", "wrote"]);

export function watchNews() {
  let last_at_ms = 0;
  let pause_ms = PAUSE_MS;
  let waiting = 0;
  let quiet_until_ms = 0;
  let standing = "";
  const redraw = () => {
    waiting = 0;
    if (Date.now() < quiet_until_ms) return;
    last_at_ms = Date.now();
    say(EVENT);
  };
  // Told anew all the time; a page is drawn as it stands when it first hears of it.
  const noteLock = (type) => {
    const isOther = standing && standing !== type;
    standing = type;
    if (!isOther) return;
    say(LOCK_EVENT);
    redraw();
  };
  const ask = () => {
    if (waiting || document.hidden) return;
    waiting = window.setTimeout(redraw, Math.max(100, last_at_ms + pause_ms - Date.now()));
  };
  onNews(({ type, status }) => {
    if (status) pause_ms = status.phase === "load" ? LOADING_PAUSE_MS : PAUSE_MS;
    if (CHANGES.has(type)) ask();
    if (STANDINGS.has(type)) noteLock(type);
    if (type === "update-taken") quiet_until_ms = Date.now() + TAKING_OVER_MS;
  });
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    quiet_until_ms = 0;
    ask();
  });
  onNews(({ type }) => type === "wiped" && location.replace("/m/sign-in"));
  document.addEventListener("visibilitychange", ask);
  whenArrived("[type=search]", findTyped);
  document.addEventListener("submit", keepToItself, { capture: true });
}

/** What is searched among households is found already, and its name is none of the address's: Enter only puts the keyboard away. @param {Event} event */
function keepToItself(event) {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (!form.matches("[data-sealed] form[role=search]")) return;
  event.preventDefault();
  event.stopPropagation();
  form.querySelector("input")?.blur();
}

function say(name) {
  document.body.dispatchEvent(new CustomEvent(name, { bubbles: true }));
}

/** What was typed before this script was there, on a slow phone, is looked for now. @param {HTMLElement} field */
function findTyped(field) {
  const { value, defaultValue } = /** @type {HTMLInputElement} */ (field);
  if (value !== defaultValue) field.dispatchEvent(new Event("input"));
}
