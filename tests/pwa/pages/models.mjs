/** Every page in its telling states, as the handlers make them: empty, filled, refused, returned. */
import { PIN, jpeg } from "../engine/phone.mjs";
import { addHomes } from "./homes-models.mjs";
import { GRID, NOW, SEAL_KEY, SECOND_GRID, answer, app, caseOf, contextOf, filled } from "./app.mjs";
import { routeOf } from "./app.mjs";

const { keep } = await import("../../../pwa/src/store/documents.js");
const { forgetErased } = await import("../../../pwa/src/store/erased.js");
const { noteHeldBack, noteUpload, release, setState, uploads, waitingOf } = await import("../../../pwa/src/store/outbox.js");
const { noteOutcomes, refusalOf } = await import("../../../pwa/src/store/refusals.js");
const { makeVault } = await import("../../../pwa/src/store/unlocking.js");
const { lock } = await import("../../../pwa/src/store/vault.js");
const ROUGH = `<b>"引号" & 'quote'</b> \`x\` {{ 1 }} \n第二行`;

async function filledPhone(language) {
  const phone = await app({ language, grids: [GRID, SECOND_GRID], offset_ms: -90_000 });
  const { patrol_id } = (await phone.get("/m/")).data;
  await phone.post("/m/patrols", { uuid: patrol_id, grid: GRID });
  const ids = [];
  for (const [state, event] of [[null], ["reported"], ["accepted"], ["returned", { reason: ROUGH }], ["closed", { result: "已清运" }], ["rework"]]) {
    const form = filled(await phone.get("/m/report", { now: NOW + ids.length }), { category: "1101", text: ROUGH, urgency: "urgent", lat: "38.49", lon: "106.13", accuracy_m: "9" });
    await phone.post("/m/reports", form, { files: { photo: state ? [] : [jpeg(), jpeg(50)] } });
    const row = (await phone.store.listReports({ limit: 1 })).rows[0];
    if (state) await phone.pull([caseOf(row.doc, state, event)]);
    ids.push(row.id);
  }
  return { phone, ids, patrol_id };
}

async function withHousehold({ phone }) {
  const form = { address: ROUGH, how: "consent_signed", purpose: "走访", contact_name: "李奶奶", contact_phone: "138", housing: "owner", remark: ROUGH };
  const made = await phone.post("/m/households", filled(await phone.get("/m/homes/new"), form));
  const household = made.redirect.match(/household:[0-9a-f-]+/)[0];
  const shown = await phone.get(`/m/homes/${household}/visits/new`);
  const saved = await phone.post("/m/visits", filled(shown, { household, kind: "elderly", findings: ROUGH, next: "week", "answer-met": "home", "answer-wishes": ROUGH }));
  return { household, visit: saved.redirect.match(/visit:[0-9a-f-]+/)[0] };
}

/** What was not accepted, and what keeps the rest from going on. */
async function addTroubles(add, { phone, ids }) {
  const { author } = phone.store.session;
  const [kept, damaged] = await uploads(author);
  await noteUpload(author, kept.key, { problem: "image_truncated", is_final: true, is_kept: true });
  await noteUpload(author, damaged.key, { problem: "hash_mismatch", is_final: false });
  await add("refused photos on Me", phone.get("/m/me"));
  await add("refused photos of a record", phone.get(`/m/records/${ids[0]}`));
  for (const problem of ["server_full", "photos_unavailable", "phone_full", "expired", "revoked", "signed_out", "offline", "server"]) {
    await setState(author, "sync", { phase: "idle", problem });
    for (const path of ["/m/me", "/m/sync-chip"]) await add(`${problem} ${path}`, phone.get(path));
  }
  for (const phase of ["waiting", "sending", "kept"]) {
    const rescue = { phase, code: "token_expired", wipe: phase === "sending", rescue_until: null, documents: 3, photos: 2 };
    await setState(author, "sync", { phase: "idle", problem: "expired", rescue });
    await add(`${phase} of a rescue on Me`, phone.get("/m/me"));
  }
  await setState(author, "sync", null);
  await addRefusals(add, phone, ids);
  await add("no room for the page itself", { template: "message.html", data: { title: "x", message: "failure.no_room", slots: {}, bare: false } });
}

const DECIDED = { decided_at: "2026-11-23T07:00:00.000Z", decision_reason: ROUGH };

/** Records that were put aside: waiting for a clerk, taken, corrected, not used; and one that the server did not take yet. */
async function addRefusals(add, phone, ids) {
  const { author } = phone.store.session;
  const outcomes = [{ state: "waiting" }, { ...DECIDED, state: "adopted", adopted_as: { database: "x", id: ids[1] } },
    { ...DECIDED, state: "adopted", adopted_as: { database: "x", id: "report:other" } }, { ...DECIDED, state: "dismissed", adopted_as: null }];
  for (const [at, outcome] of outcomes.entries()) {
    const entry = await waitingOf(author, ids[at]);
    const refused = refusalOf(entry, { reason: at ? "not_grid_holder" : "schema", detail: { fields: { text: "too long" } } }, { grants: "g", version: "1" });
    await release(author, [entry.key], [refused]);
    await noteOutcomes(author, [{ database: entry.database, doc_id: entry.id, rev: entry.rev, ...outcome }]);
    await add(`refused ${outcome.state} ${at}`, phone.get(`/m/records/${ids[at]}`));
  }
  const held = await waitingOf(author, ids[4]);
  for (const reason of ["quota", "something_new"]) {
    await noteHeldBack(author, new Map([[held.key, reason]]));
    await add(`held back for ${reason}`, phone.get(`/m/records/${ids[4]}`));
  }
  const erased = { id: "household:019aaf00-0000-7000-8000-000000000001", rev: "1-a", database: `home-${GRID}`, key: "x" };
  await forgetErased(author, erased.database, [erased.id], [erased]);
  await add("a household that was erased on request", phone.get(`/m/homes/${erased.id}`));
  await add("refused records on Me", phone.get("/m/me"));
  await add("everything in the sync centre", phone.get("/m/sync"));
  await add("a refused report made anew", phone.get(`/m/report?from=${ids[0]}`));
}

/** Tasks in their states, the answer to one, and what may be said about a report later. */
async function addTasks(add, { phone, ids }) {
  const place = { lat: 38.5, lon: 106.1, accuracy_m: 5, address: ROUGH };
  const found = { id: "case:x", case_no: "002-261123-7K3M9Q", category: "1101", text: ROUGH, place, photos: ["photo:x"] };
  const form = [{ key: "a", label: ROUGH, kind: "number", needed: true }, { key: "b", label: "b", kind: "yes_no" }, { key: "c", label: "c", kind: "choice", options: [ROUGH, "2"] }];
  const states = [
    { kind: "verify", case: found }, { kind: "campaign", form }, { kind: "visit", household: "household:x", due_at: "2026-11-22T10:00:00.000Z" },
    { kind: "fix", state: "answered" }, { kind: "look_again", state: "withdrawn" },
  ];
  const tasks = states.map((fields, at) => ({
    _id: `task:019aaf00-0000-7000-8000-00000000000${at}`, _rev: "1-a", type: "task", v: 1, grid: GRID, kind: "verify", text: ROUGH, household: null, campaign: null,
    form: null, case: null, state: "open", due_at: "2026-11-25T10:00:00.000Z", created_at: "2026-11-23T07:00:00.000Z", updated_at: "2026-11-23T07:00:00.000Z", events: 5, ...fields,
  }));
  await phone.pull(tasks);
  await add("tasks on Today", phone.get("/m/"));
  for (const { _id, kind, household } of tasks) await add(`task ${kind}`, phone.get(`/m/${household ? `homes/${household}/` : ""}tasks/${_id}`));
  const path = `/m/tasks/${tasks[0]._id}`;
  await add("refused answer", phone.post(`${path}/replies`, { outcome: "" }));
  await phone.post(`${path}/replies`, filled(await phone.get(path), { outcome: "declined", text: ROUGH }));
  await add("answered task", phone.get(`${path}?saved=1`));
  for (const intent of ["", "withdraw", "resubmit"]) await add(`note ${intent}`, phone.get(`/m/records/${ids[3]}/note?intent=${intent}`));
  const saved = await phone.post(`/m/records/${ids[3]}/notes`, filled(await phone.get(`/m/records/${ids[3]}/note`), { text: ROUGH }));
  await add("record with a note", phone.get(saved.redirect));
  const [note] = await phone.store.saidOf(ids[3]);
  await add("a note's own page", phone.get(`/m/records/${note.id}`));
}

/** A beat with compounds, visits to one of them, and a report that a visit promises. */
async function addBeat(add, language) {
  const phone = await app({ language, police: true, grids: [GRID, SECOND_GRID] });
  const compound = { _id: "compound:c001", _rev: "1-0", type: "compound", v: 1, name: ROUGH, grid: GRID, address: ROUGH, police: { name: ROUGH, phone: "0951" }, enforcement: null };
  await keep(phone.store.session.author, "ref", [compound, { ...compound, _id: "compound:c002", grid: SECOND_GRID }]);
  const path = "/m/visits/new?compound=compound:c001";
  const shown = await phone.get(path);
  const form = { compound: compound._id, kind: "premises", findings: ROUGH, address: ROUGH, raise: "1", report: shown.data.report };
  const saved = await phone.post("/m/visits", filled(shown, form));
  const visit = saved.redirect.match(/visit:.*/)[0];
  for (const one of [path, "/m/visits", "/m/visits?q=zz", "/m/visits/log", "/m/me", "/m/compounds/compound:c001", saved.redirect, `/m/records/${visit}?saved=1`]) await add(`beat ${one}`, phone.get(one));
}

/** A patrol's way before it is let go, whole and with all of it left out, and Today meanwhile. */
async function addTrack(add, { phone, patrol_id }) {
  for (const [n, lat] of ["38.5", "38.5005", "38.502"].entries()) {
    await phone.post(`/m/patrols/${patrol_id}/points`, { lat, lon: "106.1", accuracy_m: "5" }, { now: NOW + n * 60_000 });
  }
  const { redirect } = await phone.post(`/m/patrols/${patrol_id}/end`, {}, { now: NOW + 600_000 });
  await add("Today with a track to look at", phone.get("/m/"));
  for (const query of ["", "?from=1&to=2", "?out-0=1"]) await add(`track ${query}`, phone.get(redirect + query));
  await phone.post(redirect, { send: "yes" });
}

/** A report from its first photo to its undo: what is offered, hinted at and kept meanwhile. */
async function addReport(add, language) {
  const phone = await app({ language, grids: [GRID, SECOND_GRID] });
  const compound = { _id: "compound:c001", _rev: "1-0", type: "compound", v: 1, name: ROUGH, grid: GRID, address: ROUGH, police: null, enforcement: null };
  const shift = { unit: "unit:safety", phone: "0951-2060002", days: [1, 2, 3, 4, 5, 6, 7], begins: "00:00", ends: "00:00", valid_to: null };
  await keep(phone.store.session.author, "ref", [
    compound,
    { _id: "unit:safety", _rev: "1-0", type: "unit", v: 1, name: { "zh-CN": ROUGH, en: ROUGH } },
    { _id: `duty:${GRID.slice(0, 9)}`, _rev: "1-0", type: "duty", v: 1, area: GRID.slice(0, 9), shifts: [shift] },
  ]);
  const where = { lat: "38.49", lon: "106.13", compound: compound._id, building: "3", unit_typed: ROUGH.slice(0, 20) };
  const sound = new Blob(["sound"], { type: "audio/webm" });
  const files = { photo: [jpeg()], after: [jpeg()], voice: [sound], original: [jpeg(5000)], thumb: [jpeg(10)] };
  const form = filled(await phone.get("/m/report?urgency=emergency"), { ...where, category: "1101", text: ROUGH, urgency: "emergency", solved: "1", solved_text: ROUGH, evidence: "1" });
  const saved = await phone.post("/m/reports", form, { files, every: { shot: ['{"original":true}'] } });
  await add("an emergency just sent", phone.get(saved.redirect));
  await add("an emergency sent too late to undo", phone.get(saved.redirect.replace("saved", "late")));
  const query = new URLSearchParams({ ...where, category: "1101", uuid: "x" });
  await add("somebody reported it", phone.get(`/m/report/near?${query}`));
  await add("buildings", phone.get(`/m/report/places?${query}`));
  await add("on duty", phone.get(`/m/report/duty?grid=${GRID}`));
  await add("nobody on duty", phone.get("/m/report/duty?grid=x"));
  const draft = (await phone.get("/m/report")).data.form.uuid;
  const pieces = JSON.stringify(["photo", "after", "voice"].map((part) => ({ key: `k-${part}`, part, shot: "{}" })));
  const kept = phone.post(`/m/drafts/${draft}`, { ...form, uuid: draft, pieces }, { files: { "sent:k-photo": [jpeg()], "sent:k-voice": [sound] } });
  await add("a draft is kept", kept);
  for (const path of ["/m/", "/m/report", `/m/report?draft=${draft}`]) await add(`with a draft ${path}`, phone.get(path));
  for (const text of ["", ROUGH]) {
    const { uuid } = (await phone.get("/m/report")).data.form;
    await phone.post(`/m/drafts/${uuid}`, { ...form, uuid, text, pieces: "[]" });
  }
  await add("an emergency beside drafts", phone.get("/m/report?urgency=emergency"));
  await add("a draft was discarded", phone.post(`/m/drafts/${draft}/drop`, { back: "report" }));
}

/** A phone that is nearly full, and one that can make a rescue file and has made one. */
async function addSafety(add, language) {
  const phone = await app({ language, seal_key: SEAL_KEY });
  await phone.post("/m/reports", filled(await phone.get("/m/report"), { category: "1101", text: ROUGH }));
  await setState(phone.store.session.author, "rescue-file", "2026-11-23T07:00:00.000Z");
  const { storage } = navigator;
  Object.defineProperty(navigator, "storage", { configurable: true, value: { estimate: async () => ({ usage: 95e6, quota: 100e6 }), persisted: async () => false } });
  for (const path of ["/m/", "/m/me", "/m/session/end"]) await add(`nearly full ${path}`, phone.get(path));
  Object.defineProperty(navigator, "storage", { configurable: true, value: { estimate: async () => ({ usage: 95e6, quota: 95e6 + 10 * 2 ** 30 }) } });
  await setState(phone.store.session.author, "no-room", true);
  await add("a browser that does not tell how much room there is", phone.get("/m/me"));
  const loss = { device: "x", name: ROUGH, last_seen_on: "2026-11-16", records: 3, photos: 1, is_certain: true };
  for (const fields of [{ found: 37 }, { records: 0, photos: 0 }, { is_certain: false }]) {
    await setState(phone.store.session.author, "loss", { ...loss, ...fields });
    await add(`lost ${JSON.stringify(fields)}`, phone.get("/m/"));
  }
  Object.defineProperty(navigator, "storage", { configurable: true, value: storage });
}

/** The lock before a PIN, open, locked, after wrong tries, and with what was typed before it locked. */
async function addLock(add, language) {
  const phone = await app({ language });
  const { session } = phone.store;
  await setState(session.author, "vault", null);
  await lock(session.author);
  for (const path of ["/m/pin?to=/m/homes", "/m/me"]) await add(`without a PIN ${path}`, phone.get(path));
  await makeVault({ ...session, seal_key: null }, PIN, 1000);
  await phone.store.vault.addBiometrics(PIN, { credential: "AAAA", salt: "AAAA", secret: new Uint8Array(32) });
  const shown = await phone.get("/m/homes/new");
  await add("a form filled in again", { ...shown, data: { ...shown.data, sealed_draft: JSON.stringify([["address", ROUGH]]), fresh: "/m/homes/new?fresh=1" } });
  for (const path of ["/m/pin", "/m/pin/forgotten"]) await add(path, phone.get(path));
  await phone.post("/m/households", filled(shown, { address: ROUGH, how: "consent_signed", purpose: "x" }));
  await lock(session.author);
  for (const path of [`/m/lock?to=${encodeURIComponent(ROUGH)}`, "/m/lock?to=/m/homes", "/m/me", "/m/", "/m/session/end"]) await add(`locked ${path}`, phone.get(path));
  await add("wrong PIN", phone.post("/m/unlock", { pin: "000000" }));
  await add("no PIN", phone.post("/m/pin", { pin: "123456", again: "x" }));
  for (const wrong of [6, 10]) {
    await setState(session.author, "vault-tries", { wrong, not_before_ms: Date.now() + 3_600_000 });
    await add(`locked after ${wrong}`, phone.get("/m/lock"));
  }
}

/** A first load, from its beginning. */
const LOADING = Object.freeze({
  "loading, nothing heard yet": {}, "loading, nobody knows how much": { loading: { written: 200, pending: 0 } },
  "loading a third": { loading: { written: 3200, pending: 6400 } }, "loading held up": { loading: { written: 3200, pending: 6400 }, problem: "offline" },
});

/** `[{name, route, template, data}]` in a language; `route` is the method and path that answered. */
export async function shownPages(language) {
  const pages = [];
  const add = async (name, promise) => {
    const answered = await promise;
    pages.push({ name, route: routeOf.get(answered) ?? null, ...answered });
  };
  const empty = await app({ language });
  for (const path of ["/m/", "/m/report", "/m/homes", "/m/cases", "/m/me", "/m/sync", "/m/session/end", "/m/records/report:none", "/m/sync-chip"]) {
    await add(`empty ${path}`, empty.get(path));
  }
  for (const [name, sync] of Object.entries(LOADING)) {
    await setState(empty.store.session.author, "sync", sync);
    for (const path of ["/m/", "/m/homes", "/m/cases"]) await add(`${name} ${path}`, empty.get(path));
  }
  const police = await app({ language, police: true });
  for (const path of ["/m/", "/m/visits", "/m/visits/new", "/m/visits/log", "/m/report"]) await add(`police ${path}`, police.get(path));
  await addBeat(add, language);
  await addReport(add, language);
  await addLock(add, language);
  const full = await filledPhone(language);
  const { household, visit } = await withHousehold(full);
  const paths = ["/m/", "/m/report?camera=1", "/m/homes", "/m/homes/new", `/m/homes/${household}`, `/m/homes/${household}/edit`, `/m/homes/${household}/visits/new`,
    `/m/records/${visit}`, "/m/cases", "/m/me", "/m/sync", "/m/session/end", "/m/sync-chip", `/m/records/${full.ids[0]}/photos/1`, `/m/records/${full.ids[0]}/photos/2`, ...full.ids.map((id) => `/m/records/${id}?saved=1`)];
  for (const path of paths) await add(`full ${path}`, full.phone.get(path));
  await addHomes(add, full.phone, household, ROUGH);
  await addTasks(add, full);
  await addTroubles(add, full);
  await add("refused report", full.phone.post("/m/reports", { category: "", grid: GRID }));
  await add("refused plainly", full.phone.post("/m/reports", { category: "", grid: GRID }, { is_htmx: false }));
  await addTrack(add, full);
  await add("ended patrol", full.phone.get(`/m/records/patrol:${full.patrol_id}`));
  const shared = { waitingOfOthers: async () => ({ count: 3, sealed: 2, can_make: true }), wiped: async () => ({ at: "2026-11-23T07:00:00.000Z", drafts: 2 }) };
  for (const fields of [{}, shared]) await add("sign-in", answer(null, contextOf(null, language, fields), "GET", "/m/sign-in"));
  await addSafety(add, language);
  const pushed = await app({ language, push_key: "B-key" });
  await add("Me with the switch for pushes", pushed.get("/m/me"));
  const wrong = await app({ language, offset_ms: 26 * 3_600_000 });
  await add("Me on a phone a day ahead", wrong.get("/m/me"));
  return pages;
}
