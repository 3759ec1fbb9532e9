"""Made-up outlines that tile an area without gaps or overlaps.

A region is cut in two again and again, in proportion to the land each side needs; then one smooth bend is applied to all
corners, so that the pieces look like land and still meet. Nothing here knows what the pieces stand for.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

STEP = 0.004
BEND = 0.0035


class Region(NamedTuple):
    """A rectangle in degrees, before the bend."""

    west: float
    south: float
    east: float
    north: float


class Cell(NamedTuple):
    """Something that takes a share of the land."""

    what: Sequence[str]
    land: float


def divide(cells: Sequence[Cell], region: Region) -> list[Region]:
    """One region a cell, in the cells' order, sized by `land`, which together are exactly `region`."""
    if len(cells) == 1:
        return [region]
    total, running, cut = sum(cell.land for cell in cells), 0.0, 0
    while cut < len(cells) - 1 and (cut == 0 or running + cells[cut].land / 2 < total / 2):
        running += cells[cut].land
        cut += 1
    near, far = _split(region, running / total)
    return divide(cells[:cut], near) + divide(cells[cut:], far)


def _split(region: Region, share: float) -> tuple[Region, Region]:
    west, south, east, north = region
    if (east - west) * math.cos(math.radians(south)) > north - south:
        middle = west + (east - west) * share
        return Region(west, south, middle, north), Region(middle, south, east, north)
    middle = north - (north - south) * share
    return Region(west, middle, east, north), Region(west, south, east, middle)


def outline_of(region: Region) -> list[list[float]]:
    """The closed ring of a region after the bend, as GeoJSON [lon, lat] pairs with five decimals (about a metre)."""
    west, south, east, north = region
    corners = [
        *((lon, south) for lon in _stops(west, east)),
        *((east, lat) for lat in _stops(south, north)),
        *((lon, north) for lon in reversed([*_stops(west, east)[1:], east])),
        *((west, lat) for lat in reversed([*_stops(south, north)[1:], north])),
    ]
    ring = [_bent(lon, lat) for lon, lat in corners]
    return [*ring, ring[0]]


def _stops(start: float, end: float) -> list[float]:
    """The start and the multiples of STEP inside: neighbours with a common edge share these points, however long each is."""
    first = math.floor(start / STEP) + 1
    inside = [n * STEP for n in range(first, math.ceil(end / STEP)) if start < n * STEP < end]
    return [start, *inside]


def _bent(lon: float, lat: float) -> list[float]:
    shift_lon = BEND * math.sin(lat * 50) * math.cos(lon * 40)
    shift_lat = BEND * math.sin(lon * 45) * math.cos(lat * 50)
    return [round(lon + shift_lon, 5), round(lat + shift_lat, 5)]
