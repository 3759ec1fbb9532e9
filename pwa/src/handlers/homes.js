/** 入户: the households of this user's grids, found by name, room or initials, by building and unit, and those whose visit is due. */
import { dueAt, hasCome } from "../store/visiting.js";
import { addressOf } from "./addresses.js";
import { goingIn } from "./errand-list.js";
import { found } from "./home-search.js";
import { instant, momentOf, serverNow } from "./moments.js";
import { isPolice, page } from "./pages.js";
import { chipOf } from "./rows.js";

const PAGE_COUNT = 50;
/** Of what is found fewer: who types on sees them for a moment, and each takes a slow phone a moment. */
const FOUND_COUNT = 20;
const DUE_COUNT = 3;
/** The address of whatever was searched last. */
export const SEARCH = "/m/homes?found=1";
const FIELDS = Object.freeze({ a: "address", b: "building", u: "unit", r: "room" });

/** @typedef {import("../store/homes.js").Home} Home */

/**
 * `GET /m/homes`: buildings; with `a` (and `b`, `u`) a building's units and rooms, with `due` whose visit is due, with `found` what the last
 * search finds, or the one that is typed (`q`). A list goes on at `from`. A name that was typed is in no address that the browser keeps: its
 * history is plain, so the search is kept sealed.
 */
export async function showHomes(input, store, context) {
  if (isPolice(store.session.user)) return { redirect: "/m/visits" };
  const query = await searchIn(input.query, store);
  const now_ms = serverNow(store, input.now);
  // What is typed is looked up in what the page before it made sure of.
  const all = await store.homes(!input.query.q);
  const due = all.filter((home) => hasCome(dueAt(home), now_ms)).sort((one, other) => Number(dueAt(one)) - Number(dueAt(other)));
  const shown = shownOf(all, due, query);
  const from = Number(query.from) || 0;
  const { pages, newer, older } = windowOf(shown.list, from, query);
  const isPlain = shown.view === "buildings" && !from;
  const homes = [...(isPlain ? due.slice(0, DUE_COUNT) : []), ...pages.filter(({ home }) => home).map(({ home }) => home)];
  const where = await store.whereAre(homes.map(({ id }) => id));
  const rowOf = (home) => homeRow(home, where.get(home.id), { now_ms, t: context.t, view: shown.view });
  return page(store, "homes.html", {
    tab: "homes",
    title: context.t("homes.title"),
    back: shown.view === "buildings" || query.q ? "" : shown.back,
    has_action: true,
    q: query.q ?? "",
    search: { action: SEARCH, label: context.t("homes.search"), shown: SEARCH },
    view: shown.view,
    heading: `homes.view_${shown.view}`,
    near: shown.view === "rooms" ? (shown.list[0]?.home.id ?? "") : "",
    place: shown.place ? addressOf(shown.place, context.t) : "",
    units: shown.units.map(({ u, ...unit }) => ({ ...unit, name: u ? addressOf({ unit: u }, context.t) : context.t("homes.other_rooms") })),
    due_count: due.length,
    due: isPlain ? due.slice(0, DUE_COUNT).map(rowOf) : [],
    entries: pages.map(({ home, group }) => (home ? { ...rowOf(home), count: 0 } : groupRow(group, context.t))),
    errands_count: isPlain ? goingIn(all).length : 0,
    is_empty: !all.length,
    newer,
    older,
  });
}

/** What is asked for, with the search that goes on: what is typed now, else what was typed last. @param {Record<string, string>} query @returns {Promise<Record<string, string>>} */
async function searchIn(query, store) {
  if (query.found && query.q === undefined) return { ...query, q: await store.keptSearch() };
  if (!query.found && !query.q) return query;
  void store.keepSearch(query.q); // nobody waits for it between two letters
  return { ...query, found: "1" };
}

/** What the address asks for: `{view, list, units, place, back}`; the list is of `{home}` and `{group}`. @param {Home[]} all @param {Home[]} due */
function shownOf(all, due, query) {
  const plain = { units: [], place: null, back: "/m/homes" };
  if (query.q) return { ...plain, view: "found", list: found(all, query.q).map((home) => ({ home })) };
  if (query.due) return { ...plain, view: "due", list: due.map((home) => ({ home })) };
  if (query.a) return roomsOf(all, query);
  return { ...plain, view: "buildings", list: groups(all) };
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

/** The address of a list; what is searched is in none. @param {Record<string, string>} query */
function hrefOf({ q, ...query }) {
  return `/m/homes?${new URLSearchParams(Object.entries(query).filter(([, value]) => value))}`;
}

/**
 * Where a household's page leads back to: the search that it was opened from, its building and unit, or all households.
 * @param {Home & {has_neighbours: boolean}} home @param {boolean} [isFound]
 */
export function listOf({ a = "", b = "", u = "", has_neighbours }, isFound = false) {
  if (isFound) return SEARCH;
  return has_neighbours ? hrefOf({ a, b, u }) : "/m/homes";
}

function homeRow(home, where, { now_ms, t, view }) {
  const parts = view === "rooms" ? ["r"] : Object.keys(FIELDS);
  const address = addressOf(Object.fromEntries(parts.map((part) => [FIELDS[part], home[part]])), t);
  return {
    href: `/m/homes/${home.id}${view === "found" ? "?found=1" : ""}`,
    lead: address || t("household.page"),
    about: home.n ?? "",
    last: momentOf(home.at && instant(home.at), now_ms),
    due: hasCome(dueAt(home), now_ms) ? momentOf(instant(Number(dueAt(home))), now_ms) : null,
    where: where && where.place !== "server" ? chipOf(where) : null,
  };
}

/** @param {Home[]} group */
function groupRow(group, t) {
  const [{ a = "", b = "" }] = group;
  return { href: hrefOf({ a, b }), lead: addressOf({ address: a, building: b }, t), count: group.length };
}
