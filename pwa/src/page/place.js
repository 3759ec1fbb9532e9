/**
 * Where a record was made: the phone's receiver fills hidden fields as soon as the form opens, and says how it went. A photo
 * that knows its place stands in while there is none. Typing an address always works.
 */
import { saying, whenArrived } from "./arrival.js";

const WAIT_MS = 20_000;
const FRESH_MS = 15_000;
const DENIED = 1;

export function watchPlace() {
  whenArrived("[data-place]", locate);
  document.addEventListener("click", ({ target }) => {
    const button = /** @type {Element} */ (target).closest("[data-locate]");
    if (button) locate(/** @type {HTMLElement} */ (button.closest("[data-place]")));
  });
}

function locate(part) {
  if (!("geolocation" in navigator)) return say(part, "failed", "wait");
  say(part, "looking", "move");
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => found(part, coords),
    ({ code }) => missed(part, code === DENIED ? "denied" : "failed"),
    { enableHighAccuracy: true, timeout: WAIT_MS, maximumAge: FRESH_MS },
  );
}

function found(part, { latitude, longitude, accuracy }) {
  fill(part, { lat: latitude.toFixed(6), lon: longitude.toFixed(6), accuracy_m: accuracy.toFixed(0) });
  say(part, "found", "good", Math.round(accuracy));
}

function missed(part, why) {
  if (!field(part, "lat").value) say(part, why, "wait");
}

/** A photo's own place, used only while the receiver gave none. @param {Element | null} form */
export function offerPlace(form, { lat, lon }) {
  const part = form?.querySelector("[data-place]");
  if (!part || lat === null || field(part, "lat").value) return;
  fill(part, { lat: lat.toFixed(6), lon: lon.toFixed(6), accuracy_m: "" });
  say(part, "from-photo", "good");
}

function fill(part, values) {
  for (const [name, value] of Object.entries(values)) field(part, name).value = value;
  part.dispatchEvent(new CustomEvent("xunge:place"));
}

/** @returns {HTMLInputElement} */
function field(part, name) {
  return part.querySelector(`[name="${name}"]`);
}

function say(part, name, tone, metres = 0) {
  const state = part.querySelector("[data-place-state]");
  state.className = `chip ${tone}`;
  state.querySelector("span").textContent = saying(part, name).replace("{metres}", String(metres));
}
