/** Days in China's one time zone. Pure. */

export const DAY_MS = 86_400_000;
/** China has used UTC+8 all year round since 1991. */
export const CHINA_MS = 8 * 3_600_000;

/** The number of the day in China, counted from 1970. @param {number} at_ms */
export function dayNumber(at_ms) {
  return Math.floor((at_ms + CHINA_MS) / DAY_MS);
}
