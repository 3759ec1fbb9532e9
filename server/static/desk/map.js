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
  // A map without a view cannot place circles: first what there is to see, then the shapes.
  const at = data.point ? L.latLng(data.point.lat, data.point.lon) : null;
  const bounds = data.outline ? L.geoJSON(data.outline).getBounds() : L.latLngBounds([]);
  if (at) bounds.extend(at);
  map.fitBounds(bounds, { padding: [18, 18], maxZoom: 17 });
  if (data.tiles) L.tileLayer(data.tiles, { maxZoom: ZOOM_MOST }).addTo(map);
  for (const outline of data.neighbours) L.geoJSON(outline, { style: NEIGHBOUR, interactive: false }).addTo(map);
  if (data.outline) L.geoJSON(data.outline, { style: GRID, interactive: false }).addTo(map);
  if (at && data.point.accuracy_m) L.circle(at, { radius: data.point.accuracy_m, ...SURE }).addTo(map);
  if (at) L.circleMarker(at, POINT).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);
  new ResizeObserver(() => map.invalidateSize()).observe(element);
}
