/** Relative times that stay true while a page stands open all day. The server writes the first ones, by the same words. */

const EVERY_MS = 30000;
/** @type {[Intl.RelativeTimeFormatUnit, number, number][]} unit, its seconds, up to how many seconds it is used */
const UNITS = [
  ["minute", 60, 3600],
  ["hour", 3600, 86400],
];

/** @param {string} language */
export function keepTimesFresh(language) {
  const format = new Intl.RelativeTimeFormat(language, { style: "short" });
  setInterval(() => {
    for (const time of document.querySelectorAll("time[datetime]:not([data-exact])")) {
      const text = relative(format, Date.parse(time.getAttribute("datetime") ?? ""), Date.now(), document.documentElement.dataset.now ?? "");
      if (text && time.textContent !== text) time.textContent = text;
    }
  }, EVERY_MS);
}

/**
 * Words for an instant within a day of now; null outside of it, where the server's date stays.
 * @param {Intl.RelativeTimeFormat} format
 * @param {number} atMs
 * @param {number} nowMs
 * @param {string} justNow what is said within a minute either way
 */
export function relative(format, atMs, nowMs, justNow) {
  const seconds = Math.trunc((atMs - nowMs) / 1000);
  if (Math.abs(seconds) < 60) return justNow;
  for (const [unit, size, most] of UNITS) {
    if (Math.abs(seconds) < most) return format.format(Math.trunc(seconds / size), unit);
  }
  return null;
}
