/**
 * One round of sync: what to ask in which order. Records go first, always; then what changed comes in, and what is over goes. When
 * to run a round and what to do when it fails is `loop.js`'s to decide.
 *
 * @typedef {{me: boolean, all: boolean, names: Set<string>}} Wants what a round should do beside pushing
 * @typedef {{isUnsure: boolean, whenNews?: (push: () => Promise<void>) => () => void, onProgress?: () => void, onStale?: () => void}} Hooks
 *   `isUnsure`: nobody knows how the last push ended; `whenNews` calls `push` whenever something is saved or becomes due, until what it
 *   returned is called; `onProgress`: a page has arrived; `onStale`: the server refused by rights that this phone has not heard of
 */
import { appVersion, updateSession } from "../store/meta.js";
import { loadedDatabases } from "../store/checkpoints.js";
import { ERASED, forgetErased } from "../store/erased.js";
import { Locked } from "../store/errors.js";
import { countFound } from "../store/losses.js";
import { grantsOf, isCurable, putBack, refusals } from "../store/refusals.js";
import { removeClosed, removeStale } from "../store/removal.js";
import { readable, sendable } from "../store/sealed.js";
import { offerAgain } from "./again.js";
import { showBadge } from "./badge.js";
import { offsetOf } from "./clock.js";
import { Busy, Refused, ask } from "./http.js";
import { tellLoss } from "./losses.js";
import { askOutcomes } from "./outcomes.js";
import { note, tellChanged } from "./progress.js";
import { pullAll } from "./pull.js";
import { pushOutbox } from "./push.js";
import { forgetRescue } from "./rescue.js";
import { areAllListed, reportUnsent } from "./unsent.js";
import { retryRescued } from "./uploads.js";

/**
 * @param {import("../store/meta.js").Session} given @param {Wants} wants @param {Hooks} hooks
 * @returns {Promise<import("../store/meta.js").Session>} the session as the server now has it
 */
export async function runRound(given, wants, { isUnsure, whenNews = () => () => undefined, onProgress = () => undefined, onStale = () => undefined }) {
  const loaded = new Set(await loadedDatabases(given.author));
  if (wants.me) tellRemoved(await removeStale(given));
  let session = given;
  const open = async () => {
    if (wants.me) session = await meet(given);
    if (await push(session, { isUnsure, isFresh: wants.me })) onStale();
    // Not before the push: what a full server says must not come and go with every round.
    if (wants.me) await note(session.author, { problem: null });
  };
  const bring = () => pullWanted(session, wants, { whenNews, onProgress, onStale, loaded });
  // A new phone asks at once, by what it was told when it signed in.
  if (wants.all && !loaded.size) await allOf([open(), bring()]);
  else await open().then(bring);
  if (wants.all || wants.names.size) void showBadge(session);
  if (wants.me) tellRemoved(await removeClosed(session));
  if (wants.all) await sendWhatWasLost(session);
  if (wants.all) await countFound(session);
  await finish(session, wants);
  return session;
}

/** Waits for all of them, whatever becomes of one: nothing goes on behind a round that has failed. @param {Promise<any>[]} works */
async function allOf(works) {
  const failed = (await Promise.allSettled(works)).find(({ status }) => status === "rejected");
  if (failed) throw /** @type {PromiseRejectedResult} */ (failed).reason;
}

/** Only when all is pulled: what was deleted meanwhile is not offered. */
async function sendWhatWasLost(session) {
  const ids = await offerAgain(session);
  if (!ids.length) return;
  tellChanged([], ids);
  await push(session);
}

/** What is asked when the server is met: what this phone may do now, what clerks decided, what may be tried again. */
async function meet(given) {
  let session = await refresh(given);
  const areListed = await areAllListed(session);
  // Old quarters stay open as long as the server knows that something waits for them.
  if ((await tellUnsent(session)) && !areListed) session = await refresh(session);
  await askOutcomes(session);
  await tellLoss(session);
  await tryAgain(session);
  return session;
}

/** Before anything is sent, too: should this phone be cleared, nobody would know what it held. It holds up nothing. */
async function tellUnsent(session) {
  try {
    return await reportUnsent(session);
  } catch (error) {
    if (error instanceof Refused || error instanceof Busy) return false;
    throw error;
  }
}

/** Asks what this device may open now, and how far its clock is off; keeps the new token when the server renews it. */
export async function refresh(session) {
  const sent_ms = Date.now();
  const told = await ask(session, "/api/devices/me");
  const offset_ms = offsetOf(told.server_time, sent_ms, Date.now()) ?? session.offset_ms;
  const { user, grids, databases, token = session.token, epoch = session.epoch, seal_key = session.seal_key } = told;
  const { push_key, push_endpoint, requests_answered } = told;
  const server_ms = Date.parse(told.server_time) || session.server_ms;
  const known = { user, grids, databases, offset_ms, server_ms, token, epoch, seal_key, push_key, push_endpoint, requests_answered };
  await updateSession(session.author, known);
  await note(session.author, { last_contact_at: new Date().toISOString() });
  // The same object: whoever listens for pokes or sends photos with it has a renewed token from the next request on.
  return Object.assign(session, known);
}

async function tryAgain(session) {
  await forgetRescue(session.author);
  await retryRescued(session);
  const given = grantsOf(session, await appVersion());
  const all = await refusals(session.author);
  // An earlier version of the app kept what was refused as erased.
  for (const { id, database } of all.filter(({ reason, state }) => reason === ERASED && state !== "erased")) await forgetErased(session.author, database, [id]);
  const curable = all.filter((refusal) => isCurable(refusal, given));
  const ids = await putBack(session.author, curable);
  if (ids.length) tellChanged([], ids);
}

/** @returns {Promise<number>} refusals by rights that this phone has not heard of */
async function push(session, options = {}) {
  if (!(await sendable(session.author)).length) return 0;
  await note(session.author, { phase: "push" });
  const { settled, databases, restamped, stale } = await pushOutbox(session, options);
  if (restamped) await pushOutbox(session, options);
  if (settled.length) tellChanged(databases, settled);
  return stale;
}

/** What is locked is pulled when it is not. */
async function wanted(session, { all, names }) {
  const open = await readable(session.author, session.databases.filter(({ pull }) => pull).map(({ name }) => name));
  const ordered = [...open.filter((name) => name === "ref"), ...open.filter((name) => name !== "ref")];
  return ordered.filter((name) => all || names.has(name));
}

async function pullWanted(session, wants, { whenNews, onProgress, onStale, loaded }) {
  const isLoading = (await wanted(session, wants)).some((name) => !loaded.has(name));
  const notePhase = () => note(session.author, { phase: isLoading ? "load" : "pull" });
  /** @type {Map<string, {written: number, pending: number}>} */ const progress = new Map();
  const sum = (what) => [...progress.values()].reduce((all, one) => all + one[what], 0);
  await notePhase();
  const beside = pushBeside(session, { whenNews, onStale, onPushed: notePhase });
  // Asked again at its end: a first load begins before its user has set a PIN, and takes in what that unlocks.
  const pulling = pullAll(session, () => wanted(session, wants), {
    before: async () => beside.heed(),
    onPage: async (database, { ids, pending }) => {
      progress.set(database, { written: (progress.get(database)?.written ?? 0) + ids.length, pending });
      onProgress();
      if (isLoading) void note(session.author, { loading: { written: sum("written"), pending: sum("pending") } });
      if (ids.length) tellChanged([database], ids);
      beside.heed();
    },
    onError: (_database, error) => {
      // One database that is not ours any more, or was locked meanwhile, must not stop the others.
      if (!(error instanceof Refused || error instanceof Locked)) throw error;
    },
  });
  await pulling.finally(() => beside.end());
  beside.heed();
}

/**
 * Pushes what is saved while pages come: a first load takes as long as the link makes it, and so may a single page. `heed` throws what
 * became of a push that failed, so that the round begins anew, with a push; `end` waits for the last one.
 */
function pushBeside(session, { whenNews, onStale, onPushed }) {
  let last = Promise.resolve();
  let failure = /** @type {any} */ (null);
  const pushNews = async () => {
    if (await push(session)) onStale();
    await onPushed();
  };
  const stop = whenNews(() => (last = last.then(pushNews).catch((error) => void (failure ??= error))));
  return {
    heed: () => {
      if (failure) throw failure;
    },
    end: () => (stop(), last),
  };
}

function tellRemoved(databases) {
  if (databases.length) tellChanged(databases, []);
}

async function finish(session, wants) {
  const now = new Date().toISOString();
  const isWhole = wants.all ? { last_sync_at: now, loaded: true } : {};
  await note(session.author, { phase: "idle", problem: null, loading: null, last_contact_at: now, ...isWhole });
  if (wants.me) await reportUnsent(session);
}
