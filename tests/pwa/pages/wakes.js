/** Counts what could wake an idle page: timers that wait, frames, and questions for the place. `wakes.is_hidden` hides the page. */
(() => {
  const waiting = new Set();
  const wakes = { waiting, places: 0, frames: 0, is_hidden: false };
  const [set, clear, every, end, frame] = [setTimeout, clearTimeout, setInterval, clearInterval, requestAnimationFrame].map((one) => one.bind(window));
  window.setTimeout = (act, ms, ...rest) => {
    const id = set((...given) => (waiting.delete(id), act(...given)), ms, ...rest);
    waiting.add(id);
    return id;
  };
  window.setInterval = (...given) => {
    const id = every(...given);
    waiting.add(id);
    return id;
  };
  window.clearTimeout = (id) => (waiting.delete(id), clear(id));
  window.clearInterval = (id) => (waiting.delete(id), end(id));
  window.requestAnimationFrame = (act) => ((wakes.frames += 1), frame(act));
  for (const name of ["watchPosition", "getCurrentPosition"]) navigator.geolocation[name] = () => (wakes.places += 1);
  Object.defineProperty(document, "hidden", { get: () => wakes.is_hidden });
  Object.defineProperty(document, "visibilityState", { get: () => (wakes.is_hidden ? "hidden" : "visible") });
  window.wakes = wakes;
  window.hide = () => {
    Object.assign(wakes, { is_hidden: true, frames: 0, places: 0 });
    document.dispatchEvent(new Event("visibilitychange"));
  };
})();
