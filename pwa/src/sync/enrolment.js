/**
 * Enrolling this phone (the one act that needs the network) and what the server's answer becomes: a session.
 */
import { noteLoss } from "../store/losses.js";
import { beginSession, sessions } from "../store/meta.js";
import { offsetOf } from "./clock.js";

/** Why a phone could not be enrolled: `wrong_password`, `locked`, `not_for_phones`, `offline` or `server`. */
export class EnrolmentError extends Error {
  /** @param {string} kind @param {number | null} [retry_after_s] */
  constructor(kind, retry_after_s = null) {
    super(kind);
    this.name = "EnrolmentError";
    this.kind = kind;
    this.retry_after_s = retry_after_s;
  }
}

const KINDS = { 400: "wrong_password", 401: "wrong_password", 403: "not_for_phones", 422: "wrong_password", 423: "locked", 429: "locked" };

/**
 * Signs in and enrols; the new session is current when this returns.
 * @param {{username: string, password: string, name: string}} credentials `name` is what the user calls the phone
 * @returns {Promise<import("../store/meta.js").Session>}
 * @throws {EnrolmentError}
 */
export async function enrol(credentials) {
  const sent_ms = Date.now();
  const previous = (await sessions()).find(({ author }) => author === credentials.username)?.device ?? "";
  const response = await post({ ...credentials, previous });
  if (!response.ok) {
    const retry_after_s = Number(response.headers.get("Retry-After")) || null;
    throw new EnrolmentError(KINDS[response.status] ?? "server", retry_after_s);
  }
  const received_ms = Date.now();
  const told = await response.json();
  const session = sessionOf(told, received_ms, sent_ms);
  // Noted first: a session that is there is not enrolled again, and would never be told.
  if (told.before) await noteLoss(session.author, told.before);
  await beginSession(session);
  return session;
}

async function post(credentials) {
  try {
    return await fetch("/api/devices", {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(credentials),
      // For the cookie by which a phone is known again whose storage was cleared.
      credentials: "same-origin",
    });
  } catch {
    throw new EnrolmentError("offline");
  }
}

/** @param {any} answer of `POST /api/devices` @param {number} now_ms @param {number} [sent_ms] @returns {import("../store/meta.js").Session} */
export function sessionOf({ device_id, token, user, grids, databases, server_time, seal_key }, now_ms, sent_ms = now_ms) {
  return {
    user,
    author: user.id.replace(/^user:/, ""),
    device: device_id,
    token,
    grids,
    databases,
    offset_ms: offsetOf(server_time, sent_ms, now_ms),
    server_ms: Date.parse(server_time) || null,
    seal_key,
    enrolled_at: new Date(now_ms).toISOString(),
  };
}
