/**
 * One round of sync: what to ask in which order. Records go first, always; then what changed comes in. When to run a round
 * and what to do when it fails is `loop.js`'s to decide.
 *
 * @typedef {{me: boolean, all: boolean, names: Set<string>}} Wants what a round should do beside pushing
 */
import { currentSession, updateSession } from "../store/meta.js";
import { loadedDatabases } from "../store/checkpoints.js";
import { entries } from "../store/outbox.js";
import { unsent } from "../store/where.js";
import { Refused, ask } from "./http.js";
import { note, tellChanged } from "./progress.js";
import { pullDatabase } from "./pull.js";
import { pushOutbox } from "./push.js";

/**
 * @param {import("../store/meta.js").Session} given @param {Wants} wants @param {() => boolean} hasNews asked between two databases: something new waits to be pushed
 * @returns {Promise<import("../store/meta.js").Session>} the session as the server now has it
 */
export async function runRound(given, wants, hasNews) {
  const session = wants.me ? await refresh(given) : given;
  await push(session);
  // Not before the push: what a full server says must not come and go with every round.
  if (wants.me) await note(session.author, { problem: null });
  for (const database of wanted(session, wants)) {
    if (hasNews()) await push(session);
    await pull(session, database);
  }
  await finish(session, wants);
  return session;
}

/** Asks what this device may open now, and how far its clock is off. */
async function refresh(session) {
  const sent_ms = Date.now();
  const told = await ask(session, "/api/devices/me");
  const now_ms = (sent_ms + Date.now()) / 2;
  const offset_ms = told.server_time ? Math.round(now_ms - Date.parse(told.server_time)) : session.offset_ms;
  await updateSession(session.author, { user: told.user, grids: told.grids, databases: told.databases, offset_ms });
  await note(session.author, { last_contact_at: new Date().toISOString() });
  return (await currentSession()) ?? session;
}

async function push(session) {
  if (!(await entries(session.author)).length) return;
  await note(session.author, { phase: "push" });
  const { settled, databases, restamped } = await pushOutbox(session);
  if (restamped) await pushOutbox(session);
  if (settled.length) tellChanged(databases, settled);
}

function wanted(session, { all, names }) {
  const open = session.databases.filter(({ pull }) => pull).map(({ name }) => name);
  const ordered = [...open.filter((name) => name === "ref"), ...open.filter((name) => name !== "ref")];
  return ordered.filter((name) => all || names.has(name));
}

async function pull(session, database) {
  const loaded = await loadedDatabases(session.author);
  const isFirst = !loaded.includes(database);
  await note(session.author, { phase: isFirst ? "load" : "pull" });
  let written = 0;
  const onPage = ({ ids, pending }) => {
    written += ids.length;
    if (isFirst) void note(session.author, { loading: { database, written, pending } });
    if (ids.length) tellChanged([database], ids);
  };
  try {
    await pullDatabase(session, database, onPage);
  } catch (error) {
    if (!(error instanceof Refused)) throw error; // one database that is not ours any more must not stop the others
  }
}

async function finish(session, wants) {
  const now = new Date().toISOString();
  const isWhole = wants.all ? { last_sync_at: now, loaded: true } : {};
  await note(session.author, { phase: "idle", problem: null, loading: null, last_contact_at: now, ...isWhole });
  if (wants.me) await reportUnsent(session);
}

async function reportUnsent(session) {
  const { records, photos, size_bytes } = await unsent(session.author);
  await ask(session, "/api/devices/me", { method: "POST", body: { records, photos, size_bytes } });
}
