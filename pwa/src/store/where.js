/**
 * Where each record stands: on this phone, on its way, at the server, put aside with a reason, and which case became of it.
 * `place` is `phone`, `sending`, `server` or `refused`. Derived from outbox, uploads, refusals and case copies every time; nothing here is stored.
 *
 * @typedef {{place: string, reason: string | null, detail: any,
 *   photos_unsent: number, percent: number, case: any | null}} Where
 */
import { done, transact } from "./idb.js";
import { entries, refusals, state, uploads } from "./outbox.js";
import { openOwn } from "./own.js";
import { casesOf } from "./reading.js";

const FRESH_MS = 60_000;

/**
 * Adds `where` to rows of records.
 * @param {import("./meta.js").Session} session @param {import("./reading.js").Row[]} rows
 * @returns {Promise<(import("./reading.js").Row & {where: Where})[]>}
 */
export async function addWhere(session, rows) {
  const { author } = session;
  const [unsent, refused, files, sync, cases] = await Promise.all([
    unsentIds(author),
    refusals(author),
    uploads(author),
    state(author, "sync"),
    casesOf(session, rows.filter(({ doc }) => doc.type === "report")),
  ]);
  const isPushing = sync?.phase === "push" && Date.now() - sync.phase_at_ms < FRESH_MS;
  const reasons = new Map(refused.map((refusal) => [refusal.id, refusal]));
  return rows.map((row) => {
    const waiting = files.filter(({ of }) => of === row.id);
    const place = placeOf(row.id, reasons, unsent, isPushing);
    return { ...row, where: { ...place, ...progress(row.doc, waiting), case: cases.get(row.id) ?? null } };
  });
}

async function unsentIds(author) {
  const db = await openOwn(author);
  const keys = await transact(db, ["outbox"], "readonly", (tx) => done(tx.objectStore("outbox").getAllKeys()));
  return new Set(keys.map((key) => String(key).split("|")[1]));
}

function placeOf(id, reasons, unsent, isPushing) {
  const refusal = reasons.get(id);
  if (refusal) return { place: "refused", reason: refusal.reason, detail: refusal.detail };
  const place = unsent.has(id) ? (isPushing ? "sending" : "phone") : "server";
  return { place, reason: null, detail: null };
}

function progress(doc, waiting) {
  const total = Math.max(doc.photos?.length ?? 0, waiting.length);
  const partly = waiting.reduce((sum, { sent_bytes, size_bytes }) => sum + sent_bytes / size_bytes, 0);
  const percent = total ? Math.floor((100 * (total - waiting.length + partly)) / total) : 100;
  return { photos_unsent: waiting.length, percent };
}

/** What has not reached the server: `{records, photos, count, size_bytes}`. */
export async function unsent(author) {
  const [records, files] = await Promise.all([entries(author), uploads(author)]);
  const shown = records.filter(({ doc }) => doc.type !== "photo");
  const size_bytes = [...records, ...files].reduce((sum, { size_bytes: size }) => sum + size, 0);
  return { records: shown.length, photos: files.length, count: shown.length + files.length, size_bytes };
}

/**
 * How sync and storage are: `{phase, problem, last_contact_at, last_sync_at, loaded, loading, offset_ms, usage_bytes,
 * quota_bytes, is_persisted}`. `problem` is null or one of `offline`, `signed_out`, `revoked`, `server_full`, `server`, `phone_full`.
 */
export async function status(session) {
  const sync = (await state(session.author, "sync")) ?? {};
  const storage = globalThis.navigator?.storage;
  const estimate = await storage?.estimate?.().catch(() => null);
  const is_persisted = await storage?.persisted?.().catch(() => null);
  return {
    phase: sync.phase ?? "idle",
    problem: sync.problem ?? null,
    last_contact_at: sync.last_contact_at ?? null,
    last_sync_at: sync.last_sync_at ?? null,
    loaded: sync.loaded ?? false,
    loading: sync.loading ?? null,
    offset_ms: session.offset_ms ?? null,
    usage_bytes: estimate?.usage ?? null,
    quota_bytes: estimate?.quota ?? null,
    is_persisted: is_persisted ?? null,
  };
}
