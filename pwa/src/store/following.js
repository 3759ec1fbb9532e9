/**
 * A reporter's own lists, of reports and errands: what needs them, what goes on, what has ended, what is news. Each reads no more than it
 * shows, or stops and says where to go on. What the lists go by is `cases.js`. While errands are locked they are in no list.
 *
 * @typedef {(row: import("./reading.js").Row & {where: import("./where.js").Where}) => boolean} IsWanted
 */
import { groupLinks, groupOf, rowId } from "./cases.js";
import { linksAsOf, linksTo, ownIds, ownOf, ownWith, placesOf, putLinks } from "./links.js";
import { casesOf, linkedDocs, shownOf } from "./reading.js";
import { isSealed, openedOf } from "./vault.js";
import { addWhere, placed, standing } from "./where.js";

/** Reports that a search looks at before it asks whether to go on. */
const LOOKED_THROUGH = 160;

/** Of what there are cases. */
const KINDS = Object.freeze(["report", "errand"]);

/**
 * A page of this user's reports and errands in a group, newest first; what has ended is what is not among the open ones.
 * @param {import("./meta.js").Session} session @param {"needs" | "going" | "ended"} group @param {{limit?: number, before?: string | null}} [options]
 */
export async function listGroup(session, group, { limit = 20, before = null } = {}) {
  const [all, isOpen] = await Promise.all([group === "ended" ? endedOf(session) : ownWith(session, group), mayRead(session)]);
  const ids = all.filter((id) => isOpen(id) && (!before || rowId(id) < rowId(before)));
  const shown = await placesOf(session.author, ids.slice(0, limit));
  const found = await linkedDocs(session, shown);
  const rows = await addWhere(session, found.flat().sort(byAge));
  const truth = new Map(rows.map(({ id, where }) => [id, groupOf(where)]));
  const moved = shown.filter(({ id }) => truth.get(id) !== group);
  await putLinks(session.author, moved.flatMap((link) => groupLinks(link, truth.get(link.id))));
  return { rows: rows.filter(({ id }) => truth.get(id) === group), next: ids.length > limit ? ids[limit - 1] : null };
}

/** The newest first, whichever kind they are. @param {{id: string}} one @param {{id: string}} other */
function byAge(one, other) {
  return rowId(other.id).localeCompare(rowId(one.id));
}

/** Says of an id whether it may be shown now. @returns {Promise<(id: string) => boolean>} */
async function mayRead(session) {
  const isOpen = (await shownOf(session, "errand")).length > 0;
  return (id) => isOpen || !id.startsWith("errand:");
}

async function endedOf(session) {
  const [own, needs, going] = await Promise.all([Promise.all(KINDS.map((kind) => ownIds(session, kind))), ownWith(session, "needs"), ownWith(session, "going")]);
  const open = new Set([...needs, ...going]);
  return own.flat().filter((id) => !open.has(id)).sort((one, other) => byAge({ id: one }, { id: other }));
}

/** How many of this user's errands were returned and cannot be shown, because they are locked. @param {import("./meta.js").Session} session */
export async function lockedNeeds(session) {
  const isOpen = await mayRead(session);
  return isOpen("errand:") ? 0 : (await ownWith(session, "needs")).filter((id) => !isOpen(id)).length;
}

/**
 * This user's reports and errands of which something holds, newest first. Looks at some of them at a time: `next` says where it stopped, even with none found.
 * @param {import("./meta.js").Session} session
 * @param {{limit?: number, before?: string | null, isWanted: IsWanted | Promise<IsWanted>}} options nothing waits for what says which are wanted
 * @returns {Promise<{rows: any[], next: string | null, news: string[], locked_count: number}>} with what `listNews` and `lockedNeeds` say
 */
export async function findMine(session, { limit = 20, before = null, isWanted }) {
  const [{ rows, cases, next, news, locked_count }, stood, wanted] = await Promise.all([lookThrough(session, before), standing(session.author), isWanted]);
  const found = placed(rows, cases, stood).filter(wanted);
  const isMore = found.length > limit;
  return { rows: isMore ? found.slice(0, limit) : found, next: isMore ? found[limit - 1].id : next, news, locked_count };
}

const LOOKED = "looked";
/** What was looked through last while errands were locked: none of it is sealed. */
const unsealed = new Map();

/** Reads what a search begins with, before its first letter. @param {import("./meta.js").Session} session */
export async function beginSearch(session) {
  await lookThrough(session, null).catch(() => undefined); // a search that is made hears of it
}

/** Between two letters of a search nothing is read again that has not changed. Errands are among it only while they are open, and are forgotten with the key. */
async function lookThrough(session, before) {
  const { author } = session;
  const [links, shown] = await Promise.all([linksAsOf(author), shownOf(session, "case", "errand")]);
  const names = shown.map(({ name }) => name);
  const as_of = JSON.stringify([author, before, links, names]);
  const kept = names.some(isSealed) ? openedOf(author) : unsealed;
  if (kept.get(LOOKED)?.as_of !== as_of) kept.set(LOOKED, { as_of, ...(await lookAt(session, names, before)) });
  return kept.get(LOOKED);
}

async function lookAt(session, databases, before) {
  const beforeOf = (kind) => (before ? rowId(before).replace("report:", `${kind}:`) : undefined);
  const own = await Promise.all(KINDS.map((kind) => ownOf(session, kind, { before: beforeOf(kind), limit: LOOKED_THROUGH + 1, databases })));
  const links = own.flat().sort(byAge);
  const asked = links.slice(0, LOOKED_THROUGH);
  const [lists, cases, news, locked_count] = await Promise.all([linkedDocs(session, asked), casesOf(session, asked), listNews(session), lockedNeeds(session)]);
  const next = links.length > LOOKED_THROUGH ? links[LOOKED_THROUGH - 1].id : null;
  return { rows: lists.flat().sort(byAge), cases, next, news, locked_count };
}

/** Ids of this user's reports and errands that moved since they looked, the last moved first. @returns {Promise<string[]>} */
export async function listNews(session) {
  const own = new Map((await ownWith(session, "news")).map((id) => [rowId(id), id]));
  const [news, seen] = await Promise.all([linksTo(session.author, "news", [...own.keys()]), linksTo(session.author, "seen", [...own.keys()])]);
  const until = new Map(seen.map(({ id, at }) => [id, at]));
  const unseen = news.filter(({ id, at = "" }) => at > (until.get(id) ?? ""));
  return unseen.sort((one, other) => (other.at ?? "").localeCompare(one.at ?? "")).flatMap(({ id }) => own.get(id) ?? []);
}

/** The user looks at a report or an errand: what moved so far is news no more. @param {string} author @param {string} id */
export async function noteSeen(author, id) {
  const [link] = await linksTo(author, "news", [rowId(id)]);
  if (link) await putLinks(author, [{ ...link, is_gone: true }, { ...link, key: `seen|${rowId(id)}`, of: "seen" }]);
}
