/** 任务: what was sent to this user's grids, one task with its place and photos, and the answer to it. */
import { categoryName } from "./catalogue.js";
import { draftAt, originAgain, shownPieces, withKept } from "./drafts.js";
import { isRefused, judged, limitsOf, needed, newOrigin, oneOf, options, originOf, textOf, within, withoutIdNumber } from "./fields.js";
import { momentOf } from "./moments.js";
import { notFound, page, refuse, savedOr } from "./pages.js";
import { checkPhotos, photosOfForm } from "./photos.js";
import { checkAnswer, fieldOf, questionOf } from "./questions.js";
import { fact } from "./records.js";
import { aboutRows, chipOf, outcomeWords, rowOf, snippet } from "./rows.js";
import { parse } from "../store/databases.js";

const SEEN = "seen_tasks";
const OUTCOMES = Object.freeze(["done", "not_done", "declined"]);
/** States in which an answer is still wanted. */
const ANSWERABLE = Object.freeze(["open", "declined"]);
/** A reason has to be given with these. */
const EXPLAINED = new Set(["not_done", "declined"]);

/** Tasks of this user's grids, and ids of those that were opened. */
export async function tasksSeen(store) {
  const [tasks, seen] = await Promise.all([store.tasks(), store.remembered(SEEN)]);
  return { tasks, seen };
}

/** Tasks that wait for this user, the first due first, as rows. @param {{tasks: any[], seen: string[] | null}} found @param {any} about @param {any[]} replies mine */
export function waitingTasks({ tasks, seen }, about, replies) {
  const answered = new Set(replies.map(({ doc }) => doc.of));
  const open = tasks.filter(({ id, doc }) => doc.state === "open" && !answered.has(id));
  return open.sort((one, other) => one.doc.due_at.localeCompare(other.doc.due_at)).map(({ id, doc }) => ({
    href: pathOf(id, doc),
    photo: "",
    icon: "task",
    lead: leadOf(doc, about),
    about: snippet(doc.text || doc.case?.place?.address || ""),
    at: momentOf(doc.due_at, about.now_ms),
    where: dueChip(doc, about.now_ms, !(seen ?? []).includes(id)),
  }));
}

/** A task's address; one about a household lies with what is sealed, and what is begun of its answer is kept as all that is typed there. */
function pathOf(id, { household }) {
  return household ? `/m/homes/${household}/tasks/${id}` : `/m/tasks/${id}`;
}

function leadOf({ kind, case: found }, { t, categories, language }) {
  const category = found ? ` · ${categoryName(categories, found.category, language)}` : "";
  return t(`task.${kind}`) + category;
}

function dueChip({ due_at }, now_ms, isNew) {
  if (Date.parse(due_at) < now_ms) return { label: "task.late", slots: {}, tone: "bad", icon: "clock" };
  return { label: isNew ? "task.new" : "task.due", slots: {}, tone: isNew ? "wait" : "move", icon: "clock" };
}

/** How a task stands for this user, whose own answer (`mine`) may be on its way still. */
function stateChip(doc, now_ms, mine) {
  if (mine && doc.state !== "withdrawn") return answerChip(mine);
  const isOpen = doc.state === "open";
  if (isOpen && Date.parse(doc.due_at) < now_ms) return dueChip(doc, now_ms, false);
  return { label: `task.${doc.state}`, slots: {}, tone: "move", icon: isOpen ? "clock" : "server" };
}

function answerChip({ where }) {
  if (where.place === "refused") return chipOf(where);
  const look = where.place === "server" ? { label: "task.answered", tone: "move", icon: "server" } : { label: "task.answer_waits", tone: "wait", icon: "phone" };
  return { ...look, slots: {} };
}

/** `GET /m/tasks/:id`, of one about a household `GET /m/homes/:home/tasks/:id`; opening it is seeing it. */
export async function showTask(input, store, context) {
  const task = await taskOf(store, input.params.id);
  if (!task) return notFound(store, context, "today");
  const { doc, id } = task;
  const path = pathOf(id, doc);
  if (input.path !== path) return { redirect: path };
  const [about, said, draft] = await Promise.all([aboutRows(store, context, input.now), store.saidOf(id), draftAt(store, path, "taskreply")]);
  await noteSeen(store, id);
  const mine = said.find((reply) => reply.doc.author === store.session.author);
  const isOpen = !mine && ANSWERABLE.includes(doc.state);
  return page(store, "task.html", {
    tab: doc.household ? "homes" : "today",
    title: context.t("task.page"),
    back: "/m/",
    at: path,
    has_action: isOpen,
    just_saved: input.query.saved === "1",
    lead: leadOf(doc, about),
    text: doc.text,
    where: stateChip(doc, about.now_ms, mine),
    facts: factsOf(doc, about),
    photos: doc.case?.photos ?? [],
    household: doc.household ?? "",
    replies: said.map((reply) => rowOf({ ...reply, kind: doc.kind }, about)),
    can_answer: isOpen,
    is_verify: doc.kind === "verify",
    // What is kept here is kept in the open: nothing of what is sealed, though the server may not know the household any more.
    is_kept: (parse(task.database).kind ?? "grid") === "grid",
    outcomes: options(context, outcomeWords(doc.kind), OUTCOMES, draft?.fields.outcome),
    questions: (doc.form ?? []).map((question) => questionOf(question, context, draft?.fields[fieldOf(question)])),
    said: draft?.fields.text ?? "",
    ...(await shownPieces(store, draft)),
    draft: draft?.uuid ?? "",
    limits: limitsOf(context),
    grids: [],
    grid: doc.grid,
    form: originAgain(draft) ?? newOrigin(store, input.now),
  });
}

async function taskOf(store, id) {
  const found = id.startsWith("task:") ? await store.getRecord(id) : null;
  return found?.doc.type === "task" ? found : null;
}

/** Ids of the last tasks that were opened, so that a new one stands out. */
async function noteSeen(store, id) {
  const seen = (await store.remembered(SEEN)) ?? [];
  if (!seen.includes(id)) await store.remember(SEEN, [id, ...seen].slice(0, 300));
}

function factsOf({ due_at, case: found }, { now_ms }) {
  const { place, text, case_no } = found ?? {};
  const isPoint = typeof place?.lat === "number";
  return [
    fact("task.due", { at: momentOf(due_at, now_ms) }),
    ...(place?.address ? [fact("record.address", { text: place.address })] : []),
    ...(isPoint ? [fact("record.place", { key: "place.point", slots: { lat: place.lat.toFixed(5), lon: place.lon.toFixed(5) } })] : []),
    ...(text ? [fact("task.about", { text })] : []),
    ...(case_no ? [fact("record.case_no", { text: case_no })] : []),
  ];
}

/** `POST /m/tasks/:id/replies`, `POST /m/homes/:home/tasks/:id/replies` */
export async function answerTask(given, store, context) {
  const input = await withKept(given, store);
  const { form } = input;
  const task = await taskOf(store, input.params.id);
  if (!task) return refuse(input, context, { label: "error.not_found" });
  const questions = task.doc.form ?? [];
  const fields = checkReply(input, questions, context);
  if (isRefused(fields)) return refuse(input, context, { label: "error.check" }, fields);
  const { uuid, captured_at } = originOf(form, store, input.now);
  const { grid } = task.doc;
  const refusal = await savedOr(store, input, context, async () => {
    const database = store.databaseFor(parse(task.database).kind ?? "grid", grid);
    const photos = await photosOfForm(input, store, { uuid, captured_at, grid, of: `taskreply:${uuid}`, database });
    const answers = Object.fromEntries(questions.map((question) => [question.key, textOf(form, fieldOf(question))]).filter(([, said]) => said));
    const doc = store.mint("taskreply", {
      uuid, grid, captured_at, of: task.id, outcome: form.outcome, text: textOf(form, "text"), photos: photos.ids, answers,
    });
    await store.saveRecord({ docs: [{ database, doc }, ...photos.docs], blobs: photos.blobs });
    await store.dropDraft(uuid);
  });
  return refusal ?? { redirect: `${pathOf(task.id, task.doc)}?saved=1` };
}

function checkReply({ form, files }, questions, context) {
  const limits = limitsOf(context);
  const text = textOf(form, "text");
  const explained = EXPLAINED.has(form.outcome) ? needed(text, "wrong.reason_missing") : null;
  const asked = form.outcome === "declined" ? [] : questions;
  return judged({
    outcome: oneOf(form.outcome, OUTCOMES, "wrong.outcome_missing"),
    ...Object.fromEntries(asked.map((question) => [fieldOf(question), checkAnswer(textOf(form, fieldOf(question)), question, context)])),
    text: explained ?? within(text, limits.said) ?? withoutIdNumber(text),
    photos: checkPhotos(files.photo ?? [], limits.photos),
  });
}
