/** 事项: my reports and what became of each, newest first. */
import { page } from "./pages.js";
import { aboutRows, rowOf } from "./rows.js";

const PAGE_COUNT = 20;

/** `GET /m/cases` */
export async function showCases(input, store, context) {
  const about = await aboutRows(store, context, input.now);
  const { rows, next } = await store.listCases({ limit: PAGE_COUNT, before: input.query.before ?? null });
  return page(store, "cases.html", {
    tab: "cases",
    title: context.t("cases.title"),
    records: rows.map((row) => rowOf(row, about)),
    newer: input.query.before ? "/m/cases" : "",
    older: next ? `/m/cases?before=${encodeURIComponent(next)}` : "",
  });
}
