/**
 * When to sync: at the start, after each write, when poked, when the network or the user comes back, and every five minutes.
 * One round at a time; photos go beside it. Failures wait longer and longer, or as long as the server asks.
 */
import { Busy, Offline, SignedOut, giveUpSilent, onClockMoved } from "./http.js";
import { listenForPokes, pause } from "./poke.js";
import { note, tellChanged } from "./progress.js";
import { runRound } from "./round.js";
import { retryDamaged, sendPhotos } from "./uploads.js";
import { loadedDatabases } from "../store/checkpoints.js";
import { followWaiting } from "../store/indexes.js";
import { replay } from "../store/saving.js";
import { StorageFull } from "../store/errors.js";
import { dropCopies } from "../store/removal.js";
import { sweep } from "../store/sweep.js";
import { leaveTornLog } from "../store/torn.js";
import { nextDue } from "../store/outbox.js";

const EVERY_MS = 5 * 60_000;
/** A phone in a pocket asks less often; what it saved is sent all the same. */
const EVERY_HIDDEN_MS = 15 * 60_000;
const CLOCK_EVERY_MS = 5 * 60_000;
const POKE_PATIENCE_MS = 3_000;
const FIRST_WAIT_MS = 2_000;
const LONGEST_WAIT_MS = 5 * 60_000;
const SIGNED_OUT = Object.freeze({ token_revoked: "revoked", token_expired: "expired" });

/** The loop of one signed-in user. `stop()` ends it for good. */
export class Loop {
  /** @param {import("../store/meta.js").Session} session */
  constructor(session) {
    this.session = session;
    this.ending = new AbortController();
    this.wants = { me: true, all: false, names: new Set() };
    this.isWanted = true;
    this.isHurried = false; // somebody asked while a round was under way, perhaps one that fails: the next one waits for nothing
    this.hasNews = false; // something was saved, or its user asked, since the outbox was looked at last
    /** @type {(() => void) | null} pushes beside the pages of a round */
    this.pushBeside = null;
    this.isUnsure = true; // nobody knows how the last push of the last start ended
    this.isHidden = false;
    /** @type {SignedOut | null} why it ended, when the token was the reason */
    this.signedOut = null;
    this.asked_ms = 0;
    this.clockAsked_ms = -CLOCK_EVERY_MS;
    this.failures = 0;
    this.photosFailures = 0;
    this.photosNotBefore_ms = 0;
    /** @type {string | null | undefined} undefined until this loop has said something */
    this.photosProblem = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.photosTimer = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.heldTimer = undefined;
    /** @type {Promise<void> | null} */
    this.photosRun = null;
    /** @type {() => void} */
    this.wake = () => undefined;
  }

  /** Runs until stopped or signed out. */
  async run() {
    const { signal } = this.ending;
    await leaveTornLog(this.session.author); // before anything else is written
    const recovered = await replay(this.session.author);
    const followed = await followWaiting(this.session);
    if (followed.length || recovered.length) tellChanged(followed, recovered);
    // Everything is asked for once more when the stream of pokes is open; a new phone does not wait for that.
    this.wants.all ||= !(await loadedDatabases(this.session.author)).length;
    const all = () => {
      clearTimeout(late);
      this.want({ all: true });
    };
    const late = setTimeout(all, POKE_PATIENCE_MS);
    let isOpenAgain = false;
    void listenForPokes(this.session, {
      signal,
      onOpen: () => {
        all();
        // What was said while the stream was closed was not heard.
        this.want({ me: isOpenAgain });
        isOpenAgain = true;
      },
      onNews: ({ names, hasNewRights }) => this.want({ names, me: hasNewRights }),
      onPoll: () => this.want({ me: true, all: true }),
      isHidden: () => this.isHidden,
      isReachable: () => this.failures === 0,
      onSignedOut: (error) => void this.fail(error),
    });
    onClockMoved(() => this.measureClock());
    const regular = setInterval(() => this.askRegularly(), EVERY_MS * (0.9 + Math.random() / 5));
    while (!signal.aborted) await this.step();
    clearTimeout(late);
    clearInterval(regular);
  }

  askRegularly() {
    if (this.isHidden && performance.now() - this.asked_ms < EVERY_HIDDEN_MS * 0.9) return;
    this.want({ me: true, all: true });
  }

  /** Somebody set this phone's clock: the offset that records carry must be right again soon. */
  measureClock() {
    if (performance.now() - this.clockAsked_ms < CLOCK_EVERY_MS) return; // a proxy whose own clock is wrong would ask for ever
    this.clockAsked_ms = performance.now();
    this.want({ me: true });
  }

  stop() {
    clearTimeout(this.photosTimer);
    clearTimeout(this.heldTimer);
    this.ending.abort();
    this.wake();
  }

  /** The user, the network or the foreground asks: what waits, is asked in vain or was given up for transfer faults is tried at once. */
  async wantNow() {
    giveUpSilent();
    this.photosNotBefore_ms = 0;
    await retryDamaged(this.session.author);
    this.want({ me: true, all: true, isUrgent: true });
  }

  /** Asks for a round. @param {{me?: boolean, all?: boolean, names?: string[], isUrgent?: boolean}} [more] `isUrgent` ends a wait after failures */
  want({ me = false, all = false, names = [], isUrgent = false } = {}) {
    this.wants.me ||= me;
    this.wants.all ||= all;
    for (const name of names) this.wants.names.add(name);
    this.isWanted = true;
    this.hasNews ||= isUrgent;
    this.isHurried ||= isUrgent;
    if (isUrgent) this.pushBeside?.();
    if (isUrgent || !this.failures) this.wake();
  }

  async step() {
    if (!this.isWanted) return this.sleep(LONGEST_WAIT_MS);
    const wants = this.wants;
    this.wants = { me: false, all: false, names: new Set() };
    this.isWanted = false;
    this.hasNews = false;
    this.isHurried = false;
    if (wants.all) this.asked_ms = performance.now();
    await this.sweep();
    const looked_ms = Date.now();
    try {
      await this.wakeForHeld(looked_ms); // before the round, too: its pages may be longer in coming than what is held back is held
      this.session = await runRound(this.session, wants, this.hooks());
      this.isUnsure = false;
      this.failures = 0;
      this.sendPhotos();
      await this.wakeForHeld(looked_ms);
    } catch (error) {
      this.want({ me: true, all: wants.all, names: [...wants.names] });
      await this.fail(error);
    }
  }

  /**
   * What its user may still take back goes when that time is over. A timer that runs already is for what was saved first.
   * @param {number} looked_ms when the outbox was looked at: what was held back then, and may be sent by now, has not gone with the others
   */
  async wakeForHeld(looked_ms) {
    const wait_ms = await nextDue(this.session.author, looked_ms);
    if (!wait_ms || this.heldTimer || this.ending.signal.aborted) return;
    this.heldTimer = setTimeout(() => {
      this.heldTimer = undefined;
      this.want({ isUrgent: true });
    }, Math.max(0, looked_ms + wait_ms - Date.now()) + 50);
  }

  /** What an earlier version left plain; one that fails (no room) keeps nothing from being sent. */
  async sweep() {
    const { author } = this.session;
    await sweep(this.session, () => dropCopies(author)).catch((error) => console.error("not sealed yet", error));
  }

  hooks() {
    return {
      isUnsure: this.isUnsure,
      whenNews: (push) => this.whenNews(push),
      onProgress: () => void (this.failures = 0),
      onStale: () => this.want({ me: true }),
    };
  }

  /** Calls `push` for what was saved or becomes due since the outbox was looked at last, until what it returns is called. */
  whenNews(push) {
    this.pushBeside = () => {
      this.hasNews = false;
      const looked_ms = Date.now();
      const after = () => (this.sendPhotos(), this.wakeForHeld(looked_ms));
      void push().then(after).catch((error) => console.error("the outbox was not looked at", error));
    };
    if (this.hasNews) this.pushBeside();
    return () => void (this.pushBeside = null);
  }

  /** Photos go beside the rounds: a record saved meanwhile does not wait for one. */
  sendPhotos() {
    if (this.photosRun || Date.now() < this.photosNotBefore_ms) return;
    const shouldStop = () => this.ending.signal.aborted;
    const onProgress = ({ of, database }) => {
      this.photosFailures = 0; // a link that carries something is worth trying again soon
      tellChanged([database], [of]);
    };
    this.photosRun = sendPhotos(this.session, { shouldStop, onProgress })
      .then((wait_ms) => this.endPhotos(wait_ms))
      .catch((error) => this.failPhotos(error))
      .finally(() => (this.photosRun = null));
  }

  async endPhotos(wait_ms) {
    this.photosFailures = 0;
    await this.notePhotos(null);
    if (wait_ms !== null) this.wakeForPhotos(wait_ms);
  }

  /** Rounds of records go on meanwhile, and must not wipe out what is said about photos. */
  async failPhotos(error) {
    const problem = photosProblemOf(error);
    if (problem) await this.notePhotos(problem);
    else if (error instanceof SignedOut) this.want({ me: true }); // the round hears whether the token was revoked or is too old
    else await this.noteProblem(error);
    this.photosFailures += 1;
    const wait_ms = waitOf(error, this.photosFailures);
    this.photosNotBefore_ms = Date.now() + wait_ms;
    this.wakeForPhotos(wait_ms);
  }

  async notePhotos(problem) {
    if (problem === this.photosProblem) return;
    this.photosProblem = problem;
    await note(this.session.author, { photos_problem: problem }).catch(() => undefined);
  }

  wakeForPhotos(wait_ms) {
    clearTimeout(this.photosTimer);
    if (!this.ending.signal.aborted) this.photosTimer = setTimeout(() => this.want(), wait_ms);
  }

  async fail(error) {
    await this.noteProblem(error);
    this.isUnsure = true;
    this.failures += 1;
    // The network may have come back while this round was still failing without it: nobody would say so a second time.
    if (!this.isHurried) await this.sleep(waitOf(error, this.failures));
  }

  async noteProblem(error) {
    const problem = problemOf(error);
    if (problem === "unknown") console.error("sync failed", error);
    await note(this.session.author, { phase: "idle", problem, loading: null }).catch(() => undefined);
    if (!(error instanceof SignedOut)) return;
    this.signedOut = error;
    this.stop();
  }

  async sleep(duration_ms) {
    const waking = new AbortController();
    this.wake = () => waking.abort();
    if (!this.ending.signal.aborted) await pause(duration_ms, waking.signal);
  }
}

/** What the Me page says about a failure; see `status` in `src/store/where.js`. */
export function problemOf(error) {
  if (error instanceof Offline) return "offline";
  if (error instanceof SignedOut) return SIGNED_OUT[error.message] ?? "signed_out";
  if (error instanceof StorageFull) return "phone_full";
  if (error instanceof Busy) return isFull(error) ? "server_full" : "server";
  return error?.name === "Refused" ? "server" : "unknown";
}

/** What is said about photos alone while records go on arriving, or null when the problem is everybody's. */
export function photosProblemOf(error) {
  const problem = problemOf(error);
  if (problem === "server_full") return problem;
  return problem === "server" ? "photos_unavailable" : null;
}

/** @param {any} error a `Busy` */
function isFull({ message, status }) {
  return status === 507 || /storage_full|insufficient_storage/.test(message);
}

/** How long to wait: as the server asks, else twice as long each time, never all phones at once. */
export function waitOf(error, failures) {
  const grown_ms = Math.min(FIRST_WAIT_MS * 2 ** (failures - 1), LONGEST_WAIT_MS);
  const asked_ms = (error?.retry_after_s ?? 0) * 1_000;
  return Math.max(asked_ms, grown_ms) * (0.75 + Math.random() / 2);
}
