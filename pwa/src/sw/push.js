/**
 * Web push, a bonus: a message that wakes the worker becomes a line on the screen, which leads to the page where it shows. It says
 * what kind of thing waits and nothing of it; records come by sync as always.
 */
import { translator } from "../render/environment.js";
import { choices, updateSession } from "../store/meta.js";
import { tell } from "../sync/channel.js";
import { ask } from "../sync/http.js";
import { textsOf } from "./texts.js";

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const PATH = "/api/devices/me/push";

export function hearPushes() {
  worker.addEventListener("push", (event) => event.waitUntil(show(event.data)));
  worker.addEventListener("notificationclick", (event) => event.waitUntil(open(event.notification)));
}

async function show(data) {
  const { what, title, path } = data?.json() ?? {};
  const { texts } = await textsOf((await choices()).language);
  const said = texts[`push.${what}`] ? translator(texts)(`push.${what}`) : title;
  tell({ type: "sync-now" });
  await worker.registration.showNotification(String(said ?? ""), { tag: "xunge", icon: "/m/icons/icon-192.png", data: { path } });
  await navigator.setAppBadge?.();
}

async function open(notification) {
  notification.close();
  const path = String(notification.data?.path ?? "");
  const target = path.startsWith("/m/") ? path : "/m/";
  const [client] = await worker.clients.matchAll({ type: "window" });
  if (!client) return worker.clients.openWindow(target);
  await client.focus().catch(() => undefined); // it is told all the same
  return client.postMessage({ type: "go", path: target, said: notification.title }); // the page knows whether a form is open (`page/called.js`)
}

/** Tells the server that this phone wants to be pushed to, or no more. @param {import("../store/meta.js").Session} session @param {any} subscription null: no more */
export async function tellSubscription(session, subscription) {
  await ask(session, PATH, subscription ? { method: "PUT", body: subscription } : { method: "DELETE" });
  await updateSession(session.author, { push_endpoint: subscription?.endpoint ?? "" });
}

/** Nobody is signed in: whatever comes is for nobody. The server hears of it now, or from the push service. @param {import("../store/meta.js").Session} session */
export async function endSubscription(session) {
  const held = await worker.registration.pushManager?.getSubscription();
  if (!held) return;
  await Promise.all([held.unsubscribe(), tellSubscription(session, null)]);
}
