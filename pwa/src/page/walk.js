/**
 * Where a patrol goes: while one runs and a page is in sight, the receiver is asked now and then, and each point goes to the store at
 * once. Without a patrol, or in a pocket, nothing here runs: no timer, no receiver. The screen stays on only when its user asks.
 */

/** Walking, and standing still; `GAP_S` of `handlers/tracks.js` is longer than the second. */
const WALKING_MS = 20_000;
const STANDING_MS = 90_000;
const FIX_MS = 30_000;
/** Some 20 m: less is not walking. */
const STILL_DEGREES = 0.0002;
/** As good as this, the cheap way of finding a place is good enough; else the next time the satellites are asked. */
const GOOD_M = 40;
const DENIED = 1;

let path = "";
let timer = 0;
let watch = 0;
/** @type {GeolocationCoordinates | null} */
let last = null;
let isKeptAwake = false;
/** @type {WakeLockSentinel | null} */
let lock = null;

export function watchWalk() {
  for (const name of ["htmx:after:swap", "visibilitychange"]) document.addEventListener(name, follow);
  document.addEventListener("click", ({ target }) => {
    if (!(/** @type {Element} */ (target).closest("[data-wake]"))) return;
    isKeptAwake = !isKeptAwake;
    follow();
  });
  follow();
}

/** Begins, ends or leaves as it is, as the page says. */
function follow() {
  const mark = /** @type {HTMLElement | null} */ (document.querySelector("[data-walk]"));
  isKeptAwake &&= mark !== null;
  void stayAwake(isKeptAwake && !document.hidden);
  const next = (!document.hidden && mark?.dataset.walk) || "";
  if (next === path) return;
  rest();
  [path, last] = [next, null];
  if (path) look();
}

function rest() {
  clearTimeout(timer);
  navigator.geolocation?.clearWatch(watch);
}

/** One fix; a watch can be broken off when the phone goes into a pocket, a single question cannot. */
function look() {
  const enableHighAccuracy = !last || last.accuracy > GOOD_M;
  const options = { enableHighAccuracy, timeout: FIX_MS, maximumAge: WALKING_MS / 2 };
  watch = navigator.geolocation?.watchPosition(found, missed, options);
}

async function found({ coords }) {
  rest();
  const asked = path;
  const { latitude: lat, longitude: lon, accuracy: accuracy_m } = coords;
  const isStill = last && Math.hypot(lat - last.latitude, lon - last.longitude) < STILL_DEGREES;
  last = coords;
  timer = window.setTimeout(look, isStill ? STANDING_MS : WALKING_MS);
  const answer = await fetch(asked, { method: "POST", body: new URLSearchParams({ lat, lon, accuracy_m }) }).catch(() => null);
  if (answer?.status === 409 && asked === path) rest(); // ended elsewhere
}

function missed({ code }) {
  rest();
  if (code !== DENIED) timer = window.setTimeout(look, STANDING_MS);
  else for (const notice of document.querySelectorAll("[data-walk-denied]")) /** @type {HTMLElement} */ (notice).hidden = false;
}

/** The browser lets go of the screen by itself when the page is hidden. @param {boolean} isWanted */
async function stayAwake(isWanted) {
  for (const button of document.querySelectorAll("[data-wake]")) {
    /** @type {HTMLElement} */ (button).hidden = !("wakeLock" in navigator);
    button.setAttribute("aria-pressed", String(isKeptAwake));
  }
  if (isWanted && (!lock || lock.released)) lock = await navigator.wakeLock.request("screen").catch(() => null);
  if (!isWanted) void lock?.release();
}
