/** A photo large, over the page: arrows turn, Escape or a click beside it shuts; the keys work only while it is open. */

/** @param {HTMLElement} page */
export function bindLightbox(page) {
  const dialog = document.getElementById("lightbox");
  if (!(dialog instanceof HTMLDialogElement)) return;
  let at = 0;

  const links = () => Array.from(page.querySelectorAll("a[data-full]"));

  /** @param {number} index */
  function show(index) {
    const all = links();
    if (!all.length) return;
    at = (index + all.length) % all.length;
    const link = all[at];
    const large = dialog?.querySelector("[data-large]");
    if (large instanceof HTMLImageElement) {
      large.classList.remove("waiting");
      large.dataset.photo = "";
      large.src = link.getAttribute("data-full") ?? "";
      large.alt = link.querySelector("img")?.alt ?? "";
    }
    dialog?.querySelector("[data-original]")?.setAttribute("href", link.getAttribute("href") ?? "");
    const position = dialog?.querySelector("[data-position]");
    if (position) position.textContent = `${at + 1} / ${all.length}`;
    for (const button of dialog?.querySelectorAll("[data-turn]") ?? []) button.toggleAttribute("hidden", all.length < 2);
  }

  page.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[data-full]") : null;
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    show(links().indexOf(link));
    dialog.showModal();
  });
  dialog.addEventListener("click", (event) => {
    const turn = event.target instanceof Element ? event.target.closest("[data-turn]") : null;
    if (turn) show(at + Number(turn.getAttribute("data-turn")));
    else if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowRight" || event.key === "j") show(at + 1);
    else if (event.key === "ArrowLeft" || event.key === "k") show(at - 1);
  });
}
