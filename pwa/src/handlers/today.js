/** 今日: the grids, a way to report at once, the patrol, what is unsent, tasks by time due, what came back, what was recorded last. */
import { correctedAt } from "../store/capture.js";
import { dueOnBeat } from "./beats.js";
import { rowsOf } from "./errand-list.js";
import { draftsOffered } from "./drafts.js";
import { momentOf, serverNow, sizeText, yesterday } from "./moments.js";
import { gridChoice, isPolice, page } from "./pages.js";
import { aboutRows, rowOf } from "./rows.js";
import { withSubjects } from "./said.js";
import { tasksSeen, waitingTasks } from "./tasks.js";
import { bannerOf, lossSaying, storageWarning, whyOf } from "./troubles.js";

const RECENT_COUNT = 6;
const BACK_COUNT = 5;
const LOOK_BACK = 30;
const REPLIES_BACK = 300;

/** `GET /m/` */
export async function showToday(input, store, context) {
  const readAbout = aboutRows(store, context, input.now);
  const [about, choice, running, sync, due_count, locked_count, drafts, news, openTasks, [reports, replies, ...others]] = await Promise.all([
    readAbout, gridChoice(store), store.currentPatrol(), syncSummary(store),
    store.dueCount(serverNow(store, input.now)), store.lockedNeeds(),
    readAbout.then((about) => draftsOffered(store, about)),
    store.news(), tasksSeen(store),
    store.listMine([
      ["report", LOOK_BACK], ["taskreply", REPLIES_BACK], ["visit", RECENT_COUNT], ["patrol", RECENT_COUNT], ["household", RECENT_COUNT],
      ["note", RECENT_COUNT],
    ]),
  ]);
  const [patrol, back_list, recent, beat_due_count] = await Promise.all([
    patrolOf(store, running, reports, input.now), cameBack(store, reports, news, about), withSubjects(store, recentOf([reports, replies, ...others].flat())),
    isPolice(store.session.user) ? dueOnBeat(store, about.now_ms) : 0,
  ]);
  return page(store, "today.html", {
    drafts,
    drafts_back: "",
    tab: "today",
    title: context.t("today.title"),
    ...choice,
    ...sync,
    beat_due_count,
    requests_answered: store.session.requests_answered ?? 0,
    requests_href: sync.is_offline ? "/m/me" : "/requests", // which no phone keeps
    is_walking: !isPolice(store.session.user),
    due_count,
    locked_count,
    patrol,
    is_under_way: Boolean(patrol && !patrol.is_over),
    patrol_id: store.uuid(input.now),
    tasks: waitingTasks(openTasks, about, replies),
    recent: recent.map((record) => rowOf(record, about)),
    back_list,
  });
}

/** What is unsent, and the one thing the user should know about sync. */
export async function syncSummary(store) {
  const [{ count, records, photos, size_bytes, sealed }, status] = await Promise.all([store.unsent(), store.status()]);
  return {
    unsent_locked: sealed > 0 && (await store.vault.standing()) === "locked",
    unsent_count: count,
    unsent_records: records,
    unsent_photos: photos,
    unsent_size: sizeText(size_bytes),
    unsent_why: whyOf(status.problem),
    problem: bannerOf(status.problem, status.rescue),
    is_offline: status.problem === "offline",
    loss: lossSaying(status.loss),
    storage_low: storageWarning(status),
  };
}

async function patrolOf(store, running, reports, now_ms) {
  if (!running) return null;
  const { uuid, started_at, ended_at } = running;
  const id = `patrol:${uuid}`;
  const [made, points] = await Promise.all([store.madeOn(id), store.pointsOf(uuid)]);
  // What an earlier version saved has no link to its patrol; of a patrol that runs it is among the newest.
  const all = new Set([...made, ...reports.filter(({ doc }) => doc.patrol === id)].map((row) => row.id));
  return { id: uuid, started: momentOf(started_at, now_ms), is_over: Boolean(ended_at), reports_count: all.size, points_count: points.length };
}

/** My last records of every type. */
function recentOf(rows) {
  return rows.sort((one, other) => correctedAt(other.doc) - correctedAt(one.doc)).slice(0, RECENT_COUNT);
}

/** My reports and errands that moved and that I have not looked at, however old; then others of the last ones that moved since yesterday. */
async function cameBack(store, reports, allNews, about) {
  const news = allNews.slice(0, BACK_COUNT);
  const unseen = (await Promise.all(news.map(store.getRecord))).filter(Boolean);
  const since = new Date(yesterday(about.now_ms)).toISOString();
  const moved = reports.filter(({ id, where }) => !news.includes(id) && where.case && where.case.state !== "reported" && where.case.updated_at >= since);
  const seen = moved.sort((one, other) => other.where.case.updated_at.localeCompare(one.where.case.updated_at));
  const shown = [...unseen, ...seen].slice(0, BACK_COUNT);
  return (await rowsOf(store, shown, about)).map((row, at) => ({ ...row, is_news: news.includes(shown[at].id) }));
}
