/**
 * The desk's scripts, put together: htmx and what a page needs besides it. What a page shows comes from the server as HTML;
 * here is only what HTML cannot do alone: keys, live updates, the large photo, the map, fresh relative times.
 */
import "htmx.org";
import { bindCase } from "./desk/case.js";
import { bindCommonKeys } from "./desk/keys.js";
import { bindLightbox } from "./desk/lightbox.js";
import { bindList } from "./desk/list.js";
import { listen } from "./desk/live.js";
import { drawMap } from "./desk/map.js";
import { bindPhotos } from "./desk/photos.js";
import { bindRefused, bindRefusedList } from "./desk/quarantine.js";
import { bindRescue } from "./desk/rescue.js";
import { keepTimesFresh } from "./desk/times.js";
import { bindWhistle } from "./desk/whistle.js";

/** Binds what belongs to the page that is shown. */
function start() {
  bindCommonKeys();
  bindPhotos();
  keepTimesFresh(document.documentElement.lang);
  const list = document.querySelector("[data-list]");
  if (list instanceof HTMLElement) bindList(list);
  const refusedList = document.querySelector("[data-refused-list]");
  if (refusedList instanceof HTMLElement) bindRefusedList();
  const refused = document.querySelector("[data-refused]");
  if (refused instanceof HTMLElement) bindRefused(refused);
  const rescue = document.querySelector("form[data-rescue]");
  if (rescue instanceof HTMLFormElement) bindRescue(rescue);
  const whistle = document.querySelector("[data-whistle]");
  if (whistle) bindWhistle(whistle);
  const page = document.querySelector("[data-case]");
  if (page instanceof HTMLElement) {
    bindCase(page);
    bindLightbox(page);
    const map = document.getElementById("map");
    if (map) drawMap(map);
  }
  if (!list && !page && document.getElementById("notice-count")) listen("/notices/live", () => {});
}

start();
