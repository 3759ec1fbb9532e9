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
  const held = await (await manager()).getSubscription();
  const name = said ?? (Notification.permission === "denied" ? "denied" : held ? "on" : "off");
  const line = /** @type {HTMLElement} */ (part.querySelector("[data-push-says]"));
  const button = /** @type {HTMLButtonElement} */ (part.querySelector("[data-push-switch]"));
  line.textContent = line.dataset[name] ?? "";
  button.setAttribute("aria-pressed", String(held !== null));
  button.disabled = false;
  part.hidden = false;
}

async function turn(part) {
  const push = await manager();
  const held = await push.getSubscription();
  part.querySelector("[data-push-switch]").disabled = true;
  try {
    if (held) await Promise.all([held.unsubscribe(), tell("")]);
    else await subscribe(push, part.dataset.push);
    await show(part);
  } catch {
    await show(part, Notification.permission === "denied" ? "denied" : "failed");
  }
}

/** One that the server does not know of is no use. */
async function subscribe(push, applicationServerKey) {
  const asking = push.subscribe({ userVisibleOnly: true, applicationServerKey });
  const made = await Promise.race([asking, new Promise((resolve) => setTimeout(resolve, WAIT_MS))]);
  if (made && (await tell(JSON.stringify(made)).catch(() => false))) return;
  void asking.then((late) => late.unsubscribe()).catch(() => undefined);
  throw new Error("the server was not told");
}

async function tell(subscription) {
  return (await fetch("/m/push", { method: "POST", body: new URLSearchParams({ subscription }) })).ok;
}
