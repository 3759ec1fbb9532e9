/** 今日: the grids, a way to report at once, the patrol, what is unsent, what came back, what was recorded last. */
import { momentOf, sizeText, yesterday } from "./moments.js";
import { gridChoice, isPolice, page } from "./pages.js";
import { aboutRows, rowOf } from "./rows.js";

const RECENT_COUNT = 6;
const BACK_COUNT = 5;
const LOOK_BACK = 40;

/** `GET /m/` */
export async function showToday(input, store, context) {
  const about = await aboutRows(store, context, input.now);
  const [choice, patrol, sync, recent, back_list] = await Promise.all([
    gridChoice(store), runningPatrol(store, input.now), syncSummary(store),
    recentRecords(store), cameBack(store, input.now),
  ]);
  return page(store, "today.html", {
    tab: "today",
    title: context.t("today.title"),
    ...choice,
    ...sync,
    is_walking: !isPolice(store.session.user),
    patrol,
    patrol_id: store.uuid(input.now),
    recent: recent.map((record) => rowOf(record, about)),
    back_list: back_list.map((record) => rowOf(record, about)),
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

async function runningPatrol(store, now_ms) {
  const running = await store.currentPatrol();
  if (!running) return null;
  const { rows } = await store.listReports({ limit: LOOK_BACK, mine: true });
  const id = `patrol:${running.uuid}`;
  const reports_count = rows.filter(({ doc }) => doc.patrol === id).length;
  return { id: running.uuid, started: momentOf(running.started_at, now_ms), reports_count };
}

async function recentRecords(store) {
  const options = { limit: RECENT_COUNT, mine: true };
  const lists = await Promise.all([
    store.listReports(options), store.listVisits(options), store.listPatrols(options), store.listHouseholds(options),
  ]);
  const rows = lists.flatMap((list) => list.rows);
  return rows.sort((one, other) => other.doc.captured_at.localeCompare(one.doc.captured_at)).slice(0, RECENT_COUNT);
}

async function cameBack(store, now_ms) {
  const since = new Date(yesterday(now_ms)).toISOString();
  const { rows } = await store.listCases({ limit: LOOK_BACK });
  const moved = rows.filter(({ where }) => where.case && where.case.state !== "reported" && where.case.updated_at >= since);
  return moved.sort((one, other) => other.where.case.updated_at.localeCompare(one.where.case.updated_at)).slice(0, BACK_COUNT);
}
