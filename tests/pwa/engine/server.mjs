/**
 * A server's side of the sync protocol for tests: what it holds, and what it should answer next in the cases a healthy server
 * never shows. The real one is used in `test_phone_in_chromium.py`.
 */

/** Answers `fetch` of relative addresses. `answers` maps `METHOD /path` to a function of the parsed body and URL. */
export function serve(answers) {
  const asked = [];
  globalThis.fetch = async (path, init = {}) => {
    const url = new URL(path, "http://phone.test");
    const method = init.method ?? "GET";
    const body = init.body ? JSON.parse(init.body) : undefined;
    asked.push({ method, path: url.pathname, query: url.searchParams, body });
    const answer = answers[`${method} ${url.pathname}`];
    if (!answer) return reply(404, { error: "not_found" });
    return answer(body, url);
  };
  return asked;
}

/** A JSON response. */
export function reply(status, body, headers = {}) {
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json", ...headers } });
}

/** A server that takes every document of a database. */
export function accepting(database) {
  return { [`POST /db/${database}/_bulk_docs`]: ({ docs }) => reply(201, docs.map(({ _id, _rev }) => ({ ok: true, id: _id, rev: _rev }))) };
}
