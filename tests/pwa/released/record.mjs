/**
 * Records what today's code leaves on a phone, for every later version to open:
 *
 *     node ../tests/pwa/released/record.mjs 0.2.0      (in `pwa/`; never over a version that was released)
 *
 * A phone in the middle of its work: unsent records of every kind with photos, one half sent; something refused, something held back,
 * a running patrol, a draft, a household edited here, what was pulled, and a second user who signed out with something unsent.
 */
import { writeFileSync } from "node:fs";

import { GRID, household, jpeg, phone, report } from "../engine/phone.mjs";
import { caseOf } from "../pages/app.mjs";
import { dump } from "./dump.mjs";

const { closeAll, keep } = await import("../../../pwa/src/store/documents.js");
const { setCheckpoint } = await import("../../../pwa/src/store/checkpoints.js");
const { beginSession, setAppVersion, setLanguage } = await import("../../../pwa/src/store/meta.js");
const { entries, noteHeldBack, noteUpload, release, setState, uploads } = await import("../../../pwa/src/store/outbox.js");
const { grantsOf, refusalOf } = await import("../../../pwa/src/store/refusals.js");
const { nextStamp } = await import("../../../pwa/src/store/clock.js");

const version = process.argv[2];
if (!/^\d+\.\d+\.\d+$/.test(version ?? "")) throw new Error("which version is this? (node record.mjs 0.2.0)");

async function fill(store, text) {
  const { author } = store.session;
  for (let at = 0; at < 9; at += 1) await store.saveRecord(await report(store, { text: `${text}${at}`, photos: at % 3 ? [] : [jpeg(200, at)] }));
  await store.saveRecord(household(store));
  const [held] = (await store.listHouseholds()).rows;
  const stamp = await nextStamp(store.session);
  await store.saveRecord({ docs: [{ database: held.database, doc: await store.edit(held.doc, { name: "李家" }, stamp) }] });
  const visit = store.mint("visit", { uuid: store.uuid(), grid: GRID, captured_at: "2026-11-23T08:00:00.000Z", household: held.id, address: "3-2-501", kind: "routine", findings: "一切都好", answers: {}, reports: [], next_at: null });
  await store.saveRecord({ docs: [{ database: store.databaseFor("home-quarter", GRID), doc: visit }] });
  await store.startPatrol({ uuid: store.uuid(), grid: GRID, started_at: "2026-11-23T08:00:00.000Z" });
  return author;
}

const store = await phone({ author: "worker1" });
const author = await fill(store, "井盖破损");
const [first, second, third] = (await entries(author)).filter(({ doc }) => doc.type === "report");
await release(author, [first.key], [refusalOf(first, { reason: "schema", detail: { fields: { text: "too long" } } }, grantsOf(store.session, "a"))]);
await release(author, [second.key]);
await keep(author, second.database, [{ ...caseOf(second.doc, "accepted"), _id: second.id.replace("report:", "case:") }]);
await noteHeldBack(author, new Map([[third.key, "quota"]]));
const [newest] = await uploads(author);
await noteUpload(author, newest.key, { upload_url: "/api/uploads/1", sent_bytes: 100 });
await setCheckpoint(author, "ref", { since: "12-abc", is_loaded: true, page_docs: 500 });
await setState(author, "sync", { phase: "idle", problem: "offline", last_contact_at: "2026-11-23T08:00:00.000Z" });
await store.remember("grid", GRID);
await fill(await phone({ author: "worker2" }), "路灯不亮");
await beginSession(store.session);
await setLanguage("en");
await setAppVersion("a87399767089");
await closeAll();
const rows = JSON.stringify(await dump(), null, 1);
writeFileSync(new URL(`${version}.json`, import.meta.url), `${rows}\n`);
