/**
 * A patrol from its start to its record. While it runs it is the phone's own, with the points of its way; when it is over its author
 * looks at the way, leaves out what nobody else should see, or all of it, and only then anything leaves the phone.
 */
import { newOrigin, numberOf, originOf } from "./fields.js";
import { instant, momentOf } from "./moments.js";
import { gridChoice, page, refuse, savedOr } from "./pages.js";
import { ACCURACY_MOST_M, cellsOf, gapsOf, partLength, sketchOf, stretchesOf, thinned, trimmed } from "./tracks.js";

/** A patrol that somebody forgot to end is not followed for ever. */
const LONGEST_S = 24 * 3600;
const CELLS_MOST = 2000;

/** `POST /m/patrols` */
export async function startPatrol(input, store, context) {
  const { grids, grid } = await gridChoice(store, input.form.grid);
  if (!grids.length) return refuse(input, context, { label: "error.no_grid" });
  const { uuid } = originOf({ ...newOrigin(store, input.now), ...input.form }, store, input.now);
  const ended = await store.getRecord(`patrol:${uuid}`);
  const start = () => store.startPatrol({ uuid, grid, started_at: instant(input.now) });
  const refusal = ended ? null : await savedOr(store, input, context, start);
  return refusal ?? { redirect: "/m/" };
}

/**
 * `POST /m/patrols/:id/points`: where the phone is, from the page's script. 422: that could be anywhere, and is not kept. 409 ends the
 * asking: nothing more is recorded of that patrol.
 */
export async function addPoint({ params, form, now }, store) {
  const running = await store.runningPatrol();
  const t_s = running ? secondsOf(running.started_at, store.timeInPatrol(running, now)) : Infinity;
  const [lat, lon, accuracy_m] = [numberOf(form.lat, -90, 90), numberOf(form.lon, -180, 180), numberOf(form.accuracy_m, 0, ACCURACY_MOST_M)];
  if (lat === null || lon === null || accuracy_m === null) return { status: 422 };
  const point = [t_s, Number(lat.toFixed(5)), Number(lon.toFixed(5)), Math.round(accuracy_m)];
  return { status: t_s <= LONGEST_S && (await store.addPoint(params.id, point)) ? 204 : 409 };
}

/** Whole seconds from the start of a patrol. */
function secondsOf(started_at, at_ms) {
  return Math.round((at_ms - Date.parse(started_at)) / 1000);
}

/** `POST /m/patrols/:id/end`: ends that patrol only, so that a form posted again never ends a later one. */
export async function endPatrol(input, store, context) {
  const running = await store.currentPatrol();
  if (running?.uuid !== input.params.id) return { redirect: "/m/" };
  const over = await store.patrolOver(running, input.now);
  if (!(await store.pointsOf(over.uuid)).length) return settle(input, store, context, over, { cells: [], gaps: gapsIn(over, []), track: [] });
  const refusal = await savedOr(store, input, context, () => store.stopPatrol(over));
  return refusal ?? { redirect: `/m/patrols/${over.uuid}/track` };
}

/** `POST /m/patrols/:id/resume`: it was ended too early; what passed meanwhile has no points and is an interruption like any other. */
export async function resumePatrol(input, store, context) {
  const patrol = await store.currentPatrol();
  if (patrol?.uuid !== input.params.id) return { redirect: `/m/records/patrol:${input.params.id}` };
  const refusal = await savedOr(store, input, context, () => store.resumePatrol(patrol.uuid));
  return refusal ?? { redirect: "/m/" };
}

/** When nothing was recorded of a patrol, or is kept, as instants. */
function gapsIn({ started_at, ended_at }, stretches) {
  const end_s = secondsOf(started_at, Date.parse(ended_at));
  const at = (t_s) => (t_s === end_s ? ended_at : instant(Date.parse(started_at) + t_s * 1000));
  return gapsOf(stretches, end_s).map((gap) => gap.map(at));
}

async function settle(input, store, context, patrol, way) {
  const refusal = await savedOr(store, input, context, () => store.endPatrol(patrol, way));
  return refusal ?? { redirect: `/m/records/patrol:${patrol.uuid}?saved=1` };
}

/** `GET /m/patrols/:id/track`: the way as a sketch, and what to leave out of it; the query is what was chosen so far. */
export async function showTrack(input, store, context) {
  const patrol = await overPatrol(store, input.params.id);
  if (!patrol) return { redirect: `/m/records/patrol:${input.params.id}` };
  const { points, end_s, minutes } = await wayOf(store, patrol);
  const trim = trimOf(input.query, minutes);
  const clock = (t_s) => momentOf(instant(Date.parse(patrol.started_at) + t_s * 1000), input.now)?.clock ?? "";
  const kept = stretchesOf(trimmed(points, trim, end_s)).flat();
  return page(store, "track.html", {
    tab: "today",
    title: context.t("track.title"),
    back: "/m/",
    id: patrol.uuid,
    minutes: String(minutes),
    from: String(trim.from_s / 60),
    to: String(Math.min(minutes, trim.to_s / 60)),
    kept: kept.length ? { count: kept.length, from: clock(kept[0][0]), to: clock(kept[kept.length - 1][0]) } : null,
    sketch: points.length ? sketchOf(stretchesOf(points), trim, end_s) : null,
    parts: partsOf(points, end_s, trim.out, clock),
  });
}

function partsOf(points, end_s, out, clock) {
  const part_s = partLength(end_s);
  const numbers = [...new Set(points.map(([t_s]) => Math.floor(t_s / part_s)))].sort((one, other) => one - other);
  return numbers.map((n) => ({ n: String(n), label: `${n + 1} · ${clock(n * part_s)}\u2060–\u2060${clock(Math.min(end_s, (n + 1) * part_s))}`, is_out: out.has(n) }));
}

/** That patrol, when it is over and its author has not let it go yet. */
async function overPatrol(store, uuid) {
  const patrol = await store.currentPatrol();
  return patrol?.uuid === uuid && patrol.ended_at ? patrol : null;
}

/** Its points without those that say nothing, how long it took, and the same in minutes as the sliders count. */
async function wayOf(store, { uuid, started_at, ended_at }) {
  const points = stretchesOf(await store.pointsOf(uuid)).flat();
  const end_s = secondsOf(started_at, Date.parse(ended_at));
  return { points, end_s, minutes: Math.max(1, Math.ceil(end_s / 60)) };
}

/** @returns {import("./tracks.js").Trim} */
function trimOf(fields, minutes) {
  const from = numberOf(fields.from, 0, minutes) ?? 0;
  const to = numberOf(fields.to, 0, minutes) ?? minutes;
  const out = Object.keys(fields).flatMap((name) => /^out-(\d+)$/.exec(name)?.[1] ?? []).map(Number);
  return { from_s: from * 60, to_s: to === minutes ? Infinity : to * 60, out: new Set(out) };
}

/** `POST /m/patrols/:id/track`: lets the patrol go, with what is kept of its way or with none of it. */
export async function sendTrack(input, store, context) {
  const patrol = await overPatrol(store, input.params.id);
  if (!patrol) return { redirect: `/m/records/patrol:${input.params.id}` };
  const { points, end_s, minutes } = await wayOf(store, patrol);
  const stretches = stretchesOf(trimmed(points, trimOf(input.form, minutes), end_s));
  return settle(input, store, context, patrol, {
    cells: cellsOf(stretches.flat()).slice(0, CELLS_MOST),
    gaps: gapsIn(patrol, stretches),
    track: input.form.send === "yes" ? thinned(stretches) : [],
  });
}
