/** 同步中心: what waits and how far it is, what was not accepted and why, what arrived last and what became of it. */
import { aboutRows, chipOf, hasRow, rowOf } from "./rows.js";
import { heldBack } from "./refused.js";
import { momentOf, sizeText } from "./moments.js";
import { page } from "./pages.js";
import { withSubjects } from "./said.js";
import { refusedRows, syncFacts } from "./me.js";
import { fact } from "./records.js";
import { syncSummary } from "./today.js";

const WAITING = 100;
const ARRIVED = 20;
const TYPES = Object.freeze(["report", "visit", "note", "taskreply", "patrol", "household"]);

/** `GET /m/sync` */
export async function showSync(input, store, context) {
  const about = await aboutRows(store, context, input.now);
  const [sync, status, { rows, more }, refused, mine] = await Promise.all([
    syncSummary(store), store.status(), store.waiting(WAITING), refusedRows(store, about, context.domain),
    store.listMine(TYPES.map((type) => [type, ARRIVED])),
  ]);
  const lists = [rows.filter(({ doc }) => hasRow(doc)), arrivedOf(mine.flat(), rows)];
  const [waiting, arrived] = await Promise.all(lists.map((list) => withSubjects(store, list)));
  const whole = momentOf(status.last_sync_at, input.now);
  return page(store, "sync.html", {
    tab: "me",
    title: context.t("me.sync_centre"),
    back: "/m/me",
    ...sync,
    facts: [...syncFacts(status, input.now, context.t), whole ? fact("me.last_sync", { at: whole }) : fact("me.last_sync", { key: "me.never" })],
    waiting: waiting.map((record) => waitingRow(record, about, context.domain)),
    more: more + rows.length - waiting.length,
    refused,
    arrived: arrived.map((record) => rowOf(record, about)),
  });
}

/** A row with why it is still here, or else how much is to be sent. */
function waitingRow(record, about, domain) {
  const { size_bytes, photos } = record.waiting;
  const held = heldBack(record.where, domain);
  const size = { label: photos ? "sync.row_photos" : "sync.row", slots: { photos, size: sizeText(size_bytes) }, tone: "muted" };
  return { ...rowOf(record, about), where: chipOf(record.where), why: held ? { ...held, tone: "bad-text" } : size };
}

function arrivedOf(mine, waiting) {
  const still = new Set(waiting.map(({ id }) => id));
  const there = mine.filter(({ id, where }) => where.place === "server" && !still.has(id));
  return there.sort((one, other) => other.doc.captured_at.localeCompare(one.doc.captured_at)).slice(0, ARRIVED);
}
