/** Addresses in words. */

/** A household's address with its building, unit and room where they were given apart; a bare number gets its word. */
export function addressOf(doc, t) {
  const named = (name) => (/^\d+$/.test(doc[name] ?? "") ? t(`household.${name}_n`, { n: doc[name] }) : doc[name]);
  return [doc.address, named("building"), named("unit"), named("room")].filter(Boolean).join(" ");
}
