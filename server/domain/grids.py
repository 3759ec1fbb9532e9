"""Codes of places: 15-digit grids, 12-digit communities, 9-digit townships (DESIGN §4, DOMAIN "Codes").

A grid's code is the 12-digit statistical division code (2+2+2+3+3) of its community or village and a 3-digit sequence.
What a grid looks like and who works there is data in `ref` and `people`, not here.
"""

import re

GRID = re.compile(r"\d{15}")
QUARTER = re.compile(r"\d{4}q[1-4]")


def is_grid(code: object) -> bool:
    """True for fifteen digits."""
    return isinstance(code, str) and GRID.fullmatch(code) is not None


def unplaced(township: str) -> str:
    """What stands for a grid when only the township is known: its code filled up with zeros, as the division codes do it."""
    return f"{township}000000"


def is_unplaced(grid: str) -> bool:
    """True when the code names a township and no grid of it: the case's place is still to be found."""
    return grid[9:] == "000000"


def township_of(code: str) -> str:
    """The first nine digits of a grid's or community's code."""
    return code[:9]


def community_of(grid: str) -> str:
    """The first twelve digits of a grid's code."""
    return grid[:12]


def district_of(code: str) -> str:
    """The first six digits of any longer code."""
    return code[:6]
