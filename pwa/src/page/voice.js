/** A voice note of at most a minute: recorded here, shown with a player, sent like a photo of the form. */
import { saying } from "./arrival.js";
import { noteChange } from "./forms.js";
import { begin, lose, say, show, shotsOf } from "./photos.js";

const MOST_S = 60;
const BITS = 32_000;
/** One recorder at a time, from the question for permission on. */
let isBusy = false;

export function watchVoice() {
  document.addEventListener("click", ({ target }) => {
    const button = /** @type {Element} */ (target).closest("[data-record]");
    if (button) void toggle(/** @type {HTMLElement} */ (button.closest("[data-photos]")));
  });
  document.addEventListener("xunge:shots", ({ target }) => {
    const part = /** @type {HTMLElement} */ (target);
    const button = /** @type {HTMLElement | null} */ (part.querySelector("[data-record]"));
    if (button) button.hidden = shotsOf(part).some(({ made }) => made);
  });
}

async function toggle(part) {
  const [running] = shotsOf(part);
  if (running) return running.hurry?.();
  if (isBusy) return;
  isBusy = true;
  say(part, "");
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    await record(part, stream).finally(() => stream.getTracks().forEach((track) => track.stop()));
  } catch {
    say(part, saying(part, "denied"));
  } finally {
    isBusy = false;
  }
}

/** Until the note is there, or its page is left. @param {HTMLElement} part @param {MediaStream} stream */
async function record(part, stream) {
  if (!part.isConnected) return;
  const recorder = new MediaRecorder(stream, { audioBitsPerSecond: BITS });
  const shot = begin(part, null);
  noteChange(part);
  noteChange(part.closest("form")?.querySelector("#text") ?? null);
  const pieces = [];
  let seconds = 0;
  const tick = () => {
    tell(part, saying(part, "stop").replace("{seconds}", String(seconds)));
    if (seconds++ >= MOST_S || !part.isConnected) recorder.stop();
  };
  const timer = window.setInterval(tick, 1000);
  shot.item.hidden = true;
  shot.hurry = () => recorder.state === "recording" && recorder.stop();
  shot.ready = new Promise((resolve) => recorder.addEventListener("stop", resolve, { once: true })).then(() => {
    clearInterval(timer);
    tell(part, saying(part, "record"));
    shot.item.hidden = false;
    const sent = new Blob(pieces, { type: recorder.mimeType.split(";")[0] });
    if (sent.size) show(part, shot, { sent });
    else lose(part, shot, saying(part, "nothing"));
  });
  recorder.addEventListener("dataavailable", ({ data }) => pieces.push(data));
  recorder.start();
  tick();
  await shot.ready;
}

function tell(part, text) {
  part.querySelector("[data-record] span").textContent = text;
}
