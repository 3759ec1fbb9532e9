/** Moving between pages without loading the document anew: screen readers must hear where they are, and gaps stay quiet. */

export function watchNavigation() {
  document.addEventListener("htmx:after:swap", ({ detail }) => {
    const { target } = /** @type {any} */ (detail).ctx;
    if (target === document.body) document.getElementById("content")?.focus({ preventScroll: true });
  });
  // A picture that is neither here nor at the server yet, or that only the server can decode, leaves its plain ground.
  document.addEventListener("error", ({ target }) => {
    const picture = /** @type {Element | null} */ (target);
    if (picture?.matches?.("img.thumb, .shot img, .gallery img")) picture.removeAttribute("src");
  }, { capture: true });
}
