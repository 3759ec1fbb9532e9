"""Whether a point lies in an outline: GeoJSON polygons as grids carry them (`outline` of a `grid:<15>` in `ref`). Pure.

Degrees are taken as plain numbers: a grid is a few hundred metres wide, far from the poles and the date line.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Ring = Sequence[Sequence[float]]


def contains(outline: Mapping[str, Any], lat: float, lon: float) -> bool:
    """True when the point is inside a `Polygon` or `MultiPolygon`, holes taken out. False for any other shape.

    A point on an edge that two neighbours share is in exactly one of them.
    """
    kind, coordinates = outline.get("type"), outline.get("coordinates") or []
    polygons = [coordinates] if kind == "Polygon" else coordinates if kind == "MultiPolygon" else []
    return any(_in_polygon(rings, lat, lon) for rings in polygons if rings)


def _in_polygon(rings: Sequence[Ring], lat: float, lon: float) -> bool:
    return _in_ring(rings[0], lat, lon) and not any(_in_ring(hole, lat, lon) for hole in rings[1:])


def _in_ring(ring: Ring, lat: float, lon: float) -> bool:
    """Counts the edges that a line from the point to the east crosses; an edge's lower end belongs to it, its upper one not."""
    is_inside = False
    for (lon_a, lat_a), (lon_b, lat_b) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (lat_a > lat) != (lat_b > lat) and lon < lon_a + (lat - lat_a) / (lat_b - lat_a) * (lon_b - lon_a):
            is_inside = not is_inside
    return is_inside
