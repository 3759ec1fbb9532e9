/**
 * Where a record was made: the phone's receiver fills hidden fields as soon as the form opens, and says how it went. A photo
 * that knows its place stands in while there is none; a place that was noted before stays until its user asks for another. Typing an
 * address always works.
 */
import { saying, whenArrived } from "./arrival.js";

const WAIT_MS = 20_000;
const FRESH_MS = 15_000;
const DENIED = 1;
/** Farther off than this it may be another street. */
const ROUGH_M = 100;
/** A form without any place waits this long for the receiver: from the tap that sends it, and from when the looking began. */
const HOLD_MS = 3000;
const LOOK_MS = 8000;

/**
 * @typedef {[string, string]} Look a chip's class and words
 * @typedef {{began_at_ms: number, ended: Promise<void>, end: () => void}} Search
 */
/** @type {WeakMap<Element, Search>} the looking of each part that is under way; an answer to another one is not listened to */
const searches = new WeakMap();
/** @type {WeakMap<Element, Look>} what the chip of a part said last, but for that it is looking */
const said = new WeakMap();
/** @type {WeakMap<Element, object>} which photo gave a part its place */
const givers = new WeakMap();

export function watchPlace() {
  whenArrived("[data-place]", arrive);
  document.addEventListener("click", ({ target }) => {
    const button = /** @type {Element} */ (target).closest("[data-locate], [data-unplace]");
    const part = button?.closest("[data-place]");
    if (button && part) (button.matches("[data-locate]") ? locate : drop)(part);
  });
}

/** What was noted or decided before stays. */
function arrive(part) {
  if (hasPoint(part)) say(part, "noted", toneOf(Number(field(part, "accuracy_m").value)));
  else if (field(part, "unplaced").value) say(part, "dropped", "wait");
  else locate(part);
}

function locate(part) {
  if (!("geolocation" in navigator)) return missed(part, "failed");
  const search = begin(part);
  show(part, lookOf(part, "looking", "move"));
  const answered = (work) => (answer) => {
    if (searches.get(part) !== search) return;
    end(part);
    work(answer);
  };
  navigator.geolocation.getCurrentPosition(
    answered(({ coords }) => found(part, coords)),
    answered(({ code }) => missed(part, code === DENIED ? "denied" : "failed")),
    { enableHighAccuracy: true, timeout: WAIT_MS, maximumAge: FRESH_MS },
  );
}

/** @returns {Search} */
function begin(part) {
  end(part);
  let done = () => undefined;
  const ended = new Promise((resolve) => (done = /** @type {any} */ (resolve)));
  const search = { began_at_ms: Date.now(), ended: /** @type {Promise<any>} */ (ended), end: done };
  searches.set(part, search);
  return search;
}

function end(part) {
  searches.get(part)?.end();
  searches.delete(part);
}

function found(part, { latitude, longitude, accuracy }) {
  givers.delete(part);
  fill(part, { lat: latitude.toFixed(6), lon: longitude.toFixed(6), accuracy_m: accuracy.toFixed(0), unplaced: "" });
  say(part, "found", toneOf(accuracy), Math.round(accuracy));
}

/** A point that is there already stands, with what was said of it. */
function missed(part, why) {
  const before = hasPoint(part) ? said.get(part) : null;
  if (before) show(part, before);
  else say(part, why, "wait");
}

/** The point is wrong, and its user says so. */
function drop(part) {
  end(part);
  clear(part);
  field(part, "unplaced").value = "1";
  say(part, "dropped", "wait");
  part.dispatchEvent(new Event("change", { bubbles: true }));
}

function clear(part) {
  givers.delete(part);
  fill(part, { lat: "", lon: "", accuracy_m: "", unplaced: "" });
}

/** A photo's own place, used only while the receiver gave none. @param {Element | null} form @param {object} shot */
export function offerPlace(form, { lat, lon }, shot) {
  const part = form?.querySelector("[data-place]");
  if (!part || typeof lat !== "number" || hasPoint(part)) return;
  givers.set(part, shot);
  fill(part, { lat: lat.toFixed(6), lon: lon.toFixed(6), accuracy_m: "", unplaced: "" });
  say(part, "from-photo", "good");
}

/** The photo that gave the place is taken off: another one gives it, or the receiver. @param {Element | null} form @param {object} shot @param {any[]} others */
export function takePlaceBack(form, shot, others) {
  const part = form?.querySelector("[data-place]");
  if (!part || givers.get(part) !== shot) return;
  clear(part);
  for (const other of others) offerPlace(form, other.made?.notes ?? {}, other);
  if (!hasPoint(part)) locate(part);
}

/** What a form without any place waits for: the receiver, while it is looking, and not for long. @type {import("./hold.js").Wait} */
export function placeReady(form, tapped_at_ms) {
  const part = form.querySelector("[data-place]");
  const search = part && searches.get(part);
  const left_ms = search ? Math.min(tapped_at_ms + HOLD_MS, search.began_at_ms + LOOK_MS) - Date.now() : 0;
  if (!part || !search || left_ms <= 0 || isSaid(part)) return null;
  return Promise.race([search.ended, new Promise((resolve) => setTimeout(resolve, left_ms))]).then(() => true);
}

/** Whether anything says where it is. */
function isSaid(part) {
  const picked = part.querySelector("[name=compound]:checked")?.value;
  return Boolean(hasPoint(part) || picked || field(part, "address").value.trim());
}

function hasPoint(part) {
  return Boolean(field(part, "lat").value);
}

function fill(part, values) {
  for (const [name, value] of Object.entries(values)) field(part, name).value = value;
  part.querySelector("[data-unplace]").hidden = !hasPoint(part);
  part.dispatchEvent(new CustomEvent("xunge:place", { bubbles: true }));
}

/** @returns {HTMLInputElement} */
function field(part, name) {
  return part.querySelector(`[name="${name}"]`);
}

function toneOf(accuracy_m) {
  return accuracy_m > ROUGH_M ? "wait" : "good";
}

function say(part, name, tone, metres = 0) {
  said.set(part, lookOf(part, name, tone, metres));
  show(part, lookOf(part, name, tone, metres));
}

/** @returns {Look} */
function lookOf(part, name, tone, metres = 0) {
  return [`chip ${tone}`, saying(part, name).replace("{metres}", String(metres))];
}

/** @param {Element} part @param {Look} look */
function show(part, [look, text]) {
  const chip = /** @type {HTMLElement} */ (part.querySelector("[data-place-state]"));
  chip.className = look;
  /** @type {HTMLElement} */ (chip.querySelector("span")).textContent = text;
}
