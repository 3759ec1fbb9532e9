/**
 * Which database a record belongs to, from the list the server announced. Pure. The quarter of a record is the newest one
 * announced to this phone when it was captured, whatever the phone's own calendar says.
 */
import { NoSuchDatabase } from "./errors.js";

const SHAPES = [
  ["grid", /^grid-(\d{15})-(\d{4}q[1-4])$/],
  ["home", /^home-(\d{15})$/],
  ["home-quarter", /^home-(\d{15})-(\d{4}q[1-4])$/],
  ["beat", /^beat-(\d{15})-(\d{4}q[1-4])$/],
  ["log", /^log-/],
  ["ref", /^ref$/],
  ["track", /^track-.+$/],
];

/** Where each type of document may lie. */
export const KINDS_OF = Object.freeze({
  report: ["grid"],
  patrol: ["grid"],
  track: ["track"],
  note: ["grid", "home-quarter"],
  photo: ["grid", "home-quarter", "beat"],
  visit: ["home-quarter", "beat"],
  household: ["home"],
  member: ["home"],
  errand: ["home"],
  access: ["log"],
  case: ["grid", "home-quarter"],
  task: ["grid", "home-quarter"],
  taskreply: ["grid", "home-quarter"],
});

/** `{kind, grid, quarter}` of a name; kind is null for names this app has no page for. */
export function parse(name) {
  for (const [kind, shape] of SHAPES) {
    const found = /** @type {RegExp} */ (shape).exec(name);
    if (found) return { kind: /** @type {string} */ (kind), grid: found[1] ?? null, quarter: found[2] ?? null };
  }
  return { kind: null, grid: null, quarter: null };
}

/** Names among `databases` that are of one of `kinds`, newest quarter first. */
export function namesOf(databases, kinds) {
  return databases
    .map(({ name }) => ({ name, ...parse(name) }))
    .filter(({ kind }) => kinds.includes(kind))
    .sort((one, other) => (other.quarter ?? "").localeCompare(one.quarter ?? ""))
    .map(({ name }) => name);
}

/**
 * The database a new record of `kind` in `grid` goes to. One that may only be pushed to serves a form that was begun while the
 * grid was still this user's.
 * @param {import("./meta.js").RemoteDatabase[]} databases
 * @throws {NoSuchDatabase} when the server announced none that may be written
 */
export function databaseFor(databases, kind, grid) {
  const open = databases.filter(({ name, push }) => push && [grid, null].includes(parse(name).grid));
  const [newest] = [...namesOf(open.filter(({ pull }) => pull), [kind]), ...namesOf(open, [kind])];
  if (!newest) throw new NoSuchDatabase(kind, grid);
  return newest;
}

/** The newest quarter the server announced for anything, or null. @param {import("./meta.js").RemoteDatabase[]} databases */
export function newestQuarter(databases) {
  const quarters = databases.filter(({ push, pull }) => push && pull).map(({ name }) => parse(name).quarter ?? "");
  return quarters.sort().pop() || null;
}

/** The oldest quarter among names of databases, or null when none belongs to a quarter. @param {string[]} names */
export function oldestQuarter(names) {
  const quarters = names.flatMap((name) => parse(name).quarter ?? []);
  return quarters.sort()[0] ?? null;
}
