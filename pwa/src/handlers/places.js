/**
 * Where a report is, picked instead of measured: compound, building, unit. Compounds are the reference data's; buildings and units are
 * those of the grid's own households and those that were used last.
 */
import { addressOf } from "./addresses.js";
import { readCompounds } from "./catalogue.js";
import { textOf } from "./fields.js";

const USED_MOST = 60;
const SHOWN_MOST = 24;

/** The compounds of a form, and what may be picked below the one that is chosen. @param {Record<string, string>} form */
export async function placeChoice(store, form, now_ms, context) {
  const compounds = await readCompounds(store, now_ms);
  const chosen = compounds.find(({ _id }) => _id === form.compound);
  return {
    compounds: compounds.map(({ _id, name }) => ({ value: _id, label: name, chosen: _id === form.compound })),
    is_picked: Boolean(chosen || form.building_typed),
    ...(chosen ? await below(store, chosen, form, context, compounds.length === 1) : { buildings: [], units: [] }),
  };
}

/** `GET /m/report/places`: the buildings of a compound, the units of a building. */
export async function showPlaces(input, store, context) {
  return { template: "buildings.html", data: await placeChoice(store, input.query, input.now, context) };
}

/** @param {Record<string, string>} form what is typed counts before what is tapped */
function pickedOf(form) {
  return {
    compound: form.compound ?? "",
    building: textOf(form, "building_typed") || textOf(form, "building"),
    unit: textOf(form, "unit_typed") || textOf(form, "unit"),
  };
}

/** What is shown below a compound that is chosen. */
async function below(store, compound, form, { t }, isOnly) {
  const { building, unit } = pickedOf(form);
  const used = ((await store.remembered("places")) ?? []).filter((one) => one.compound === compound._id);
  const known = [...used, ...(await homesIn(store, compound, isOnly))];
  const choice = (name, values, chosen) => values.map((value) => ({
    value, label: /^\d+$/.test(value) ? t(`household.${name}_n`, { n: value }) : value, chosen: value === chosen,
  }));
  const buildings = several(known.map((one) => one.building));
  const units = building ? several(known.filter((one) => one.building === building).map((one) => one.unit)) : [];
  return { buildings: choice("building", buildings, building), units: choice("unit", units, unit) };
}

/** Building and unit of the households in a compound; where it is the only one, of all whose address names none. A locked phone knows none. */
async function homesIn(store, { name }, isOnly) {
  const homes = await store.homes().catch((error) => {
    if (error.name !== "Locked") throw error;
    return [];
  });
  const named = homes.filter(({ a }) => a.includes(name));
  return (named.length || !isOnly ? named : homes).map(({ b = "", u = "" }) => ({ building: b, unit: u }));
}

/** Each once, in the order of numbers. */
function several(values) {
  const once = [...new Set(values.filter(Boolean))].slice(0, SHOWN_MOST);
  return once.sort((one, other) => one.localeCompare(other, "zh", { numeric: true }));
}

/** What was picked, as a report says it: `{compound, address, grid}`; all empty when nothing was. */
export async function placePicked(store, form, now_ms, { t }) {
  const { compound: id, building, unit } = pickedOf(form);
  const compound = id ? (await readCompounds(store, now_ms)).find(({ _id }) => _id === id) : null;
  const address = addressOf({ address: compound?.name, building, unit }, t);
  return compound ? { compound: id, address, grid: compound.grid } : { compound: null, address, grid: "" };
}

/** Remembers a building for the next time. @param {Record<string, string>} form */
export async function rememberPlace(store, form) {
  const used = pickedOf(form);
  if (!used.compound || !used.building) return;
  const known = (await store.remembered("places")) ?? [];
  const isSame = (one) => one.compound === used.compound && one.building === used.building && one.unit === used.unit;
  if (!isSame(known[0] ?? {})) await store.remember("places", [used, ...known.filter((one) => !isSame(one))].slice(0, USED_MOST));
}
