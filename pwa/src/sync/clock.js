/**
 * How far this phone's clock is off, measured at each contact. Pure. Nothing is ever corrected on the phone: the difference is kept
 * on each record, beside the time that the phone said.
 */

/** A clock that moved by more than this since the last measurement is measured anew; a `Date` line has whole seconds. */
const MOVED_MS = 5_000;

/**
 * This phone minus the server, milliseconds; the answer is taken to have been made halfway between question and arrival.
 * @param {string | undefined} server_time @param {number} sent_ms @param {number} received_ms
 */
export function offsetOf(server_time, sent_ms, received_ms) {
  return server_time ? Math.round((sent_ms + received_ms) / 2 - Date.parse(server_time)) : null;
}

/**
 * Whether an answer's `Date` line shows that the clock was set since the offset was measured.
 * @param {string | null} date @param {number | null} offset_ms @param {number} sent_ms @param {number} received_ms
 */
export function hasMoved(date, offset_ms, sent_ms, received_ms) {
  const told_ms = date ? Date.parse(date) : Number.NaN;
  if (Number.isNaN(told_ms)) return false;
  const known_ms = offset_ms ?? 0;
  return sent_ms - known_ms > told_ms + 1_000 + MOVED_MS || received_ms - known_ms < told_ms - MOVED_MS;
}
