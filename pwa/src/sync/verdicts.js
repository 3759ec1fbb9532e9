/**
 * What the server's answer to a photo file means: it failed and is tried again, it arrived damaged and is sent anew, or it is
 * refused for good. Pure; the codes are `media/errors.py`'s and `media/tus.py`'s.
 *
 * @typedef {{kind: "failed" | "fault" | "refused", code: string, is_kept: boolean}} Verdict `is_kept`: the server has put the
 *   bytes aside for a clerk
 */
const REFUSALS = new Set([400, 403, 410, 413, 415]);
const FIRST_WAIT_MS = 10_000;

/** So many transfer faults one after another, and a file waits for the user or the network to ask again. */
export const MOST_FAULTS = 5;

/**
 * @param {number} status 0 when there was no answer @param {{code?: string, quarantined?: boolean}} body
 * @returns {Verdict}
 */
export function verdictOf(status, { code = "", quarantined = false }) {
  const told = { code: code || `refused_${status}`, is_kept: quarantined === true };
  if (status === 422 && !told.is_kept) return { kind: "fault", ...told };
  return { kind: told.is_kept || REFUSALS.has(status) ? "refused" : "failed", ...told };
}

/** Milliseconds before a damaged file is sent anew: 10 s, 40 s, 160 s and so on. @param {number} faults so far, one or more */
export function faultWait(faults) {
  return FIRST_WAIT_MS * 4 ** (faults - 1);
}
