/**
 * Where each record stands: on this phone, on its way, at the server, put aside with a reason, and which case became of it.
 * `place` is `phone`, `sending`, `server` or `refused`; `photos_refused` are photos whose document the gate put aside (`of` is
 * `record`) or whose file stopped (`file`, see `outbox.js`), with the reason's code. Derived from outbox, uploads, refusals and case copies every time; nothing here is stored.
 *
 * Of a refused record `outcome` is what a clerk made of it; one adopted as it was is at the server. `held_back` is why the server did not
 * take a waiting one yet.
 *
 * @typedef {{place: string, reason: string | null, detail: any, outcome: Outcome | null, held_back: string | null,
 *   photos_unsent: number, photos_refused: RefusedPhoto[], percent: number, case: any | null}} Where
 * @typedef {Pick<import("./refusals.js").Refusal, "state" | "decided_at" | "decision_reason" | "adopted_as">} Outcome
 * @typedef {{photo: string, n: number, of: "record" | "file", code: string, is_kept: boolean}} RefusedPhoto `n` counts from 1
 * @typedef {{unsent: Map<string, string | null>, refused: Map<string, any>, files: import("./outbox.js").Upload[], isPushing: boolean}} Standing
 */
import { photosNamed } from "./capture.js";
import { done, transact } from "./idb.js";
import { oldestQuarter } from "./databases.js";
import { lossOf } from "./losses.js";
import { entries, state, uploads } from "./outbox.js";
import { openOwn } from "./own.js";
import { isWithoutRoom } from "./room.js";
import { casesOf, getRecord } from "./reading.js";
import { isSealed } from "./vault.js";

const FRESH_MS = 60_000;
const HAVE_CASES = new Set(["report", "errand"]);
/** Documents that nobody sees as records: photos go with theirs, and what was read is the log's. */
const UNSEEN = new Set(["photo", "access"]);
export const isSeen = (id) => !UNSEEN.has(id.slice(0, id.indexOf(":")));

/**
 * Adds `where` to rows of records.
 * @param {import("./meta.js").Session} session @param {import("./reading.js").Row[]} rows
 * @param {Map<string, any>} [cases] their cases, where they were read already
 * @returns {Promise<(import("./reading.js").Row & {where: Where})[]>}
 */
export async function addWhere(session, rows, cases) {
  const [stood, found] = await Promise.all([
    standing(session.author),
    cases ?? casesOf(session, rows.filter(({ doc }) => HAVE_CASES.has(doc.type))),
  ]);
  return placed(rows, found, stood);
}

/** The same from what was read already. @param {import("./reading.js").Row[]} rows @param {Map<string, any>} cases @param {Standing} standing */
export function placed(rows, cases, { unsent: waiting, refused, files, isPushing }) {
  return rows.map((row) => {
    const place = placeOf(row.id, refused, waiting, isPushing);
    const photos_refused = refusedPhotos(row.doc, refused, files);
    const going = files.filter((file) => file.of === row.id && isGoing(file));
    return { ...row, where: { ...place, ...progress(row.doc, going, photos_refused), photos_refused, case: cases.get(row.id) ?? null } };
  });
}

/** Everything that says where records stand, as of one moment: one transaction, whatever the number of rows. @returns {Promise<Standing>} */
export async function standing(author) {
  const db = await openOwn(author);
  const [waiting, refused, files, sync] = await transact(db, ["outbox", "refused", "uploads", "state"], "readonly", (tx) => Promise.all([
    waitingIn(tx.objectStore("outbox")),
    done(tx.objectStore("refused").getAll()),
    done(tx.objectStore("uploads").getAll()),
    done(tx.objectStore("state").get("sync")),
  ]));
  return {
    unsent: new Map(waiting),
    refused: new Map(refused.map((refusal) => [refusal.id, refusal])),
    files,
    isPushing: sync?.phase === "push" && Date.now() - sync.phase_at_ms < FRESH_MS,
  };
}

/** Ids that wait, with what held them back. Most often nothing waits, and then nothing is read. */
async function waitingIn(/** @type {IDBObjectStore} */ store) {
  if (!(await done(store.count()))) return /** @type {[string, string | null][]} */ ([]);
  const all = /** @type {import("./outbox.js").Entry[]} */ (await done(store.getAll()));
  return /** @type {[string, string | null][]} */ (all.map(({ id, held_back = null }) => [id, held_back]));
}

/** Whether a file is still on its way; one that is refused for good is not. @param {import("./outbox.js").Upload} upload */
export function isGoing({ problem, is_final }) {
  return !(problem && is_final);
}

function refusedPhotos(doc, refused, files) {
  const found = /** @type {RefusedPhoto[]} */ ([]);
  for (const [at, photo] of photosNamed(doc).entries()) {
    const refusal = refused.get(photo);
    const file = files.find((one) => one.photo === photo && one.problem);
    if (refusal && refusal.adopted_as?.id !== photo) found.push({ photo, n: at + 1, of: "record", code: refusal.reason, is_kept: true });
    else if (file) found.push({ photo, n: at + 1, of: "file", code: file.problem, is_kept: file.is_kept === true });
  }
  return found;
}

/** Ids of records of which a photo was refused, each once. @param {import("./meta.js").Session} session @returns {Promise<string[]>} */
export async function withRefusedPhotos(session) {
  const { refused, files } = await standing(session.author);
  const photos = [...refused.values()].filter(({ id, adopted_as }) => id.startsWith("photo:") && adopted_as?.id !== id);
  const aside = await Promise.all(photos.map(({ id }) => getRecord(session, id)));
  return [...new Set([...files.filter(({ problem }) => problem).map(({ of }) => of), ...aside.flatMap((row) => (row ? [row.doc.of] : []))])];
}

function placeOf(id, reasons, unsent, isPushing) {
  const refusal = reasons.get(id);
  if (refusal) return refusedPlace(refusal);
  const place = unsent.has(id) ? (isPushing ? "sending" : "phone") : "server";
  return { place, reason: null, detail: null, outcome: null, held_back: unsent.get(id) ?? null };
}

/** @param {any} refusal */
function refusedPlace({ id, reason, detail, state = "waiting", decided_at = null, decision_reason = null, adopted_as = null }) {
  const outcome = /** @type {Outcome} */ ({ state, decided_at, decision_reason, adopted_as });
  return { place: adopted_as?.id === id ? "server" : "refused", reason, detail, outcome, held_back: null };
}

function progress(doc, going, refused) {
  const lost = refused.filter(({ photo }) => !going.some((file) => file.photo === photo)).length;
  const total = Math.max(photosNamed(doc).length - lost, going.length);
  const partly = going.reduce((sum, { sent_bytes, size_bytes }) => sum + sent_bytes / size_bytes, 0);
  const percent = total ? Math.floor((100 * (total - going.length + partly)) / total) : 100;
  return { photos_unsent: going.length, percent };
}

/**
 * What has not reached the server and still may: `{records, photos, count, documents, size_bytes, oldest_quarter, sealed, sealed_count}`. `sealed` is how many
 * documents and files need the vault open, `sealed_count` how many of `count`; `documents` counts those too that nobody sees as records; `oldest_quarter` is the oldest database's.
 */
export async function unsent(author) {
  const [records, all] = await Promise.all([entries(author), uploads(author)]);
  const files = all.filter(isGoing);
  const shown = records.filter(({ id }) => isSeen(id));
  const size_bytes = [...records, ...files].reduce((sum, { size_bytes: size }) => sum + size, 0);
  const oldest_quarter = oldestQuarter([...records, ...files].map(({ database }) => database));
  const documents = records.length;
  const ofSealed = (rows) => rows.filter(({ database }) => isSealed(database)).length;
  const [sealed, sealed_count] = [ofSealed([...records, ...files]), ofSealed([...shown, ...files])];
  return { records: shown.length, photos: files.length, count: shown.length + files.length, documents, size_bytes, oldest_quarter, sealed, sealed_count };
}

/** What keeps sync from going on, as `status` says it, without asking the browser about its storage. */
export async function problem(author) {
  return problemOf((await state(author, "sync")) ?? {});
}

/** How far a new phone's first load is: `{written, pending}`, of what has been asked for so far; null when everything has been here once. */
export async function loadingOf(author) {
  const { loaded = false, loading = null } = (await state(author, "sync")) ?? {};
  return loaded ? null : (loading ?? { written: 0, pending: 0 });
}

function problemOf({ problem: whole = null, photos_problem = null }) {
  return whole ?? photos_problem;
}

/**
 * How sync and storage are: `{phase, problem, last_contact_at, last_sync_at, loaded, offset_ms, usage_bytes,
 * quota_bytes, is_full, is_persisted, rescue, loss}`; `is_full` is that something found no room lately (`room.js`), `rescue`
 * what becomes of this phone's data after its token was refused (`sync/rescue.js`). `problem` is null or one of `offline`, `signed_out`, `revoked`, `expired`, `server_full`, `server`,
 * `photos_unavailable` (records arrive, photo files do not), `phone_full`, `unknown`.
 */
export async function status(session) {
  const storage = globalThis.navigator?.storage;
  const [kept, loss, is_full, estimate, is_persisted] = await Promise.all([
    state(session.author, "sync"), lossOf(session.author), isWithoutRoom(session.author), storage?.estimate?.().catch(() => null), storage?.persisted?.().catch(() => null),
  ]);
  const sync = kept ?? {};
  return {
    phase: sync.phase ?? "idle",
    problem: problemOf(sync),
    last_contact_at: sync.last_contact_at ?? null,
    last_sync_at: sync.last_sync_at ?? null,
    loaded: sync.loaded ?? false,
    offset_ms: session.offset_ms ?? null,
    rescue: sync.rescue ?? null,
    loss,
    is_full,
    usage_bytes: estimate?.usage ?? null,
    quota_bytes: estimate?.quota ?? null,
    is_persisted: is_persisted ?? null,
  };
}
