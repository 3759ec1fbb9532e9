/** The upload client alone, against answers as tus 1.0.0 allows them and as no server should give them: what it asks, and when it gives up. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { inItsOwnTime } from "./time.mjs";

const { UploadError, upload } = await import("../../../pwa/src/sync/tus.js");
const FILE = new Blob([new Uint8Array(10)]);

/**
 * A server for `XMLHttpRequest`s: the nth request gets `answers[n]`, the last one from then on. An answer is {status, headers, body}, or a
 * function of the request that does as it likes.
 */
function answering(...answers) {
  const asked = [];
  globalThis.XMLHttpRequest = /** @type {any} */ (class {
    upload = /** @type {any} */ ({});
    headers = {};

    open(method, url) {
      Object.assign(this, { method, url });
    }

    setRequestHeader(name, value) {
      this.headers[name] = value;
    }

    send(chunk) {
      const { method, url, headers } = /** @type {any} */ (this);
      asked.push({ method, url, headers, size_bytes: chunk?.size ?? null });
      const answer = answers[Math.min(asked.length, answers.length) - 1];
      setTimeout(() => (typeof answer === "function" ? answer(this) : this.answer(answer)), 0);
    }

    answer({ status, headers = {}, body = "" }) {
      Object.assign(this, { status, answered: headers, responseText: body });
      /** @type {any} */ (this).onload();
    }

    getResponseHeader(name) {
      return /** @type {any} */ (this).answered[name] ?? null;
    }

    abort() {
      asked.push({ method: "abort" });
    }
  });
  return asked;
}

/** Sends `FILE`; what was told on the way. */
async function sending(plan = {}) {
  const told = { urls: [], progress: [], failed: null };
  await upload(FILE, {
    endpoint: "/up", url: null, chunk_bytes: 4, with_creation: false, stall_ms: 10_000, waits_ms: [1, 1],
    headers: { Authorization: "Bearer t" }, metadata: { role: "sent" },
    onUrl: (url) => told.urls.push(url), onProgress: (sent_bytes) => told.progress.push(sent_bytes),
    mayRetry: ({ status }) => status === 0 || status === 423, ...plan,
  }).catch((error) => (told.failed = error));
  return told;
}

const lines = (asked) => asked.map(({ method, headers, size_bytes }) => `${method} ${headers?.["Upload-Offset"] ?? ""} ${size_bytes ?? ""}`.trim());
const created = { status: 201, headers: { Location: "/up/a" } };
const at = (offset, status = 204) => ({ status, headers: { "Upload-Offset": `${offset}` } });
const broken = (request) => request.onerror();

test("an upload is created by its length and what it is, then sent by chunks that each say where they begin", async () => {
  const asked = answering(created, at(4), at(8), at(10));
  const told = await sending({ metadata: { photo: "photo:1", note: "井盖" } });
  assert.equal(told.failed, null);
  assert.deepEqual(lines(asked), ["POST", "PATCH 0 4", "PATCH 4 4", "PATCH 8 2"]);
  assert.deepEqual(asked[0].headers, {
    "Tus-Resumable": "1.0.0", Authorization: "Bearer t", "Upload-Length": "10", "Upload-Metadata": "photo cGhvdG86MQ==,note 5LqV55uW",
  });
  assert.equal(asked[1].headers["Content-Type"], "application/offset+octet-stream");
  assert.deepEqual(told.urls, ["/up/a"]);
});

test("a small file goes with its creation: one request", async () => {
  const asked = answering({ ...created, headers: { ...created.headers, "Upload-Offset": "10" } });
  assert.equal((await sending({ chunk_bytes: 100, with_creation: true })).failed, null);
  assert.deepEqual(lines(asked), ["POST  10"]);
});

test("an upload that the server knew already goes on from what it has", async () => {
  const asked = answering({ ...created, headers: { ...created.headers, "Upload-Offset": "8" } }, at(10));
  await sending();
  assert.deepEqual(lines(asked), ["POST", "PATCH 8 2"]);
});

test("one that was begun before goes on from where HEAD says, and a whole one is not sent at all", async () => {
  const asked = answering(at(8, 200), at(10));
  await sending({ url: "/up/old" });
  assert.deepEqual([asked[0].url, ...lines(asked)], ["/up/old", "HEAD", "PATCH 8 2"]);
  const again = answering(at(10, 200));
  assert.equal((await sending({ url: "/up/old" })).failed, null);
  assert.deepEqual(lines(again), ["HEAD"]);
});

for (const status of [401, 404, 410, 503]) {
  test(`after HEAD's ${status}, which has no words, an empty creation asks for them`, async () => {
    const asked = answering({ status }, { status, body: '{"code":"why"}', headers: { "Retry-After": "60" } });
    const { failed } = await sending({ url: "/up/old", with_creation: true });
    assert.deepEqual(lines(asked), ["HEAD", "POST"]);
    assert.deepEqual([failed.name, failed.status, failed.body, failed.retry_after_s], ["UploadError", status, { code: "why" }, 60]);
  });
}

test("an upload that another request writes to is asked for again, not created anew", async () => {
  const asked = answering({ status: 423 }, at(4, 200), at(8), at(10));
  assert.equal((await sending({ url: "/up/old" })).failed, null);
  assert.deepEqual(lines(asked), ["HEAD", "HEAD", "PATCH 4 4", "PATCH 8 2"]);
});

test("tries are counted anew whenever one brought the file on, and end when none does", async () => {
  const on = [created, broken, at(1, 200), broken, at(2, 200), broken, at(3, 200), broken, at(4, 200), at(8), at(10)];
  assert.equal((await sending(answering(...on) && {})).failed, null);
  const asked = answering(created, broken, at(0, 200), broken, at(0, 200), broken);
  const { failed } = await sending();
  assert.deepEqual([failed.status, failed instanceof UploadError], [0, true]);
  assert.deepEqual(lines(asked), ["POST", "PATCH 0 4", "HEAD", "PATCH 0 4", "HEAD", "PATCH 0 4"]);
});

test("whether a failure is worth another try is the caller's to say, who learns whether there is an address", async () => {
  const seen = [];
  const mayRetry = (error, url) => (seen.push([error.status, url]), false);
  answering(broken);
  await sending({ mayRetry, with_creation: true });
  answering(created, { status: 409 });
  await sending({ mayRetry });
  assert.deepEqual(seen, [[0, null], [409, "/up/a"]]);
});

test("a request of which no byte moves is given up and not tried again at once; one that moves may take its time", async (t) => {
  const asked = answering(created, () => undefined);
  const { failed } = await inItsOwnTime(t, () => sending({ stall_ms: 30 }));
  assert.deepEqual([failed.status, failed.isStalled, ...lines(asked)], [0, true, "POST", "PATCH 0 4", "abort"]);
  const slowly = (request) => [1, 2, 3, 4].forEach((loaded) => setTimeout(() => request.upload.onprogress({ loaded }), loaded * 40));
  answering(created, (request) => (slowly(request), setTimeout(() => request.answer(at(10)), 200)));
  const told = await inItsOwnTime(t, () => sending({ stall_ms: 100 }));
  assert.deepEqual([told.failed, told.progress], [null, [0, 1, 2, 3, 4]]);
});

test("what no tus server says is no success: no address, no offset, one outside the file, a chunk that added nothing", async () => {
  const strange = [
    [{ status: 200, body: "<html>sign in to this network</html>" }],
    [created, { status: 200 }],
    [created, at(11)],
    [created, at(0)],
    [created, { status: 500, body: "<html>proxy</html>" }],
  ];
  for (const answers of strange) {
    answering(...answers);
    const { failed } = await sending({ mayRetry: () => false });
    assert.ok(failed instanceof UploadError, JSON.stringify(answers));
    assert.deepEqual(failed.body, {});
  }
});
