/** The case page's map: the grid's outline, its neighbours faintly, the point and how sure it is. Tiles only when some are set. */
import L from "leaflet";

const GRID = { className: "map-grid", interactive: false };
const NEIGHBOUR = { className: "map-neighbour", interactive: false };
const POINT = { className: "map-point", radius: 8, interactive: false };
const SURE = { className: "map-sure", interactive: false };
const ZOOM_MOST = 18;

/** @param {HTMLElement} element its `data-map` is described in `server/web/maps.py` */
export function drawMap(element) {
  const data = JSON.parse(element.dataset.map ?? "{}");
  if (!data.outline && !data.point) {
    element.hidden = true;
    return;
  }
  const map = L.map(element, { attributionControl: false, scrollWheelZoom: false, zoomSnap: 0.25 });
  if (data.tiles) L.tileLayer(data.tiles, { maxZoom: ZOOM_MOST }).addTo(map);
  for (const outline of data.neighbours) L.geoJSON(outline, { style: NEIGHBOUR, interactive: false }).addTo(map);
  const bounds = L.latLngBounds([]);
  if (data.outline) bounds.extend(L.geoJSON(data.outline, { style: GRID, interactive: false }).addTo(map).getBounds());
  if (data.point) {
    const at = L.latLng(data.point.lat, data.point.lon);
    if (data.point.accuracy_m) L.circle(at, { radius: data.point.accuracy_m, ...SURE }).addTo(map);
    L.circleMarker(at, POINT).addTo(map);
    bounds.extend(at);
  }
  map.fitBounds(bounds, { padding: [18, 18], maxZoom: 17 });
  L.control.scale({ imperial: false }).addTo(map);
  new ResizeObserver(() => map.invalidateSize()).observe(element);
}
