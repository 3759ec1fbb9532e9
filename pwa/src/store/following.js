/**
 * A reporter's own lists: what needs them, what goes on, what has ended, what is news. Each reads no more than it shows, or stops and says
 * where to go on. What the lists go by is `cases.js`.
 */
import { groupOf } from "./cases.js";
import { done, transact } from "./idb.js";
import { linkedToMine, putLinks } from "./links.js";
import { openOwn } from "./own.js";
import { linkedDocs, listNewest } from "./reading.js";
import { addWhere } from "./where.js";

const READ_COUNT = 50;
const READS_MOST = 6;

/**
 * A page of this user's reports in a group, newest first. @param {import("./meta.js").Session} session @param {"needs" | "going"} group
 * @param {{limit?: number, before?: string | null}} [options]
 */
export async function listOpen(session, group, { limit = 20, before = null } = {}) {
  const links = (await linkedToMine(session, "open")).filter((link) => link.group === group && (!before || link.id < before));
  const shown = links.slice(0, limit);
  const rows = await addWhere(session, (await linkedDocs(session, shown)).flat().sort((one, other) => other.id.localeCompare(one.id)));
  const truth = new Map(rows.map(({ id, where }) => [id, groupOf(where)]));
  const moved = shown.filter(({ id }) => truth.get(id) !== group).map((link) => ({ ...link, group: truth.get(link.id) }));
  await putLinks(session.author, moved.map((link) => ({ ...link, is_gone: !link.group || link.group === "ended" })));
  return { rows: rows.filter(({ id }) => truth.get(id) === group), next: links.length > limit ? shown[limit - 1].id : null };
}

/**
 * This user's reports of which something holds, newest first. Looks at some hundred at most: `next` says where it stopped, even with none found.
 * @param {import("./meta.js").Session} session @param {{limit?: number, before?: string | null, isWanted: (row: any) => boolean}} options
 */
export async function findMine(session, { limit = 20, before = null, isWanted }) {
  const found = [];
  for (let reads = 0; reads < READS_MOST; reads += 1) {
    const { rows, next } = await listNewest(session, "report", { limit: READ_COUNT, before, mine: true });
    const placed = (await addWhere(session, rows)).sort((one, other) => other.id.localeCompare(one.id));
    found.push(...placed.filter(isWanted));
    if (found.length > limit) return { rows: found.slice(0, limit), next: found[limit - 1].id };
    before = next;
    if (!next) break;
  }
  return { rows: found, next: before };
}

/** Ids of this user's reports that moved since they looked, the last moved first; what is no news goes. @returns {Promise<string[]>} */
export async function listNews(session) {
  const db = await openOwn(session.author);
  const links = await linkedToMine(session, "news");
  const seen = await transact(db, ["links"], "readonly", (tx) => Promise.all(links.map(({ id }) => done(tx.objectStore("links").get(`seen|${id}`)))));
  const news = links.filter(({ at }, n) => !(seen[n]?.at >= (at ?? "")));
  return news.sort((one, other) => (other.at ?? "").localeCompare(one.at ?? "")).map(({ id }) => id);
}

/** The user looks at a report: what moved so far is news no more. @param {string} author @param {string} id */
export async function noteSeen(author, id) {
  const db = await openOwn(author);
  const link = await transact(db, ["links"], "readonly", (tx) => done(tx.objectStore("links").get(`news|${id}`)));
  if (link) await putLinks(author, [{ ...link, is_gone: true }, { ...link, key: `seen|${id}`, of: "seen" }]);
}
