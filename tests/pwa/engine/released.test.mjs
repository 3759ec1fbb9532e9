/** What each released version left on a phone is opened by today's code: everything is there, and everything unsent arrives. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { serveAll } from "./fleet.mjs";
import { PIN, givePin } from "./phone.mjs";
import { rawText } from "./raw.mjs";
import "./xhr.mjs";
import { dump, load } from "../released/dump.mjs";

const { migrate } = await import("../../../pwa/src/store/migration.js");
const { currentSession, language, sessions } = await import("../../../pwa/src/store/meta.js");
const { closeAll } = await import("../../../pwa/src/store/documents.js");
const { entries, uploads } = await import("../../../pwa/src/store/outbox.js");
const { blobOf } = await import("../../../pwa/src/store/sealed.js");
const { sweep } = await import("../../../pwa/src/store/sweep.js");
const { unlock } = await import("../../../pwa/src/store/unlocking.js");
const { lock, standing } = await import("../../../pwa/src/store/vault.js");
const { close } = await import("../../../pwa/src/store/idb.js");
const { replay } = await import("../../../pwa/src/store/saving.js");
const { storeOf } = await import("../../../pwa/src/store/index.js");
const { unsent } = await import("../../../pwa/src/store/where.js");
const { runRound } = await import("../../../pwa/src/sync/round.js");
const { sendPhotos } = await import("../../../pwa/src/sync/uploads.js");

const FOLDER = new URL("../released/", import.meta.url);
const RELEASED = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));
const AUTHORS = ["worker1", "worker2"];

/** The rows of one table as the released version wrote them. */
function written(databases, name, table) {
  return databases.find((one) => one.name === name).stores.find((one) => one.name === table).rows.map(([, value]) => value);
}

/** The phone with exactly what that version left on it. */
async function phoneOf(file) {
  await closeAll();
  for (const { name } of await indexedDB.databases()) {
    await close(name);
    await new Promise((resolve) => (indexedDB.deleteDatabase(name).onsuccess = resolve));
  }
  const databases = JSON.parse(readFileSync(new URL(file, FOLDER), "utf8"));
  await load(databases);
  return databases;
}

for (const file of RELEASED) {
  test(`${file}: what was unsent is unsent, photos keep their bytes, and what was pulled or refused is still known`, async () => {
    const databases = await phoneOf(file);
    await migrate();
    assert.deepEqual([(await sessions()).map(({ author }) => author), (await currentSession()).author, await language()], [AUTHORS, "worker1", "en"]);
    for (const author of AUTHORS) {
      const before = written(databases, `xunge-own-${author}`, "outbox");
      assert.deepEqual((await entries(author)).map(({ doc }) => doc), before.map(({ doc }) => doc));
      assert.deepEqual(await replay(author), [], "all of it is in the documents, too");
      for (const { photo, role, sha256 } of await uploads(author)) {
        const bytes = await (await blobOf(author, photo, role)).arrayBuffer();
        assert.equal(Buffer.from(await crypto.subtle.digest("SHA-256", bytes)).toString("hex"), sha256);
      }
    }
    const store = storeOf(await currentSession());
    const { rows } = await store.listReports({ limit: 50 });
    const places = rows.map(({ where }) => where.case?.state ?? where.held_back ?? where.place).sort();
    assert.deepEqual(places, ["accepted", ...Array(6).fill("phone"), "quota", "refused"]);
    assert.deepEqual([await standing(store.session), (await store.listHouseholds()).rows], ["unset", []], "households wait for a PIN");
    await givePin(store.session);
    await sweep(store.session);
    const [household] = (await store.listHouseholds()).rows;
    const seen = [household.doc.name, (await store.visitsOf(household.id)).length, (await store.currentPatrol()).grid, await store.remembered("grid")];
    assert.deepEqual(seen, ["李家", 1, "640105002001001", "640105002001001"]);
  });

  test(`${file}: everything unsent arrives, each record once, with the new version`, async () => {
    const databases = await phoneOf(file);
    await migrate();
    for (const session of await sessions()) {
      const server = serveAll(storeOf(session));
      // The server has forgotten the half that was sent: the file begins anew.
      server.isDown = (name) => name.startsWith("HEAD ") && new Response(null, { status: 404 });
      const before = await unsent(session.author);
      assert.ok(before.records > 9 && before.photos > 2, "the recording has something to lose");
      await runRound(session, { me: true, all: false, names: new Set() }, { isUnsure: true });
      await sendPhotos(session, { shouldStop: () => false, onProgress: () => undefined });
      assert.equal((await unsent(session.author)).count, 0);
      const wanted = written(databases, `xunge-own-${session.author}`, "outbox").map(({ id }) => id);
      const ids = [...server.held.values()].map(({ _id }) => _id);
      assert.deepEqual([...ids].sort().filter((id) => wanted.includes(id)), [...new Set(wanted)].sort());
    }
  });
}

for (const file of RELEASED) {
  test(`${file}: with a PIN nothing of households is left in the clear, and nothing is lost, however often it is broken off`, async () => {
    await phoneOf(file);
    await migrate();
    const session = await currentSession();
    const { author } = session;
    const before = await entries(author);
    const isOurs = (name) => name === `xunge-own-${author}` || name.includes(`/${author}/home-`);
    assert.match(await rawText(isOurs), /李家/);
    await givePin(session);
    const writes = breakOffAfter();
    for (let n = 0, isWhole = false; !isWhole; n += 1) isWhole = await writes(n, () => sweep(session));
    assert.doesNotMatch(await rawText(isOurs), /李家/);
    const after = await entries(author);
    assert.deepEqual(after.map(({ doc: { _id, _rev, _revisions } }) => [_id, _rev, _revisions]), before.map(({ doc: { _id, _rev, _revisions } }) => [_id, _rev, _revisions]));
    await lock(author);
    await closeAll();
    assert.deepEqual(await replay(author), [], "and no key is needed to see that it is in the documents, too");
    const server = serveAll(storeOf(session));
    const round = () => runRound(session, { me: true, all: false, names: new Set() }, { isUnsure: true });
    await round();
    assert.ok(![...server.held.keys()].some((key) => key.startsWith("home-")), "locked: only grids are sent");
    await unlock(session, PIN);
    await round();
    assert.equal((await unsent(author)).documents, 0);
    const unsentHomes = new Map(before.flatMap(({ database, doc }) => (database.startsWith("home-") ? [[`${database}|${doc._id}`, doc]] : [])));
    assert.ok(unsentHomes.size > 0);
    for (const [key, doc] of unsentHomes) assert.deepEqual(server.held.get(key), doc, "as it was before the update");
  });
}

/** Runs work of which the n-th write fails as if the phone had been switched off. @returns whether it was whole */
function breakOffAfter() {
  const put = IDBObjectStore.prototype.put;
  return async (n, work) => {
    let left = n;
    IDBObjectStore.prototype.put = function (...given) {
      if (left-- <= 0) throw new Error("switched off");
      return put.apply(this, given);
    };
    try {
      await work();
      return true;
    } catch (error) {
      assert.ok(left < 0, error); // PouchDB has words of its own for it
      return false;
    } finally {
      IDBObjectStore.prototype.put = put;
      await closeAll();
    }
  };
}

test("a phone that is switched off in the middle of a migration finds everything as it was", async () => {
  await phoneOf(RELEASED[0]);
  const before = await dump();
  const opening = indexedDB.open("xunge-own-worker1", 99);
  opening.onupgradeneeded = () => {
    opening.transaction.objectStore("outbox").clear();
    opening.transaction.abort();
  };
  await new Promise((resolve) => (opening.onerror = resolve));
  assert.deepEqual(await dump(), before);
  await migrate();
  assert.ok((await entries("worker1")).length > 9);
});

test("a connection that the browser closed is opened anew, for reading and for saving", async () => {
  await phoneOf(RELEASED[0]);
  await migrate();
  const { openOwn } = await import("../../../pwa/src/store/own.js");
  const before = (await entries("worker1")).length;
  (await openOwn("worker1")).close();
  assert.equal((await entries("worker1")).length, before);
  (await openOwn("worker1")).close();
  const store = storeOf(await currentSession());
  await store.remember("draft", "还在");
  assert.equal(await store.remembered("draft"), "还在");
});
