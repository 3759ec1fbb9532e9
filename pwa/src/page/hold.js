/**
 * A form that was sent is held back until what it is made of is there: photos that are still being made (`photos.js`), the receiver that is
 * still looking (`place.js`). Then it goes as if tapped once more. Meanwhile it is still its user's to lose.
 *
 * @typedef {(form: HTMLFormElement, tapped_at_ms: number) => Promise<boolean> | null} Wait
 *   null: nothing to wait for; false: something dropped out, and the user decides again
 */

/** @type {WeakMap<HTMLFormElement, number>} when a form that is held was tapped */
const held = new WeakMap();

/** @param {Wait[]} waits */
export function watchHolds(...waits) {
  document.addEventListener("submit", (event) => hold(event, waits), { capture: true });
}

function hold(event, waits) {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (form.classList.contains("held")) return stop(event);
  const tapped_at_ms = held.get(form) ?? Date.now();
  held.delete(form);
  const waiting = waits.flatMap((wait) => wait(form, tapped_at_ms) ?? []);
  if (!waiting.length) return;
  stop(event);
  form.classList.add("held");
  Promise.all(waiting).then((all) => {
    form.classList.remove("held");
    if (!all.every(Boolean) || event.submitter?.isConnected === false) return;
    held.set(form, tapped_at_ms);
    form.requestSubmit(event.submitter);
  });
}

function stop(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
}
