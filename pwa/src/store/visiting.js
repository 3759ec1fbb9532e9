/**
 * When a household's next visit is due: the server's rule (`server/domain/visits.py`) with its own figures and words. Pure; the examples in
 * `tests/pwa/engine/visiting.json` hold for both.
 */
import domain from "../../generated/domain.json" with { type: "json" };
import { DAY_MS, dayNumber } from "./days.js";

const { ordinary_days, monthly_days, monthly, words } = domain.visiting;

/** How many days may lie between two visits of a household with these needs and services. @param {string[]} flags codes, or a place's own words */
export function intervalDays(flags) {
  return flags.some((flag) => monthly.includes(flag) || words.some((word) => flag.includes(word))) ? monthly_days : ordinary_days;
}

/**
 * When the next visit is due, epoch milliseconds of the server; null without a visit on record, of which nobody knows.
 * @param {{at?: number, next?: number | null, days?: number}} home when the last visit was, what it agreed on, and `intervalDays`
 */
export function dueAt({ at, next, days = ordinary_days }) {
  return at === undefined ? null : (next ?? at + days * DAY_MS);
}

/** Whether the day, China's, of a visit that is due has come. @param {number | null} due_ms @param {number} now_ms of the server */
export function hasCome(due_ms, now_ms) {
  return due_ms !== null && dayNumber(due_ms) <= dayNumber(now_ms);
}
