/** Visits to households: the questions of their kind, answers in their types, and the problem that one found. */
import assert from "node:assert/strict";
import test from "node:test";
import { app, filled } from "./app.mjs";

async function withHousehold(fields) {
  const phone = await app(fields);
  const form = { address: "文昌路 12 号", purpose: "走访", how: "consent_spoken" };
  const made = await phone.post("/m/households", filled(await phone.get("/m/homes/new"), form));
  return { phone, household: made.redirect.match(/household:[0-9a-f-]+/)[0] };
}

const visitOf = async (phone, { redirect }) => (await phone.store.getRecord(redirect.match(/visit:[0-9a-f-]+/)[0])).doc;

test("the form asks what the kind of visit asks for, in the user's language", async () => {
  const { phone, household } = await withHousehold({ language: "en" });
  assert.deepEqual((await phone.get(`/m/homes/${household}/visits/new`)).data.questions, []);
  const { data } = await phone.get(`/m/homes/${household}/visits/new?kind=elderly`);
  assert.deepEqual(data.questions.map(({ label, kind }) => [label, kind]), [["Met in person · required", "text"], ["Eats regular meals", "text"], ["People", "number"], ["Help wanted", "text"]]);
  assert.deepEqual(data.questions[1].choices.map(({ label }) => label), ["Yes", "No"]);
  assert.equal(data.kinds.find(({ chosen }) => chosen).value, "elderly");
});

test("answers are kept in their types with the form's version, and shown in words", async () => {
  const { phone, household } = await withHousehold();
  const values = { household, kind: "elderly", findings: "一切都好", "answer-met": "home", "answer-eats_well": "no", "answer-people": "2" };
  const saved = await phone.post("/m/visits", filled(await phone.get(`/m/homes/${household}/visits/new?kind=elderly`), values));
  const doc = await visitOf(phone, saved);
  assert.deepEqual([doc.form, doc.answers], ["elderly.1", { met: "home", eats_well: false, people: 2 }]);
  const { facts } = (await phone.get(saved.redirect)).data;
  assert.deepEqual(facts.filter(({ label }) => label.includes("是否")).map(({ label, text }) => [label, text]), [["是否见到本人", "本人在家"], ["三餐是否正常", "否"]]);
});

test("an answer that is missing or none of the choices is refused, field by field", async () => {
  const { phone, household } = await withHousehold();
  const wrong = (answers) => phone.post("/m/visits", { household, kind: "elderly", findings: "好", ...answers });
  const named = async (answers) => (await wrong(answers)).data.failure.fields.map(({ name }) => name);
  assert.deepEqual(await named({}), ["answer-met"]);
  assert.deepEqual(await named({ "answer-met": "church" }), ["answer-met"]);
  for (const people of ["21", "-1", "x", "1e999"]) assert.deepEqual(await named({ "answer-met": "home", "answer-people": people }), ["answer-people"], people);
});

test("what is missing is named, and a number says between which it may be", async () => {
  const { phone, household } = await withHousehold();
  const said = async (answers) => {
    const { data } = await phone.post("/m/visits", { household, kind: "elderly", findings: "好", ...answers });
    return data.failure.fields.map(({ label, slots }) => phone.context.t(label, slots));
  };
  assert.deepEqual(await said({}), ["请回答：是否见到本人"]);
  for (const people of ["3.7", "21", "三", "-1"]) assert.deepEqual(await said({ "answer-met": "home", "answer-people": people }), ["同住人数：请填 0 到 20 之间的整数。"], people);
});

test("a form that is filled in again asks what the kind that was chosen asks, and another one that is tapped", async () => {
  const { phone, household } = await withHousehold();
  const path = `/m/homes/${household}/visits/new`;
  const draft = Promise.resolve([["kind", "elderly"], ["answer-met", "home"], ["findings", "好"]]);
  const kindOf = ({ data }) => data.kinds.find(({ chosen }) => chosen).value;
  const [again, tapped] = [await phone.get(path, { draft }), await phone.get(`${path}?kind=routine`, { draft })];
  assert.deepEqual([kindOf(again), again.data.questions.map(({ name }) => name)[0], kindOf(tapped), tapped.data.questions], ["elderly", "answer-met", "routine", []]);
});

test("a kind without questions keeps no answers, whatever the form says", async () => {
  const { phone, household } = await withHousehold();
  const saved = await phone.post("/m/visits", filled(await phone.get(`/m/homes/${household}/visits/new`), { household, kind: "routine", findings: "好", "answer-met": "home" }));
  const doc = await visitOf(phone, saved);
  assert.deepEqual(["form" in doc, doc.answers], [false, {}]);
});

test("a problem found at a visit is a report that the visit names, and each leads to the other", async () => {
  const { phone, household } = await withHousehold();
  const shown = await phone.get(`/m/homes/${household}/visits/new`);
  const saved = await phone.post("/m/visits", filled(shown, { household, kind: "safety", findings: "煤气软管老化", report: shown.data.report, raise: "1" }));
  const visit = await visitOf(phone, { redirect: saved.redirect.replace("?visit=", "/") });
  assert.deepEqual(visit.reports, [`report:${shown.data.report}`]);
  const form = await phone.get(saved.redirect);
  const source = form.data.sources.find(({ chosen }) => chosen).value;
  const values = { category: "3101", text: "煤气软管老化", urgency: "urgent", source };
  const reported = await phone.post("/m/reports", filled(form, values));
  const id = visit.reports[0];
  assert.ok(reported.redirect.includes(id));
  assert.equal((await phone.store.getRecord(id)).doc.source, "visit");
  assert.equal((await phone.get(`/m/records/${visit._id}`)).data.notes[0].href, `/m/records/${id}`);
  assert.equal((await phone.get(`/m/records/${id}`)).data.notes[0].href, `/m/records/${visit._id}`);
});

test("the next visit is proposed as often as the household's needs ask", async () => {
  const { phone, household } = await withHousehold();
  const proposed = async () => (await phone.get(`/m/homes/${household}/visits/new`)).data.nexts.find(({ chosen }) => chosen).value;
  assert.equal(await proposed(), "half_year");
  await phone.post(`/m/homes/${household}/openings`, { purpose: "correction" });
  const edit = await phone.get(`/m/homes/${household}/edit`);
  await phone.post(`/m/homes/${household}/edits`, filled(edit, edit.data.form), { every: { needs: ["hardship"] } });
  assert.equal(await proposed(), "month");
});
