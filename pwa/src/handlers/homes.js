/** 入户: the households of this user's grids, found by name, room or initials, by building and unit, and those whose visit is due. */
import { addressOf } from "./addresses.js";
import { instant, momentOf } from "./moments.js";
import { isPolice, page } from "./pages.js";
import { Legible, finder } from "./pinyin.js";
import { chipOf } from "./rows.js";

const PAGE_COUNT = 50;
/** Of what is found fewer: who types on sees them for a moment, and each takes a slow phone a moment. */
const FOUND_COUNT = 20;
const DUE_COUNT = 3;
const FIELDS = Object.freeze({ a: "address", b: "building", u: "unit", r: "room" });

/** @typedef {import("../store/homes.js").Home} Home */

/**
 * `GET /m/homes`: buildings; with `q` what is found, with `a` (and `b`, `u`) a building's units and rooms, with `due` whose visit is due.
 * A list goes on at `from`.
 */
export async function showHomes(input, store, context) {
  if (isPolice(store.session.user)) return { redirect: "/m/visits" };
  const { query } = input;
  const now_ms = input.now - (store.session.offset_ms ?? 0);
  // What is typed is looked up in what the page before it made sure of.
  const all = await store.homes(!query.q);
  const due = all.filter((home) => isDue(home, now_ms)).sort((one, other) => Number(one.next) - Number(other.next));
  const shown = shownOf(all, due, query);
  const from = Number(query.from) || 0;
  const { pages, newer, older } = windowOf(shown.list, from, query);
  const isPlain = shown.view === "buildings" && !from;
  const homes = [...(isPlain ? due.slice(0, DUE_COUNT) : []), ...pages.filter(({ home }) => home).map(({ home }) => home)];
  const where = await store.whereAre(homes.map(({ id }) => id));
  const rowOf = (home) => homeRow(home, where.get(home.id), { now_ms, t: context.t, isShort: shown.view === "rooms" });
  return page(store, "homes.html", {
    tab: "homes",
    title: context.t("homes.title"),
    back: shown.view === "buildings" || query.q ? "" : shown.back,
    has_action: true,
    q: query.q ?? "",
    search: { action: "/m/homes", label: context.t("homes.search") },
    view: shown.view,
    heading: `homes.view_${shown.view}`,
    place: shown.place ? addressOf(shown.place, context.t) : "",
    units: shown.units.map(({ u, ...unit }) => ({ ...unit, name: u ? addressOf({ unit: u }, context.t) : context.t("homes.other_rooms") })),
    due_count: due.length,
    due: isPlain ? due.slice(0, DUE_COUNT).map(rowOf) : [],
    entries: pages.map(({ home, group }) => (home ? { ...rowOf(home), count: 0 } : groupRow(group, context.t))),
    is_empty: !all.length,
    newer,
    older,
  });
}

function isDue({ next }, now_ms) {
  return Boolean(next && next <= now_ms);
}

/** What the address asks for: `{view, list, units, place, back}`; the list is of `{home}` and `{group}`. @param {Home[]} all @param {Home[]} due */
function shownOf(all, due, query) {
  const plain = { units: [], place: null, back: "/m/homes" };
  if (query.q) return { ...plain, view: "found", list: found(all, query.q).map((home) => ({ home })) };
  if (query.due) return { ...plain, view: "due", list: due.map((home) => ({ home })) };
  if (query.a) return roomsOf(all, query);
  return { ...plain, view: "buildings", list: groups(all) };
}

/** @param {Home[]} all @param {string} typed */
function found(all, typed) {
  const words = typed.trim().split(/[\s,，、—－-]+/).filter(Boolean);
  const finds = words.map((word) => (/^\d+$/.test(word) ? ({ text }) => text.includes(word) : finder(word)));
  const hits = all.filter((home) => {
    const text = legibleOf(home);
    return finds.every((find) => find(text));
  });
  const last = words.pop();
  return [...hits.filter(({ r }) => r === last), ...hits.filter(({ r }) => r !== last)];
}

/** @type {WeakMap<Home, Legible>} between two letters the rows are the same; they go when they are locked, and this with them */
const legible = new WeakMap();

function legibleOf(home) {
  const found = legible.get(home) ?? new Legible(textOf(home));
  legible.set(home, found);
  return found;
}

/** Names first: of a few letters they are meant more often than the street. @param {Home} home */
function textOf({ a, b, u, r, n, m }) {
  return [n, ...Object.values(m), a, [b, u, r].filter(Boolean).join("-")].filter(Boolean).join(" ");
}

/** Neighbours at one address and building are one entry; a house of its own is its household. @param {Home[]} all */
function groups(all) {
  const found = new Map();
  for (const home of all) {
    const key = `${home.a}\n${home.b ?? ""}`;
    if (!found.has(key)) found.set(key, []);
    found.get(key).push(home);
  }
  return [...found.values()].map((homes) => (homes.length > 1 ? { group: homes } : { home: homes[0] }));
}

/** A building's units, and the rooms of one of them. @param {Home[]} all */
function roomsOf(all, { a, b = "", u }) {
  const homes = all.filter((home) => home.a === a && (home.b ?? "") === b);
  const names = [...new Set(homes.map((home) => home.u ?? ""))];
  const unit = names.includes(u ?? "") ? (u ?? "") : names[0];
  const units = names.length > 1 ? names.map((name) => ({ u: name, href: hrefOf({ a, b, u: name }), chosen: name === unit })) : [];
  const list = homes.filter((home) => (home.u ?? "") === unit).map((home) => ({ home }));
  return { view: "rooms", list, units, place: { address: a, building: b }, back: "/m/homes" };
}

/** Some entries of a list, and the addresses of those before and after them. */
function windowOf(list, from, query) {
  const count = query.q ? FOUND_COUNT : PAGE_COUNT;
  const at = (start) => hrefOf({ ...query, from: String(start) });
  return {
    pages: list.slice(from, from + count),
    newer: from > 0 ? at(Math.max(0, from - count)) : "",
    older: from + count < list.length ? at(from + count) : "",
  };
}

function hrefOf(query) {
  return `/m/homes?${new URLSearchParams(Object.entries(query).filter(([, value]) => value))}`;
}

function homeRow(home, where, { now_ms, t, isShort }) {
  const parts = isShort ? ["r"] : Object.keys(FIELDS);
  const address = addressOf(Object.fromEntries(parts.map((part) => [FIELDS[part], home[part]])), t);
  return {
    href: `/m/homes/${home.id}`,
    lead: address || t("household.page"),
    about: home.n ?? "",
    last: momentOf(home.at && instant(home.at), now_ms),
    due: isDue(home, now_ms) ? momentOf(instant(Number(home.next)), now_ms) : null,
    where: where && where.place !== "server" ? chipOf(where) : null,
  };
}

/** @param {Home[]} group */
function groupRow(group, t) {
  const [{ a = "", b = "" }] = group;
  return { href: hrefOf({ a, b }), lead: addressOf({ address: a, building: b }, t), count: group.length };
}
