/**
 * A whole server's side of the sync protocol for tests that tell a story over several rounds: what it lists, holds, puts aside and
 * receives from refused tokens. Rules are the test's: `rule(doc, database)` names a reason or nothing.
 */
import { reply } from "./server.mjs";

/** @param {import("../../../pwa/src/store/index.js").Store} store */
export function serveAll(store) {
  const { user, grids, databases } = store.session;
  const server = {
    me: { user, grids, databases, wipe: false },
    refusing: /** @type {any} */ (null),
    rule: (_doc, _database) => /** @type {string | undefined} */ (undefined),
    isKept: () => true,
    outcomes: /** @type {any[]} */ ([]),
    held: new Map(),
    aside: /** @type {any[]} */ ([]),
    rescued: /** @type {any[]} */ ([]),
    told: /** @type {any[]} */ ([]),
    feeds: /** @type {Record<string, any[]>} */ ({}),
    asked: /** @type {string[]} */ ([]),
    isDown: (_name) => /** @type {boolean | Response} */ (false),
  };
  globalThis.fetch = async (path, { method = "GET", body, headers = {} } = {}) => {
    const url = new URL(String(path), "http://phone.test");
    const name = `${method} ${url.pathname}`;
    server.asked.push(name);
    const down = server.isDown(name);
    if (down instanceof Response) return down;
    if (down) throw new TypeError("no network");
    return answer(server, name, url, typeof body === "string" ? JSON.parse(body) : body, new Headers(headers));
  };
  return server;
}

function answer(server, name, url, body, headers) {
  if (name.includes("/api/rescue")) return rescued(server, name, body);
  if (server.refusing) return reply(401, server.refusing);
  if (name === "GET /api/devices/me") return reply(200, { ...server.me, server_time: new Date().toISOString() });
  if (name === "POST /api/devices/me") return server.told.push(body), new Response(null, { status: 204 });
  if (name === "GET /api/quarantine/mine") return reply(200, { entries: server.outcomes });
  if (name.includes("/api/uploads")) return stored(headers, body, "/api/uploads/1");
  const [, database, rest] = /** @type {RegExpExecArray} */ (/\/db\/([^/]+)\/(.*)/.exec(url.pathname));
  if (rest === "_bulk_docs") return reply(201, body.docs.map((doc) => take(server, database, doc)));
  if (rest === "_revs_diff") return reply(200, missing(server, database, body));
  if (rest === "_bulk_get") return reply(200, { results: body.docs.map(({ id }) => ({ id, docs: [{ ok: server.held.get(`${database}|${id}`) }] })) });
  return reply(200, page(server.feeds[database] ?? [], url));
}

function take(server, database, doc) {
  const [id, rev] = [doc._id, doc._rev];
  const reason = server.rule(doc, database);
  if (!reason) return server.held.set(`${database}|${id}`, doc), { ok: true, id, rev };
  const quarantined = server.isKept();
  if (quarantined) server.aside.push({ database, doc, reason });
  return { error: "forbidden", id, rev, reason, quarantined };
}

function missing(server, database, asked) {
  const lacking = Object.entries(asked).filter(([id]) => !server.held.has(`${database}|${id}`));
  return Object.fromEntries(lacking.map(([id, revs]) => [id, { missing: revs }]));
}

function page(docs, url) {
  const since = Number(url.searchParams.get("since"));
  const rows = docs.slice(since, since + Number(url.searchParams.get("limit")));
  const results = rows.map((doc, at) => ({ seq: since + at + 1, id: doc._id, changes: [{ rev: doc._rev }], doc, ...(doc._deleted ? { deleted: true } : {}) }));
  return { results, last_seq: since + rows.length, pending: docs.length - since - rows.length };
}

function rescued(server, name, body) {
  if (name.includes("/uploads")) return stored(new Headers(), body, "/api/rescue/uploads/1", (server.rescued.push(name), 201));
  const kept = body.documents.map(({ database, doc }) => {
    const ok = server.isKept();
    if (ok) server.rescued.push(doc._id);
    return { database, id: doc._id, rev: doc._rev, ok, ...(ok ? {} : { reason: "quota" }) };
  });
  return reply(200, { kept });
}

function stored(_headers, body, location, status = 201) {
  return new Response(null, { status, headers: { Location: location, "Upload-Offset": String(body?.size ?? 0) } });
}
