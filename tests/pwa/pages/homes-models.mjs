/** Pages of Homes in their telling states: buildings and rooms, masked and opened files, members, errands, forms of visits. */
import { jpeg } from "../engine/phone.mjs";
import { NOW, filled } from "./app.mjs";

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
}
