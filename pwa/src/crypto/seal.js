/**
 * Sealing with a key: AES-GCM-256, a fresh nonce in front of each sealed value. `about` says what a value is and must be said again to
 * open it, so that one sealed value cannot be put in another's place. Pure but for randomness.
 */

const NONCE_BYTES = 12;

/** Bytes of a text. @param {string} text @returns {Uint8Array<ArrayBuffer>} */
export function encoded(text) {
  return /** @type {Uint8Array<ArrayBuffer>} */ (new TextEncoder().encode(text));
}

/** @param {Uint8Array[]} parts @returns {Uint8Array<ArrayBuffer>} */
export function joined(...parts) {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}

/** @param {CryptoKey} key @param {BufferSource} bytes @param {string} [about] @returns {Promise<Uint8Array<ArrayBuffer>>} */
export async function sealBytes(key, bytes, about = "") {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: encoded(about) }, key, bytes);
  return joined(iv, new Uint8Array(sealed));
}

/** @param {CryptoKey} key @param {Uint8Array} sealed @param {string} [about] @returns {Promise<ArrayBuffer>} @throws when the key or `about` is another */
export async function openBytes(key, sealed, about = "") {
  const [iv, body] = [sealed.slice(0, NONCE_BYTES), sealed.slice(NONCE_BYTES)];
  return crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData: encoded(about) }, key, body);
}

/** Anything that JSON can say, sealed as one value. @param {CryptoKey} key @param {any} value @param {string} [about] */
export async function seal(key, value, about) {
  return sealBytes(key, encoded(JSON.stringify(value)), about);
}

/** @param {CryptoKey} key @param {Uint8Array} sealed @param {string} [about] @returns {Promise<any>} */
export async function open(key, sealed, about) {
  return JSON.parse(new TextDecoder().decode(await openBytes(key, sealed, about)));
}
