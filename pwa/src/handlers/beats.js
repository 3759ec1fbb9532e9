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

/** `GET /m/visits`: a beat's compounds, found by name, initials or address; a worker's visits are with their households. */
export async function showBeat(input, store, context) {
  if (!isPolice(store.session.user)) return { redirect: "/m/homes" };
  const q = input.query.q ?? "";
  const [about, grids, compounds, { rows }] = await Promise.all([
    aboutRows(store, context, input.now), store.grids(), readCompounds(store, input.now), store.listVisits({ limit: RECENT_COUNT }),
  ]);
  const isFound = finder(q);
  const found = compounds.filter(({ name, address }) => isFound(name) || isFound(address));
  const last = await store.lastVisits(found.map(({ _id }) => _id));
  const rowsIn = (grid) => found.filter((one) => one.grid === grid).map(({ _id, name, address }) => {
    return { id: _id, name, address, last: last.has(_id) ? momentOf(instant(last.get(_id)), about.now_ms) : null };
  });
  return page(store, "beat.html", {
    tab: "homes",
    title: context.t("visits.title"),
    has_action: true,
    q,
    search: { action: "/m/visits", label: context.t("visits.search") },
    has_compounds: compounds.length > 0,
    groups: grids.map(({ code, doc }) => ({ name: gridName(code, doc), compounds: rowsIn(code) })).filter((group) => group.compounds.length),
    records: q ? [] : rows.map((row) => rowOf(row, about)),
  });
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
  const [about, grids, visits] = await Promise.all([aboutRows(store, context, input.now), store.grids(), store.visitsOf(id, { limit: PAGE_COUNT })]);
  const who = (label, one) => (one?.name || one?.phone ? [fact(label, { text: [one.name, one.phone].filter(Boolean).join(" ") })] : []);
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
    ],
    records: visits.map((row) => rowOf(row, about)),
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
