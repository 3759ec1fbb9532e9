/** How much waits for this user that they have not looked at: what the badge on the app's icon says. Read from small indexes alone. */
import { localNames } from "./documents.js";
import { listNews } from "./following.js";
import { ownWith } from "./links.js";
import { state } from "./outbox.js";
import { tasks } from "./reading.js";

/** Open tasks that were not opened yet, and own reports that came back. @param {import("./meta.js").Session} session @returns {Promise<number>} */
export async function countAwaiting(session) {
  const there = await localNames(session.author);
  const [sent, seen, news, back] = await Promise.all([
    tasks(session, there), state(session.author, "page:seen_tasks"), listNews(session), ownWith(session, "needs"),
  ]);
  const fresh = sent.filter(({ id, doc }) => doc.state === "open" && !(seen ?? []).includes(id));
  return fresh.length + back.filter((id) => news.includes(id)).length;
}
