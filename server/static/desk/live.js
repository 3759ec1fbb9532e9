/**
 * One stream from the server: calls back with each message, says so on the page when the connection is lost.
 * The browser connects again by itself unless the answer was an error; then we do, ever more slowly.
 */

const RETRY_FROM_MS = 1000;
const RETRY_UP_TO_MS = 30000;
const TOP_PX = 80;

/**
 * @param {string} url
 * @param {(message: any) => void} hear
 */
export function listen(url, hear) {
  let waitMs = RETRY_FROM_MS;
  /** @type {EventSource | null} */
  let source = null;

  function connect() {
    source = new EventSource(url);
    source.onmessage = (event) => {
      waitMs = RETRY_FROM_MS;
      showLost(false);
      hear(JSON.parse(event.data));
    };
    source.addEventListener("notices", (event) => showUnread(JSON.parse(event.data)));
    source.onopen = () => showLost(false);
    source.onerror = () => {
      showLost(true);
      if (source?.readyState !== EventSource.CLOSED) return;
      setTimeout(connect, waitMs);
      waitMs = Math.min(waitMs * 2, RETRY_UP_TO_MS);
    };
  }

  connect();
  window.addEventListener("pagehide", () => source?.close());
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) connect();
  });
}

/** The number in the bar, and a page of notices that has not been scrolled. @param {{count: number, shown: string}} unread */
function showUnread(unread) {
  const badge = document.getElementById("notice-count");
  if (!badge || badge.textContent === unread.shown) return;
  badge.textContent = unread.shown;
  badge.hidden = unread.count === 0;
  const list = document.getElementById("notice-list");
  if (list && window.scrollY < TOP_PX && !list.contains(document.activeElement)) list.dispatchEvent(new CustomEvent("refresh"));
}

/** @param {boolean} isLost */
function showLost(isLost) {
  const place = document.getElementById("link-state");
  if (!place) return;
  place.hidden = !isLost;
  place.textContent = isLost ? (place.dataset.lost ?? "") : "";
}
