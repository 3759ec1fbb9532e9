/**
 * Filters that templates may use beside `default`, `length`, `join` and `e`, each with a twin in Python that the template
 * tests hold against the same examples. Pure; times are China's (UTC+8, no summer time).
 */

const CHINA_MS = 8 * 3_600_000;

function inChina(instant) {
  return new Date(Date.parse(instant) + CHINA_MS).toISOString();
}

/** `2026-11-23T08:00:00.000Z` → `16:00`. */
function clock(instant) {
  return inChina(instant).slice(11, 16);
}

/** `2026-11-23T08:00:00.000Z` → `2026-11-23`, the day in China. */
function day(instant) {
  return inChina(instant).slice(0, 10);
}

/** `1536000` → `1.5 MB`; decimal units, one figure after the point. */
function bytes(size) {
  if (size < 1000) return `${size} B`;
  if (size < 1_000_000) return `${(size / 1000).toFixed(0)} KB`;
  return `${(size / 1_000_000).toFixed(1)} MB`;
}

/** One part of a URL's path or query. */
function url_part(text) {
  return encodeURIComponent(text);
}

export const FILTERS = { clock, day, bytes, url_part };
