/** Telling the page's parts when new content has arrived: the first page, a swapped page, a swapped fragment. */

/**
 * Calls `greet` once for every element that matches, now or later.
 * @param {string} selector @param {(element: HTMLElement) => void} greet
 */
export function whenArrived(selector, greet) {
  const seen = new WeakSet();
  document.addEventListener("htmx:after:process", ({ target }) => {
    const root = /** @type {Element} */ (target);
    if (!root.querySelectorAll) return;
    const found = [...(root.matches?.(selector) ? [root] : []), ...root.querySelectorAll(selector)];
    for (const element of found) {
      if (seen.has(element)) continue;
      seen.add(element);
      greet(/** @type {HTMLElement} */ (element));
    }
  });
}

/** The text of a hidden element that the template put beside a part, such as `data-says-found`. */
export function saying(part, name) {
  return part.querySelector(`[data-says-${name}]`)?.textContent ?? "";
}
