/** Rescue files: sending one with its progress, then how far the server is with it; the last event carries what came in. */

/** @param {HTMLFormElement} form */
export function bindRescue(form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.matches("[data-busy]")) return;
    const fields = new FormData(form, event.submitter?.getAttribute("name") ? event.submitter : null);
    void send(form, fields);
  });
}

/** @param {HTMLFormElement} form @param {FormData} fields */
function send(form, fields) {
  const request = new XMLHttpRequest();
  form.toggleAttribute("data-busy", true);
  show(form, "sending", 0);
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "text/event-stream");
  request.upload.onprogress = ({ loaded, total }) => show(form, "sending", (100 * loaded) / total);
  request.onprogress = () => hear(form, request.responseText);
  request.onloadend = () => end(form, request);
  request.send(fields);
}

/** @param {HTMLFormElement} form @param {XMLHttpRequest} request */
function end(form, request) {
  form.toggleAttribute("data-busy", false);
  /** @type {HTMLElement} */ (form.querySelector("[data-progress]")).hidden = true;
  const html = request.status === 200 ? last(request.responseText)?.html : undefined;
  const place = /** @type {HTMLElement} */ (document.getElementById("rescue-result"));
  if (html) place.innerHTML = html;
  else place.replaceChildren(failure(form.dataset.failed ?? ""));
}

/** @param {HTMLFormElement} form @param {string} text */
function hear(form, text) {
  const percent = last(text)?.percent;
  if (percent !== undefined) show(form, "taking", percent);
}

/** The newest whole event. @param {string} text @returns {{percent?: number, html?: string} | null} */
function last(text) {
  const whole = text.slice(0, text.lastIndexOf("\n\n")).split("\n\n").pop();
  return whole?.startsWith("data: ") ? JSON.parse(whole.slice(6)) : null;
}

/** @param {HTMLFormElement} form @param {"sending" | "taking"} stage @param {number} percent */
function show(form, stage, percent) {
  const part = /** @type {HTMLElement} */ (form.querySelector("[data-progress]"));
  const label = /** @type {HTMLElement} */ (part.querySelector("[data-stage]"));
  part.hidden = false;
  if (label.textContent !== label.dataset[stage]) label.textContent = label.dataset[stage] ?? "";
  /** @type {HTMLProgressElement} */ (part.querySelector("progress")).value = percent;
}

/** @param {string} text */
function failure(text) {
  const made = document.createElement("p");
  made.className = "alert";
  made.textContent = text;
  return made;
}
