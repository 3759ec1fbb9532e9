/** What the Me page asks of the browser itself: sync now, whether data is safe from clean-up, and taking a new version. */
import { askToPersist, onNews, requestSync, takeUpdate } from "../sync/client.js";
import { whenArrived } from "./arrival.js";

/** Where a waiting version shows: the line of every page, and the button that takes it. */
const UPDATE = "#news, [data-take-update]";

export function watchPhone() {
  document.addEventListener("click", ({ target }) => {
    const button = /** @type {Element} */ (target).closest("[data-sync-now], [data-take-update]");
    if (button?.matches("[data-sync-now]")) syncNow();
    if (button?.matches("[data-take-update]")) takeUpdate();
  });
  whenArrived("[data-persist]", showPersistence);
  whenArrived(UPDATE, offerUpdate);
  onNews(({ type }) => type === "update-ready" && document.querySelectorAll(UPDATE).forEach(offerUpdate));
}

function syncNow() {
  const line = /** @type {HTMLElement | null} */ (document.querySelector("[data-sync-says]"));
  requestSync();
  if (line) line.textContent = (navigator.onLine ? line.dataset.asked : line.dataset.offline) ?? "";
}

async function showPersistence(line) {
  const isKept = await askToPersist();
  line.textContent = isKept ? line.dataset.yes : line.dataset.no;
}

/** @param {Element} place */
async function offerUpdate(place) {
  const registration = await navigator.serviceWorker?.getRegistration("/m/");
  /** @type {HTMLElement} */ (place).hidden = !registration?.waiting;
}
