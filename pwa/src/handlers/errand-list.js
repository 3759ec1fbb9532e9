/** 代办 in lists: those under way, whichever household they are for, and rows of records among which there are errands. */
import { addressOf } from "./addresses.js";
import { nameIn } from "./catalogue.js";
import { page } from "./pages.js";
import { aboutRows, rowOf } from "./rows.js";

const PAGE_COUNT = 30;

/** `GET /m/errands`: errands under way, the newest first. A list goes on at `from`. */
export async function showErrands(input, store, context) {
  const ids = goingIn(await store.homes(true));
  const from = Number(input.query.from) || 0;
  const [about, records] = await Promise.all([aboutRows(store, context, input.now), Promise.all(ids.slice(from, from + PAGE_COUNT).map(store.getRecord))]);
  return page(store, "errand-list.html", {
    tab: "homes",
    title: context.t("errand.going"),
    back: "/m/homes",
    records: await rowsOf(store, records.filter(Boolean), about),
    newer: from > 0 ? "/m/errands" : "",
    older: from + PAGE_COUNT < ids.length ? `/m/errands?from=${from + PAGE_COUNT}` : "",
  });
}

/** Ids of errands under way, the newest first. @param {import("../store/homes.js").Home[]} homes @returns {string[]} */
export function goingIn(homes) {
  const ids = homes.flatMap(({ e }) => Object.keys(e).filter((id) => e[id]));
  return ids.sort().reverse();
}

/** Rows of records; an errand's says whose it is, and what in the user's language. @param {import("../store/index.js").Store} store @param {import("./rows.js").Placed[]} records @param {any} about */
export async function rowsOf(store, records, about) {
  const items = records.some(({ doc }) => doc.type === "errand") ? await store.reference("erranditem") : [];
  return Promise.all(records.map(async (record) => {
    const row = rowOf(record, about);
    if (record.doc.type !== "errand") return row;
    const home = await store.getRecord(record.doc.household);
    const item = items.find(({ key }) => key === record.doc.item_key);
    return { ...row, lead: item ? nameIn(item.name, about.language) : row.lead, about: home ? addressOf(home.doc, about.t) : row.about };
  }));
}
