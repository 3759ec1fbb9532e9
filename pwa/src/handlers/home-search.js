/**
 * What is typed into the search of households, word by word: names and streets by text or initials, places by their figures as the list
 * writes them (`3 号楼 2 单元 501 室`), as doors do (`3-2-501`) or one by itself. Spaces beside such a word, wide signs and capitals do not matter.
 */
import { Legible, finder } from "./pinyin.js";

/** @typedef {import("../store/homes.js").Home} Home */
/** @typedef {{legible: Legible, written: string, doors: string}} Asked what a household is asked by; `doors` are its figures in order, `|12|3|2|501|` */

const PLACE_WORD = "号楼|栋|幢|单元|室|号";
const SPACES_IN_PLACE = new RegExp(`(?<figure>\\d)\\s+(?=${PLACE_WORD})|(?<word>${PLACE_WORD})\\s+(?=\\d)`, "g");
const PIECES = new RegExp(`.*?(?:${PLACE_WORD})(?=\\d|$)|.+`, "g");
/** Of a word the figures that hyphens hold together, and what stands between other hyphens. */
const WORDS = /[a-z]?\d+[a-z]?(?:-[a-z\d]+)+|[^-]+/g;
/** How well a word meets: wholly, as the beginning of a figure, or somewhere in a text; NONE is not at all. */
const [WHOLE, APART, BEGUN, TEXT, NONE] = [0, 1, 2, 3, Number.POSITIVE_INFINITY];

/** Those that all words meet, the best ones first, else in their order. @param {Home[]} all @param {string} typed @returns {Home[]} */
export function found(all, typed) {
  const meets = wordsOf(typed).map(meeting);
  const ranked = all.map((home) => ({ home, rank: rankOf(asked(home), meets) })).filter(({ rank }) => rank < NONE);
  return ranked.sort((one, other) => one.rank - other.rank).map(({ home }) => home);
}

function rankOf(about, meets) {
  let rank = 0;
  for (const meet of meets) if ((rank += meet(about)) === NONE) return NONE;
  return rank;
}

/** @param {string} typed */
function wordsOf(typed) {
  const plain = plainOf(typed).replace(/[—–－]/g, "-").replace(/幢|栋/g, "号楼").replace(SPACES_IN_PLACE, "$<figure>$<word>");
  return plain.split(/[\s,、]+/).flatMap((word) => word.match(WORDS) ?? []);
}

/** How well a household meets a word. @param {string} word @returns {(about: Asked) => number} */
function meeting(word) {
  if (/^\d+$/.test(word)) return figure(word);
  if (word.includes("-")) return doors(word.split("-"));
  const find = finder(word);
  const written = /\d/.test(word) ? place(word) : null;
  return (about) => (written?.test(about.written) ? WHOLE : find(about.legible) ? TEXT : NONE);
}

/** A number by itself: a room, another figure, or how one of them begins; else part of a name. @param {string} word */
function figure(word) {
  const name = new RegExp(`(^|\\D)${word}`);
  return ({ doors, legible }) => {
    if (doors.endsWith(`|${word}|`)) return WHOLE;
    if (doors.includes(`|${word}|`)) return APART;
    return doors.includes(`|${word}`) ? BEGUN : name.test(legible.text) ? TEXT : NONE;
  };
}

/** Figures in order, each a whole one but the last, which may be on its way; what lies between two, as a unit does, may be left out. @param {string[]} parts */
function doors(parts) {
  const [whole, begun] = [`|${parts.join("|")}|`, new RegExp(`\\|${parts.join("\\|(?:[^|]+\\|)*")}([^|]*)`)];
  return ({ doors }) => {
    if (doors.endsWith(whole)) return WHOLE;
    const rest = begun.exec(doors)?.[1];
    return rest === undefined ? NONE : rest ? BEGUN : APART;
  };
}

/** The pieces of a place in order, none of which begins within a figure. @param {string} word */
function place(word) {
  const pieces = word.match(PIECES) ?? [];
  const escaped = pieces.map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`${/^\d/.test(word) ? "(?:^|\\D)" : ""}${escaped.join("(?:.*\\D)?")}`);
}

/** @type {WeakMap<Home, Asked>} between two letters the rows are the same; they go when they are locked, and this with them */
const known = new WeakMap();

/** @param {Home} home */
function asked(home) {
  const about = known.get(home) ?? askedOf(home);
  known.set(home, about);
  return about;
}

/** Names first: of a few letters they are meant more often than the street. @param {Home} home @returns {Asked} */
function askedOf({ a = "", b, u, r, n, m }) {
  const parts = [b, u, r].filter(Boolean);
  const named = [b && wordly(b, "号楼"), u && wordly(u, "单元"), r && wordly(r, "室")];
  return {
    legible: new Legible([n, ...Object.values(m), a, parts.join("-")].filter(Boolean).join(" ")),
    written: plainOf([a, ...named].join("")).replace(/\s+/g, "").replace(/幢|栋/g, "号楼"),
    doors: `|${[...(plainOf(a).match(/\d+[a-z]?/g) ?? []), ...parts.map(plainOf)].join("|")}|`,
  };
}

function wordly(part, word) {
  return /^\d+$/.test(part) ? part + word : part;
}

function plainOf(text) {
  return text.normalize("NFKC").toLowerCase();
}
