/** 家庭成员: the people of a household as far as serving it needs them: added, corrected, moved out. */
import { isRefused, judged, limitsOf, needed, newOrigin, originOf, telephone, textOf, wholeNumber, within, withoutIdNumber } from "./fields.js";
import { changesIn, formOf, mintStamped, saveChanges } from "./edits.js";
import { listsOf, wordsOf } from "./households.js";
import { instant, momentOf, serverNow } from "./moments.js";
import { filledOf, isOpened, maskedOf, textOfField } from "./openings.js";
import { notFound, page, refuse, savedOr } from "./pages.js";
import { chipOf } from "./rows.js";

const TEXTS = Object.freeze(["name", "relation", "phone"]);
const FACTS = Object.freeze([...TEXTS, "birth_year", "needs", "moved_out_at"]);
const FIRST_YEAR = 1900;

/** A member in the list of a household's page; what is masked is shown while it is open. */
export function memberRow({ id, doc, where }, context, { now_ms, is_open }) {
  const { relation = "", moved_out_at } = doc;
  const masked = filledOf(doc, context);
  const said = masked.length && !is_open ? ["••••••"] : masked.map((name) => textOfField(doc[name], context));
  return {
    href: `/m/members/${id}/edit`,
    lead: doc.name,
    about: [relation, ...said].filter(Boolean).join(" · "),
    left: momentOf(moved_out_at, now_ms),
    where: where.place === "server" ? null : chipOf(where),
  };
}

/** `GET /m/homes/:id/members/new` */
export async function showMemberForm(input, store, context) {
  const record = await store.getRecord(input.params.id);
  if (record?.doc.type !== "household") return notFound(store, context, "homes");
  const fresh = { title: "member.new", action: `/m/homes/${record.id}/members`, is_open: true, stays: [] };
  return memberForm(input, store, context, { household: record.id, grid: record.doc.grid }, fresh);
}

/** `GET /m/members/:id/edit` */
export async function showMemberEdit(input, store, context) {
  const record = await store.getRecord(input.params.id);
  if (record?.doc.type !== "member") return notFound(store, context, "homes");
  const { id, doc } = record;
  const left = doc.moved_out_at ?? "";
  const stays = [["", "member.lives_here"], [left || instant(serverNow(store, input.now)), "member.moved_out"]];
  return memberForm(input, store, context, doc, {
    title: "member.edit",
    action: `/m/members/${id}/edits`,
    is_open: await isOpened(store, doc.household, input.now),
    stays: stays.map(([value, label]) => ({ value, label: context.t(label), chosen: value === left, extra: "" })),
  });
}

function memberForm(input, store, context, doc, { title, is_open, ...about }) {
  const { form, shown } = formOf(doc, is_open ? FACTS : FACTS.filter((name) => !maskedOf("member", context).includes(name)));
  return page(store, "member.html", {
    tab: "homes",
    title: context.t(title),
    back: `/m/homes/${doc.household}`,
    has_action: true,
    limits: limitsOf(context),
    grids: [],
    grid: doc.grid,
    needs: wordsOf(context, "needs", doc.needs),
    form: { ...newOrigin(store, input.now), ...form },
    shown,
    is_open,
    ...about,
  });
}

/** `POST /m/homes/:id/members` */
export async function saveMember(input, store, context) {
  const record = await store.getRecord(input.params.id);
  if (record?.doc.type !== "household") return refuse(input, context, { label: "error.not_found" });
  const { uuid, captured_at } = originOf(input.form, store, input.now);
  const { grid } = record.doc;
  return keepMember(input, store, context, record.id, async () => {
    const facts = { household: record.id, ...changesIn({}, input, factsOf) };
    const doc = await mintStamped(store, "member", { uuid, grid, captured_at }, facts);
    await store.saveRecord({ docs: [{ database: store.databaseFor("home", grid), doc }] });
  });
}

/** `POST /m/members/:id/edits` */
export async function saveMemberEdit(input, store, context) {
  const record = await store.getRecord(input.params.id);
  if (record?.doc.type !== "member") return refuse(input, context, { label: "error.not_found" });
  return keepMember(input, store, context, record.doc.household, () => saveChanges(store, record, changesIn(record.doc, input, factsOf), input.now));
}

async function keepMember(input, store, context, household, keep) {
  const fields = checkMember(input.form, limitsOf(context), input.now);
  if (isRefused(fields)) return refuse(input, context, { label: "error.check" }, fields);
  return (await savedOr(store, input, context, keep)) ?? { redirect: `/m/homes/${household}` };
}

function checkMember(form, limits, now_ms) {
  const of = (name) => textOf(form, name);
  const short = (name) => within(of(name), limits.short, "wrong.address_too_long") ?? withoutIdNumber(of(name));
  const this_year = new Date(now_ms).getFullYear();
  return judged({
    name: needed(of("name"), "wrong.name_missing") ?? short("name"),
    relation: short("relation"),
    birth_year: wholeNumber(of("birth_year"), this_year, "wrong.birth_year") ?? (of("birth_year") && Number(of("birth_year")) < FIRST_YEAR ? { label: "wrong.birth_year" } : null),
    phone: telephone(of("phone")),
  });
}

function factsOf(form) {
  const of = (name) => textOf(form, name);
  return Object.fromEntries([
    ...TEXTS.map((name) => [name, of(name)]).filter(([, text]) => text),
    ...(Date.parse(of("moved_out_at")) ? [["moved_out_at", new Date(of("moved_out_at")).toISOString()]] : []),
    ...(of("birth_year") ? [["birth_year", Number(of("birth_year"))]] : []),
    ...listsOf(form, ["needs"]),
  ]);
}
