/**
 * Whether somebody has reported the same already: records of this grid's database on this phone, of the same class, close by and not
 * long ago. A hint and no more: who reports decides.
 */
import { correctedAt } from "../store/capture.js";
import { ENDED } from "../store/cases.js";
import { numberOf } from "./fields.js";
import { lengthText } from "./moments.js";
import { aboutRows, rowOf } from "./rows.js";

const METRES = 100;
const SPAN_MS = 3 * 24 * 3_600_000;
const METRES_A_DEGREE = 111_320;
const SHOWN = 2;
/** What ended without anything being there. */
const NOTHING = new Set(["withdrawn", "refused"]);

/** `GET /m/report/near`: asked by the form when category or place are known. */
export async function showNear(input, store, context) {
  const about = await aboutRows(store, context, input.now);
  const found = await nearby(store, input.query, about.now_ms);
  const rows = (await Promise.all(found.map(async (one) => ({ ...one, record: await store.getRecord(one.id) })))).filter(({ record }) => {
    return record && !NOTHING.has(record.where.case?.state);
  });
  return {
    template: "near.html",
    data: {
      near: rows.slice(0, SHOWN).map(({ id, metres, ago_ms, record }) => ({
        ...rowOf(record, about),
        id,
        takes_more: takesMore(record),
        label: metres === null ? "near.same_place" : "near.metres",
        slots: { metres, ago: lengthText(ago_ms, context.t) },
      })),
    },
  };
}

/** Whether anybody still works on it: what has ended, was solved on the spot or put aside is told, and nothing is added to it. */
function takesMore({ doc, where }) {
  if (where.place === "refused") return false;
  return where.case ? !ENDED.includes(where.case.state) : !doc.solved;
}

async function nearby(store, { category = "", lat, lon, compound, uuid }, now_ms) {
  const here = { lat: numberOf(lat, -90, 90), lon: numberOf(lon, -180, 180), compound };
  const found = [];
  for (const { id, doc } of category ? await store.recentReports() : []) {
    const ago_ms = now_ms - correctedAt(doc);
    const isLike = doc.category.slice(0, 2) === category.slice(0, 2) && id !== `report:${uuid}`;
    if (!isLike || ago_ms > SPAN_MS) continue;
    const metres = metresBetween(here, doc.place ?? {});
    const isHere = metres === null ? Boolean(compound) && doc.place?.compound === compound : metres <= METRES;
    if (isHere) found.push({ id, metres: metres === null ? null : Math.max(10, Math.round(metres / 10) * 10), ago_ms: Math.max(0, ago_ms) });
  }
  return found.sort((one, other) => (one.metres ?? METRES) - (other.metres ?? METRES) || one.ago_ms - other.ago_ms).slice(0, SHOWN + 2);
}

/** Flat enough for a hundred metres; null when either place is no point. */
export function metresBetween(one, other) {
  if ([one.lat, one.lon, other.lat, other.lon].some((value) => typeof value !== "number")) return null;
  const east = (one.lon - other.lon) * Math.cos((one.lat * Math.PI) / 180);
  return Math.hypot(east, one.lat - other.lat) * METRES_A_DEGREE;
}
