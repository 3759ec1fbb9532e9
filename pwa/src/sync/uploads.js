/**
 * Sends photo files by the resumable tus protocol (`tus.js`), newest first and one at a time, after the records. Where an upload
 * stands is in the store, so it goes on after any stop from the byte the server has. What an answer means is `verdicts.js`'s to say.
 */
import { ERASED, forgetPhoto } from "../store/erased.js";
import { fileHanded } from "../store/handing.js";
import { noteUpload, releaseUpload, setState, state, uploads } from "../store/outbox.js";
import { readable } from "../store/sealed.js";
import { vaultOf } from "../store/vault.js";
import { Offline, errorOf } from "./http.js";
import { planFor, qualityAfter } from "./link.js";
import { UploadError, upload as send } from "./tus.js";
import { MOST_FAULTS, faultWait, verdictOf } from "./verdicts.js";
import { mayGo } from "./wifi.js";

const ENDPOINT = "/api/uploads";
/** Where a refused token may still send files, for a clerk to look at. */
export const RESCUE_ENDPOINT = "/api/rescue/uploads";
const NOTE_EVERY_MS = 1_000;
/** A link that dies without a word would hold up everything for ever: no byte moved for so long means that it is dead. */
const STALL_MS = 45_000;
const RETRY_WAITS_MS = [500, 2_000, 5_000];
/** Worth another try within this run; patience the server asks for is the loop's business. */
const TRANSIENT = new Set([0, 408, 409, 423, 460]);

/**
 * Sends what is waiting until nothing is left that may be tried now. A file that arrived damaged waits a while and does not hold
 * up the others.
 * @param {import("../store/meta.js").Session} session
 * @param {{shouldStop: () => boolean, onProgress: (upload: any) => void, endpoint?: string}} hooks `shouldStop` is asked before each file
 * @returns {Promise<number | null>} milliseconds until a file may be tried again, or null when none waits for that
 * @throws {import("./http.js").Offline | import("./http.js").SignedOut | import("./http.js").Busy}
 */
export async function sendPhotos(session, { shouldStop, onProgress, endpoint = ENDPOINT }) {
  const tried = new Set();
  while (!shouldStop()) {
    const open = await mayGoNow(session, endpoint);
    const next = open.find(({ key, retry_at_ms = 0 }) => !tried.has(key) && retry_at_ms <= Date.now());
    if (!next) return waitFor(open);
    tried.add(next.key);
    await sendOne({ session, endpoint, onProgress }, next);
    onProgress(next);
  }
  return null;
}

/** What is locked waits, unless it is rescued: then the server opens it. Without a PIN nothing is sealed yet. */
async function mayGoNow({ author }, endpoint) {
  const open = (await uploads(author)).filter((upload) => !upload.problem && mayGo(upload));
  const [names, vault] = [open.map(({ database }) => database), await vaultOf(author)];
  const may = new Set(!vault || (endpoint === RESCUE_ENDPOINT && vault.server) ? names : await readable(author, names));
  return open.filter(({ database }) => may.has(database));
}

function waitFor(open) {
  const moments = open.map(({ retry_at_ms }) => retry_at_ms).filter(Boolean);
  return moments.length ? Math.max(0, Math.min(...moments) - Date.now()) : null;
}

/** Lets files that were given up for transfer faults be tried once more: the user or the network is back. */
export async function retryDamaged(author) {
  const damaged = (await uploads(author)).filter(({ problem, is_final }) => problem && !is_final);
  for (const { key } of damaged) await noteUpload(author, key, { problem: null, retry_at_ms: 0 });
}

/** Lets files that another phone of this user handed over for a clerk be sent where they belong. @param {import("../store/meta.js").Session} session */
export async function retryRescued({ author, device }) {
  const rescued = (await uploads(author)).filter(({ problem, rescued_by }) => problem === "rescued" && rescued_by !== device);
  const anew = { problem: null, is_final: false, is_kept: false, upload_url: null, sent_bytes: 0 };
  for (const { key } of rescued) await noteUpload(author, key, anew);
}

async function sendOne(sending, upload) {
  const { author } = sending.session;
  const file = await fileHanded(author, upload);
  if (!file) return noteUpload(author, upload.key, { problem: "file_missing", is_final: true, is_kept: false });
  try {
    await transfer(sending, { ...upload, ...file }, file.blob, planFor(await state(author, "link")));
    await noteLink(author, true);
    await letGo(sending, upload);
  } catch (error) {
    if (!(error instanceof UploadError)) throw error;
    const verdict = verdictOf(error.status, error.body);
    if (verdict.kind === "failed") throw await whatFailed(sending, error);
    if (verdict.code === ERASED) return forgetPhoto(author, upload.photo);
    await noteUpload(author, upload.key, verdict.kind === "refused" ? refusedNote(verdict) : faultNote(upload, verdict));
  }
}

async function noteLink(author, isWhole) {
  await setState(author, "link", qualityAfter(await state(author, "link"), isWhole));
}

/** A file that was rescued lies in quarantine: unsent no more, and its record says so. */
async function letGo({ session, endpoint }, { key }) {
  if (endpoint === ENDPOINT) return releaseUpload(session.author, key);
  await noteUpload(session.author, key, { problem: "rescued", is_final: true, is_kept: true, rescued_by: session.device });
}

function refusedNote({ code, is_kept }) {
  return { problem: code, is_final: true, is_kept };
}

/** The server dropped what it had: the next try begins with the first byte. */
function faultNote({ faults = 0 }, { code }) {
  const anew = { faults: faults + 1, upload_url: null, sent_bytes: 0 };
  const isOver = anew.faults >= MOST_FAULTS;
  return isOver ? { ...anew, problem: code, is_final: false } : { ...anew, retry_at_ms: Date.now() + faultWait(anew.faults) };
}

function transfer({ session, endpoint, onProgress }, upload, blob, plan) {
  return send(blob, {
    ...plan,
    endpoint,
    url: isUnder(upload.upload_url, endpoint) ? upload.upload_url : null,
    stall_ms: STALL_MS,
    waits_ms: RETRY_WAITS_MS,
    headers: { Authorization: `Bearer ${session.token}` },
    metadata: metadataOf(upload),
    onUrl: (upload_url) => void noteUpload(session.author, upload.key, { upload_url }),
    onProgress: progressOf(session, upload, onProgress),
    // Begun with its bytes and no address known: another try here would send all of them once more.
    mayRetry: (error, url) => mayRetry(session.author, error) && (!plan.with_creation || Boolean(url)),
  });
}

/** Each break counts for the link, also those after which the transfer goes on by itself. */
function mayRetry(author, error) {
  if (!error.status) void noteLink(author, false);
  return TRANSIENT.has(error.status);
}

/** An address from another way of sending (a rescue, or before one) is not gone on with. */
function isUnder(url, endpoint) {
  return Boolean(url) && new URL(url, "http://phone").pathname.startsWith(`${endpoint}/`);
}

function metadataOf({ photo, role, database, sha256, content_type }) {
  return { photo, role, database, sha256, filetype: content_type };
}

function progressOf(session, upload, onProgress) {
  let noted_at_ms = 0;
  return (sent_bytes) => {
    if (Date.now() - noted_at_ms < NOTE_EVERY_MS) return;
    noted_at_ms = Date.now();
    void noteUpload(session.author, upload.key, { sent_bytes }).then(() => onProgress(upload));
  };
}

async function whatFailed({ session }, { status, body, retry_after_s }) {
  if (status) return errorOf(status, body.code ?? "", retry_after_s);
  await noteLink(session.author, false);
  return new Offline("the link broke");
}
