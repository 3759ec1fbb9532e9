/** Nobody filters changes. */
export function matchesSelector() {
  throw new Error("no selectors");
}
