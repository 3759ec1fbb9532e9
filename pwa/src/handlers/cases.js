/** 事项: what became of my reports and errands: what needs me, what goes on, what has ended; and finding one of them. */
import { categoryName } from "./catalogue.js";
import { rowsOf } from "./errand-list.js";
import { movesOf } from "./notes.js";
import { page } from "./pages.js";
import { finder } from "./pinyin.js";
import { aboutRows, stateLabel } from "./rows.js";
import { tasksSeen, waitingTasks } from "./tasks.js";

const PAGE_COUNT = 20;
/** How many of a group stand on the page of all of them. */
const FEW = Object.freeze({ going: 10, ended: 5 });
const RETURNED_MOST = 100;
const GROUPS = Object.freeze(["needs", "going", "ended"]);

/** `GET /m/cases`: the three groups; one of them with `show`, what was looked for with `q`. */
export async function showCases(input, store, context) {
  const { show = "", before = null } = input.query;
  const q = (input.query.q ?? "").trim();
  const knowing = aboutRows(store, context, input.now);
  const finding = q ? foundGroup(store, knowing, q, before) : besideGroups(store);
  const [about, { news, locked_count, ...found }] = await Promise.all([knowing, finding]);
  const isOne = GROUPS.includes(show) || q;
  const back = q || before || show === "ended" ? { mine: [], asked: [] } : await returned(store);
  const groups = q ? [found] : await Promise.all((isOne ? [show] : GROUPS).map((name) => {
    return groupNamed(store, about, name, back, { limit: isOne ? PAGE_COUNT : FEW[name], before });
  }));
  if (!isOne) void store.beginSearch(); // the page is answered meanwhile
  const recordsOf = async ({ rows, tasks = [] }) => {
    const shown = await rowsOf(store, rows, about);
    return [...tasks, ...shown.map((row, at) => ({ ...row, is_news: news.includes(rows[at].id) }))];
  };
  const records = await Promise.all(groups.map(recordsOf));
  const address = `/m/cases?${new URLSearchParams(q ? { q } : { show })}`;
  return page(store, "cases.html", {
    tab: "cases",
    title: context.t(isOne && !q ? `cases.${show}` : "cases.title"),
    back: isOne ? "/m/cases" : "",
    q,
    search: { action: "/m/cases", label: context.t("cases.search"), shown: "true" },
    locked_count,
    groups: groups.map((group, at) => ({
      title: `cases.${group.name}`, records: records[at], more: !isOne && group.next ? `/m/cases?show=${group.name}` : "",
    })).filter(({ records }) => records.length),
    is_one: Boolean(isOne),
    empty: q ? (groups[0].next ? "cases.not_found_yet" : "cases.not_found") : isOne ? "cases.none_here" : "cases.none",
    newer: isOne && before ? address : "",
    older: isOne && groups[0].next ? `${address}&before=${encodeURIComponent(groups[0].next)}` : "",
  });
}

/** What the lists say beside what is in them; a search knows it already. */
async function besideGroups(store) {
  const [news, locked_count] = await Promise.all([store.news(), store.lockedNeeds()]);
  return { news, locked_count };
}

async function groupNamed(store, about, name, { mine, asked }, page) {
  if (name === "needs") return { name, rows: mine, next: null, tasks: await myTasks(store, about) };
  const { rows, next } = await store.listGroup(name, page);
  return { name, rows: name === "going" ? [...asked, ...rows] : rows, next };
}

/** What came back, all of it: what is `mine` to put right, and what I have `asked` to be taken up again without an answer yet. */
async function returned(store) {
  const { rows } = await store.listGroup("needs", { limit: RETURNED_MOST });
  const said = await Promise.all(rows.map(({ id }) => store.saidOf(id)));
  const isMine = rows.map((row, at) => movesOf(row, said[at].filter(({ doc }) => doc.type === "note"), store.session.author).intent === "resubmit");
  return { mine: rows.filter((_row, at) => isMine[at]), asked: rows.filter((_row, at) => !isMine[at]) };
}

/** Tasks that I have not answered. */
async function myTasks(store, about) {
  const found = await tasksSeen(store);
  const open = found.tasks.filter(({ doc }) => doc.state === "open");
  const said = await Promise.all(open.map(({ id }) => store.saidOf(id)));
  return waitingTasks(found, about, said.flat().filter(({ doc }) => doc.author === store.session.author));
}

/** By words, category, address, case number or the state's name, each also by its initials. */
async function foundGroup(store, knowing, q, before) {
  const isFound = finder(q);
  const isWanted = knowing.then(({ t, categories, language }) => ({ doc, where }) => {
    const { case: found } = where;
    return [doc.text, doc.item, categoryName(categories, doc.category, language), doc.place?.address, found?.case_no, found && t(stateLabel(found.state))].some((text) => text && isFound(text));
  });
  return { name: "title", ...(await store.findMine({ limit: PAGE_COUNT, before, isWanted })) };
}
