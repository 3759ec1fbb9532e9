/**
 * The app as a local web server: a request in, a response out, with no state between two requests (a service worker may be
 * stopped between any two instructions).
 */
import DOMAIN from "virtual:domain";
import { routes } from "../handlers/index.js";
import { beginFrame } from "../handlers/pages.js";
import { translator } from "../render/environment.js";
import { Locked, StorageFull, openStore } from "../store/index.js";
import { askToHandOver, waitingOfOthers } from "../store/handover.js";
import { DEFAULTS, choices, endSession, setLanguage, setTextSize, setTheme, wiped } from "../store/meta.js";
import { showBadge } from "../sync/badge.js";
import { tell } from "../sync/channel.js";
import { endDeskSession } from "../sync/desk.js";
import { lockIfAlone, openUntil } from "../store/vault.js";
import { EnrolmentError, enrol, openDataKey } from "../sync/enrolment.js";
import { pageOf, seeOther, wantsFragment } from "./answer.js";
import { inputOf } from "./input.js";
import { endSubscription, tellSubscription } from "./push.js";
import { match } from "./router.js";
import { textsOf } from "./texts.js";

const SIGN_IN = "/m/sign-in";
const HOPS = 4;
/** Who opens one of these has seen what the badge was for. */
const LOOKED_AT = /^\/m\/(homes\/.+\/tasks|tasks|records|errands)\/./;
/** Pages of what is sealed, and whatever is posted to them. */
const SEALED = /^\/m\/(homes|households|members|errands|visits|compounds)\b/;
/** The end of an address whose form is wanted empty. */
const FRESH = /[?&]fresh=1$/;
const OPEN = new Set(["open", "unneeded"]);

/** Answers one request for a page. @param {Request} request */
export async function answer(request) {
  const { pathname } = new URL(request.url);
  const found = match(/** @type {any} */ (routes), request.method === "HEAD" ? "GET" : request.method, pathname);
  try {
    return found ? await run(found, request) : await failure(request, 404, "failure.not_found");
  } catch (error) {
    if (error instanceof StorageFull) return failure(request, 507, request.method === "GET" ? "failure.no_room" : "failure.not_done", "failure.no_room_title");
    if (error instanceof Locked) return redirected(lockOf(request), request);
    console.error("page failed", pathname, error);
    return failure(request, 500, "failure.broken");
  }
}

async function run({ route, params }, request) {
  const { pathname: path, search } = new URL(request.url);
  const [store, { chosen, texts }, input] = await Promise.all([openStore(announce), dressing(), inputOf(request, params)]);
  if (!store && !route.open) return redirected(SIGN_IN, request);
  const isSealed = SEALED.test(path);
  const isAsked = isSealed || request.mode === "navigate"; // of what a page asks for itself it matters only where something is sealed
  const standing = store && isAsked ? await standingFor(request, store) : "unneeded";
  if (isSealed && !OPEN.has(standing)) return redirected(lockOf(request), request);
  if (isSealed && store && FRESH.test(search)) {
    await store.dropSealedDraft(shownOn(request));
    return redirected(shownOn(request), request);
  }
  const context = contextOf(store, chosen, texts);
  if (store && request.method === "GET") beginFrame(store);
  const drafting = isSealed && store && request.method === "GET" ? store.sealedDraft(path + search) : null;
  const [answered, left] = await Promise.all([route.handle({ ...input, draft: drafting }, store, context), drafting]);
  if (LOOKED_AT.test(path)) void showBadge(context.session);
  if (isSealed && request.method === "POST" && answered.redirect) await store?.dropSealedDraft(shownOn(request));
  if (answered.redirect) return redirected(answered.redirect, request, answered.headers);
  if (!answered.template) return new Response(null, { status: answered.status });
  // Whether it is there is not to be seen from outside.
  if (answered.status === 404 && store && !OPEN.has(await store.vault.standing())) return redirected(lockOf(request), request);
  if (left) answered.data = { ...answered.data, sealed_draft: JSON.stringify(left), fresh: freshOf(path + search) };
  return pageOf(answered, { request, path: path + search, texts, version: BUILD_VERSION, user: context.session?.user, chosen });
}

/**
 * An app that was closed begins anew with a navigation. What a page itself asks for proves nothing: the page may have gone on to the next one
 * meanwhile, which is not there yet.
 */
function standingFor(request, store) {
  return request.mode === "navigate" ? lockIfAlone(store.session) : store.vault.standing();
}

/** How pages look on this phone, and their texts. */
async function dressing() {
  const chosen = await choices();
  return { chosen, texts: await textsOf(chosen.language) };
}

/** The address of the same form, wanted empty. */
function freshOf(shown) {
  const address = shown.replace(FRESH, "");
  return `${address}${address.includes("?") ? "&" : "?"}fresh=1`;
}

/** The lock page, which goes on to what was asked for; after a form to the page it was on, where it is filled in again. */
function lockOf(request) {
  return `/m/lock?to=${encodeURIComponent(shownOn(request))}`;
}

/**
 * The address of the page that this request is about or came from, without what is being searched: it comes into the browser's history. A form
 * that was wanted empty is not to be emptied again.
 */
function shownOn(request) {
  const shown = request.method === "GET" ? request.url : (request.headers.get("HX-Current-URL") ?? request.referrer);
  const { pathname, search, searchParams } = new URL(shown || "/m/", request.url);
  return pathname + (searchParams.has("q") ? "" : search.replace(FRESH, ""));
}

function announce(databases) {
  tell({ type: "wrote", databases });
}

/** Tells the pages until when it is open, or that it is locked. @param {string} author */
export async function tellLock(author) {
  const until_ms = await openUntil(author);
  tell(until_ms ? { type: "open", until_ms } : { type: "locked" });
}

/** What a handler may use beside the store. */
function contextOf(store, { language, text_size, theme }, { texts }) {
  return {
    version: BUILD_VERSION,
    domain: DOMAIN,
    language,
    text_size,
    theme,
    session: store?.session ?? null,
    t: translator(texts),
    setLanguage,
    setTextSize,
    setTheme,
    waitingOfOthers: () => waitingOfOthers(store?.session.author ?? null),
    wiped,
    handOver: async () => {
      await askToHandOver(store?.session.author ?? "");
      tell({ type: "sync-now" });
    },
    syncNow: () => tell({ type: "sync-now" }),
    EnrolmentError,
    enrol: async (credentials) => {
      const session = await enrol(credentials);
      tell({ type: "session" });
      return session;
    },
    tellSubscription: (subscription) => tellSubscription(/** @type {any} */ (store?.session), subscription),
    openDataKey: (password, sealed) => openDataKey(/** @type {any} */ (store).session, password, sealed),
    unlocked: () => {
      void tellLock(/** @type {any} */ (store).session.author);
      tell({ type: "sync-now" });
    },
    locked: () => tell({ type: "locked" }),
    signOut: async () => {
      if (store) void endSubscription(store.session).catch(() => undefined); // without network the push service tells the server
      void endDeskSession();
      void showBadge(null);
      await store?.vault.lock();
      await endSession();
      tell({ type: "session" });
    },
  };
}

/** A plain form is sent on by the browser; htmx gets the target at once and the address to show. */
async function redirected(location, request, headers = {}, hops = 0) {
  if (!wantsFragment(request) || hops > HOPS) return seeOther(location);
  const next = new Request(new URL(location, request.url), { headers: { "HX-Request": "true" } });
  const response = await answer(next);
  const shown = new Headers(response.headers);
  if (!shown.has("HX-Push-Url")) shown.set("HX-Push-Url", location);
  for (const [name, value] of Object.entries(headers)) shown.set(name, value);
  return new Response(response.body, { status: response.status, headers: shown });
}

async function failure(request, status, message, heading = `${message}_title`) {
  const chosen = await choices().catch(() => DEFAULTS);
  const texts = await textsOf(chosen.language);
  const { pathname: path } = new URL(request.url);
  const title = translator(texts.texts)(heading);
  const answered = { template: "message.html", data: { title, message, slots: {}, bare: false }, status };
  return pageOf(answered, { request, path, texts, version: BUILD_VERSION, chosen });
}
