/** Signing in on the spot: the browser's place goes into the form, when it has one; without it one signs in all the same. */

const PATIENCE_MS = 10000;

/** @param {ParentNode} page */
export function bindWhistle(page) {
  locate(page);
  document.addEventListener("htmx:after:swap", () => locate(document));
}

/** @param {ParentNode} page */
function locate(page) {
  const form = page.querySelector("form[data-locate]");
  const told = form?.querySelector("[data-located]");
  if (!(form instanceof HTMLFormElement) || !(told instanceof HTMLElement) || form.dataset.isLocated) return;
  form.dataset.isLocated = "1";
  const none = () => {
    told.textContent = told.dataset.none ?? "";
  };
  if (!navigator.geolocation) return none();
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => {
      fill(form, { lat: coords.latitude, lon: coords.longitude, accuracy_m: coords.accuracy });
      told.textContent = (told.dataset.found ?? "").replace("{metres}", String(Math.round(coords.accuracy)));
    },
    none,
    { enableHighAccuracy: true, timeout: PATIENCE_MS },
  );
}

/** @param {HTMLFormElement} form @param {Record<string, number>} values */
function fill(form, values) {
  for (const [name, value] of Object.entries(values)) {
    const field = form.elements.namedItem(name);
    if (field instanceof HTMLInputElement) field.value = String(value);
  }
}
