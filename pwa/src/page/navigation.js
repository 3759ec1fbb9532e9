/** Moving between pages without loading the document anew: screen readers must hear where they are. */

export function watchNavigation() {
  document.addEventListener("htmx:after:swap", ({ detail }) => {
    const { target } = /** @type {any} */ (detail).ctx;
    if (target === document.body) document.getElementById("content")?.focus({ preventScroll: true });
  });
}
