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
  const is = (entries) => entries.some(({ href }) => href === `/m/homes/${homes[1234]._id}?found=1`);
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
  assert.deepEqual((await phone.get("/m/homes?q=孙二")).data.entries.map(({ href }) => href), [`/m/homes/${homes[0]._id}?found=1`]);
});

test("a place is found as the list writes it, as doors do, by its number alone, with wide signs and spaces anywhere", async () => {
  const { phone, homes } = await village();
  const { building, unit, room } = homes[188];
  assert.deepEqual([building, unit, room], ["3", "2", "601"]);
  await phone.get("/m/homes");
  const finds = async (q) => (await phone.get(`/m/homes?q=${encodeURIComponent(q)}`)).data.entries;
  const whole = "文昌北路 12 号 3 号楼 2 单元 601 室";
  for (const q of ["3号楼2单元601", "3 号楼 2 单元 601 室", "3栋2单元601", whole, "文昌北路12号3号楼2单元601", "３－２－６０１", "12-3-2-601"]) {
    assert.deepEqual((await finds(q)).map(({ lead }) => lead), [whole], q);
  }
  for (const q of ["601 室", "601室", "601", "６０１"]) assert.ok((await finds(q)).every(({ lead }) => lead.endsWith(" 601 室")), q);
  for (const q of ["12号", "12 号", "文昌北路12号", "wcbl12h"]) assert.equal((await finds(q)).length, 20, q);
  assert.deepEqual(await finds("2号院"), []);
  assert.deepEqual(await finds("01室"), [], "no figure begins in the middle of one");
});

test("of doors and numbers the exact one comes first", async () => {
  const { phone } = await village();
  await phone.get("/m/homes");
  const first = async (q) => leads(await phone.get(`/m/homes?q=${encodeURIComponent(q)}`)).slice(0, 2);
  assert.deepEqual(await first("2-1-301"), ["文昌北路 12 号 2 号楼 1 单元 301 室"]);
  assert.deepEqual(await first("1-2-101"), ["文昌北路 12 号 1 号楼 2 单元 101 室"]);
  assert.deepEqual(await first("1-101"), ["文昌北路 12 号 1 号楼 1 单元 101 室", "文昌北路 12 号 2 号楼 1 单元 101 室"]);
  assert.deepEqual((await first("2-1-30")).map((lead) => lead.slice(-15)), ["2 号楼 1 单元 301 室", "2 号楼 1 单元 302 室"].map((lead) => lead.slice(-15)));
});

test("what was searched is in no address, and there again for whoever comes back", async () => {
  const { phone } = await village(400);
  await phone.get("/m/homes");
  const { data } = await phone.get("/m/homes?found=1&q=王");
  assert.equal(data.search.shown, "/m/homes?found=1");
  assert.equal(data.older, "/m/homes?found=1&from=20");
  assert.equal(JSON.stringify([data.entries.map(({ href }) => href), data.newer, data.older]).includes(encodeURIComponent("王")), false);
  const back = await phone.get("/m/homes?found=1");
  assert.deepEqual([back.data.q, leads(back)], ["王", leads({ data })]);
  const household = await phone.get(data.entries[0].href);
  assert.equal(household.data.back, "/m/homes?found=1");
  await phone.get("/m/homes?found=1&q=");
  assert.deepEqual([(await phone.get("/m/homes?found=1")).data.q, (await phone.get("/m/homes")).data.view], ["", "buildings"]);
});

test("a household's page leads back to its building and unit, one that stands alone to all of them", async () => {
  const { phone, homes } = await village(73);
  const back = async ({ _id }) => new URL((await phone.get(`/m/homes/${_id}`)).data.back, "http://phone");
  assert.deepEqual(Object.fromEntries((await back(homes[30])).searchParams), { a: "文昌北路 12 号", b: "1", u: "2" });
  assert.equal((await back(homes[72])).search, "");
});

test("a household that is added in a building's unit begins with where it is", async () => {
  const { phone } = await village(73);
  const { data } = await phone.get("/m/homes?a=文昌北路 12 号&b=1&u=2");
  const { form, back } = (await phone.get(`/m/homes/new?near=${data.near}`)).data;
  assert.deepEqual([form.address, form.building, form.unit, form.room], ["文昌北路 12 号", "1", "2", undefined]);
  assert.ok(back.includes("u=2"));
  assert.equal((await phone.get("/m/homes")).data.near, "");
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
  await pull([{ ...visit(6, homes[7], on(40)), clock_offset_ms: 30 * DAY_MS }]);
  const { facts } = (await phone.get(`/m/records/visit:${uuid(6)}`)).data;
  assert.equal(facts.find(({ label }) => label === "visit.next_at").day.date, "12-03", "a wrong clock's day to come is put right");
});

test("where no day was agreed on, a visit is due when its household's interval is over: on the list, Today and its own page", async () => {
  const { phone, homes, pull } = await village(4);
  const made = (n, of, days) => ({ ...visit(n, of, null), captured_at: new Date(NOW - days * DAY_MS).toISOString() });
  await keep(phone.store.session.author, `home-${GRID}`, [0, 1].map((n) => ({ ...homes[n], needs: ["低保户"], _rev: `2-${"b".repeat(32)}`, _revisions: { start: 2, ids: ["b".repeat(32), "a".repeat(32)] } })));
  await pull([made(1, homes[0], 30), made(2, homes[1], 29), made(3, homes[2], 183), made(4, homes[3], 31)]);
  const { data } = await phone.get("/m/homes");
  assert.deepEqual(data.due.map(({ href }) => href), [homes[2], homes[0]].map(({ _id }) => `/m/homes/${_id}`));
  assert.equal((await phone.get("/m/")).data.due_count, 2);
  const facts = async ({ _id }) => (await phone.get(`/m/homes/${_id}`)).data.facts.filter(({ day }) => day).map(({ label, day }) => [label, day.day ?? day.date]);
  assert.deepEqual((await facts(homes[0]))[0], ["household.due", "today"]);
  assert.deepEqual((await facts(homes[1]))[0], ["visit.next_at", "tomorrow"]);
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
