/**
 * A phone whose clock is wrong and was never measured, run against a real server: `node wrong_clock.mjs URL USER PASSWORD AHEAD_MS
 * HOUSEHOLD VALUE`. It loads the household, corrects its telephone, says so, waits for a line, and syncs; then it prints what became
 * of the edit. The test that starts it is `tests/e2e/test_households.py`.
 */
import { once } from "node:events";

const [base, username, password, ahead, household, value] = process.argv.slice(2);
const RealDate = Date;
globalThis.Date = /** @type {any} */ (class extends RealDate {
  constructor(...parts) {
    super(...(parts.length ? parts : [RealDate.now() + Number(ahead)]));
  }

  static now() {
    return RealDate.now() + Number(ahead);
  }
});
const realFetch = fetch;
globalThis.fetch = (path, init) => realFetch(new URL(String(path), base), init);

const { givePin } = await import("./phone.mjs");
const { storeOf } = await import("../../../pwa/src/store/index.js");
const { updateSession } = await import("../../../pwa/src/store/meta.js");
const { entries } = await import("../../../pwa/src/store/outbox.js");
const { enrol } = await import("../../../pwa/src/sync/enrolment.js");
const { runRound } = await import("../../../pwa/src/sync/round.js");

const NEVER_MEASURED = { offset_ms: 0, server_ms: null };
const session = Object.assign(await enrol({ username, password, name: "wrong clock" }), NEVER_MEASURED);
await updateSession(session.author, NEVER_MEASURED);
await givePin(session);
const round = (me, all) => runRound(session, { me, all, names: new Set() }, { isUnsure: false });
await round(false, true);

const store = storeOf(session);
const { doc, database } = await store.getRecord(household);
const edited = await store.edit(doc, { contact_phone: value }, await store.stamp(doc));
await store.saveRecord({ docs: [{ database, doc: { ...edited, author: session.author, device: session.device } }] });
console.log(JSON.stringify({ stamp: edited.stamps.contact_phone }));
await once(process.stdin, "data");

await round(false, false);
const waiting = (await entries(session.author)).length;
await round(true, false);
console.log(JSON.stringify({ waiting, left: (await entries(session.author)).length, offset_ms: session.offset_ms }));
process.exit(0);
