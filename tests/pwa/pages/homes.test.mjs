/** Homes: two thousand households found by name, room and initials, walked by building and unit; members, and visits that are due. */
import assert from "node:assert/strict";
import test from "node:test";
import { GRID, NOW, QUARTER, SECOND_GRID, app, filled } from "./app.mjs";

const { keep } = await import("../../../pwa/src/store/documents.js");
const DAY_MS = 86_400_000;
const FAMILY = ["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "曾"];
const GIVEN = ["伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军"];
const uuid = (n) => `019aaf00-0000-7000-8000-${String(n).padStart(12, "0")}`;

function household(n) {
  const [floor, door] = [1 + (Math.floor(n / 4) % 6), 1 + (n % 4)];
  return {
    _id: `household:${uuid(n)}`, _rev: `1-${"a".repeat(32)}`, type: "household", v: 1, grid: GRID, author: "x", device: "d", captured_at: "2026-11-01T08:00:00.000Z",
    clock_offset_ms: 0, address: "文昌北路 12 号", building: String(1 + Math.floor(n / 72)), unit: String(1 + (Math.floor(n / 24) % 3)), room: `${floor}0${door}`,
    contact_name: FAMILY[n % 11] + GIVEN[n % 9] + GIVEN[(n * 7) % 9], basis: { purpose: "走访", given_at: "2026-11-01T08:00:00.000Z", how: "consent_spoken" }, stamps: {},
  };
}

function visit(n, of, next_at) {
  return {
    _id: `visit:${uuid(n)}`, _rev: `1-${"b".repeat(32)}`, type: "visit", v: 1, grid: GRID, author: "x", device: "d", captured_at: "2026-11-20T08:00:00.000Z",
    clock_offset_ms: 0, household: of._id, address: "x", kind: "routine", findings: "好", answers: {}, reports: [], next_at,
  };
}

async function village(count = 2000) {
  const phone = await app();
  const homes = Array.from({ length: count }, (_, n) => household(n));
  await keep(phone.store.session.author, `home-${GRID}`, homes);
  const pull = (docs) => keep(phone.store.session.author, `home-${GRID}-${QUARTER}`, docs);
  return { phone, homes, pull };
}

const leads = ({ data }) => data.entries.map(({ lead }) => lead);

test("two thousand households are a list of buildings, units and rooms, fifty at most at a time", async () => {
  const { phone } = await village();
  const first = await phone.get("/m/homes");
  assert.equal(first.data.entries.length, 28);
  assert.deepEqual([first.data.entries[1].lead, first.data.entries[1].count], ["文昌北路 12 号 2 号楼", 72]);
  const building = await phone.get(first.data.entries[1].href);
  assert.deepEqual(building.data.units.map(({ name, chosen }) => [name, chosen]), [["1 单元", true], ["2 单元", false], ["3 单元", false]]);
  assert.deepEqual(leads(building).slice(0, 5), ["101 室", "102 室", "103 室", "104 室", "201 室"]);
  assert.equal((await phone.get(building.data.units[2].href)).data.entries.length, 24);
});

test("a list goes on page by page", async () => {
  const { phone } = await village();
  const found = await phone.get("/m/homes?q=501");
  assert.equal(found.data.entries.length, 20);
  const next = await phone.get(found.data.older);
  assert.ok(next.data.entries.length > 0 && next.data.newer);
  assert.equal(new Set([...leads(found), ...leads(next)]).size, found.data.entries.length + next.data.entries.length);
});

test("a household is found by name, by initials, by room and by all of its numbers", async () => {
  const { phone, homes } = await village();
  const { contact_name: name, building, unit, room } = homes[1234];
  await phone.get("/m/homes");
  const finds = async (q) => (await phone.get(`/m/homes?q=${encodeURIComponent(q)}`)).data.entries;
  const is = (entries) => entries.some(({ href }) => href === `/m/homes/${homes[1234]._id}`);
  const initials = { 赵: "z", 丽: "l", 静: "j" };
  for (const q of [`${building}-${unit}-${room}`, `${name} ${room} ${building}`, `WCBL ${building}-${unit}-${room}`]) assert.ok(is(await finds(q)), q);
  assert.ok((await finds([...name].map((sign) => initials[sign] ?? sign).join(""))).length > 0);
  const [first] = await finds("wf");
  assert.equal(first.about.startsWith("王"), true, first.about);
  assert.deepEqual(await finds("没有这个人"), []);
});

test("a second reading of a family name is found, too", async () => {
  const { phone } = await village(20);
  await phone.get("/m/homes");
  const { data } = await phone.get("/m/homes?q=z");
  assert.ok(data.entries.some(({ about }) => about.startsWith("曾")));
});

test("what was written or pulled meanwhile is in the index, whoever wrote it", async () => {
  const { phone, homes } = await village(3);
  await phone.get("/m/homes");
  const made = await phone.post("/m/households", filled(await phone.get("/m/homes/new"), { address: "新路 1 号", purpose: "走访", how: "consent_spoken", contact_name: "钱一" }));
  assert.ok(made.redirect);
  assert.equal((await phone.get("/m/homes?q=qy")).data.entries.length, 1, "by the writing alone");
  const member = { ...homes[0], _id: `member:${uuid(1)}`, type: "member", household: homes[0]._id, name: "孙二" };
  await keep(phone.store.session.author, `home-${GRID}`, [member]);
  await phone.get("/m/homes");
  assert.deepEqual((await phone.get("/m/homes?q=孙二")).data.entries.map(({ href }) => href), [`/m/homes/${homes[0]._id}`]);
});

test("visits whose day has come stand first, and Today counts them", async () => {
  const { phone, homes, pull } = await village(30);
  const on = (days) => new Date(NOW + days * DAY_MS).toISOString();
  await pull([visit(1, homes[3], on(-2)), visit(2, homes[4], on(-5)), visit(3, homes[5], on(3)), visit(4, homes[6], on(-9)), visit(5, homes[6], null)]);
  const { data } = await phone.get("/m/homes");
  assert.deepEqual([data.due_count, data.due.map(({ href }) => href)], [2, [homes[4], homes[3]].map(({ _id }) => `/m/homes/${_id}`)]);
  assert.equal((await phone.get("/m/")).data.due_count, 2);
  assert.deepEqual((await phone.get("/m/homes?due=1")).data.entries.map(({ due }) => due.date), ["11-18", "11-21"]);
  const saved = await phone.post("/m/visits", filled(await phone.get(`/m/homes/${homes[3]._id}/visits/new`), { household: homes[3]._id, kind: "routine", findings: "好", next: "none" }));
  assert.ok(saved.redirect);
  assert.equal((await phone.get("/m/")).data.due_count, 1, "a visit that was made is due no more");
});

test("households of two grids are one list; of a grid that is somebody else's nothing is left", async () => {
  const phone = await app({ grids: [GRID, SECOND_GRID] });
  const { author } = phone.store.session;
  await keep(author, `home-${GRID}`, [household(1)]);
  await keep(author, `home-${SECOND_GRID}`, [{ ...household(2), grid: SECOND_GRID }]);
  await phone.get("/m/homes");
  assert.equal((await phone.get("/m/homes?q=12")).data.entries.length, 2);
  phone.store.session.databases = phone.store.session.databases.filter(({ name }) => !name.includes(SECOND_GRID));
  assert.equal((await phone.get("/m/homes?q=12")).data.entries.length, 1);
});

test("a member is added, corrected and moves out; masked facts wait for a purpose", async () => {
  const { phone, homes } = await village(1);
  const { _id: id } = homes[0];
  const shown = await phone.get(`/m/homes/${id}/members/new`);
  const form = { name: "李奶奶", relation: "本人", birth_year: "1948", phone: "13700000001" };
  const every = { needs: ["elderly_alone"] };
  await phone.post(`/m/homes/${id}/members`, filled(shown, form), { every });
  await phone.post(`/m/homes/${id}/members`, filled(shown, form), { every });
  const page = await phone.get(`/m/homes/${id}`);
  assert.deepEqual(page.data.members.map(({ lead, about }) => [lead, about]), [["李奶奶", "本人 · ••••••"]]);
  await phone.post(`/m/homes/${id}/openings`, { purpose: "visit" });
  assert.equal((await phone.get(`/m/homes/${id}`)).data.members[0].about, "本人 · 1948 · 独居老人 · 13700000001");
  const edit = await phone.get(page.data.members[0].href);
  const was = Object.fromEntries(edit.data.shown.map(({ name, value }) => [name, value]));
  const answered = await phone.post(edit.data.action, { ...edit.data.form, ...was, moved_out_at: edit.data.stays[1].value }, { every: { needs: ["elderly_alone"] } });
  assert.equal(answered.redirect, `/m/homes/${id}`);
  const [member] = (await phone.get(`/m/homes/${id}`)).data.members;
  assert.equal(member.left.day, "today");
  assert.deepEqual((await phone.get("/m/homes?q=李奶奶")).data.entries, [], "who moved out is not found here");
});

test("a member's facts are checked", async () => {
  const { phone, homes } = await village(1);
  const path = `/m/homes/${homes[0]._id}/members`;
  const refused = await phone.post(path, filled(await phone.get(`${path}/new`), { name: "", birth_year: "1850", phone: "64010519900101123X" }));
  assert.deepEqual([refused.status, refused.data.failure.fields.map(({ name }) => name)], [422, ["name", "birth_year", "phone"]]);
});
