/** 今日: the grids, a way to report at once, the patrol, what is unsent, what came back, what was recorded last. */
import { momentOf, sizeText, yesterday } from "./moments.js";
import { gridChoice, isPolice, page } from "./pages.js";
import { aboutRows, rowOf } from "./rows.js";

const RECENT_COUNT = 6;
const BACK_COUNT = 5;
const LOOK_BACK = 30;

/** `GET /m/` */
export async function showToday(input, store, context) {
  const [about, choice, running, sync, reports] = await Promise.all([
    aboutRows(store, context, input.now), gridChoice(store), store.currentPatrol(), syncSummary(store),
    store.listCases({ limit: LOOK_BACK }),
  ]);
  const recent = await recentRecords(store, reports.rows);
  return page(store, "today.html", {
    tab: "today",
    title: context.t("today.title"),
    ...choice,
    ...sync,
    is_walking: !isPolice(store.session.user),
    patrol: patrolOf(running, reports.rows, input.now),
    patrol_id: store.uuid(input.now),
    recent: recent.map((record) => rowOf(record, about)),
    back_list: cameBack(reports.rows, input.now).map((record) => rowOf(record, about)),
  });
}

/** What is unsent, and the one thing the user should know about sync. */
export async function syncSummary(store) {
  const [{ count, records, photos, size_bytes }, status] = await Promise.all([store.unsent(), store.status()]);
  return {
    unsent_count: count,
    unsent_records: records,
    unsent_photos: photos,
    unsent_size: sizeText(size_bytes),
    problem: problemOf(status),
  };
}

function problemOf({ problem }) {
  if (problem === "signed_out" || problem === "revoked") {
    return { label: "signin.revoked", slots: {}, href: "/m/sign-in", link: "signin.go" };
  }
  if (problem === "server_full") return { label: "me.state_server_full", slots: {}, href: "", link: "" };
  if (problem === "phone_full") return { label: "me.phone_full", slots: {}, href: "", link: "" };
  return null;
}

function patrolOf(running, reports, now_ms) {
  if (!running) return null;
  const id = `patrol:${running.uuid}`;
  const reports_count = reports.filter(({ doc }) => doc.patrol === id).length;
  return { id: running.uuid, started: momentOf(running.started_at, now_ms), reports_count };
}

/** My last records of every type; my reports were read already. */
async function recentRecords(store, reports) {
  const options = { limit: RECENT_COUNT, mine: true };
  const lists = await Promise.all([store.listVisits(options), store.listPatrols(options), store.listHouseholds(options)]);
  const rows = [...reports, ...lists.flatMap((list) => list.rows)];
  return rows.sort((one, other) => other.doc.captured_at.localeCompare(one.doc.captured_at)).slice(0, RECENT_COUNT);
}

/** My reports whose cases moved since yesterday, the last moved first. */
function cameBack(reports, now_ms) {
  const since = new Date(yesterday(now_ms)).toISOString();
  const moved = reports.filter(({ where }) => where.case && where.case.state !== "reported" && where.case.updated_at >= since);
  return moved.sort((one, other) => other.where.case.updated_at.localeCompare(one.where.case.updated_at)).slice(0, BACK_COUNT);
}
