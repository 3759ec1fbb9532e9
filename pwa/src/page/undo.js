/** Taking a record back: the offer goes with its time, also where no network brings news. */
import { whenArrived } from "./arrival.js";

export function watchUndo() {
  whenArrived("[data-undo]", (offer) => {
    window.setTimeout(() => document.body.dispatchEvent(new CustomEvent("xunge:changed", { bubbles: true })), Number(offer.dataset.undo) + 100);
  });
}
