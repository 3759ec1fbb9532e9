/**
 * What the server put aside instead of taking: one row for each record, with a full copy of it, the reason and what a clerk made
 * of it. Some reasons cure themselves (a grid is given back, the app is updated): such a record goes into the outbox once more, as
 * the same revision, so that it can never become two. Which page says what is not known here.
 *
 * @typedef {{id: string, rev: string, database: string, reason: string, detail: any, refused_at: string, state: "waiting" | "adopted"
 *   | "dismissed" | "erased", decided_at: string | null, decision_reason: string | null, adopted_as: {database: string, id: string} | null,
 *   doc?: any, size_bytes?: number, saved_at?: string, tried_with?: string, tried_at_ms?: number}} Refusal
 *   `tried_with` is what the phone was when it last tried (`grantsOf`); `doc` is missing in rows of the first version
 */
import { findAsIs } from "./documents.js";
import { done, transact } from "./idb.js";
import { entryKey } from "./outbox.js";
import { openOwn } from "./own.js";

const CURED_BY_GRANTS = new Set(["not_grid_holder", "archived_database", "type_not_allowed", "rescued"]);
const CURED_BY_UPDATE = new Set(["schema", "unknown_type", "stamp_ahead"]);
const TRY_EVERY_MS = 24 * 3_600_000;

/** What decides whether trying again may go better. @param {import("./meta.js").Session} session @param {string} version of the app */
export function grantsOf({ databases, user, device }, version) {
  const names = databases.filter(({ push }) => push).map(({ name }) => name).sort();
  return { grants: [device, ...[...user.roles].sort(), ...names].join(" "), version };
}

/** Marks of a phone that had not asked for its rights just before: a refusal shows that they may have changed. */
export const STALE_GRANTS = "";

/** The row of an entry that the server has put aside. @param {any} entry @param {any} answer @param {{grants: string, version: string}} given */
export function refusalOf({ id, rev, database, doc, size_bytes, saved_at }, { reason, detail = null }, given) {
  return {
    id, rev, database, reason, detail, doc, size_bytes, saved_at, refused_at: new Date().toISOString(),
    state: "waiting", decided_at: null, decision_reason: null, adopted_as: null,
    tried_with: markOf(reason, given), tried_at_ms: Date.now(),
  };
}

/** What may cure a reason: a new grid, quarter, role or phone, or an update of the app. Anything else waits for a clerk or the user. */
export function cureOf(reason) {
  if (CURED_BY_GRANTS.has(reason)) return "grants";
  return CURED_BY_UPDATE.has(reason) ? "update" : null;
}

function markOf(reason, { grants, version }) {
  return { grants, update: version }[cureOf(reason) ?? ""] ?? "";
}

/**
 * Whether a record should go into the outbox again by itself: what had kept it out is different now, or a day has passed (the
 * server's rules may have changed, which a phone cannot see). @param {any} refusal @param {{grants: string, version: string}} given
 */
export function isCurable({ state = "waiting", reason, tried_with, tried_at_ms = 0 }, given, now_ms = Date.now()) {
  if (state !== "waiting" || !cureOf(reason)) return false;
  return tried_with !== markOf(reason, given) || Math.abs(now_ms - tried_at_ms) >= TRY_EVERY_MS;
}

/** Everything put aside. @param {string} author @returns {Promise<Refusal[]>} */
export async function refusals(author) {
  const db = await openOwn(author);
  const all = await transact(db, ["refused"], "readonly", (tx) => done(tx.objectStore("refused").getAll()));
  return all.map((row) => ({ state: "waiting", decided_at: null, decision_reason: null, adopted_as: null, ...row }));
}

/**
 * What of it was erased at the server since (`erased.js`): its entries there tell no id any more, only their own, which is made of place, id
 * and revision. @param {string} author @param {any[]} outcomes @returns {Promise<Refusal[]>}
 */
export async function erasedSince(author, outcomes) {
  const emptied = new Set(outcomes.flatMap(({ id, doc_id, reason }) => (reason === "erased_id" && !doc_id ? [id] : [])));
  if (!emptied.size) return [];
  const waiting = (await refusals(author)).filter(({ state }) => state !== "erased");
  const named = await Promise.all(waiting.map(({ database, id, rev }) => digest(`${database}\n${id}\n${rev}`)));
  return waiting.filter((_row, at) => emptied.has(`refused:${named[at]}`));
}

async function digest(text) {
  const found = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(found), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Puts records into the outbox once more, durably. @param {string} author @param {Refusal[]} rows @returns {Promise<string[]>} ids that went */
export async function putBack(author, rows) {
  const entries = (await Promise.all(rows.map((row) => entryOf(author, row)))).filter((entry) => entry !== null);
  if (!entries.length) return [];
  const db = await openOwn(author);
  await transact(db, ["outbox", "refused"], "readwrite", (tx) => {
    for (const entry of entries) {
      tx.objectStore("outbox").put(entry);
      tx.objectStore("refused").delete(entry.id);
    }
  }, "strict");
  return entries.map(({ id }) => id);
}

/** @param {string} author @param {Refusal} row */
async function entryOf(author, { id, rev, database, doc, size_bytes = 0, saved_at = new Date().toISOString() }) {
  const held = doc ?? (await findAsIs(author, database, id, Number.parseInt(rev, 10) > 1));
  return held?._rev === rev ? { key: entryKey(database, id, rev), id, rev, database, doc: held, size_bytes, saved_at } : null;
}

/**
 * Keeps what clerks decided, as `GET /api/quarantine/mine` tells it.
 * @param {string} author @param {any[]} outcomes @returns {Promise<string[]>} ids of records whose outcome is new
 */
export async function noteOutcomes(author, outcomes) {
  const db = await openOwn(author);
  return transact(db, ["refused"], "readwrite", async (tx) => {
    const store = tx.objectStore("refused");
    const rows = new Map((await done(store.getAll())).map((row) => [`${row.database}|${row.id}|${row.rev}`, row]));
    const changed = [];
    for (const { database, doc_id, rev, state, decided_at, decision_reason, adopted_as } of outcomes) {
      const row = rows.get(`${database}|${doc_id}|${rev}`);
      if (!row || state === (row.state ?? "waiting")) continue;
      store.put({ ...row, state, decided_at, decision_reason, adopted_as });
      changed.push(doc_id);
    }
    return changed;
  });
}
