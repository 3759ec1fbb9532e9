/**
 * The stream by which the server names the databases that changed. A hint: whoever misses it finds the same at the next pull.
 * Read with fetch, because an EventSource cannot carry the token. There is one stream a phone. Some proxies hold a stream back until
 * it ends; then not even its first event comes, and the phone asks at intervals instead and tries the stream again much later.
 */
import { SignedOut, open } from "./http.js";

/** All waits, so that tests need not have the patience of a phone. */
export const PATIENCE = Object.freeze({
  first_wait_ms: 2_000,
  longest_wait_ms: 120_000,
  /** The first event comes with the stream, heartbeats every 15 s. */
  first_event_ms: 20_000,
  silence_ms: 50_000,
  poll_ms: 60_000,
  poll_hidden_ms: 5 * 60_000,
  stream_again_ms: 10 * 60_000,
});

/** The stream was opened and nothing came through: a proxy holds it back. */
class HeldBack extends Error {}

/**
 * Keeps the stream open until `signal` aborts.
 * @param {import("../store/meta.js").Session} session
 * @param {{signal: AbortSignal, onOpen: () => void, onNews: (news: News) => void, onPoll: () => void, isHidden: () => boolean,
 *   isReachable: () => boolean, onSignedOut: (error: SignedOut) => void, patience?: typeof PATIENCE}} hooks `onPoll` asks for everything,
 *   in the stream's stead; `isReachable`: other requests are answered, so a silent stream is held back and not without network
 */
export async function listenForPokes(session, hooks) {
  const { signal, isReachable, onOpen, onNews, onSignedOut, patience = PATIENCE } = hooks;
  /** @type {number} */ let wait_ms = patience.first_wait_ms;
  while (!signal.aborted) {
    try {
      await readStream(session, signal, patience, (news, isFirst) => {
        wait_ms = patience.first_wait_ms;
        if (isFirst) onOpen();
        else onNews(news);
      });
    } catch (error) {
      if (error instanceof SignedOut) return onSignedOut(error);
      if (error instanceof HeldBack && isReachable()) await poll(hooks, patience);
    }
    await pause(wait_ms * (0.5 + Math.random() / 2), signal);
    wait_ms = Math.min(wait_ms * 2, patience.longest_wait_ms);
  }
}

/** Asks at intervals until it is time to try the stream again. A phone in a pocket asks less often. */
async function poll({ signal, onPoll, isHidden }, { poll_ms, poll_hidden_ms, stream_again_ms }) {
  const until_ms = performance.now() + stream_again_ms;
  while (!signal.aborted && performance.now() < until_ms) {
    onPoll();
    await pause((isHidden() ? poll_hidden_ms : poll_ms) * (0.9 + Math.random() / 5), signal);
  }
}

async function readStream(session, signal, { first_event_ms, silence_ms }, hear) {
  const own = new AbortController();
  const stop = () => own.abort();
  signal.addEventListener("abort", stop, { once: true });
  let isSilent = true;
  let timer = setTimeout(stop, first_event_ms);
  const heard = () => {
    isSilent = false;
    clearTimeout(timer);
    timer = setTimeout(stop, silence_ms);
  };
  try {
    const response = await open(session, "/api/poke", { headers: { Accept: "text/event-stream" }, signal: own.signal });
    await readEvents(response, heard, hear);
  } catch (error) {
    throw own.signal.aborted && isSilent && !signal.aborted ? new HeldBack("no event came through", { cause: error }) : error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

async function readEvents(response, heard, hear) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let isFirst = true;
  for (let rest = "", part; !(part = await reader.read()).done; ) {
    heard();
    const blocks = (rest + part.value).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const news of blocks.map(newsOf)) {
      if (news) hear(news, isFirst);
      isFirst &&= !news;
    }
  }
}

/**
 * What one event says, or null for a heartbeat.
 * @typedef {{names: string[], hasNewRights: boolean}} News databases that changed; whether this device may open others than before
 * @param {string} block @returns {News | null}
 */
export function newsOf(block) {
  const data = block.split(/\r?\n/).filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trim()).join("\n");
  if (!data) return null;
  try {
    const { databases, rights_changed = false } = JSON.parse(data);
    return Array.isArray(databases) ? { names: databases, hasNewRights: rights_changed === true } : null;
  } catch {
    return null;
  }
}

/** Waits, or less when `signal` aborts. */
export function pause(duration_ms, signal) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(undefined);
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve(undefined);
    };
    const timer = setTimeout(end, duration_ms);
    signal.addEventListener("abort", end, { once: true });
  });
}
