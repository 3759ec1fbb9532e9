/**
 * What a phone does whose token is taken no more: a revoked one hands everything unsent to `/api/rescue`, where it lies in quarantine
 * for a clerk, and then wipes itself if that was ordered, never before. One whose token is only too old waits for its user to sign in
 * again, which loses nothing, and hands over after some days or when the user says so.
 */
import { forgetHandOver, isTimeToHandOver } from "../store/handover.js";
import { batchesOf, documentsHanded } from "../store/handing.js";
import { entries, release, state } from "../store/outbox.js";
import { endForGood } from "../store/patrols.js";
import { currentSession } from "../store/meta.js";
import { grantsOf, refusalOf } from "../store/refusals.js";
import { wipeUser } from "../store/removal.js";
import { endHolds } from "../store/undo.js";
import { unsent } from "../store/where.js";
import { tell } from "./channel.js";
import { endDeskSession } from "./desk.js";
import { Refused, SignedOut, ask } from "./http.js";
import { note, tellChanged } from "./progress.js";
import { RESCUE_ENDPOINT, sendPhotos } from "./uploads.js";

const BATCH_BYTES = 2_000_000;

/**
 * @typedef {{code: string, wipe: boolean, rescue_until: string | null}} Orders what the server says to this token
 * @typedef {"valid" | "wiped" | "waiting" | "kept" | "lost"} Ended `valid`: the token is good again; `waiting`: for the user; `kept`: all is
 *   with the server; `lost`: nothing may be handed over with this token
 */

/**
 * Goes as far as it can now. Safe to call again, from the beginning.
 * @param {import("../store/meta.js").Session} session whose token was refused
 * @param {{shouldStop?: () => boolean}} [hooks]
 * @returns {Promise<Ended>}
 * @throws {import("./http.js").Offline | import("./http.js").Busy} then everything that was not answered is still here
 */
export async function rescue(session, { shouldStop = () => false } = {}) {
  const orders = await ordersFor(session);
  if (!orders) return "valid";
  if (!["token_revoked", "token_expired"].includes(orders.code)) return "lost";
  if (orders.code === "token_expired" && !(await isTimeToHandOver(session.author))) return tellPhase(session, orders, "waiting");
  if (orders.wipe) await endForGood(session);
  await tellPhase(session, orders, "sending");
  await endHolds(session.author, true);
  await handOverRecords(session, orders);
  await sendPhotos(session, { shouldStop, onProgress: ({ of, database }) => tellChanged([database], [of]), endpoint: RESCUE_ENDPOINT });
  const { documents, photos } = await unsent(session.author);
  if (documents + photos) return tellPhase(session, orders, "sending");
  if (orders.wipe && (await wipeUser(session.author))) {
    await endDeskSession();
    // Somebody else who works on this phone is not sent away for it.
    tell({ type: (await currentSession()) ? "status" : "wiped", author: session.author });
    return "wiped";
  }
  return tellPhase(session, orders, "kept");
}

/** @returns {Promise<Orders | null>} null when the server takes the token after all */
async function ordersFor(session) {
  try {
    await ask(session, "/api/devices/me");
    return null;
  } catch (error) {
    if (!(error instanceof SignedOut)) throw error;
    const { told, reason } = /** @type {any} */ (error);
    return { code: reason, wipe: told.wipe === true, rescue_until: told.rescue_until ?? null };
  }
}

/** The token is good: what was said about the one before is over. @param {string} author */
export async function forgetRescue(author) {
  const wasKnown = await forgetHandOver(author);
  if (wasKnown || (await state(author, "sync"))?.rescue) await note(author, { rescue: null });
}

/** @param {import("../store/meta.js").Session} session @param {Orders} orders @param {Ended | "sending"} phase @returns {Promise<Ended>} */
async function tellPhase({ author }, { code, wipe, rescue_until }, phase) {
  const { documents, photos } = await unsent(author);
  await note(author, { rescue: { phase, code, wipe, rescue_until, documents, photos } });
  return phase === "sending" ? "waiting" : phase;
}

async function handOverRecords(session, orders) {
  const given = grantsOf(session, "");
  for (const batch of batchesOf(await entries(session.author), BATCH_BYTES)) {
    const kept = await handOver(session, batch);
    const safe = batch.filter((_entry, at) => kept[at]?.ok);
    await release(session.author, safe.map(({ key }) => key), safe.map((entry) => refusalOf(entry, { reason: "rescued" }, given)));
    if (safe.length) tellChanged([], safe.map(({ id }) => id));
    await tellPhase(session, orders, "sending");
  }
}

/** Answers are in the order of the documents. @returns {Promise<{ok: boolean}[]>} */
async function handOver(session, batch) {
  try {
    return (await ask(session, "/api/rescue", { method: "POST", body: await documentsHanded(session.author, batch) })).kept;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (batch.length === 1) return [{ ok: false }];
    const middle = Math.ceil(batch.length / 2);
    return [...(await handOver(session, batch.slice(0, middle))), ...(await handOver(session, batch.slice(middle)))];
  }
}
