/**
 * The stream by which the server names the databases that changed. A hint: whoever misses it finds the same at the next pull.
 * Read with fetch, because an EventSource cannot carry the token.
 */
import { SignedOut, open } from "./http.js";

const FIRST_WAIT_MS = 2_000;
const LONGEST_WAIT_MS = 120_000;
const SILENCE_MS = 90_000;

/**
 * Keeps the stream open until `signal` aborts.
 * @param {import("../store/meta.js").Session} session
 * @param {{signal: AbortSignal, onOpen: () => void, onDatabases: (names: string[]) => void, onSignedOut: (error: SignedOut) => void}} hooks
 */
export async function listenForPokes(session, { signal, onOpen, onDatabases, onSignedOut }) {
  let wait_ms = FIRST_WAIT_MS;
  while (!signal.aborted) {
    try {
      await readStream(session, signal, (names, isFirst) => {
        wait_ms = FIRST_WAIT_MS;
        if (isFirst) onOpen();
        else onDatabases(names);
      });
    } catch (error) {
      if (error instanceof SignedOut) return onSignedOut(error);
    }
    await pause(wait_ms * (0.5 + Math.random() / 2), signal);
    wait_ms = Math.min(wait_ms * 2, LONGEST_WAIT_MS);
  }
}

async function readStream(session, signal, hear) {
  const own = new AbortController();
  const stop = () => own.abort();
  signal.addEventListener("abort", stop, { once: true });
  let timer;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(stop, SILENCE_MS);
  };
  try {
    heard();
    const response = await open(session, "/api/poke", { headers: { Accept: "text/event-stream" }, signal: own.signal });
    await readEvents(response, heard, hear);
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
    for (const names of blocks.map(databasesOf)) {
      if (names) hear(names, isFirst);
      isFirst &&= !names;
    }
  }
}

/** The names in one event, or null for a heartbeat. @param {string} block */
export function databasesOf(block) {
  const data = block.split(/\r?\n/).filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trim()).join("\n");
  if (!data) return null;
  try {
    const { databases } = JSON.parse(data);
    return Array.isArray(databases) ? databases : null;
  } catch {
    return null;
  }
}

/** Waits, or less when `signal` aborts. */
export function pause(duration_ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, duration_ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve(undefined)), { once: true });
  });
}
