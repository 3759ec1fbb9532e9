/**
 * A reporter's own lists: what needs them, what goes on, what has ended, what is news. Each reads no more than it shows, or stops and says
 * where to go on. What the lists go by is `cases.js`.
 */
import { groupLinks, groupOf } from "./cases.js";
import { sequenceOf } from "./documents.js";
import { linksTo, ownCount, ownIds, ownOf, ownWith, placesOf, putLinks } from "./links.js";
import { casesOf, linkedDocs, shownOf } from "./reading.js";
import { addWhere } from "./where.js";

/** Reports that a search looks at before it asks whether to go on. */
const LOOKED_THROUGH = 160;

/**
 * A page of this user's reports in a group, newest first; what has ended is what is not among the open ones.
 * @param {import("./meta.js").Session} session @param {"needs" | "going" | "ended"} group @param {{limit?: number, before?: string | null}} [options]
 */
export async function listGroup(session, group, { limit = 20, before = null } = {}) {
  const all = group === "ended" ? await endedOf(session) : await ownWith(session, group);
  const ids = before ? all.filter((id) => id < before) : all;
  const shown = await placesOf(session.author, ids.slice(0, limit));
  const found = await linkedDocs(session, shown);
  const rows = await addWhere(session, found.flat().sort((one, other) => other.id.localeCompare(one.id)));
  const truth = new Map(rows.map(({ id, where }) => [id, groupOf(where)]));
  const moved = shown.filter(({ id }) => truth.get(id) !== group);
  await putLinks(session.author, moved.flatMap((link) => groupLinks(link, truth.get(link.id))));
  return { rows: rows.filter(({ id }) => truth.get(id) === group), next: ids.length > limit ? ids[limit - 1] : null };
}

async function endedOf(session) {
  const [own, needs, going] = await Promise.all([ownIds(session, "report"), ownWith(session, "needs"), ownWith(session, "going")]);
  const open = new Set([...needs, ...going]);
  return own.filter((id) => !open.has(id));
}

/**
 * This user's reports of which something holds, newest first. Looks at some of them at a time: `next` says where it stopped, even with none found.
 * @param {import("./meta.js").Session} session @param {{limit?: number, before?: string | null, isWanted: (row: any) => boolean}} options
 */
export async function findMine(session, { limit = 20, before = null, isWanted }) {
  const { rows, cases, next } = await lookThrough(session, before);
  const found = (await addWhere(session, rows, cases)).filter(isWanted);
  return found.length > limit ? { rows: found.slice(0, limit), next: found[limit - 1].id } : { rows: found, next };
}

/** What was looked through last, and when that was so: between two letters of a search nothing is read again that has not changed. */
let looked = { as_of: "", rows: /** @type {import("./reading.js").Row[]} */ ([]), cases: new Map(), next: /** @type {string | null} */ (null) };

/** Reads what a search begins with, before its first letter. @param {import("./meta.js").Session} session */
export async function beginSearch(session) {
  await lookThrough(session, null).catch(() => undefined); // a search that is made hears of it
}

async function lookThrough(session, before) {
  const names = (await shownOf(session, "case")).map(({ name }) => name);
  // A record's document is written before its link (`saving.js`): the number of links says when that one is there, too.
  const [count, ...sequences] = await Promise.all([ownCount(session, "report"), ...names.map((name) => sequenceOf(session.author, name))]);
  const as_of = JSON.stringify([session.author, before, count, names, sequences]);
  if (looked.as_of !== as_of) looked = { as_of, ...(await lookAt(session, names, before)) };
  return looked;
}

async function lookAt(session, databases, before) {
  const links = await ownOf(session, "report", { before: before ?? undefined, limit: LOOKED_THROUGH + 1, databases });
  const asked = links.slice(0, LOOKED_THROUGH);
  const [lists, cases] = await Promise.all([linkedDocs(session, asked), casesOf(session, asked)]);
  const next = links.length > LOOKED_THROUGH ? links[LOOKED_THROUGH - 1].id : null;
  return { rows: lists.flat().sort((one, other) => other.id.localeCompare(one.id)), cases, next };
}

/** Ids of this user's reports that moved since they looked, the last moved first. @returns {Promise<string[]>} */
export async function listNews(session) {
  const ids = await ownWith(session, "news");
  const [news, seen] = await Promise.all([linksTo(session.author, "news", ids), linksTo(session.author, "seen", ids)]);
  const until = new Map(seen.map(({ id, at }) => [id, at]));
  const unseen = news.filter(({ id, at = "" }) => at > (until.get(id) ?? ""));
  return unseen.sort((one, other) => (other.at ?? "").localeCompare(one.at ?? "")).map(({ id }) => id);
}

/** The user looks at a report: what moved so far is news no more. @param {string} author @param {string} id */
export async function noteSeen(author, id) {
  const [link] = await linksTo(author, "news", [id]);
  if (link) await putLinks(author, [{ ...link, is_gone: true }, { ...link, key: `seen|${id}`, of: "seen" }]);
}
