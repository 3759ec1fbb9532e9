/**
 * Where a patrol goes: while one runs and a page is in sight, the receiver is asked now and then, and each point goes to the store at
 * once. Without a patrol, or in a pocket, nothing here runs: no timer, no receiver. The screen stays on only when its user asks.
 *
 * How recording stands is remembered here and said again after every swap, since the pages that come from the service worker do not know:
 * "recording" once a point was kept, "denied", "lost" (several times in a row no point came of asking), "full" (the patrol takes no
 * more), "" not known yet. The mark of the top line has words for each (`data-says-<standing>`), Today's card a notice (`data-walk-says`).
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
/** So often in a row without a point: minutes by then, and soon an interruption. */
const MISSES_MOST = 2;

/** @typedef {"" | "recording" | "denied" | "lost" | "full"} Standing */

let path = "";
/** @type {Standing} */
let standing = "";
/** Of which patrol that is said. */
let stands = "";
let misses = 0;
let timer = 0;
let watch = 0;
/** @type {GeolocationCoordinates | null} */
let last = null;
let isKeptAwake = false;
/** @type {WakeLockSentinel | null} */
let lock = null;

export function watchWalk() {
  document.addEventListener("visibilitychange", follow);
  document.addEventListener("htmx:after:swap", ({ detail }) => {
    follow();
    if (/** @type {any} */ (detail).ctx.target === document.body) void tryAgain();
  });
  void permission().then((granted) => granted?.addEventListener("change", ask));
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
  if (next && next !== stands) [stands, standing, misses] = [next, "", 0];
  if (next !== path) {
    [path, last] = [next, null];
    ask();
  }
  say(standing);
}

/** Asks at once, where a patrol is followed. */
function ask() {
  rest();
  if (path) look();
}

/** Another page, another try, of what does not come; but who waved the browser's question away hears it again on Today alone. */
async function tryAgain() {
  if (standing !== "denied" && standing !== "lost") return;
  const isQuestion = (await permission())?.state === "prompt";
  if (!isQuestion || document.querySelector("[data-walk-says]")) ask();
}

/** @returns {Promise<PermissionStatus | undefined>} nothing from browsers that do not tell */
async function permission() {
  return navigator.permissions?.query({ name: "geolocation" }).catch(() => undefined);
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
  if (asked !== path) return;
  if (answer?.ok) return kept();
  if (answer?.status !== 409) return miss();
  rest(); // it takes no more, or was ended elsewhere, which the next page says
  say("full");
}

function kept() {
  misses = 0;
  say("recording");
}

function missed({ code }) {
  rest();
  if (code === DENIED) return say("denied");
  timer = window.setTimeout(look, STANDING_MS);
  miss();
}

function miss() {
  misses += 1;
  // Permission there is, whatever was said before.
  say(misses >= MISSES_MOST ? "lost" : standing === "denied" ? "" : standing);
}

/** Remembers how recording stands and says it on the page there is. @param {Standing} how */
function say(how) {
  standing = how;
  for (const notice of document.querySelectorAll("[data-walk-says]")) {
    /** @type {HTMLElement} */ (notice).hidden = notice.getAttribute("data-walk-says") !== how;
  }
  const mark = document.querySelector("[data-walk]");
  mark?.setAttribute("aria-label", mark.getAttribute(`data-says-${how || "unknown"}`) ?? "");
  mark?.classList.toggle("wait", !["", "recording"].includes(how));
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
