/** Pages of Homes in their telling states: buildings and rooms, masked and opened files, members, errands, forms of visits. */
import { PIN, jpeg } from "../engine/phone.mjs";
import { GRID, NOW, QUARTER, caseOf, filled, pulled } from "./app.mjs";

const { unlock } = await import("../../../pwa/src/store/unlocking.js");
const DAY_MS = 86_400_000;

/** @param {(name: string, page: Promise<any>) => Promise<void>} add @param {any} phone @param {string} household @param {string} rough */
export async function addHomes(add, phone, household, rough) {
  for (const [unit, room] of [["1", "101"], ["1", rough], ["2", ""]]) {
    const form = { address: "文昌路 12 号", building: "3", unit, room, how: "consent_spoken", purpose: "走访", contact_name: rough };
    await phone.post("/m/households", filled(await phone.get("/m/homes/new"), form));
  }
  for (const q of ["", "?q=101", "?q=nobody", "?due=1", "?a=文昌路 12 号&b=3"]) await add(`homes ${q}`, phone.get(`/m/homes${q}`));
  const late = { now: NOW + 30 * DAY_MS };
  for (const path of ["/m/homes", "/m/homes?due=1", "/m/"]) await add(`due ${path}`, phone.get(path, late));
  await addFile(add, phone, household, rough);
  await addErrands(add, phone, household, rough);
  await add("a visit with questions", phone.get(`/m/homes/${household}/visits/new?kind=elderly`));
}

async function addFile(add, phone, household, rough) {
  const path = `/m/homes/${household}`;
  const form = { name: rough, relation: rough, birth_year: "1948", phone: "137" };
  await add("new member", phone.get(`${path}/members/new`));
  await phone.post(`${path}/members`, filled(await phone.get(`${path}/members/new`), form), { every: { needs: ["elderly_alone", rough] } });
  await add("masked file", phone.get(path));
  const [{ href }] = (await phone.get(path)).data.members;
  await add("masked member", phone.get(href));
  await phone.post(`${path}/openings`, { purpose: "visit" });
  for (const open of [path, href, `${path}/edit`]) await add(`opened ${open}`, phone.get(open));
  const { data } = await phone.get(href);
  const was = Object.fromEntries(data.shown.map(({ name, value }) => [name, value]));
  await phone.post(data.action, { ...data.form, ...was, moved_out_at: data.stays[1].value });
  await add("a member moved out", phone.get(path));
}

async function addErrands(add, phone, household, rough) {
  const path = `/m/homes/${household}/errands`;
  const shown = await phone.get(`${path}/new`);
  await add("new errand", Promise.resolve(shown));
  const { redirect: errand } = await phone.post(path, filled(shown, { item: "old-age" }));
  await add("errand begun", phone.get(errand));
  for (const part of ["m-1", "signature"]) {
    await add(`empty ${part}`, phone.get(`${errand}/${part}`));
    const form = filled(await phone.get(`${errand}/${part}`), { state: "there", remark: rough });
    await phone.post(`${errand}/${part}`, form, { files: { photo: [jpeg()] } });
    await add(`filled ${part}`, phone.get(`${errand}/${part}`));
  }
  await phone.post(`${errand}/state`, { state: "handed_in" });
  await add("errand handed in", phone.get(errand));
  await add("file with an errand", phone.get(`/m/homes/${household}`));
  for (const page of ["/m/homes", "/m/errands", "/m/errands?from=30"]) await add(`errands under way ${page}`, phone.get(page));
  await addOffice(add, phone, errand, rough);
}

/** An errand as the office leaves it: returned, sent again, closed; and while it is locked. */
async function addOffice(add, phone, errand, rough) {
  const { doc } = await phone.store.getRecord(errand.slice("/m/errands/".length));
  const pull = (state, event, _rev) => pulled(phone.store.session, `home-${GRID}-${QUARTER}`, [
    { ...caseOf({ ...doc, category: "4104" }, state, event), _id: doc._id.replace("errand:", "case:"), _rev },
  ]);
  await pull("returned", { move: "return", reason: rough }, "1-a");
  const shown = await phone.get(`${errand}/note?intent=resubmit`, { now: NOW + 1000 });
  await add("sending an errand again", Promise.resolve(shown));
  for (const page of [errand, "/m/cases", "/m/"]) await add(`returned errand ${page}`, phone.get(page));
  await phone.store.vault.lock();
  await add("locked returned errand", phone.get("/m/cases"));
  await unlock(phone.store.session, PIN);
  await phone.post(`${errand}/notes`, filled(shown, { intent: "resubmit", text: rough }));
  await add("errand sent again", phone.get(`${errand}?saved=1`));
  await pull("closed", { move: "close", result: rough }, "2-a");
  await add("errand closed", phone.get(errand));
}
