/** Signing in (which enrols the phone), signing out (which keeps what is unsent), the language, the size of letters, light and dark. */
import { TEXT_SIZES, THEMES } from "../store/meta.js";
import { judged, needed, isRefused, textOf } from "./fields.js";
import { momentOf } from "./moments.js";
import { rescueOf } from "./me.js";
import { page, refuse } from "./pages.js";
import { othersSayings } from "./troubles.js";
import { syncSummary } from "./today.js";

const LANGUAGES = Object.freeze(["zh-CN", "en"]);
const SAYINGS = Object.freeze({
  wrong_password: "signin.wrong",
  locked: "signin.locked",
  not_for_phones: "signin.not_allowed",
  offline: "signin.no_network",
});
const WAIT_MINUTES = 15;

/** `GET /m/sign-in` */
export async function showSignIn(input, store, context) {
  const [others, wiped] = await Promise.all([context.waitingOfOthers(), context.wiped()]);
  const frame = { tab: "", title: context.t("signin.title"), back: store ? "/m/" : "", bare: true, has_action: false };
  const rescue = others.count ? { count: others.count, can_make: others.can_make, made_at: null } : null;
  const data = { ...frame, others: othersSayings(others), rescue, wiped: momentOf(wiped?.at ?? null, input.now), wiped_drafts: wiped?.drafts ?? 0 };
  return { template: "sign-in.html", data: { ...data, failure: null, form: { username: "" } } };
}

/** `POST /m/session`: the only form that needs the network. */
export async function signIn(input, store, context) {
  const username = textOf(input.form, "username");
  const password = input.form.password ?? "";
  const fields = judged({
    username: needed(username, "signin.username_missing"),
    password: needed(password, "signin.password_missing"),
  });
  if (isRefused(fields)) return refuse(input, context, { label: "error.check" }, fields);
  try {
    await context.enrol({ username, password, name: context.t("app.name") });
  } catch (error) {
    return refuseSignIn(input, context, error, fields);
  }
  return { redirect: "/m/pin?first=1" };
}

/** @param {any} error an `EnrolmentError`; anything else is a fault of ours */
function refuseSignIn(input, context, error, fields) {
  if (error?.name !== "EnrolmentError") throw error;
  const minutes = error.retry_after_s ? Math.ceil(error.retry_after_s / 60) : WAIT_MINUTES;
  return refuse(input, context, { label: SAYINGS[error.kind] ?? "signin.server_trouble", slots: { minutes } }, fields);
}

/** `GET /m/session/end`: what is unsent, and what becomes of it. */
export async function showSignOut(input, store, context) {
  const [sync, rescued_at, { sealed_count }] = await Promise.all([syncSummary(store), store.rescuedAt(), store.unsent()]);
  const rescue = rescueOf(store.session, sync.unsent_count, momentOf(rescued_at, input.now));
  return page(store, "sign-out.html", { tab: "me", title: context.t("me.sign_out"), back: "/m/me", ...sync, sealed_count, rescue });
}

/** `POST /m/session/end`: nobody is signed in afterwards; records and outbox stay. */
export async function signOut(input, store, context) {
  await context.signOut();
  return { redirect: "/m/sign-in" };
}

/** `POST /m/text-size` */
export async function chooseTextSize(input, store, context) {
  if (TEXT_SIZES.includes(input.form.size)) await context.setTextSize(input.form.size);
  return { redirect: "/m/me" };
}

/** `POST /m/theme` */
export async function chooseTheme(input, store, context) {
  if (THEMES.includes(input.form.theme)) await context.setTheme(input.form.theme);
  return { redirect: "/m/me" };
}

/** `POST /m/language` */
export async function chooseLanguage(input, store, context) {
  const { language, back } = input.form;
  if (LANGUAGES.includes(language)) await context.setLanguage(language);
  return { redirect: back?.startsWith("/m/") ? back : "/m/me" };
}
