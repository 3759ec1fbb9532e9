/**
 * What keeps records from going on (`problem` of `store.status()`), in words: the banner of Today and Me, two words in the chip of the
 * top line, the state in Me. And what was not accepted, with its reason. Pure.
 */
const SIGN_IN = Object.freeze(["signed_out", "revoked", "expired"]);
const BANNERS = Object.freeze({ server_full: "me.state_server_full", phone_full: "me.phone_full", photos_unavailable: "upload.unavailable" });
const STATES = Object.freeze({ offline: "me.state_offline", server_full: "me.state_server_full", photos_unavailable: "upload.unavailable" });
const PHASES = Object.freeze({ push: "pushing", photos: "uploading", pull: "pulling", load: "pulling", idle: "idle" });
const UPLOAD_CODES = Object.freeze(["not_an_image", "sound_damaged", "sound_too_large", "image_truncated", "image_too_large", "photo_conflict", "hash_mismatch", "invalid_metadata",
  "empty", "too_large", "file_missing", "rescued"]);

/**
 * The one thing the user should know, or null: `{label, slots, more, href, link, can_hand_over}`.
 * @param {string | null} problem @param {any} [rescue] what becomes of what is unsent after the token was refused
 */
export function bannerOf(problem, rescue = null) {
  if (needsSignIn(problem)) return { ...signInSaying(problem, rescue), href: "/m/sign-in", link: "signin.go" };
  const label = BANNERS[problem ?? ""];
  return label ? { label, slots: {}, more: "", href: "", link: "", can_hand_over: false } : null;
}

function signInSaying(problem, rescue) {
  const count = rescue ? rescue.documents + rescue.photos : 0;
  const can_hand_over = problem === "expired" && rescue?.phase === "waiting" && count > 0;
  const label = rescue && rescue.phase !== "waiting" ? RESCUES[rescue.phase] : `signin.${problem}`;
  return { label: label ?? `signin.${problem}`, slots: { count }, more: rescue?.wipe ? "rescue.wipe" : "", can_hand_over };
}

/** What a phone says whose token was refused, while it hands over and when it has. */
const RESCUES = Object.freeze({ sending: "rescue.sending", kept: "rescue.kept" });

/** What others left unsent on a shared phone: what goes by itself, and what only they can send. @param {{count: number, sealed: number}} others */
export function othersSayings({ count, sealed }) {
  const all = [["others.waiting", count - sealed], ["others.sealed", sealed]];
  return all.filter(([, left]) => left).map(([label, left]) => ({ label, slots: { count: left } }));
}

/** What went with a phone's data, or may have: sayings, and whether its user is asked. @param {import("../store/losses.js").Loss | null} loss */
export function lossSaying(loss) {
  if (!loss) return null;
  const slots = { name: loss.name, day: loss.last_seen_on, records: loss.records, photos: loss.photos, found: loss.found ?? 0 };
  const isAsked = !loss.is_certain && !loss.answer;
  const label = loss.records + loss.photos ? "loss.unsent" : "loss.nothing_unsent";
  return { label: isAsked ? "loss.is_it" : label, slots, is_asked: isAsked, is_counted: loss.found !== undefined && !isAsked };
}

/** With less room than this the user hears of it, while there is still time. */
const LOW_BYTES = 150e6;
const GIB = 2 ** 30;
/** What a report's photo takes, with its original now and then. */
const PHOTO_BYTES = 600e3;

/**
 * How much room there is, or null when the browser does not tell: for privacy's sake Chromium says a round number more than is used.
 * @param {{usage_bytes: number | null, quota_bytes: number | null}} status
 */
export function freeOf({ usage_bytes, quota_bytes }) {
  if (!quota_bytes) return null;
  const free_bytes = Math.max(0, quota_bytes - (usage_bytes ?? 0));
  return free_bytes && free_bytes % GIB === 0 ? null : free_bytes;
}

/** A word before the phone is full, or null. @param {{usage_bytes: number | null, quota_bytes: number | null, is_full: boolean}} status */
export function storageWarning(status) {
  if (status.is_full) return { label: "me.storage_full", slots: {} };
  const free_bytes = freeOf(status);
  return free_bytes === null || free_bytes > LOW_BYTES ? null : { label: "me.storage_low", slots: { count: Math.floor(free_bytes / PHOTO_BYTES) } };
}

/** Why records wait, for the chip; empty when it is nothing special. @param {string | null} problem */
export function whyOf(problem) {
  if (needsSignIn(problem)) return "sync.why_sign_in";
  if (problem === "server_full") return "sync.why_server_full";
  return problem === "phone_full" ? "sync.why_phone_full" : "";
}

/** What sync does now, or why it does not. @param {{problem: string | null, phase: string}} status */
export function stateOf({ problem, phase }) {
  if (needsSignIn(problem)) return "me.state_signed_out";
  if (problem) return STATES[problem] ?? "me.state_waiting";
  return `me.state_${PHASES[phase] ?? "idle"}`;
}

function needsSignIn(problem) {
  return SIGN_IN.includes(problem ?? "");
}

/** What a refusal's code means, in words. @param {{reason: string | null}} refusal @param {{reasons: string[]}} domain the gate's reasons */
export function refusalSaying({ reason }, { reasons }) {
  return reason === "rescued" || reasons.includes(reason ?? "") ? { label: `refused.${reason}`, slots: {} } : { label: "refused.other", slots: { code: reason } };
}

/** One photo that was not accepted: `{n, label, slots, next}`. @param {import("../store/where.js").RefusedPhoto} photo */
export function refusedPhoto({ n, of, code, is_kept }, domain) {
  const isOfFile = of === "file" && UPLOAD_CODES.includes(code);
  const saying = isOfFile ? { label: `upload.${code}`, slots: {} } : refusalSaying({ reason: code }, domain);
  return { n, ...saying, next: is_kept ? "upload.kept" : "upload.stays" };
}
