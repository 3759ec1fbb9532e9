/**
 * How many documents a page of the changes feed should have: as many as this link carries in about a second, and no more bytes than
 * a phone can swallow at once. Pure. What was found out is kept with the checkpoint, so a bad link is not tried anew each time.
 */
export const FIRST_PAGE_DOCS = 200;
const LEAST_DOCS = 10;
const MOST_DOCS = 4000;
const MOST_BYTES = 2_000_000;
/** A page as quick as this was mostly waiting for the link: the next may be eight times as large, or four times. */
const AT_ONCE_MS = 250;
const QUICK_MS = 400;
const FAST_MS = 1_500;
const SLOW_MS = 8_000;

/** The next page's size after one that arrived; a page that was not full says nothing about a larger one. @param {{docs: number, got: number, size_bytes: number, took_ms: number}} page `docs` asked for, `got` received */
export function nextPage({ docs, got, size_bytes, took_ms }) {
  const wished = docs * (got >= docs ? growthAfter(took_ms) : Math.min(1, growthAfter(took_ms)));
  const fitting = got ? MOST_BYTES / (size_bytes / got) : wished;
  return bounded(Math.min(wished, fitting));
}

function growthAfter(took_ms) {
  if (took_ms <= AT_ONCE_MS) return 8;
  if (took_ms <= QUICK_MS) return 4;
  if (took_ms <= FAST_MS) return 2;
  return took_ms >= SLOW_MS ? 0.5 : 1;
}

/** The next try's size after a page that did not arrive. @param {number} docs */
export function afterFailure(docs) {
  return bounded(docs / 2);
}

function bounded(docs) {
  return Math.max(LEAST_DOCS, Math.min(MOST_DOCS, Math.floor(docs)));
}
