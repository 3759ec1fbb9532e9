/** What a record says of itself that the store must know: when it was captured by the server's clock, and which photos it names. Pure. */

/** Epoch milliseconds. @param {{captured_at: string, clock_offset_ms?: number | null}} doc */
export function correctedAt({ captured_at, clock_offset_ms }) {
  return Date.parse(captured_at) - (clock_offset_ms ?? 0);
}

/** The photos a record names, those of after it was solved and its voice note last. @returns {string[]} */
export function photosNamed(doc) {
  return [...(doc?.photos ?? []), ...(doc?.solved?.photos ?? []), ...(doc?.voice ? [doc.voice] : [])];
}
