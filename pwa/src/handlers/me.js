/** 我的: sync, this phone, what was refused, language, and the chip of the top line. */
import { TEXT_SIZES, THEMES } from "../store/meta.js";
import { lengthText, momentOf, sizeText } from "./moments.js";
import { lineOf, refusedRecord } from "./refused.js";
import { lockFacts } from "./lock.js";
import { chipFacts, page } from "./pages.js";
import { fact } from "./records.js";
import { aboutRows, chipOf, rowOf } from "./rows.js";
import { withSubjects } from "./said.js";
import { syncSummary } from "./today.js";
import { freeOf, othersSayings, refusedPhoto, stateOf } from "./troubles.js";

/** Clocks this close count as right: the answer's way from the server takes as long. */
const RIGHT_MS = 5000;
/** From here on a wrong clock is worth a word of advice. */
const WRONG_MS = 2 * 60_000;
/** What a clerk has decided is shown for so long, and in the record itself always. */
const DECIDED_MS = 14 * 24 * 3_600_000;
const COLOURS = Object.freeze({ phone: "me.theme_phone", light: "me.theme_light", dark: "me.theme_dark" });
const LETTERS = Object.freeze({ normal: "me.text_normal", large: "me.text_large", largest: "me.text_largest" });
/** More than a person reads through; the rest follows as these are settled. */
const ROWS = 50;

/** `GET /m/me` */
export async function showMe(input, store, context) {
  const about = await aboutRows(store, context, input.now);
  const { user, device } = store.session;
  const [sync, status, refused, refused_photos, others, rescued_at] = await Promise.all([
    syncSummary(store), store.status(), refusedRows(store, about, context.domain), refusedPhotoRows(store, about, context.domain),
    context.waitingOfOthers(), store.rescuedAt(),
  ]);
  return page(store, "me.html", {
    tab: "me",
    title: context.t("me.title"),
    ...sync,
    facts: syncFacts(status, input.now, context.t),
    storage: storageSaying(status),
    device,
    clock: clockWarning(status.offset_ms, context.t),
    others: othersSayings(others),
    is_offline: status.problem === "offline",
    rescue: rescueOf(store.session, sync.unsent_count + others.count, momentOf(rescued_at, input.now)),
    sizes: TEXT_SIZES.map((size) => ({ value: size, label: LETTERS[size], is_chosen: size === context.text_size })),
    themes: THEMES.map((theme) => ({ value: theme, label: COLOURS[theme], is_chosen: theme === context.theme })),
    refused,
    refused_photos,
    lock: await lockFacts(store, context),
    user_name: user.name,
    user_login: store.session.author,
    push_key: store.session.push_key ?? "",
    push_endpoint: store.session.push_endpoint ?? "",
    requests_answered: store.session.requests_answered ?? 0,
  });
}

/** The rescue file: whether there is something to put into one, and whether this phone can make it yet. */
export function rescueOf({ seal_key }, count, made_at) {
  return { count, can_make: Boolean(seal_key?.proof), made_at };
}

export function syncFacts(status, now_ms, t) {
  const last = momentOf(status.last_contact_at, now_ms);
  return [
    fact("me.network", { key: stateOf(status) }),
    last ? fact("me.last_contact", { at: last }) : fact("me.last_contact", { key: "me.never" }),
    fact("me.clock", clockSaying(status.offset_ms, t)),
  ];
}

function clockSaying(offset_ms, t) {
  if (offset_ms === null) return { key: "me.clock_unknown" };
  if (Math.abs(offset_ms) < RIGHT_MS) return { key: "me.clock_right" };
  return { key: offset_ms > 0 ? "me.clock_ahead" : "me.clock_behind", slots: { amount: lengthText(Math.abs(offset_ms), t) } };
}

/** Nothing depends on this phone's clock, but its user does. */
function clockWarning(offset_ms, t) {
  if (offset_ms === null || Math.abs(offset_ms) < WRONG_MS) return null;
  return { label: offset_ms > 0 ? "clock.ahead" : "clock.behind", slots: { amount: lengthText(Math.abs(offset_ms), t) } };
}

function storageSaying({ usage_bytes, quota_bytes }) {
  if (usage_bytes === null) return { key: "me.storage_unknown", slots: {} };
  const free_bytes = freeOf({ usage_bytes, quota_bytes });
  if (free_bytes === null) return { key: "me.storage_used", slots: { used: sizeText(usage_bytes) } };
  return { key: "me.storage_value", slots: { used: sizeText(usage_bytes), free: sizeText(free_bytes) } };
}

export async function refusedRows(store, about, domain) {
  const refusals = (await store.refusals()).filter((refusal) => !refusal.id.startsWith("photo:") && isRecent(refusal, about.now_ms));
  const newest = refusals.sort((one, other) => other.refused_at.localeCompare(one.refused_at)).slice(0, ROWS);
  const rows = await Promise.all(newest.map(async (row) => {
    if (row.state === "erased") return [erasedRow(row, about)];
    const records = await withSubjects(store, [await store.getRecord(row.id)].filter(Boolean));
    return records.map((record) => ({ ...rowOf(record, about), where: chipOf(record.where), why: lineOf(refusedRecord(record, domain)) }));
  }));
  return rows.flat();
}

/** A record that was erased before it arrived: that there was one, and nothing of it. */
function erasedRow({ id, refused_at }, { now_ms, t }) {
  const href = id.startsWith("household:") ? `/m/homes/${id}` : `/m/records/${id}`;
  const where = { label: "where.erased", slots: {}, tone: "move", icon: "close", percent: 0 };
  return { href, photo: "", icon: "homes", lead: t("refused.erased"), about: "", at: momentOf(refused_at, now_ms), where, why: { label: "refused.erased_id", slots: {}, tone: "muted" } };
}

function isRecent({ state, decided_at }, now_ms) {
  return state === "waiting" || !decided_at || now_ms - Date.parse(decided_at) < DECIDED_MS;
}

/** A line for every photo that was not accepted, under its record's name. */
async function refusedPhotoRows(store, about, domain) {
  const ids = await store.withRefusedPhotos();
  const records = await Promise.all(ids.slice(0, ROWS).map((id) => store.getRecord(id)));
  return records.filter(Boolean).flatMap((record) => {
    const { href, lead } = rowOf(record, about);
    return record.where.photos_refused.map((photo) => ({ href, lead, ...refusedPhoto(photo, domain) }));
  });
}

/** `GET /m/sync-chip`: the chip alone, for live refreshing. */
export async function showSyncChip(input, store) {
  return { template: "sync-chip.html", data: await chipFacts(store) };
}
