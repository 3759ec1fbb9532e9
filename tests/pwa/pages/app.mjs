/**
 * The pages as the service worker runs them, without a browser: requests in, handlers' answers out, over a real store on
 * IndexedDB in memory. The catalogue, the grids and case copies are put where a pull would have put them.
 */
import { GRID, QUARTER, phone } from "../engine/phone.mjs";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PWA = new URL("../../../pwa/", import.meta.url);
const { routes } = await import(new URL("src/handlers/index.js", PWA));
const { match } = await import(new URL("src/sw/router.js", PWA));
const { keep } = await import(new URL("src/store/documents.js", PWA));
const { setState } = await import(new URL("src/store/outbox.js", PWA));
const { linksOf, putLinks } = await import(new URL("src/store/links.js", PWA));
const { newsLinks } = await import(new URL("src/store/cases.js", PWA));
const { textsOf } = await import(new URL("texts.mjs", PWA));
const { translator } = await import(new URL("src/render/environment.js", PWA));

export { GRID, QUARTER };
export const SECOND_GRID = "640105002001002";
/** What phones seal to: some point of the curve, whose private half nobody needs here. */
export const SEAL_KEY = { id: "00", point: "BG/wO5SSQc4drdQ1GeaWDgqFtBppoFwygQOqK84VlMoWPE91OlW/AdxT9sCwx+7ni0DG/30lqW4igrmJzvccFEo=", proof: "x" };
export const NOW = Date.parse("2026-11-23T08:00:00.000Z");

export function texts(language) {
  return textsOf(fileURLToPath(PWA), language);
}

/** What the server gives the phone to know of its rules: reasons of refusal among them. */
export const DOMAIN = JSON.parse(readFileSync(new URL("generated/domain.json", PWA), "utf8"));

const CATEGORIES = [
  ["1101", "event", "暴露垃圾", "Exposed rubbish", "市容环境", "Street cleanliness"],
  ["1401", "event", "占道经营", "Trading on the pavement", "街面秩序", "Street order"],
  ["3101", "hazard", "消防通道堵塞", "Blocked fire lane", "消防安全", "Fire safety"],
  ["4101", "service", "停水", "No water", "民生服务", "Public services"],
].map(([code, kind, zh, en, class_zh, class_en]) => ({
  _id: `category:${code}`, _rev: "1-0", type: "category", code, kind, direct: false,
  name: { "zh-CN": zh, en }, class_name: { "zh-CN": class_zh, en: class_en },
}));

/** A visit's form and an errand as `server/domain/visit_forms.py` and the lists give them to phones. */
const words = (zh, en) => ({ "zh-CN": zh, en });
export const REFERENCE = [
  {
    _id: "form:elderly", _rev: "1-0", type: "form", v: 1, kind: "elderly", name: "elderly.1", categories: ["4101"],
    questions: [
      { key: "met", kind: "choice", label: words("是否见到本人", "Met in person"), needed: true, most: 100, options: [{ value: "home", label: words("本人在家", "At home") }, { value: "nobody", label: words("未见到人", "Nobody met") }] },
      { key: "eats_well", kind: "yes_no", label: words("三餐是否正常", "Eats regular meals"), needed: false, most: 100, options: [] },
      { key: "people", kind: "number", label: words("同住人数", "People"), needed: false, most: 20, options: [] },
      { key: "wishes", kind: "text", label: words("需要帮办什么", "Help wanted"), needed: false, most: 100, options: [] },
    ],
  },
  {
    _id: "erranditem:old-age", _rev: "1-0", type: "erranditem", v: 1, key: "old-age", name: words("高龄津贴申领", "Old-age allowance"), unit: "unit:civil", days: 15,
    materials: [{ key: "m-2", name: words("居民身份证", "Identity card") }, { key: "m-1", name: words("银行卡", "Bank card") }], valid_from: "2026-01-01", valid_to: null,
  },
  { _id: "erranditem:old", _rev: "1-0", type: "erranditem", v: 1, key: "old", name: words("旧事项", "Old"), unit: "unit:civil", days: 1, materials: [], valid_from: "2025-01-01", valid_to: "2025-12-31" },
  { _id: "unit:civil", _rev: "1-0", type: "unit", v: 1, name: words("民生服务中心", "Public service centre") },
];

function gridDoc(code, n) {
  return { _id: `grid:${code}`, _rev: "1-0", type: "grid", code, name: `文昌社区第${n}网格` };
}

/** A phone of a worker (or, with `police`, an officer) with reference data and a way to ask for pages. */
export async function app({ police = false, language = "zh-CN", grids = [GRID], ...fields } = {}) {
  const kinds = police ? ["grid", "beat"] : ["grid", "home-quarter"];
  const quarterly = grids.flatMap((grid) => kinds.map((kind) => `${kind.replace("-quarter", "")}-${grid}-${QUARTER}`));
  const names = ["ref", ...quarterly, ...(police ? [] : grids.map((grid) => `home-${grid}`)), "log-device1"];
  const login = police ? "police" : "worker";
  const store = await phone({
    user: { id: `user:${login}1`, name: police ? "马警官" : "王芳", roles: [login] },
    grids,
    databases: names.map((name) => ({ name, pull: !name.startsWith("log-"), push: name !== "ref" })),
    ...fields,
  });
  await keep(store.session.author, "ref", [...CATEGORIES, ...REFERENCE, ...grids.map((code, at) => gridDoc(code, at + 1))]);
  await setState(store.session.author, "sync", { loaded: true });
  const context = contextOf(store, language);
  const ask = (method, path, input) => answer(store, context, method, path, input);
  return {
    store,
    context,
    get: (path, input) => ask("GET", path, input),
    post: (path, form, input) => ask("POST", path, { form, ...input }),
    pull: (docs) => pulled(store.session, `grid-${GRID}-${QUARTER}`, docs),
  };
}

/** Puts documents where a pull puts them, with what it keeps beside them. */
export async function pulled(session, database, docs) {
  await keep(session.author, database, docs);
  await putLinks(session.author, [...docs.flatMap((doc) => linksOf(session.author, database, doc)), ...newsLinks(session, database, docs)]);
}

export function contextOf(store, language = "zh-CN", fields = {}) {
  return {
    version: "test", language, text_size: "large", theme: "phone", domain: DOMAIN, session: store?.session ?? null, t: translator(texts(language)),
    enrol: async () => undefined, signOut: async () => undefined, setLanguage: async () => undefined,
    setTextSize: async () => undefined, setTheme: async () => undefined,
    waitingOfOthers: async () => ({ count: 0, sealed: 0, can_make: false }), wiped: async () => null, tellSubscription: async () => undefined, handOver: async () => undefined,
    syncNow: () => undefined, openDataKey: async () => undefined, unlocked: () => undefined, locked: () => undefined, ...fields,
  };
}

/** The path of the route that gave an answer. @type {WeakMap<object, string>} */
export const routeOf = new WeakMap();

export async function answer(store, context, method, path, { form = {}, every = {}, files = {}, is_htmx = true, now = NOW, draft = null } = {}) {
  const url = new URL(path, "http://phone");
  const { route, params } = match(routes, method, url.pathname);
  const query = Object.fromEntries(url.searchParams);
  const answered = await route.handle({ method, path: url.pathname, params, query, form, every, files, is_htmx, now, draft }, store, context);
  routeOf.set(answered, `${method} ${route.path}`);
  return answered;
}

/** Fills the form a page showed: what it carries, and what the user put in. */
export function filled(shown, values = {}) {
  const { uuid, captured_at } = shown.data.form;
  const was = Object.fromEntries((shown.data.shown ?? []).map(({ name, value }) => [name, value]));
  return { uuid, captured_at, grid: shown.data.grid, ...was, ...values };
}

/** The case copy of a report as the server writes it. */
export function caseOf(report, state, event = {}) {
  return {
    _id: report._id.replace("report:", "case:"), _rev: "1-a", type: "case", v: 1, grid: report.grid, case_no: "002-261123-7K3M9Q",
    state, unit: null, due_at: null, reports: [report._id], category: report.category, events: 2,
    last_event: { move: "accept", at: "2026-11-23T07:59:00.000Z", ...event }, updated_at: "2026-11-23T07:59:00.000Z",
  };
}
