/** Photos whose sizes are not made yet: a quiet placeholder, asked for again a few times, without asking for ever. */

const AGAIN_MS = [2000, 4000, 8000, 16000, 32000, 60000, 120000];

/** Errors of images do not bubble: they are caught on the way down. */
export function bindPhotos() {
  document.addEventListener("error", (event) => wait(event.target), true);
  document.addEventListener("load", (event) => settle(event.target), true);
  document.addEventListener("htmx:after:swap", () => lookAgain());
  lookAgain();
}

/** Marks what failed before anybody listened, and what a swap took the mark from. */
function lookAgain() {
  for (const image of document.querySelectorAll("img[data-photo]:not(.waiting)")) {
    if (image instanceof HTMLImageElement && image.complete && !image.naturalWidth && image.currentSrc) wait(image);
  }
}

/** @param {EventTarget | null} image */
function wait(image) {
  if (!(image instanceof HTMLImageElement) || image.dataset.photo === undefined) return;
  const tries = Number(image.dataset.photo || "0");
  image.classList.add("waiting");
  if (image.dataset.waiting) image.parentElement?.setAttribute("data-note", image.dataset.waiting);
  if (tries >= AGAIN_MS.length) return;
  image.dataset.photo = String(tries + 1);
  setTimeout(() => {
    if (image.isConnected) image.src = image.src.replace(/(\?again=\d+)?$/, `?again=${tries + 1}`);
  }, AGAIN_MS[tries]);
}

/** @param {EventTarget | null} image */
function settle(image) {
  if (!(image instanceof HTMLImageElement) || image.dataset.photo === undefined) return;
  image.classList.remove("waiting");
  image.parentElement?.removeAttribute("data-note");
}
