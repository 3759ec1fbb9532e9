/**
 * The duty number (值班电话) that an emergency offers to call, from the roster in the reference data: the shifts that are on where the
 * grid is, the smallest area first. The same rule as `server/domain/routing.py` `on_duty`.
 */
import { nameIn } from "./catalogue.js";
import { CHINA_MS, DAY_MS } from "../store/days.js";
import { dayOf, serverNow } from "./moments.js";

/** A grid's own code, its community's, its township's, its district's. */
const AREAS = Object.freeze([15, 12, 9, 6]);

/** `[{phone, unit}]` for a grid, at this moment of the server's clock. @param {string} grid @param {number} now_ms */
export async function dutyOf(store, grid, now_ms, language) {
  const rosters = await store.known(AREAS.map((length) => `duty:${grid.slice(0, length)}`));
  const on = rosters.flatMap(({ doc }) => doc.shifts.filter((shift) => isOn(shift, now_ms)));
  const units = await store.known([...new Set(on.map(({ unit }) => unit))]);
  const nameOf = (unit) => nameIn(units.find(({ id }) => id === unit)?.doc.name, language);
  const numbers = [...new Set(on.map(({ phone }) => phone))];
  // A number is not broken at its hyphen.
  return numbers.map((phone) => ({ phone, shown: phone.replaceAll("-", "\u2011"), unit: nameOf(on.find((shift) => shift.phone === phone).unit) }));
}

/**
 * Whether a shift that returns every week is on; one that ends before it begins ends the next day.
 * @param {{days: number[], begins: string, ends: string, valid_to?: string | null}} shift @param {number} now_ms
 */
export function isOn({ days, begins, ends, valid_to }, now_ms) {
  return [0, DAY_MS].some((back_ms) => {
    const begun = dayOf(now_ms - back_ms);
    if (!days.includes(new Date(begun).getUTCDay() || 7) || (valid_to && valid_to < begun)) return false;
    const clock = new Date(now_ms + CHINA_MS).toISOString().slice(11, 16);
    return back_ms ? ends <= begins && clock < ends : clock >= begins && (ends <= begins || clock < ends);
  });
}

/** `GET /m/report/duty`: another grid was chosen. */
export async function showDuty(input, store, context) {
  const now_ms = serverNow(store, input.now);
  return { template: "duty.html", data: { duty: await dutyOf(store, input.query.grid ?? "", now_ms, context.language) } };
}
