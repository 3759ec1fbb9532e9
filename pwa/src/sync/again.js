/**
 * A server whose store came back from a backup lacks what it had taken since; only phones still have it. It tells by another `epoch`,
 * and each phone asks once, database by database, which of what it holds is missing, and sends that again as the same revisions.
 */
import { everything } from "../store/documents.js";
import { setState, state } from "../store/outbox.js";
import { putBack, refusals } from "../store/refusals.js";
import { queueAgain } from "../store/saving.js";
import { readable } from "../store/sealed.js";
import { isSealed } from "../store/vault.js";
import { ask } from "./http.js";

/** Told apart, since what is locked cannot be asked about with the rest. */
const NAMES = Object.freeze({ plain: "epoch", sealed: "epoch-sealed" });
const ASKED_AT_ONCE = 500;

/**
 * Puts into the outbox what the server has lost. Nothing when its store is the one this phone knew.
 * @param {import("../store/meta.js").Session} session with the epoch told last
 * @returns {Promise<string[]>} ids that wait again
 */
export async function offerAgain({ epoch, ...session }) {
  const { author, databases } = session;
  if (!epoch) return [];
  const before = await state(author, NAMES.plain);
  if ((await state(author, NAMES.sealed)) === null) await setState(author, NAMES.sealed, before, "strict");
  const ids = await offerPart(session, epoch, NAMES.plain, databases.filter(({ name }) => !isSealed(name)));
  const sealed = databases.filter(({ name }) => isSealed(name));
  const isOpen = (await readable(author, sealed.map(({ name }) => name))).length === sealed.length;
  return isOpen ? [...ids, ...(await offerPart(session, epoch, NAMES.sealed, sealed))] : ids;
}

async function offerPart(session, epoch, name, databases) {
  const known = await state(session.author, name);
  if (known === epoch) return [];
  const ids = known ? await offerAll(session, databases) : [];
  await setState(session.author, name, epoch, "strict");
  return ids;
}

async function offerAll(session, databases) {
  const aside = await refusals(session.author);
  const ids = [];
  for (const { name, pull, push } of databases) {
    if (pull && push) ids.push(...(await offerDatabase(session, name, new Set(aside.map(({ id }) => id)))));
  }
  // What no clerk has decided about may have been put aside since the backup: it is refused once more, and kept once more.
  ids.push(...(await putBack(session.author, aside.filter(({ state: stands }) => stands === "waiting"))));
  return ids;
}

async function offerDatabase(session, database, aside) {
  const ids = [];
  for await (const docs of everything(session.author, database, ASKED_AT_ONCE)) {
    const ours = docs.filter((doc) => isOffered(doc, session.author) && !aside.has(doc._id));
    const lacking = ours.length ? await lackingOf(session, database, ours) : [];
    await queueAgain(session.author, database, lacking);
    ids.push(...lacking.map(({ _id }) => _id));
  }
  return ids;
}

/** One's own records, and household files whoever edited them last: their edits are merged. */
function isOffered({ author, stamps }, own) {
  return author === own || stamps !== undefined;
}

async function lackingOf(session, database, docs) {
  const body = Object.fromEntries(docs.map(({ _id, _rev }) => [_id, [_rev]]));
  const missing = await ask(session, `/db/${database}/_revs_diff`, { method: "POST", body });
  return docs.filter(({ _id }) => missing[_id]);
}
