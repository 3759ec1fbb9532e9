/**
 * Names of things made on the phone: record ids, revisions, photo fingerprints, clock stamps. Pure but for randomness;
 * nothing is read or written.
 */

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function hex(bytes) {
  return Array.from(bytes, (byte) => HEX[byte]).join("");
}

/** A version 7 uuid (RFC 9562): sorted by the moment it was made. @param {number} [now_ms] */
export function uuidv7(now_ms = Date.now()) {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  for (let at = 0, rest = now_ms; at < 6; at += 1) {
    bytes[5 - at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const text = hex(bytes);
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join("-");
}

/** The uuid inside `<type>:<uuid>`. */
export function uuidOf(id) {
  return id.slice(id.indexOf(":") + 1);
}

/** When a record's id was made, epoch milliseconds of the server. @param {string} id */
export function madeAt(id) {
  return Number.parseInt(uuidOf(id).replace("-", "").slice(0, 12), 16);
}

/** JSON with sorted keys, so that the same content always gives the same bytes. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const fields = Object.keys(value).filter((key) => value[key] !== undefined).sort();
  return `{${fields.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
}

/** SHA-256 of a text, in hex. @param {string} text */
export async function digest(text) {
  return sha256(new TextEncoder().encode(text));
}

async function sha256(bytes) {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/**
 * The revision of a document made here: a function of its parent and content, so the same form saved twice is the same
 * revision everywhere. @param {object} doc without `_rev` @param {string | null} parent the revision it was made from
 */
export async function revisionOf(doc, parent = null) {
  const digest = await sha256(new TextEncoder().encode(`${parent ?? ""}\n${canonical(doc)}`));
  return `${parent ? Number.parseInt(parent, 10) + 1 : 1}-${digest.slice(0, 32)}`;
}

/** SHA-256 and size of a photo's bytes, as a photo document names them. @param {Blob} blob */
export async function fingerprint(blob) {
  return { sha256: await sha256(await blob.arrayBuffer()), size_bytes: blob.size };
}

/** Length of a document's JSON in bytes, as the server counts it. */
export function sizeOf(doc) {
  return new TextEncoder().encode(JSON.stringify(doc)).length;
}

const STAMP = /^([0-9]{15})-([0-9a-f]{4})-([A-Za-z0-9_.:@-]{1,64})$/;
const COUNTER_MOST = 0xffff;

/** @typedef {{ms: number, counter: number, node: string}} Stamp the parts of `<ms 15 digits>-<counter 4 hex>-<device>` */

/** A stamp's parts, or null for what is none. @param {unknown} text @returns {Stamp | null} */
export function parseStamp(text) {
  const found = typeof text === "string" ? STAMP.exec(text) : null;
  return found && { ms: Number(found[1]), counter: Number.parseInt(found[2], 16), node: found[3] };
}

/** @param {Stamp} stamp */
export function stampText({ ms, counter, node }) {
  return `${String(ms).padStart(15, "0")}-${counter.toString(16).padStart(4, "0")}-${node}`;
}

/** The later of two stamps; what is none is earlier than every one. @param {string} one @param {string} other */
export function later(one, other) {
  const [isOne, isOther] = [parseStamp(one) !== null, parseStamp(other) !== null];
  if (isOne !== isOther) return isOne ? one : other;
  return one > other ? one : other;
}

/**
 * A stamp later than all of `seen`, also when this clock is behind. @param {number} now_ms server-corrected
 * @param {string} node the device @param {string[]} seen
 */
export function laterStamp(now_ms, node, seen) {
  const last = parseStamp(seen.reduce(later, "")) ?? { ms: -1, counter: 0 };
  if (now_ms > last.ms) return stampText({ ms: Math.floor(now_ms), counter: 0, node });
  const isFull = last.counter >= COUNTER_MOST;
  return stampText({ ms: last.ms + Number(isFull), counter: isFull ? 0 : last.counter + 1, node });
}
