/**
 * Finding Chinese text by the first letters of its syllables: "hylj" finds 怀远路街道. There is no table of characters here: the
 * browser's own Chinese sort order is by pinyin, and a character's letter is the one whose first character it does not sort before.
 * Works in pages, workers and Node alike.
 */

const LETTERS = "abcdefghjklmnopqrstwxyz";
/** The first common character of each letter, in the order of `LETTERS`; no syllable begins with i, u or v. */
const FIRSTS = [..."吖八嚓哒妸发旮哈讥咔垃妈拏喔妑七呥扨它穵夕丫帀"];
/** Characters with a second reading that matters in surnames, places and what is reported; the sort order knows the first one. */
const SECOND = readings(
  "曾z折s单s解x仇q区o查z尉y长c乐y覃q秘b召s翟z繁p句g澹t种c藏z郇x乜n么y重c行h弹t泊b朴p盖g万m俟q车j传z降j调d便p参s地d给j壳q系j厦x宿x" +
    "薄b朝c石d奇j茄j祭z员y隗k郗x洗x牟m卜b柏b贾g大t都d轧z扎z露l什s家j校j数s圈j塞s提d坊f空k倒d〇l",
);
const HAN = /\p{Script=Han}/u;
const SIGN = /[\p{L}\p{N}]/u;

const order = new Intl.Collator("zh-Hans-u-co-pinyin");
/** @type {Map<string, string>} letters of every character asked for so far; only ever saves asking again */
const known = new Map();

function readings(text) {
  return new Map([...text.matchAll(/(.)([a-z])/gu)].map(([, sign, letter]) => [sign, letter]));
}

/** The letters a character may be found by, the most usual first; "" for what is no letter and no digit. @param {string} sign */
function lettersOf(sign) {
  let found = known.get(sign);
  if (found === undefined) known.set(sign, (found = HAN.test(sign) ? lettersOfHan(sign) : SIGN.test(sign) ? sign.toLowerCase() : ""));
  return found;
}

function lettersOfHan(sign) {
  let [low, high] = [0, FIRSTS.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (order.compare(FIRSTS[middle], sign) <= 0) low = middle + 1;
    else high = middle;
  }
  const letter = LETTERS[low - 1] ?? "";
  const second = SECOND.get(sign) ?? "";
  return second === letter ? letter : letter + second;
}

/** The first letters of a text, in its most usual reading: `3号楼 充电` is `3hlcd`. @param {string} text */
export function initialsOf(text) {
  return [...text].map((sign) => lettersOf(sign).slice(0, 1)).join("");
}

/** A text that is asked many questions: what it takes to answer them is found out once. */
export class Legible {
  /** @type {string[] | null} */ #signs = null;

  /** @param {string} text */
  constructor(text) {
    this.text = text.toLowerCase();
  }

  /** The letters of each of its characters. */
  get signs() {
    return (this.#signs ??= [...this.text].map(lettersOf).filter(Boolean));
  }
}

/**
 * A question that is asked of many texts: whether one contains what was typed, or is spelt by it from some character on.
 * Capitals, spaces and signs do not matter; nothing typed finds everything.
 * @param {string} typed @returns {(text: string | Legible) => boolean}
 */
export function finder(typed) {
  const wanted = typed.trim().toLowerCase();
  const letters = wanted.replace(/[^a-z0-9]/g, "");
  const isSpelling = letters.length > 0 && !HAN.test(wanted);
  return (asked) => {
    const legible = typeof asked === "string" ? new Legible(asked) : asked;
    return legible.text.includes(wanted) || (isSpelling && isSpelt(legible.signs, letters));
  };
}

/** @param {string[]} signs @param {string} letters */
function isSpelt(signs, letters) {
  const last = signs.length - letters.length;
  for (let from = 0; from <= last; from += 1) {
    let at = 0;
    while (at < letters.length && signs[from + at].includes(letters[at])) at += 1;
    if (at === letters.length) return true;
  }
  return false;
}
