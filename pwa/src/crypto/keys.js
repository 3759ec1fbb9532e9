/**
 * Where keys come from. The data key is 32 random bytes; it is kept only wrapped: by a secret of the user (PIN or biometrics) and the
 * device key together, and for the server (`seals.js`). The device key is an HMAC key that no script can read out.
 * What is kept where, and how often a PIN may be tried, is `store/vault.js`'s to know.
 */
import { encoded, openBytes, sealBytes } from "./seal.js";

/** What OWASP asks for PBKDF2 with SHA-256; 0.3 s on a slow phone. A vault keeps the count it was made with. */
export const ITERATIONS = 600_000;
const DATA_KEY = "data key";

/** @param {number} [count] */
export function randomBytes(count = 32) {
  return crypto.getRandomValues(new Uint8Array(count));
}

/** @returns {Promise<CryptoKey>} */
export async function newDeviceKey() {
  return /** @type {Promise<CryptoKey>} */ (crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign"]));
}

/** The data key as everything but wrapping uses it. @param {Uint8Array<ArrayBuffer>} raw @returns {Promise<CryptoKey>} no script can read it out */
export async function usable(raw) {
  return crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
}

/** A PIN made as costly to guess as can be. @param {string} pin @param {Uint8Array<ArrayBuffer>} salt @param {number} iterations */
export async function stretched(pin, salt, iterations) {
  const key = await crypto.subtle.importKey("raw", encoded(pin), "PBKDF2", false, ["deriveBits"]);
  return new Uint8Array(await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt, iterations }, key, 256));
}

/** Wraps the data key. @param {CryptoKey} device @param {Uint8Array<ArrayBuffer>} secret @param {Uint8Array<ArrayBuffer>} raw */
export async function wrap(device, secret, raw) {
  return sealBytes(await both(device, secret), raw, DATA_KEY);
}

/** The data key's bytes, or null when device or secret is another. @param {CryptoKey} device @param {Uint8Array<ArrayBuffer>} secret @param {Uint8Array} wrapped */
export async function unwrap(device, secret, wrapped) {
  try {
    return new Uint8Array(await openBytes(await both(device, secret), wrapped, DATA_KEY));
  } catch {
    return null;
  }
}

/** A key that only the device key and the secret together give. */
async function both(device, secret) {
  return usable(new Uint8Array(await crypto.subtle.sign("HMAC", device, secret)));
}
