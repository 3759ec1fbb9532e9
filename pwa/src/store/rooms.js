/** Building, unit and room as they are kept: a number without its word, so that "2" and "2 号楼" are one building. Pure. */

const WORDS = Object.freeze({ building: /^(\d+)\s*(号楼|号|栋|幢|座|楼)$/, unit: /^(\d+)\s*(单元|号)$/, room: /^(\d+)\s*(室|号|房)$/ });

/** @param {keyof typeof WORDS} part @param {string} text */
export function bare(part, text) {
  const plain = text.normalize("NFKC").trim();
  return WORDS[part].exec(plain)?.[1] ?? plain;
}

/** The parts that a household's document or form names. @param {{building?: string, unit?: string, room?: string}} doc */
export function bareParts({ building, unit, room }) {
  const of = (part, text) => (text === undefined ? undefined : bare(part, text));
  return { building: of("building", building), unit: of("unit", unit), room: of("room", room) };
}
