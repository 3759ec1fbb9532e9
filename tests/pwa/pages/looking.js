/**
 * What `test_every_page.py` asks of a page inside the browser; each answers a list of what is wrong, in words with a piece of the
 * page. `axe` is beside it.
 */
"use strict";

const TARGET_PX = 48;
const LETTERS_PX = 16;

const piece = (part) => part.outerHTML.replace(/\s+/g, " ").slice(0, 110);
const isShown = (part) => part.offsetParent && part.getBoundingClientRect().width > 1;
const all = (selector) => [...document.querySelectorAll(selector)].filter(isShown);

/** WCAG 2.2 AA and what axe counts as good practice. With `only` one rule. */
async function askAxe(only) {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const runOnly = only ? { type: "rule", values: [only] } : { type: "tag", values: tags };
  const { violations } = await axe.run(document, { runOnly, resultTypes: ["violations"] });
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 110)} ${failureSummary.split("\n")[1] ?? ""}`));
}

/** Everything that is tapped can be hit with a thumb; links inside a sentence are as high as their line. */
function smallTargets() {
  return all("a, button, select, summary, input:not([type=hidden]), textarea")
    .filter((part) => !part.closest("p, .skip"))
    .map((part) => [part, part.getBoundingClientRect()])
    .filter(([, { width, height }]) => width < TARGET_PX - 0.5 || height < TARGET_PX - 0.5)
    .map(([part, { width, height }]) => `target of ${width}x${height}: ${piece(part)}`);
}

function smallLetters() {
  return all("body *")
    .filter((part) => [...part.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .filter((part) => parseFloat(getComputedStyle(part).fontSize) < LETTERS_PX)
    .map((part) => `letters too small: ${piece(part)}`);
}

/** Nothing sticks out to the right, at whatever size letters are now. */
function sticksOut(what) {
  const width = document.documentElement.clientWidth;
  const wide = document.documentElement.scrollWidth > width ? [`${what}: the page scrolls sideways, ${document.documentElement.scrollWidth} px`] : [];
  const parts = all("main *, header *, nav *").filter((part) => part.getBoundingClientRect().right > width + 1 && !part.closest(".visually-hidden, svg"));
  return [...wide, ...parts.slice(0, 3).map((part) => `${what}: sticks out: ${piece(part)}`)];
}

/** Text that a box cuts off, unless it stands in a row or a fold that opens the whole. */
function cutText(what) {
  const isCut = (part) => part.scrollWidth > part.clientWidth + 2 || part.scrollHeight > part.clientHeight + 2;
  const hides = (part) => /hidden|clip/.test(getComputedStyle(part).overflow);
  return all("main *, header *, nav *")
    .filter((part) => part.textContent.trim() && hides(part) && isCut(part) && !part.closest(".visually-hidden, a.row, details:not([open]) > summary, svg"))
    .map((part) => `${what}: cut off: ${piece(part)}`);
}

/** Targets that lie on each other, so that a thumb hits the wrong one. The bars lie over what scrolls under them. */
function covered(what) {
  const parts = all(".bar a, .action button, .top a");
  return parts.flatMap((part) => {
    const box = part.getBoundingClientRect();
    const hit = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return hit && (part.contains(hit) || hit.contains(part)) ? [] : [`${what}: lies under something: ${piece(part)}`];
  });
}

/** With letters twice as large as usual: everything is there, nothing is cut, nothing covers anything. */
function atTwiceTheSize() {
  document.documentElement.style.fontSize = "200%";
  const wrong = [...sticksOut("at 200 %"), ...cutText("at 200 %"), ...covered("at 200 %")];
  document.documentElement.style.fontSize = "";
  return wrong;
}

/** What moves for longer than so many seconds. */
function movesLonger(most_s) {
  const seconds = (text) => Math.max(...text.split(",").map((part) => parseFloat(part) * (/ms$/.test(part.trim()) ? 0.001 : 1)));
  return [...document.querySelectorAll("*")].flatMap((part) => {
    const { transitionDuration, animationName, animationDuration } = getComputedStyle(part);
    const longest_s = Math.max(seconds(transitionDuration), animationName === "none" ? 0 : seconds(animationDuration));
    return longest_s > most_s ? [`moves for ${longest_s} s: ${piece(part)}`] : [];
  });
}

/** Where the focus is, once the page has scrolled to it. */
async function focusNow() {
  for (let frames = 0; frames < 60; frames += 1) {
    const now = focusSeen();
    if (!now || (now.isFree && now.inView)) return now;
    await new Promise(requestAnimationFrame);
  }
  return focusSeen();
}

/** Where the focus is: how it shows, and whether anything of it can be seen (WCAG 2.4.11: not entirely hidden). */
function focusSeen() {
  const part = document.activeElement;
  if (!part || part === document.body) return null;
  const shown = [part, part.nextElementSibling, part.closest("label")].filter(Boolean);
  const isRinged = shown.some((one) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(one);
    return outlineStyle !== "none" && parseFloat(outlineWidth) >= 1;
  });
  const box = (part.closest("label") ?? part).getBoundingClientRect();
  const across = Math.min(Math.max(box.x + box.width / 2, 1), innerWidth - 2);
  const isFree = [box.top + 6, (box.top + box.bottom) / 2, box.bottom - 6].some((down) => {
    const hit = document.elementFromPoint(across, Math.min(Math.max(down, 1), innerHeight - 2));
    return hit && (part.contains(hit) || hit.contains(part) || hit.closest("label")?.contains(part) || part.nextElementSibling === hit);
  });
  return { html: piece(part), isRinged, isFree, inView: box.bottom > 0 && box.top < innerHeight };
}

function looksWrong() {
  return [...smallTargets(), ...smallLetters(), ...sticksOut("at 100 %"), ...cutText("at 100 %"), ...atTwiceTheSize()];
}
