/**
 * 轨迹: what a patrol's points come to: where they were interrupted, what its author leaves out, which coarse cells are left, fewer
 * points, and a sketch. Pure. A point is `[t_s, lat, lon, accuracy_m]`, `t_s` seconds since the patrol began.
 *
 * @typedef {[number, number, number, number]} Point
 * @typedef {{from_s: number, to_s: number, out: Set<number>}} Trim what is kept: between two times, but for some parts
 */

/** Longer without a point is an interruption; while standing still the receiver is asked every 90 s. */
const GAP_S = 240;
/** A point less sure than this says nothing of a street. */
export const ACCURACY_MOST_M = 200;
const PARTS_MOST = 12;
const PART_LEAST_S = 300;
const STEP_M = 10;
const DEGREE_M = 111_320;
/** Coarse cells of 1/400 degree, some 250 m: which ones were touched is all that a desk learns (`server/domain/coverage.py`). */
const CELLS_A_DEGREE = 400;
const SKETCH_PX = 328;
const EDGE_PX = 20;

/** Stretches without an interruption, poor points left out. @param {Point[]} points @returns {Point[][]} */
export function stretchesOf(points) {
  /** @type {Point[][]} */ const found = [];
  for (const point of points.filter(([, , , accuracy_m]) => accuracy_m <= ACCURACY_MOST_M)) {
    const last = found[found.length - 1];
    if (last && point[0] - last[last.length - 1][0] <= GAP_S) last.push(point);
    else found.push([point]);
  }
  return found;
}

/**
 * When nothing was recorded (or is kept) between 0 and `end_s`: `[[from_s, to_s]…]`; without a single point all of it, however short.
 * @param {Point[][]} stretches @param {number} end_s
 */
export function gapsOf(stretches, end_s) {
  const edges = [0, ...stretches.flatMap((stretch) => [stretch[0][0], stretch[stretch.length - 1][0]]), end_s];
  const gaps = Array.from({ length: edges.length / 2 }, (_, at) => [edges[2 * at], edges[2 * at + 1]]);
  return gaps.filter(([from_s, to_s]) => to_s - from_s > (stretches.length ? GAP_S : 0)).slice(0, 500);
}

/** How long the parts are in which a track of this length is offered for leaving out. @param {number} end_s */
export function partLength(end_s) {
  return Math.max(PART_LEAST_S, 60 * Math.ceil(end_s / 60 / PARTS_MOST));
}

/** @param {Point} point @param {Trim} trim @param {number} part_s */
function isKept([t_s], { from_s, to_s, out }, part_s) {
  return t_s >= from_s && t_s <= to_s && !out.has(Math.floor(t_s / part_s));
}

/** What its author lets go. @param {Point[]} points @param {Trim} trim @param {number} end_s @returns {Point[]} */
export function trimmed(points, trim, end_s) {
  return points.filter((point) => isKept(point, trim, partLength(end_s)));
}

/** The coarse cells that points touch, each once. @param {Point[]} points */
export function cellsOf(points) {
  const index = (degrees) => Math.floor(degrees * CELLS_A_DEGREE);
  return [...new Set(points.map(([, lat, lon]) => `${index(lat)},${index(lon)}`))].sort();
}

/** Fewer points: standing still is two of them, the first and the last. @param {Point[][]} stretches @returns {Point[]} */
export function thinned(stretches) {
  return stretches.flatMap((stretch) => {
    let last = stretch[0];
    return stretch.filter((point, at) => {
      const isFar = !at || at === stretch.length - 1 || Math.hypot(...metres(point, last)) >= STEP_M;
      if (isFar) last = point;
      return isFar;
    });
  });
}

/** East and north of another point; on a phone's round the earth is flat. @param {Point} point @param {Point} from */
function metres([, lat, lon], [, lat0, lon0]) {
  return [(lon - lon0) * DEGREE_M * Math.cos((lat0 * Math.PI) / 180), (lat - lat0) * DEGREE_M];
}

/**
 * The track as lines on an empty sheet: `{height, runs: [{points, is_kept}], marks: [{x, y, n}]}`; `marks` number the parts of the list.
 * @param {Point[][]} stretches @param {Trim} trim @param {number} end_s
 */
export function sketchOf(stretches, trim, end_s) {
  const all = stretches.flat();
  const flat = all.map((point) => metres(point, all[0]));
  const span = (axis, pick) => pick(...flat.map((place) => place[axis]));
  const [west, east, south, north] = [span(0, Math.min), span(0, Math.max), span(1, Math.min), span(1, Math.max)];
  const inner = SKETCH_PX - 2 * EDGE_PX;
  const scale = inner / Math.max(east - west, north - south, 100);
  const place = (point) => {
    const [x, y] = metres(point, all[0]);
    return [EDGE_PX + (inner - (east - west) * scale) / 2 + (x - west) * scale, EDGE_PX + (north - y) * scale].map(Math.round);
  };
  const part_s = partLength(end_s);
  const marks = new Map();
  for (const point of all) {
    const n = Math.floor(point[0] / part_s);
    if (!marks.has(n)) marks.set(n, place(point));
  }
  return {
    height: String(Math.round((north - south) * scale) + 2 * EDGE_PX),
    runs: stretches.flatMap((stretch) => runsOf(stretch, (point) => isKept(point, trim, part_s))).map(({ points, is_kept }) => {
      // One point alone is a line to itself: round ends make it a dot.
      return { is_kept, points: [...points, points[points.length - 1]].map((point) => place(point).join(",")).join(" ") };
    }),
    marks: [...marks].map(([n, [x, y]]) => ({ n: String(n + 1), x: String(x), y: String(y) })),
  };
}

/** A stretch in runs that are kept and runs that are not. @returns {{points: Point[], is_kept: boolean}[]} */
function runsOf(stretch, isWanted) {
  const runs = [];
  for (const point of stretch) {
    const last = runs[runs.length - 1];
    if (last?.is_kept === isWanted(point)) last.points.push(point);
    else runs.push({ points: [point], is_kept: isWanted(point) });
  }
  return runs;
}
