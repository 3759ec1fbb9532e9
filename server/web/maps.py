"""What the case page's map draws: the grid's outline, its neighbours faintly, the point and how sure it is. Pure but for names.

Coordinates are WGS-84, and so must be the tiles: nothing here shifts them to another datum.
"""

from collections.abc import Mapping
from typing import Any

from server.domain.grids import township_of
from server.settings import Settings
from server.web.names import Names

NEAR_DEG = 0.0005
Box = tuple[float, float, float, float]


def case_map(case: Mapping[str, Any], names: Names, settings: Settings) -> dict[str, Any]:
    """`{outline, neighbours, point, tiles}`, GeoJSON geometries and `{lat, lon, accuracy_m}`; null for what is unknown."""
    grids = names.grids(township_of(case["grid"]))
    outline = grids.get(case["grid"], {}).get("outline")
    place = case.get("place") or {}
    has_point = place.get("lat") is not None and place.get("lon") is not None
    point = {name: place.get(name) for name in ("lat", "lon", "accuracy_m")} if has_point else None
    return {
        "outline": outline,
        "neighbours": _neighbours(case["grid"], grids) if outline else [],
        "point": point,
        "tiles": settings.tile_url or None,
    }


def _neighbours(code: str, grids: Mapping[str, Mapping[str, Any]]) -> list[Any]:
    own = _box(grids[code]["outline"])
    others = (doc["outline"] for other, doc in grids.items() if other != code and doc.get("outline"))
    return [outline for outline in others if _touches(own, _box(outline))]


def _box(outline: Mapping[str, Any]) -> Box:
    ring = outline["coordinates"][0]
    lons, lats = [lon for lon, _ in ring], [lat for _, lat in ring]
    return min(lons), min(lats), max(lons), max(lats)


def _touches(one: Box, other: Box) -> bool:
    return (
        one[0] - NEAR_DEG <= other[2]
        and other[0] - NEAR_DEG <= one[2]
        and one[1] - NEAR_DEG <= other[3]
        and other[1] - NEAR_DEG <= one[3]
    )
