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

/** JSON with sorted keys, so that the same content always gives the same bytes. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const fields = Object.keys(value).filter((key) => value[key] !== undefined).sort();
  return `{${fields.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
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

/**
 * A hybrid logical clock stamp `<ms 15 digits>-<counter 4 hex>-<device>`: later than `previous` even when this clock is
 * behind. @param {number} now_ms server-corrected @param {string} device @param {string} [previous]
 */
export function stampOf(now_ms, device, previous = "") {
  const [ms, counter] = [Number(previous.slice(0, 15)) || 0, Number.parseInt(previous.slice(16, 20), 16) || 0];
  const at_ms = Math.max(now_ms, ms);
  const next = at_ms > ms ? 0 : counter + 1;
  return `${String(at_ms).padStart(15, "0")}-${next.toString(16).padStart(4, "0")}-${device}`;
}
