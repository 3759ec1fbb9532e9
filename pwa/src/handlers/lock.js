/** 锁: unlocking, the first PIN, another PIN, a forgotten one, biometrics, and how long it stays open. */
import { bytesOf } from "../crypto/seals.js";
import { isRefused, judged, needed, options } from "./fields.js";
import { lengthText } from "./moments.js";
import { page, refuse } from "./pages.js";

const SHAPE = /^\d{6,12}$/;
const MINUTES = Object.freeze(["1", "5", "15"]);
const HELP = Object.freeze({
  offline: "lock.no_network",
  wrong_password: "lock.wrong_password",
  locked: "signin.locked",
  unreadable: "lock.unreadable",
  signed_out: "lock.signed_out",
});
const WAIT_MINUTES = 15;

/** Where to go on, inside the app only. @param {string | undefined} to */
function wayOn(to) {
  return /^\/m\/(?!\/)/.test(to ?? "") ? /** @type {string} */ (to) : "/m/";
}

/** `GET /m/lock?to=` */
export async function showLock(input, store, context) {
  const to = wayOn(input.query.to);
  const standing = await store.vault.standing();
  if (standing === "unset") return { redirect: `/m/pin?to=${encodeURIComponent(to)}` };
  if (standing !== "locked") return { redirect: to };
  const [tries, { prf, server }] = await Promise.all([store.vault.tries(), store.vault.facts()]);
  const said = tries.wait_ms || !tries.left ? sayingOf(tries, context) : null;
  return page(store, "lock.html", {
    tab: "homes",
    title: context.t("lock.title"),
    to,
    said: said && { slots: {}, ...said },
    can_try: tries.left > 0,
    can_recover: server !== null,
    forgotten: `/m/pin/forgotten?to=${encodeURIComponent(to)}`,
    prf,
  });
}

/** What a try that did not open says. */
function sayingOf({ wait_ms, left }, { t }) {
  if (!left) return { label: "lock.spent" };
  return wait_ms ? { label: "lock.wait", slots: { amount: lengthText(wait_ms, t) } } : { label: "lock.wrong", slots: { left } };
}

/** `POST /m/unlock` */
export async function unlock(input, store, context) {
  const { pin = "", to, secret } = input.form;
  if (secret) {
    return (await store.vault.unlockByBiometrics(bytesOf(secret))) ? opened(context, to) : refuse(input, context, { label: "lock.prf_failed" });
  }
  const fields = judged({ pin: needed(pin, "lock.pin_missing") });
  if (isRefused(fields)) return refuse(input, context, { label: "error.check" }, fields);
  const tried = await store.vault.unlock(pin);
  return tried.is_open ? opened(context, to) : refuse(input, context, sayingOf(tried, context), fields);
}

function opened(context, to) {
  context.unlocked();
  return { redirect: wayOn(to) };
}

/** `POST /m/lock`: at once. */
export async function lockNow(input, store, context) {
  await store.vault.lock();
  context.locked();
  return { redirect: "/m/lock" };
}

/** `GET /m/pin?to=`: the first PIN, or another one; with `first` only the first. */
export async function showPin(input, store, context) {
  const to = wayOn(input.query.to);
  const standing = await store.vault.standing();
  // Signing in leads here: whoever has a PIN already goes on.
  if (standing === "unneeded" || (input.query.first && standing !== "unset")) return { redirect: to };
  const isFirst = standing === "unset";
  const title = context.t(isFirst ? "lock.first" : "lock.change");
  return page(store, "pin.html", { tab: isFirst ? "homes" : "me", title, back: isFirst ? "" : "/m/me", is_first: isFirst, is_forgotten: false, to, has_action: true });
}

/** `POST /m/pin` */
export async function setPin(input, store, context) {
  const { form } = input;
  const isFirst = (await store.vault.standing()) === "unset";
  const fields = judged({ ...(isFirst ? {} : { old: needed(form.old, "lock.pin_missing") }), ...pinChecks(form) });
  if (isRefused(fields)) return refuse(input, context, { label: "error.check" }, fields);
  if (isFirst) await store.vault.make(form.pin);
  else {
    const tried = await store.vault.changePin(form.old, form.pin);
    if (!tried.is_open) return refuse(input, context, sayingOf(tried, context), fields);
  }
  return opened(context, form.to);
}

/** Six digits are few: 111111 and 123456, which everybody tries first, are none. */
function pinChecks({ pin = "", again }) {
  const steps = new Set([...pin].slice(1).map((digit, at) => Number(digit) - Number(pin[at])));
  const isSimple = steps.size === 1 && Math.abs([...steps][0]) < 2;
  return {
    pin: SHAPE.test(pin) ? (isSimple ? { label: "lock.pin_simple" } : null) : { label: "lock.pin_shape" },
    again: again === pin ? null : { label: "lock.pin_differs" },
  };
}

/** `GET /m/pin/forgotten?to=` */
export async function showForgotten(input, store, context) {
  const to = wayOn(input.query.to);
  return page(store, "pin.html", {
    tab: "homes", title: context.t("lock.forgotten"), back: `/m/lock?to=${encodeURIComponent(to)}`, is_first: false, is_forgotten: true, to, has_action: true,
  });
}

/** `POST /m/pin/forgotten`: with the account's password and the network. */
export async function resetPin(input, store, context) {
  const { form } = input;
  const { server } = (await store.vault.facts()) ?? { server: null };
  const fields = judged({ password: needed(form.password, "signin.password_missing"), ...pinChecks(form) });
  if (isRefused(fields)) return refuse(input, context, { label: "error.check" }, fields);
  if (!server) return refuse(input, context, { label: "lock.unreadable" }, fields);
  try {
    await store.vault.recover(await context.openDataKey(form.password, server.sealed), form.pin);
  } catch (error) {
    const { name, kind, retry_after_s } = /** @type {any} */ (error);
    if (name !== "EnrolmentError") throw error;
    if (kind === "unreadable") await store.vault.giveTry();
    const minutes = retry_after_s ? Math.ceil(retry_after_s / 60) : WAIT_MINUTES;
    return refuse(input, context, { label: HELP[kind] ?? "signin.server_trouble", slots: { minutes } }, fields);
  }
  return opened(context, form.to);
}

/** `POST /m/lock/biometrics`: the PIN once, and what this phone's own authenticator answered. */
export async function addBiometrics(input, store, context) {
  const { pin = "", credential, salt, secret } = input.form;
  const fields = judged({ pin: needed(pin, "lock.pin_missing") });
  if (isRefused(fields)) return refuse(input, context, { label: "error.check" }, fields);
  const answer = bytesOf(secret ?? "");
  if (answer.length < 32) return refuse(input, context, { label: "lock.prf_failed" }, fields);
  const tried = await store.vault.addBiometrics(pin, { credential, salt, secret: answer });
  if (!tried.is_open) return refuse(input, context, sayingOf(tried, context), fields);
  return opened(context, "/m/me");
}

/** `POST /m/lock/minutes` */
export async function chooseMinutes(input, store, context) {
  await store.vault.setMinutes(Number(input.form.minutes));
  context.unlocked();
  return { redirect: "/m/me" };
}

/** What the Me page says of the lock; null for somebody who needs none. */
export async function lockFacts(store, context) {
  const [standing, facts] = await Promise.all([store.vault.standing(), store.vault.facts()]);
  if (standing === "unneeded") return null;
  return { standing, has_prf: Boolean(facts?.prf), minutes: options(context, "lock.minutes", MINUTES, String(facts?.minutes ?? 5)) };
}
