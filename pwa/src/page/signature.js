/** 签名: drawn with a finger or a pen, sent with the form as a picture among its photos. */
import { whenArrived } from "./arrival.js";
import { noteChange } from "./forms.js";

const LINE_PX = 5;
/** As long as all strokes together must be, in the canvas's pixels: a dot or a slip of the finger signs nothing. */
const SIGNED_PX = 100;
/** @type {WeakMap<HTMLCanvasElement, number>} how much was drawn on each */
const drawn_px = new WeakMap();

export function watchSignature() {
  whenArrived("canvas[data-sign]", (canvas) => begin(/** @type {HTMLCanvasElement} */ (canvas)));
  document.addEventListener("htmx:config:request", addSignature);
}

/** @param {HTMLCanvasElement} canvas */
function begin(canvas) {
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const clear = () => {
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    drawn_px.delete(canvas);
  };
  clear();
  Object.assign(pen, { lineWidth: LINE_PX, lineCap: "round", lineJoin: "round", strokeStyle: "#111" });
  let [last_x, last_y] = [0, 0];
  const go = ({ clientX, clientY }) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const [from_x, from_y] = [last_x, last_y];
    [last_x, last_y] = [((clientX - left) * canvas.width) / width, ((clientY - top) * canvas.height) / height];
    pen.lineTo(last_x, last_y);
    pen.stroke();
    return Math.hypot(last_x - from_x, last_y - from_y);
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pen.beginPath();
    go(event);
    noteChange(canvas);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) drawn_px.set(canvas, (drawn_px.get(canvas) ?? 0) + go(event));
  });
  canvas.parentElement?.querySelector("[data-clear]")?.addEventListener("click", clear);
}

/** What was drawn goes instead of any photo. The page cannot wait here, so the picture is made at once. */
function addSignature(event) {
  const { form, body } = event.detail.ctx.request;
  const canvas = form?.querySelector("canvas[data-sign]");
  if (!canvas || (drawn_px.get(canvas) ?? 0) < SIGNED_PX) return;
  const bytes = Uint8Array.from(atob(canvas.toDataURL("image/png").split(",")[1]), (sign) => sign.charCodeAt(0));
  for (const name of ["photo", "thumb", "shot"]) body.delete(name);
  const picture = new Blob([bytes], { type: "image/png" });
  body.append("photo", picture, "signature.png");
  body.append("thumb", picture, "signature.png");
  body.append("shot", JSON.stringify({ width_px: canvas.width, height_px: canvas.height }));
}
