/**
 * Sealing for the server: anybody can, only the server opens (`server/sealing.py`). A key made for this once (P-256), HKDF-SHA256
 * and AES-GCM; what comes out is `<that key's public point, 65 bytes><nonce><ciphertext>`.
 */
import { encoded, joined, sealBytes } from "./seal.js";

const CURVE = Object.freeze({ name: "ECDH", namedCurve: "P-256" });

/**
 * @param {string} point the server's public key as it tells it: an uncompressed point in base64
 * @param {BufferSource} bytes @param {string} about said again by whoever opens it
 */
export async function sealForServer(point, bytes, about) {
  const { ours, key } = await agree(point, "xunge seal");
  return joined(ours, await sealBytes(key, bytes, about));
}

/**
 * A key that only the server can draw too, from a pair made for this once, and that pair's public point.
 * @param {string} point @param {string} info what it is for @param {(ours: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>} [saltOf]
 */
export async function agree(point, info, saltOf = (ours) => ours) {
  const theirs = await crypto.subtle.importKey("raw", bytesOf(point), CURVE, false, []);
  const { publicKey, privateKey } = /** @type {CryptoKeyPair} */ (await crypto.subtle.generateKey(CURVE, false, ["deriveBits"]));
  const ours = new Uint8Array(await crypto.subtle.exportKey("raw", publicKey));
  const shared = await crypto.subtle.deriveBits({ name: "ECDH", public: theirs }, privateKey, 256);
  const source = await crypto.subtle.importKey("raw", shared, "HKDF", false, ["deriveKey"]);
  const drawn = { name: "HKDF", hash: "SHA-256", salt: saltOf(ours), info: encoded(info) };
  return { ours, key: await crypto.subtle.deriveKey(drawn, source, { name: "AES-GCM", length: 256 }, false, ["encrypt"]) };
}

/** @param {string} base64 */
export function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/** @param {Uint8Array} bytes */
export function base64Of(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
