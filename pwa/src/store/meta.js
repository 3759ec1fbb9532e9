/**
 * What the phone knows before anyone's records are opened: who is signed in, everyone's device token, the language.
 * One small database for all users of the phone; records are in `own.js` and `documents.js`, one set per user.
 *
 * @typedef {{name: string, pull: boolean, push: boolean}} RemoteDatabase
 * @typedef {{user: {id: string, name: string, roles: string[]}, author: string, device: string, token: string,
 *   grids: string[], databases: RemoteDatabase[], offset_ms: number | null, server_ms?: number | null, enrolled_at: string, epoch?: string, push_key?: string,
 *   push_endpoint?: string, requests_answered?: number, seal_key?: {id: string, point: string, proof?: string}}} Session `seal_key` is what only the server opens (`crypto/seals.js`), and
 *   what it believes a rescue file by. `push_endpoint` is the subscription that the server has of this phone, `requests_answered` how
 *   many of an officer's requests for household data have an answer that was not looked at (`GET /api/devices/me`).
 *   `server_ms` is the server's time at the last contact: no clock of this phone's is before it
 */
import { done, open, transact } from "./idb.js";

const NAME = "xunge-meta";

function openMeta() {
  return open(NAME, 1, (db) => {
    db.createObjectStore("sessions", { keyPath: "author" });
    db.createObjectStore("settings");
  });
}

async function setting(key) {
  const db = await openMeta();
  return transact(db, ["settings"], "readonly", (tx) => done(tx.objectStore("settings").get(key)));
}

async function setSetting(key, value) {
  const db = await openMeta();
  await transact(db, ["settings"], "readwrite", (tx) => done(tx.objectStore("settings").put(value, key)), "strict");
}

/** The signed-in user's session, or null. @returns {Promise<Session | null>} */
export async function currentSession() {
  const db = await openMeta();
  return transact(db, ["settings", "sessions"], "readonly", async (tx) => {
    const author = await done(tx.objectStore("settings").get("current"));
    return author ? ((await done(tx.objectStore("sessions").get(author))) ?? null) : null;
  });
}

/** Keeps a session and makes it the current one (enrolment, or the same user's new token). @param {Session} session */
export async function beginSession(session) {
  const db = await openMeta();
  await transact(db, ["settings", "sessions"], "readwrite", (tx) => {
    tx.objectStore("sessions").put(session);
    tx.objectStore("settings").put(session.author, "current");
    tx.objectStore("settings").delete("wiped_at");
  }, "strict");
}

/** Changes fields of one user's session, e.g. the databases the server announced. Nothing when it is not known. */
export async function updateSession(author, fields) {
  const db = await openMeta();
  await transact(db, ["sessions"], "readwrite", async (tx) => {
    const held = await done(tx.objectStore("sessions").get(author));
    if (held) tx.objectStore("sessions").put({ ...held, ...fields });
  });
}

/** Signs out: nobody is current. Records, outbox and token of that user stay until everything is sent. Needs no room: it only deletes. */
export async function endSession() {
  const db = await openMeta();
  await transact(db, ["settings"], "readwrite", (tx) => done(tx.objectStore("settings").delete("current")), "strict");
}

/** Everybody who has a session on this phone, signed in or out. @returns {Promise<Session[]>} */
export async function sessions() {
  const db = await openMeta();
  return transact(db, ["sessions"], "readonly", (tx) => done(tx.objectStore("sessions").getAll()));
}

/** One user's session, or null. @returns {Promise<Session | null>} */
export async function sessionOf(author) {
  return (await sessions()).find((session) => session.author === author) ?? null;
}

/** Forgets a user: token and session are gone, and nobody is current if it was this one. */
export async function dropSession(author) {
  const db = await openMeta();
  await transact(db, ["settings", "sessions"], "readwrite", async (tx) => {
    tx.objectStore("sessions").delete(author);
    const settings = tx.objectStore("settings");
    if ((await done(settings.get("current"))) === author) settings.delete("current");
  }, "strict");
}

/**
 * When a revoked phone wiped somebody's data, and how many forms that were begun went with them; or null. The next sign-in clears it.
 * @returns {Promise<{at: string, drafts: number} | null>}
 */
export async function wiped() {
  const held = (await setting("wiped_at")) ?? null;
  return typeof held === "string" ? { at: held, drafts: 0 } : held; // earlier versions kept the moment alone
}

/** @param {{at: string, drafts: number}} facts */
export async function setWiped(facts) {
  await setSetting("wiped_at", facts);
}

/** The app's version as its service worker noted it when it took over; what the sync worker, which is part of it, cannot know. */
export async function appVersion() {
  return (await setting("version")) ?? "";
}

/** @param {string} version */
export async function setAppVersion(version) {
  await setSetting("version", version);
}

/** Letters larger than the phone's own setting makes them, by the names `styles/base.css` knows. */
export const TEXT_SIZES = Object.freeze(["normal", "large", "largest"]);

/** Light and dark as the phone is set, or always one of them, by the names `styles/tokens.css` knows. */
export const THEMES = Object.freeze(["phone", "light", "dark"]);

/** What pages look like when nobody chose, or nothing can be read. */
export const DEFAULTS = Object.freeze({ language: "zh-CN", text_size: "normal", theme: "phone" });

/** What everybody on this phone chose for it. @returns {Promise<{language: string, text_size: string, theme: string}>} */
export async function choices() {
  const db = await openMeta();
  const chosen = await transact(db, ["settings"], "readonly", (tx) => {
    return Promise.all(Object.entries(DEFAULTS).map(async ([key, other]) => [key, (await done(tx.objectStore("settings").get(key))) ?? other]));
  });
  return Object.fromEntries(chosen);
}

/** @returns {Promise<string>} */
export async function language() {
  return (await choices()).language;
}

/** @param {string} size one of `TEXT_SIZES` */
export async function setTextSize(size) {
  await setSetting("text_size", size);
}

/** @param {string} theme one of `THEMES` */
export async function setTheme(theme) {
  await setSetting("theme", theme);
}

export async function setLanguage(code) {
  await setSetting("language", code);
}
