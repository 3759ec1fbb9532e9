/**
 * The first visit: registers the service worker and hands the address over to it. Every `/m/*` the server answers is this page,
 * so a reload that went past the worker comes through here as well.
 */
import { explain, showProblem } from "./messages.js";

const SCOPE = "/m/";
const PATIENCE_MS = 1_000;
const TRIES = 5;

async function boot() {
  if (!("serviceWorker" in navigator)) return showProblem(window.isSecureContext ? "unsupported" : "insecure");
  const tries = Number(sessionStorage.getItem("xunge-boot") ?? 0) + 1;
  if (tries > TRIES) {
    sessionStorage.removeItem("xunge-boot");
    return showProblem("stuck");
  }
  sessionStorage.setItem("xunge-boot", String(tries));
  await navigator.serviceWorker.register("/m/sw.js", { scope: SCOPE, updateViaCache: "none" });
  await navigator.serviceWorker.ready;
  await controlled();
  location.replace(location.href);
}

/** Settles when a worker controls this page, or after a second: a reload past the worker never gets one by waiting. */
function controlled() {
  if (navigator.serviceWorker.controller) return Promise.resolve();
  return new Promise((resolve) => {
    navigator.serviceWorker.addEventListener("controllerchange", () => resolve(undefined), { once: true });
    setTimeout(resolve, PATIENCE_MS);
  });
}

explain();
boot().catch((error) => {
  console.error("the app could not start", error);
  showProblem("failed");
});
