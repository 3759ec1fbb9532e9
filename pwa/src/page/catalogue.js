/** Picking a category: the list of all folds away once one is chosen, and a few letters, of its name or its pinyin, find it. */

export function watchCatalogue() {
  document.addEventListener("input", ({ target }) => {
    const box = /** @type {HTMLInputElement} */ (target);
    if (box.matches("[data-find]")) find(/** @type {HTMLElement} */ (box.closest("[data-catalogue]")), box.value);
  });
  document.addEventListener("change", ({ target }) => {
    const input = /** @type {HTMLInputElement} */ (target);
    if (input.name === "category") chosen(input);
  });
}

function find(list, text) {
  const wanted = text.trim().toLowerCase();
  const isFound = (part) => `${part.textContent} ${part.dataset.initials ?? ""}`.toLowerCase().includes(wanted);
  const isAbove = [...list.parentElement.querySelectorAll(":scope > .choices .choice")].some(isFound);
  let isAny = false;
  for (const group of list.querySelectorAll("[data-group]")) {
    const isWhole = isFound(group.querySelector("h2"));
    let isShown = false;
    for (const choice of group.querySelectorAll(".choice")) {
      choice.hidden = !(isWhole || isFound(choice));
      isShown ||= !choice.hidden;
    }
    group.hidden = !isShown;
    isAny ||= isShown;
  }
  list.querySelector("[data-above]").hidden = isAny || !isAbove;
  list.querySelector("[data-none]").hidden = isAny || isAbove;
}

/** The folded list shows what was picked in it; a pick among the first three needs no such line. */
function chosen(input) {
  const list = input.form?.querySelector("[data-catalogue]");
  const line = list?.querySelector("[data-chosen]");
  if (!list || !line) return;
  line.dataset.plain ??= line.textContent ?? "";
  const isInside = list.contains(input);
  line.textContent = isInside ? (input.closest(".choice")?.textContent?.trim() ?? "") : line.dataset.plain;
  list.classList.toggle("has-choice", isInside);
  if (isInside) list.open = false;
  list.scrollIntoView({ block: "nearest" });
}
