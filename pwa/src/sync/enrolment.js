/**
 * What needs the account's password and so the network: enrolling this phone, whose answer becomes a session, and having the server open
 * the vault of somebody who forgot the PIN.
 */
import { base64Of, bytesOf } from "../crypto/seals.js";
import { noteLoss } from "../store/losses.js";
import { beginSession, currentSession, sessions } from "../store/meta.js";
import { lock } from "../store/vault.js";
import { offsetOf } from "./clock.js";

/** Why a password did not help: `wrong_password`, `locked`, `not_for_phones`, `offline`, `signed_out`, `unreadable` or `server`. */
export class EnrolmentError extends Error {
  /** @param {string} kind @param {number | null} [retry_after_s] */
  constructor(kind, retry_after_s = null) {
    super(kind);
    this.name = "EnrolmentError";
    this.kind = kind;
    this.retry_after_s = retry_after_s;
  }
}

const OPENING_KINDS = { 401: "signed_out", 403: "wrong_password", 422: "unreadable", 429: "locked" };
const KINDS = { 400: "wrong_password", 401: "wrong_password", 403: "not_for_phones", 422: "wrong_password", 423: "locked", 429: "locked" };

/**
 * Signs in and enrols; the new session is current when this returns, and what somebody else had open is locked.
 * @param {{username: string, password: string, name: string}} credentials `name` is what the user calls the phone
 * @returns {Promise<import("../store/meta.js").Session>}
 * @throws {EnrolmentError}
 */
export async function enrol(credentials) {
  const sent_ms = Date.now();
  const previous = (await sessions()).find(({ author }) => author === credentials.username)?.device ?? "";
  // With the cookie by which a phone is known again whose storage was cleared.
  const response = await post("/api/devices", { ...credentials, previous }, KINDS, { credentials: "same-origin" });
  const received_ms = Date.now();
  const told = await response.json();
  const session = sessionOf(told, received_ms, sent_ms);
  // Noted first: a session that is there is not enrolled again, and would never be told.
  if (told.before) await noteLoss(session.author, told.before);
  const before = await currentSession();
  if (before && before.author !== session.author) await lock(before.author);
  await beginSession(session);
  return session;
}

/**
 * The data key that a vault keeps sealed for the server. @param {import("../store/meta.js").Session} session @param {string} password
 * @param {Uint8Array} sealed @returns {Promise<Uint8Array<ArrayBuffer>>} @throws {EnrolmentError}
 */
export async function openDataKey({ token }, password, sealed) {
  const body = { password, sealed: base64Of(sealed) };
  const response = await post("/api/devices/me/data-key", body, OPENING_KINDS, { headers: { Authorization: `Bearer ${token}` } });
  return bytesOf((await response.json()).key);
}

/** @param {string} path @param {any} body @param {Record<number, string>} kinds @param {RequestInit} [more] */
async function post(path, body, kinds, more = {}) {
  const headers = { "Content-Type": "application/json", Accept: "application/json", ...more.headers };
  const response = await fetch(path, { credentials: "omit", ...more, method: "POST", headers, body: JSON.stringify(body) }).catch(() => {
    throw new EnrolmentError("offline");
  });
  if (response.ok) return response;
  throw new EnrolmentError(kinds[response.status] ?? "server", Number(response.headers.get("Retry-After")) || null);
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
