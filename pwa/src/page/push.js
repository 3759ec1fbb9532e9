/** The switch for web push on Me. Permission is asked for by this button and never otherwise; without it nothing is missing. */
import { whenArrived } from "./arrival.js";

/** Where its push service is not reached, a browser may try for ever. */
const WAIT_MS = 15_000;

export function watchPush() {
  whenArrived("[data-push]", (part) => show(part));
  document.addEventListener("click", ({ target }) => {
    const part = /** @type {Element} */ (target).closest("[data-push-switch]")?.closest("[data-push]");
    if (part) void turn(/** @type {HTMLElement} */ (part));
  });
}

async function manager() {
  return (await navigator.serviceWorker.ready).pushManager;
}

/** @param {HTMLElement} part @param {string} [said] one of the part's sayings */
async function show(part, said) {
  if (!("PushManager" in window)) return;
  const state = (await isPushed(part)) ? "on" : "off";
  part.dataset.state = state;
  say(part, said ?? (Notification.permission === "denied" ? "denied" : state));
  const button = switchOf(part);
  /** @type {Element} */ (button.querySelector("span")).textContent = button.dataset[state] ?? "";
  button.disabled = false;
  part.hidden = false;
}

/** @param {HTMLElement} part @param {string} name */
function say(part, name) {
  const line = /** @type {HTMLElement} */ (part.querySelector("[data-push-says]"));
  line.textContent = line.dataset[name] ?? "";
}

/** @param {HTMLElement} part @returns {HTMLButtonElement} */
function switchOf(part) {
  return /** @type {HTMLButtonElement} */ (part.querySelector("[data-push-switch]"));
}

/** Browser and server have the same subscription. One that the server has lost it is told again; while that fails there is none. */
async function isPushed(part) {
  const held = await (await manager()).getSubscription();
  return held !== null && (held.endpoint === part.dataset.pushed || told(part, held));
}

async function turn(part) {
  const push = await manager();
  const held = await push.getSubscription();
  const isOn = part.dataset.state === "on";
  switchOf(part).disabled = true;
  if (!isOn) say(part, "trying");
  try {
    await held?.unsubscribe(); // also one that the server does not know, or that was made with another key of it
    if (isOn) await told(part, null); // or the push service tells it
    else await subscribe(push, part);
    await show(part);
  } catch {
    await show(part, Notification.permission === "denied" ? "denied" : "failed");
  }
}

/** One that the server does not know of is no use. */
async function subscribe(push, part) {
  const asking = push.subscribe({ userVisibleOnly: true, applicationServerKey: part.dataset.push });
  const made = await Promise.race([asking, new Promise((resolve) => setTimeout(resolve, WAIT_MS))]);
  if (made && (await told(part, made))) return;
  void asking.then((late) => late.unsubscribe()).catch(() => undefined);
  throw new Error("the server was not told");
}

/** Whether the server heard of it. @param {HTMLElement} part @param {PushSubscription | null} made null: no more */
async function told(part, made) {
  const body = new URLSearchParams({ subscription: made ? JSON.stringify(made) : "" });
  const isHeard = (await fetch("/m/push", { method: "POST", body }).catch(() => null))?.ok ?? false;
  if (isHeard) part.dataset.pushed = made?.endpoint ?? "";
  return isHeard;
}
