/**
 * 警务区: the compounds of an officer's beat by grid, the premises that were visited in each, and the visit log. No household is named
 * here or known. Saving a visit is `visits.js`'s.
 */
import { readCompounds } from "./catalogue.js";
import { instant, momentOf } from "./moments.js";
import { gridName, isPolice, notFound, page } from "./pages.js";
import { finder } from "./pinyin.js";
import { fact } from "./records.js";
import { aboutRows, rowOf } from "./rows.js";

const PAGE_COUNT = 20;
const RECENT_COUNT = 5;
const PREMISES_MOST = 8;
/** Own visits whose premises a search looks through, and how many places it shows. */
const SEARCHED = 300;
const FOUND_COUNT = 20;

/**
 * `GET /m/visits`: a beat's compounds, those first that are to be visited again, found by name, initials or address, and the premises of own
 * visits; a worker's visits are with their households.
 */
export async function showBeat(input, store, context) {
  if (!isPolice(store.session.user)) return { redirect: "/m/homes" };
  const q = input.query.q ?? "";
  const isFound = finder(q);
  const [about, grids, compounds, dues, visits] = await Promise.all([
    aboutRows(store, context, input.now), store.grids(), readCompounds(store, input.now), store.beatDues(!q),
    q ? placesFound(store, isFound) : store.listVisits({ limit: RECENT_COUNT }).then(({ rows }) => rows),
  ]);
  const found = compounds.filter(({ name, address }) => isFound(name) || isFound(address));
  const last = await store.lastVisits(found.map(({ _id }) => _id));
  const dueOf = ({ _id }) => (isDue(dues.get(_id), about.now_ms) ? dues.get(_id) : Infinity);
  const moment = (at) => (at ? momentOf(instant(at), about.now_ms) : null);
  const rowsIn = (grid) => found.filter((one) => one.grid === grid).sort((one, other) => dueFirst(dueOf(one), dueOf(other))).map(({ _id, name, address }) => {
    const next = dues.get(_id);
    return { id: _id, name, address, last: moment(last.get(_id)), next: moment(next), is_due: isDue(next, about.now_ms) };
  });
  return page(store, "beat.html", {
    tab: "homes",
    title: context.t("visits.title"),
    has_action: true,
    q,
    search: { action: "/m/visits", label: context.t("visits.search") },
    has_compounds: compounds.length > 0,
    groups: grids.map(({ code, doc }) => ({ name: gridName(code, doc), compounds: rowsIn(code) })).filter((group) => group.compounds.length),
    records: visits.map((row) => rowOf(row, about)),
  });
}

/** The rest stays as it stands in the list. @param {number} one @param {number} other */
function dueFirst(one, other) {
  return one === other ? 0 : one - other;
}

/** @param {number | undefined} next @param {number} now_ms of the server */
function isDue(next, now_ms) {
  return next !== undefined && next <= now_ms;
}

/** How many compounds of the beat are to be visited by now. Needs no key. @param {number} now_ms of the server */
export async function dueOnBeat(store, now_ms) {
  const due = [...(await store.beatDues())].filter(([, next]) => isDue(next, now_ms));
  if (!due.length) return 0;
  const there = new Set((await readCompounds(store, now_ms)).map(({ _id }) => _id));
  return due.filter(([id]) => there.has(id)).length;
}

/** The last own visit of each place whose address is looked for. */
async function placesFound(store, isFound) {
  const [visits] = await store.listMine([["visit", SEARCHED]]);
  const last = new Map();
  for (const visit of visits) if (!last.has(visit.doc.address) && isFound(visit.doc.address)) last.set(visit.doc.address, visit);
  return [...last.values()].slice(0, FOUND_COUNT);
}

/** `GET /m/visits/log`: every visit of the beat, newest first. */
export async function showVisitLog(input, store, context) {
  if (!isPolice(store.session.user)) return { redirect: "/m/homes" };
  const about = await aboutRows(store, context, input.now);
  const { rows, next } = await store.listVisits({ limit: PAGE_COUNT, before: input.query.before ?? null });
  return page(store, "visits.html", {
    tab: "homes",
    title: context.t("visits.all"),
    back: "/m/visits",
    records: rows.map((row) => rowOf(row, about)),
    newer: input.query.before ? "/m/visits/log" : "",
    older: next ? `/m/visits/log?before=${encodeURIComponent(next)}` : "",
  });
}

/** `GET /m/compounds/:id`: where it is, who answers for it, the visits there. */
export async function showCompound(input, store, context) {
  const compound = await compoundOf(store, input.params.id, input.now);
  if (!compound) return notFound(store, context, "homes");
  const { _id: id, name, address, grid, police, enforcement } = compound;
  const { before } = input.query;
  const [about, grids, visits, dues] = await Promise.all([
    aboutRows(store, context, input.now), store.grids(), store.visitsOf(id, { limit: PAGE_COUNT + 1, before }), store.beatDues(true),
  ]);
  const last = visits.map((row) => row.id).sort().reverse()[PAGE_COUNT - 1];
  const next = dues.get(id);
  const who = (label, one) => (one?.name ? [fact(label, { text: one.name })] : []);
  return page(store, "compound.html", {
    tab: "homes",
    title: name,
    back: "/m/visits",
    has_action: true,
    id,
    facts: [
      ...(address ? [fact("record.address", { text: address })] : []),
      fact("record.grid", { text: gridName(grid, grids.find(({ code }) => code === grid)?.doc) }),
      ...who("compound.police", police), ...who("compound.enforcement", enforcement),
      ...(next ? [fact("visit.next_at", { day: momentOf(instant(next), about.now_ms) })] : []),
    ],
    calls: [["compound.police", police], ["compound.enforcement", enforcement]].filter(([, one]) => one?.phone).map(([label, { name: whose, phone }]) => {
      return { phone, shown: phone.replaceAll("-", "\u2011"), who: whose || context.t(label) };
    }),
    records: visits.filter((row) => !last || row.id >= last).map((row) => rowOf(row, about)),
    newer: before ? `/m/compounds/${id}` : "",
    older: visits.length > PAGE_COUNT ? `/m/compounds/${id}?before=${encodeURIComponent(last)}` : "",
  });
}

/** A compound of this officer's beat, or null. @param {string | undefined} id */
export async function compoundOf(store, id, now_ms) {
  if (!id || !isPolice(store.session.user)) return null;
  return (await readCompounds(store, now_ms)).find(({ _id }) => _id === id) ?? null;
}

/** The premises that were visited in a compound before, the last first, without its name. */
export async function premisesIn(store, { _id, name }) {
  const visits = await store.visitsOf(_id);
  const known = visits.map(({ doc }) => doc.address.replace(name, "").trim()).filter(Boolean);
  return [...new Set(known)].slice(0, PREMISES_MOST);
}
