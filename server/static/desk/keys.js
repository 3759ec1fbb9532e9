/** Keys that every desk page knows, dialogs that open by a button, notices that can be put away, choices that send their form. */

/**
 * True when a key press belongs to a field, a dialog or the browser, and is no command.
 * @param {KeyboardEvent} event
 */
export function isForTyping(event) {
  const target = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return true;
  if (document.querySelector("dialog[open]")) return true;
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

/** Opens a dialog by its id. @param {string} id */
export function openDialog(id) {
  const dialog = document.getElementById(id);
  if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal();
}

/** Help by `?`, leaving a field by Escape, buttons that open a dialog or put a notice away. */
export function bindCommonKeys() {
  document.addEventListener("keydown", (event) => {
    const target = event.target;
    if (event.key === "Escape" && target instanceof HTMLElement && target.matches("input, textarea, select")) target.blur();
    if (event.key === "?" && !isForTyping(event)) openDialog("help");
  });
  document.addEventListener("change", (event) => {
    const field = event.target;
    if (field instanceof HTMLSelectElement && field.matches("[data-submit]")) field.form?.requestSubmit();
  });
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const opener = target?.closest("[data-open]");
    if (opener instanceof HTMLElement && opener.dataset.open) openDialog(opener.dataset.open);
    target?.closest("[data-dismiss]")?.closest(".alert")?.remove();
    if (target instanceof HTMLDialogElement && target.classList.contains("help")) target.close();
  });
}
