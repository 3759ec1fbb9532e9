/** Asks what clerks made of the records that were put aside; only while one of them is undecided. */
import { forgetErased } from "../store/erased.js";
import { follow } from "../store/homes.js";
import { erasedSince, noteOutcomes, refusals } from "../store/refusals.js";
import { Refused, ask } from "./http.js";
import { tellChanged } from "./progress.js";

/** @param {import("../store/meta.js").Session} session */
export async function askOutcomes(session) {
  const undecided = (await refusals(session.author)).some(({ state }) => state === "waiting");
  if (!undecided) return;
  try {
    const { entries } = await ask(session, "/api/quarantine/mine");
    const changed = await noteOutcomes(session.author, entries);
    const erased = await erasedSince(session.author, entries);
    for (const { database, id } of erased) await forgetErased(session.author, database, [id]);
    await follow(session, erased.map(({ database }) => database));
    changed.push(...erased.map(({ id }) => id));
    if (changed.length) tellChanged([], changed);
  } catch (error) {
    if (!(error instanceof Refused)) throw error; // a server that cannot tell yet: the record stays shown as waiting
  }
}
