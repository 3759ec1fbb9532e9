/**
 * Making photos small enough to send: longest edge 1600 px for the record, 320 px for lists, as JPEG. The browser applies the
 * camera's orientation while decoding; what else the camera wrote is gone afterwards (`exif.js` reads it before).
 *
 * @typedef {{sent: Blob, thumb: Blob, width_px: number, height_px: number}} Shrunk
 */

const SENT_PX = 1600;
const THUMB_PX = 320;
const TYPE = "image/jpeg";
const SENT_QUALITY = 0.82;
const THUMB_QUALITY = 0.7;

/**
 * @param {Blob} file @returns {Promise<Shrunk>} @throws when the browser cannot decode it
 */
export async function shrink(file) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  try {
    const large = await drawn(bitmap, SENT_PX);
    const small = await drawn(large, THUMB_PX);
    const [sent, thumb] = await Promise.all([encoded(large, SENT_QUALITY), encoded(small, THUMB_QUALITY)]);
    return { sent, thumb, width_px: large.width, height_px: large.height };
  } finally {
    bitmap.close();
  }
}

/** Whether a file is what iPhones write (ISO 23008-12), which most browsers cannot decode. @param {Blob} file */
export async function isHeif(file) {
  return /^ftyp(hei|hev|mif1|msf1)/.test(await file.slice(4, 12).text());
}

/**
 * Resizing while making a bitmap happens beside the page, and takes half the time of a canvas doing it.
 * @param {ImageBitmap | OffscreenCanvas | HTMLCanvasElement} source @param {number} edge_px
 */
async function drawn(source, edge_px) {
  const scale = Math.min(1, edge_px / Math.max(source.width, source.height));
  const [width, height] = [Math.round(source.width * scale), Math.round(source.height * scale)];
  const bitmap = await createImageBitmap(source, { resizeWidth: width, resizeHeight: height, resizeQuality: "high" });
  const canvas = canvasOf(width, height);
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
  pen.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return canvas;
}

function canvasOf(width, height) {
  if (typeof OffscreenCanvas === "function") return new OffscreenCanvas(width, height);
  return Object.assign(document.createElement("canvas"), { width, height });
}

/** @returns {Promise<Blob>} */
async function encoded(canvas, quality) {
  if (canvas.convertToBlob) return canvas.convertToBlob({ type: TYPE, quality });
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the photo could not be encoded"))), TYPE, quality);
  });
}
