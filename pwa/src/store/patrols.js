/**
 * The running patrol. Its document is immutable and written once, at the end; until then it is one piece of state.
 */
import { setState, state } from "./outbox.js";
import { newestQuarter } from "./databases.js";
import { mint, placeFor, saveRecord } from "./saving.js";

/** @returns {Promise<{uuid: string, grid: string, started_at: string} | null>} */
export async function current(author) {
  return state(author, "patrol");
}

/** Starts a patrol unless one runs. */
export async function start(author, patrol) {
  if (!(await current(author))) await setState(author, "patrol", patrol, "strict");
  return current(author);
}

/**
 * Saves the running patrol and forgets it. A crash between the two ends it again later, as the same record.
 * @returns {Promise<{id: string, databases: string[]} | null>} null when none runs
 */
export async function end(session, { ended_at }) {
  const running = await current(session.author);
  if (!running) return null;
  const { uuid, grid, started_at } = running;
  const doc = mint(session, "patrol", { uuid, grid, captured_at: started_at, started_at, ended_at, cells: [], gaps: [] });
  const saved = await saveRecord(session, { docs: [{ database: placeOf(session, grid), doc }] });
  await setState(session.author, "patrol", null, "strict");
  return { id: doc._id, databases: saved.databases };
}

/** A patrol that outlived its grid's hand-over is kept all the same: the server puts it aside, and a clerk finds it a home. */
function placeOf(session, grid) {
  try {
    return placeFor(session, "grid", grid);
  } catch (error) {
    const quarter = newestQuarter(session.databases);
    if (!quarter) throw error;
    return `grid-${grid}-${quarter}`;
  }
}
