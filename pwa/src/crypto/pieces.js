/**
 * The sealed file of many pieces that only the server opens, piece by piece (`server/rescue/opening.py` says how it is built). Whoever
 * makes one needs no more memory than a piece.
 */
import { encoded, joined } from "./seal.js";
import { agree } from "./seals.js";

const MAGIC = encoded("XUNGRSQ1");

/**
 * @param {{id: string, point: string}} to the server's key @param {AsyncIterable<Uint8Array<ArrayBuffer>>} pieces of at most 1 MiB and a bit
 * @returns {AsyncGenerator<Uint8Array<ArrayBuffer>>} the parts of the file, in order
 */
export async function* sealPieces({ id, point }, pieces) {
  const named = Uint8Array.from(id.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
  let head = MAGIC;
  const { key } = await agree(point, "xunge rescue 1", (ours) => (head = joined(MAGIC, named, ours)));
  yield head;
  const source = pieces[Symbol.asyncIterator]();
  for (let number = 0, { value, done } = await source.next(); !done; number += 1) {
    const next = await source.next();
    yield framed(await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce(number, next.done), additionalData: head }, key, value));
    ({ value, done } = next);
  }
}

/** No other piece of the file has this one's number, and the last is marked: what is cut off is found out. */
function nonce(number, is_last) {
  const iv = new Uint8Array(12);
  new DataView(iv.buffer).setUint32(7, number);
  iv[11] = Number(Boolean(is_last));
  return iv;
}

function framed(sealed) {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, sealed.byteLength);
  return joined(length, new Uint8Array(sealed));
}
