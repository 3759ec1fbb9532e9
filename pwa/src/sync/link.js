/**
 * How files go over this link. On a good one a small photo is one request. Where transfers break, the upload is created empty first,
 * so that its address is known and no byte that arrived is sent twice, and chunks are small, so that a proxy which keeps broken
 * ones from the server costs little. Pure; what is known of the link is kept with the uploads.
 *
 * @typedef {{whole: number, is_bad: boolean}} Quality `whole`: transfers without a break since the last one
 */
const GOOD_CHUNK_BYTES = 512 * 1024;
const BAD_CHUNK_BYTES = 64 * 1024;
/** So many whole transfers in a row make a link good again. */
const TRUSTED_AFTER = 20;

/** @param {Quality | null} quality @returns {{chunk_bytes: number, with_creation: boolean}} */
export function planFor(quality) {
  const is_bad = quality?.is_bad ?? false;
  return { chunk_bytes: is_bad ? BAD_CHUNK_BYTES : GOOD_CHUNK_BYTES, with_creation: !is_bad };
}

/** @param {Quality | null} quality @param {boolean} isWhole the last transfer had no break @returns {Quality} */
export function qualityAfter(quality, isWhole) {
  if (!isWhole) return { whole: 0, is_bad: true };
  const whole = (quality?.whole ?? 0) + 1;
  return { whole, is_bad: (quality?.is_bad ?? false) && whole < TRUSTED_AFTER };
}
