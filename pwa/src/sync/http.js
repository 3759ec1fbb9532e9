/**
 * Requests of the sync worker: the token, a time limit, and failures as a few named errors. It waits for nothing itself; the loop
 * decides when to try again.
 */

import { hasMoved } from "./clock.js";

/** The server could not be reached, or the link died. */
export class Offline extends Error {
  constructor(cause) {
    super("no answer", { cause });
    this.name = "Offline";
  }
}

/**
 * The token is not taken: `reason` is the server's code (`token_revoked`, `token_expired`, `token_unknown`); `told` is all it said
 * (`wipe`, `rescue_until`).
 */
export class SignedOut extends Error {
  constructor(reason, told = {}) {
    super(reason);
    Object.assign(this, { name: "SignedOut", reason, told });
  }
}

/** The server asks for patience (429, 503, 507) or failed (5xx): everything stays here. */
export class Busy extends Error {
  constructor(status, reason, retry_after_s) {
    super(`${status} ${reason}`);
    Object.assign(this, { name: "Busy", status, reason, retry_after_s });
  }
}

/** The server refused the request as a whole. */
export class Refused extends Error {
  constructor(status, reason) {
    super(`${status} ${reason}`);
    Object.assign(this, { name: "Refused", status, reason });
  }
}

const TIMEOUT_MS = 60_000;
/** So long without the first word of an answer may mean that the link died without saying so. */
const SILENT_MS = 10_000;

/** @type {Set<{since_ms: number, stop: () => void}>} requests whose answers have not begun */
const silent = new Set();

/** Ends requests that have heard nothing for long: somebody asks anew, and would wait for their time limit otherwise. They throw Offline. */
export function giveUpSilent() {
  for (const { since_ms, stop } of silent) if (performance.now() - since_ms > SILENT_MS) stop();
}

let clockMoved = () => undefined;

/** Asks to be told when an answer shows that this phone's clock was set meanwhile. @param {() => any} hear */
export function onClockMoved(hear) {
  clockMoved = hear;
}

/**
 * One JSON request with the session's token.
 * @param {import("../store/meta.js").Session} session @param {string} path
 * @param {{method?: string, body?: any, timeout_ms?: number, signal?: AbortSignal, onSize?: (size_bytes: number) => void}} [options]
 *   `onSize` is told how long the answer's text is
 * @returns {Promise<any>} the parsed answer, or null when it has no body
 * @throws {Offline | SignedOut | Busy | Refused}
 */
export async function ask(session, path, { method = "GET", body, timeout_ms = TIMEOUT_MS, signal, onSize = () => undefined } = {}) {
  const limit = AbortSignal.timeout(timeout_ms);
  const response = await open(session, path, {
    method,
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: signal ? anyOf(signal, limit) : limit,
  });
  try {
    const text = await response.text();
    onSize(text.length);
    return text ? JSON.parse(text) : null;
  } catch (error) {
    throw new Offline(error);
  }
}

/** The same, answering the open response (for streams). @param {any} session @param {string} path @param {RequestInit} init */
export async function open(session, path, init) {
  const headers = { Authorization: `Bearer ${session.token}`, Accept: "application/json", ...init.headers };
  if (init.body) headers["Content-Type"] = "application/json";
  const sent_ms = Date.now();
  const given_up = new AbortController();
  const waiting = { since_ms: performance.now(), stop: () => given_up.abort() };
  silent.add(waiting);
  let response;
  try {
    const signal = init.signal ? anyOf(init.signal, given_up.signal) : given_up.signal;
    response = await fetch(path, { ...init, headers, signal, credentials: "omit", cache: "no-store" });
  } catch (error) {
    throw new Offline(error);
  } finally {
    silent.delete(waiting);
  }
  if (hasMoved(response.headers.get("Date"), session.offset_ms, sent_ms, Date.now())) clockMoved();
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function problemOf(response) {
  const told = await response.json().catch(() => ({}));
  return errorOf(response.status, codeOf(told), Number(response.headers.get("Retry-After")) || null, told);
}

/** A problem's `code`, or CouchDB's `reason`; of a full store it is `error` that is a code. */
function codeOf({ code, reason, error }) {
  return code ?? (error === "insufficient_storage" ? error : (reason ?? error)) ?? "";
}

/** Which of the named errors a status is. @param {number} status @param {string} reason @param {number | null} retry_after_s @param {any} [told] */
export function errorOf(status, reason, retry_after_s, told = {}) {
  if (status === 401) return new SignedOut(reason || "token_unknown", told);
  if (status === 429 || status >= 500) return new Busy(status, reason, retry_after_s);
  return new Refused(status, reason);
}

function anyOf(first, second) {
  const both = new AbortController();
  for (const signal of [first, second]) {
    if (signal.aborted) both.abort(signal.reason);
    else signal.addEventListener("abort", () => both.abort(signal.reason), { once: true });
  }
  return both.signal;
}
