/**
 * Moments and amounts as view models: `{iso, day, date, clock}` in China's one time zone, sizes and lengths of time as text.
 * Pure; words for "today" and units come from the templates and `locale/`.
 *
 * @typedef {{iso: string, day: "today" | "yesterday" | "tomorrow" | null, date: string, clock: string}} Moment
 */
import { correctedAt } from "../store/capture.js";
import { CHINA_MS, DAY_MS, dayNumber } from "../store/days.js";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const NAMED_DAYS = Object.freeze({ 0: "today", 1: "tomorrow", "-1": "yesterday" });

/** `2026-11-23T08:00:00.000Z` of epoch milliseconds. @param {number} at_ms */
export function instant(at_ms) {
  return new Date(at_ms).toISOString();
}

/**
 * A moment to show, or null when there is none.
 * @param {string | null | undefined} iso @param {number} now_ms decides what "today" is
 * @returns {Moment | null}
 */
export function momentOf(iso, now_ms) {
  const at_ms = iso ? Date.parse(iso) : Number.NaN;
  if (Number.isNaN(at_ms)) return null;
  const local = new Date(at_ms + CHINA_MS).toISOString();
  const thisYear = local.slice(0, 4) === new Date(now_ms + CHINA_MS).toISOString().slice(0, 4);
  return {
    iso: /** @type {string} */ (iso),
    day: NAMED_DAYS[dayNumber(at_ms) - dayNumber(now_ms)] ?? null,
    date: thisYear ? local.slice(5, 10) : local.slice(0, 10),
    clock: local.slice(11, 16),
  };
}

/** When a record was captured, by the server's clock. @param {any} doc @param {number} now_ms of the server */
export function momentOfCapture(doc, now_ms) {
  const at_ms = correctedAt(doc);
  return Number.isNaN(at_ms) ? null : momentOf(instant(at_ms), now_ms);
}

/**
 * Now by the server's clock, as near as this phone knows: for what a document says besides when it was captured, which nobody can
 * correct once somebody else has changed the document.
 * @param {{session: {offset_ms?: number | null}}} store @param {number} now_ms of this phone's clock
 */
export function serverNow({ session }, now_ms) {
  return now_ms - (session.offset_ms ?? 0);
}

/** The day in China, `2026-11-23`. @param {number} at_ms */
export function dayOf(at_ms) {
  return instant(at_ms + CHINA_MS).slice(0, 10);
}

/** When yesterday began, epoch milliseconds: what "since yesterday" counts from. @param {number} now_ms */
export function yesterday(now_ms) {
  return (dayNumber(now_ms) - 1) * DAY_MS - CHINA_MS;
}

/** Whole minutes between two instants, at least one. */
export function minutesBetween(from, to) {
  return Math.max(1, Math.round((Date.parse(to) - Date.parse(from)) / MINUTE_MS));
}

/** A size as people read it, `1.2 MB`. @param {number | null} size_bytes */
export function sizeText(size_bytes) {
  const size = size_bytes ?? 0;
  if (size < 1024) return `${size} B`;
  const step = size < 1024 ** 2 ? [1024, "KB"] : size < 1024 ** 3 ? [1024 ** 2, "MB"] : [1024 ** 3, "GB"];
  const amount = size / Number(step[0]);
  return `${amount < 10 ? amount.toFixed(1) : Math.round(amount)} ${step[1]}`;
}

/** A length of time in its largest fitting unit, in words. @param {number} length_ms @param {(key: string, slots?: object) => string} t */
export function lengthText(length_ms, t) {
  const sizes = [["days", DAY_MS], ["hours", HOUR_MS], ["minutes", MINUTE_MS], ["seconds", 1000]];
  const [unit, unit_ms] = sizes.find(([, ms]) => length_ms >= Number(ms)) ?? ["seconds", 1000];
  return t(`amount.${unit}`, { n: Math.round(length_ms / Number(unit_ms)) });
}

/** Days after a moment, as an instant. */
export function daysAfter(iso, days) {
  return instant(Date.parse(iso) + days * DAY_MS);
}
