/**
 * Records that were not accepted: why, what happens now, and the two things a user may do about it: send one again, or (for a token
 * that is too old) hand everything over without waiting. The words for a reason are `troubles.js`'s.
 */
import { cureOf } from "../store/refusals.js";
import { refusalSaying } from "./troubles.js";

const CURES = Object.freeze({ grants: "refused.again_when_granted", update: "refused.again_after_update" });

/**
 * What a record's page says, or null: `{title, why, fields, next, tone, can_resend, correct_href, id}`; `next` is a list of sayings.
 * @param {import("../store/reading.js").Row & {where: import("../store/where.js").Where}} record @param {any} domain
 */
export function refusedRecord({ id, doc, where }, domain) {
  if (!where.outcome) return null;
  const { state } = where.outcome;
  const isOpen = state === "waiting";
  const names = Object.keys(where.detail?.fields ?? {});
  return {
    id,
    title: TITLES[state] ?? TITLES.waiting,
    why: state === "adopted" ? null : refusalSaying(where, domain),
    fields: names.length && state !== "adopted" ? { label: "refused.fields", slots: { names: names.join("、") } } : null,
    next: nextOf(id, where),
    is_good: state === "adopted",
    can_resend: isOpen,
    correct_href: doc.type === "report" && state !== "adopted" ? `/m/report?from=${id}` : "",
  };
}

const TITLES = Object.freeze({ waiting: "record.refused", adopted: "refused.adopted", dismissed: "refused.dismissed" });

/** What happens now: `[{label, slots}]`. @param {string} id @param {import("../store/where.js").Where} where */
function nextOf(id, { reason, outcome }) {
  if (outcome?.state === "adopted") return [{ label: outcome.adopted_as?.id === id ? "refused.adopted_next" : "refused.adopted_corrected", slots: {} }];
  if (outcome?.state === "dismissed") return [{ label: "refused.dismissed_because", slots: { reason: outcome.decision_reason ?? "" } }];
  const cure = CURES[cureOf(reason) ?? ""];
  return [{ label: "record.refused_next", slots: {} }, ...(cure ? [{ label: cure, slots: {} }] : [])];
}

/** Why a record still waits although the server was asked, or null. @param {import("../store/where.js").Where} where @param {any} domain */
export function heldBack({ held_back }, domain) {
  if (!held_back) return null;
  return domain.reasons.includes(held_back) ? refusalSaying({ reason: held_back }, domain) : { label: "refused.held_back", slots: {} };
}

/** One line for a list, `{label, slots, tone}`. @param {any} refused what `refusedRecord` answers */
export function lineOf({ why, next, is_good }) {
  return { ...(why ?? next[0]), tone: is_good ? "muted" : "bad-text" };
}

/** `POST /m/records/:id/resend` */
export async function resend(input, store) {
  await store.resend(input.params.id);
  const place = input.params.id.startsWith("household:") ? "homes" : "records";
  return { redirect: `/m/${place}/${input.params.id}` };
}

/** `POST /m/loss`: its user says that it was this phone, or that it was not, or has read it. */
export async function answerLoss(input, store, context) {
  await (input.form.answer === "lost" ? store.confirmLoss() : store.forgetLoss());
  context.syncNow();
  return { redirect: "/m/" };
}

/** `POST /m/hand-over` */
export async function handOver(input, store, context) {
  await context.handOver();
  return { redirect: "/m/me" };
}
