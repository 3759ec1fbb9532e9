/**
 * Locking by itself: this page says when its user does something, and leaves what is sealed when it has been locked. Until when it is open
 * the service worker knows; this page only asks. Nothing runs while it is locked, and one timer while it is open.
 */
import { onNews } from "../sync/client.js";
import { forgetChanges } from "./forms.js";

const TELL_EVERY_MS = 10_000;
const SIGNS = Object.freeze(["pointerdown", "keydown", "input"]);

export function watchLock() {
  let [isOpen, told_ms, timer] = [false, 0, 0];
  const ask = () => say("idle");
  const noteUser = () => {
    if (!isOpen || Date.now() - told_ms < TELL_EVERY_MS) return;
    told_ms = Date.now();
    say("awake");
  };
  for (const sign of SIGNS) document.addEventListener(sign, noteUser, { capture: true, passive: true });
  document.addEventListener("visibilitychange", () => document.hidden || ask());
  onNews(({ type, until_ms }) => {
    if (type !== "open" && type !== "locked") return;
    clearTimeout(timer);
    isOpen = type === "open";
    if (isOpen) timer = window.setTimeout(ask, until_ms - Date.now() + 100);
    else leaveSealed();
  });
  document.addEventListener("htmx:after:swap", ({ detail }) => {
    emptyTried(/** @type {any} */ (detail).ctx);
    if (!isOpen && sealedShown()) ask(); // asked for while it was open, drawn after it was locked
  });
  // While a page holds it, the app was not closed (`store/vault.js`).
  void navigator.locks?.request("xunge-page", { mode: "shared" }, () => new Promise(() => undefined));
  ask();
}

function say(type) {
  navigator.serviceWorker?.controller?.postMessage({ type });
}

/** A PIN that was refused does not stay where the next one is typed. @param {{sourceElement?: Element, response?: {status: number}}} request */
function emptyTried({ sourceElement, response }) {
  const field = /** @type {HTMLInputElement | null | undefined} */ (sourceElement?.querySelector("[data-tried]"));
  if (!field || response?.status !== 422 || sourceElement?.querySelector("[aria-invalid]")) return;
  field.value = "";
  field.focus();
}

const sealedShown = () => document.querySelector("[data-sealed]") !== null;

function leaveSealed() {
  if (!sealedShown()) return;
  forgetChanges();
  location.replace(`/m/lock?to=${encodeURIComponent(location.pathname + location.search)}`);
}
