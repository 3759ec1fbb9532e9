/** When a record was captured by the server's clock. Pure. The record itself keeps what its phone said, and how far that was off. */

/** Epoch milliseconds. @param {{captured_at: string, clock_offset_ms?: number | null}} doc */
export function correctedAt({ captured_at, clock_offset_ms }) {
  return Date.parse(captured_at) - (clock_offset_ms ?? 0);
}
