/** Moving between pages without loading the document anew: screen readers must hear where they are, and gaps stay quiet. */

export function watchNavigation() {
  document.addEventListener("htmx:after:swap", ({ detail }) => {
    const { target } = /** @type {any} */ (detail).ctx;
    if (target === document.body) document.getElementById("content")?.focus({ preventScroll: true });
  });
  // A thumbnail that is neither here nor at the server yet leaves its plain ground, not a broken picture.
  document.addEventListener("error", ({ target }) => {
    const picture = /** @type {Element | null} */ (target);
    if (picture?.matches?.("img.thumb")) picture.removeAttribute("src");
  }, { capture: true });
}
