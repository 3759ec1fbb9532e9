/**
 * The client of the resumable upload protocol tus 1.0.0 (https://tus.io/protocols/resumable-upload), of it what photos need: creation,
 * empty or with the first bytes, HEAD to ask where an upload stands, PATCH by chunks, and going on after a break from the byte the
 * server has. Which file goes, and what an answer means for it, is `uploads.js`'s to say.
 *
 * Our own because of its size: moving photos is part of what this app exists for, but the client that the protocol's authors keep
 * (tus-js-client 4.3.1) took 12 KB of the 150 KB there are, most of it for what a phone here never does (streams, parallel parts, drafts,
 * other runtimes); this takes 1 KB. `tests/pwa/engine/tus.test.mjs` and `tests/media/test_tus_client.py` hold it to the protocol.
 * Requests are `XMLHttpRequest`s: `fetch` does not tell how much of a body has left the phone, and on a thin link that is what
 * tells a slow transfer from a dead one.
 *
 * @typedef {object} Plan
 * @property {string} endpoint where uploads are created
 * @property {string | null} url of this upload, when an earlier run created it
 * @property {Record<string, string>} metadata
 * @property {Record<string, string>} headers of every request
 * @property {number} chunk_bytes
 * @property {boolean} with_creation the first chunk goes with the request that creates the upload
 * @property {number} stall_ms a request of which no byte moves for so long is given up, and the transfer with it
 * @property {number[]} waits_ms before each new try; counted anew whenever one brought the upload on
 * @property {(error: UploadError, url: string | null) => boolean} mayRetry
 * @property {(url: string) => void} onUrl the upload's address, told as soon as it is known
 * @property {(sent_bytes: number) => void} onProgress bytes that left the phone, told while they do
 */

const CHUNK_TYPE = "application/offset+octet-stream";
const LOCKED = 423;

/** What ended a request. `status` 0: no answer came, or none that a tus server gives. */
export class UploadError extends Error {
  /** @param {string} message @param {{status?: number, body?: any, retry_after_s?: number | null, isStalled?: boolean}} [told] */
  constructor(message, { status = 0, body = {}, retry_after_s = null, isStalled = false } = {}) {
    super(message);
    Object.assign(this, { name: "UploadError" });
    this.status = status;
    this.body = body;
    this.retry_after_s = retry_after_s;
    this.isStalled = isStalled;
  }
}

/** Resolves when the server says that it has the whole file. @param {Blob} file @param {Plan} plan @throws {UploadError} the last try's */
export async function upload(file, plan) {
  const place = { url: plan.url, offset: 0 };
  let tries = 0;
  for (;;) {
    const before = place.offset;
    try {
      return await carry(file, plan, place);
    } catch (error) {
      if (place.offset > before) tries = 0;
      const mayBe = error instanceof UploadError && !error.isStalled && tries < plan.waits_ms.length;
      if (!mayBe || !plan.mayRetry(error, place.url)) throw error;
      await new Promise((resolve) => setTimeout(resolve, plan.waits_ms[tries]));
      tries += 1;
    }
  }
}

async function carry(file, plan, place) {
  const hasUrl = Boolean(place.url);
  // An upload that HEAD did not find is created without bytes: the answer to that may be what HEAD, which has no body, could not say.
  if (!hasUrl || !(await find(file, plan, place))) await create(file, { ...plan, with_creation: plan.with_creation && !hasUrl }, place);
  while (place.offset < file.size) await append(file, plan, place);
}

/** Asks how much the server has; false when it no longer knows the upload or refuses. */
async function find(file, plan, place) {
  try {
    const { header } = await send(plan, "HEAD", place.url, {});
    moveTo(place, header("Upload-Offset"), file);
    return true;
  } catch (error) {
    if (!(error instanceof UploadError) || !error.status || error.status === LOCKED) throw error;
    place.url = null;
    return false;
  }
}

async function create(file, plan, place) {
  const lines = { "Upload-Length": `${file.size}`, "Upload-Metadata": encode(plan.metadata) };
  const chunk = plan.with_creation ? file.slice(0, plan.chunk_bytes) : null;
  const { header } = await send(plan, "POST", plan.endpoint, lines, chunk);
  const url = header("Location");
  if (!url) throw new UploadError("created, but not where");
  place.url = url;
  plan.onUrl(url);
  moveTo(place, header("Upload-Offset") ?? (chunk ? null : "0"), file);
}

async function append(file, plan, place) {
  const before = place.offset;
  const { header } = await send(plan, "PATCH", place.url, { "Upload-Offset": `${before}` }, file.slice(before, before + plan.chunk_bytes), before);
  moveTo(place, header("Upload-Offset"), file);
  if (place.offset <= before) throw new UploadError("a chunk was taken, but none of its bytes");
}

/** Where the server stands. @param {string | null} told */
function moveTo(place, told, file) {
  const offset = Number.parseInt(told ?? "", 10);
  if (!(offset >= 0 && offset <= file.size)) throw new UploadError(`no offset of this file: ${told}`);
  place.offset = offset;
}

/** @param {Record<string, string>} metadata */
function encode(metadata) {
  const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  return Object.entries(metadata).map(([name, value]) => `${name} ${base64(value)}`).join(",");
}

/**
 * One request. @param {Plan} plan @param {Record<string, string>} lines @param {Blob | null} [chunk] @param {number} [start] of the chunk
 * @returns {Promise<{header: (name: string) => string | null}>}
 */
function send({ headers, stall_ms, onProgress }, method, url, lines, chunk = null, start = 0) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const header = (name) => request.getResponseHeader(name);
    let timer = 0;
    const end = (settle) => (clearTimeout(timer), settle());
    const expire = () => {
      reject(new UploadError("no byte moved", { isStalled: true }));
      request.abort();
    };
    const moved = (sent_bytes) => {
      clearTimeout(timer);
      timer = setTimeout(expire, stall_ms);
      if (chunk) onProgress(start + sent_bytes);
    };
    request.open(method, url);
    const all = { "Tus-Resumable": "1.0.0", ...headers, ...(chunk ? { "Content-Type": CHUNK_TYPE } : {}), ...lines };
    for (const [name, value] of Object.entries(all)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded }) => moved(loaded);
    request.onerror = () => end(() => reject(new UploadError("no answer")));
    request.onload = () => end(() => (request.status >= 200 && request.status < 300 ? resolve({ header }) : reject(refusalOf(request))));
    moved(0);
    request.send(chunk);
  });
}

function refusalOf(request) {
  const retry_after_s = Number(request.getResponseHeader("Retry-After")) || null;
  return new UploadError(`answered ${request.status}`, { status: request.status, body: parsed(request.responseText), retry_after_s });
}

function parsed(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
