/** A notification was tapped while the app is open: the page goes where it leads, unless something was typed here; then a line leads there. */
import { isTyped } from "./forms.js";

export function watchCalls() {
  navigator.serviceWorker.addEventListener("message", ({ data }) => data?.type === "go" && go(data.path, data.said));
  navigator.serviceWorker.startMessages();
}

/** @param {string} path @param {string} said what the notification said */
function go(path, said) {
  const line = document.getElementById("called");
  const link = line?.querySelector("a");
  if (!line || !link) return location.assign(path);
  link.href = path;
  /** @type {Element} */ (line.querySelector("[data-said]")).textContent = said;
  if (isTyped()) line.hidden = false;
  else link.click();
}
