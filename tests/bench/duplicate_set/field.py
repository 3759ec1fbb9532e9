"""Three weeks on the streets of one community: problems, who reports them again, and what only looks like the same.

Every report carries the number of the problem it is of; two reports are duplicates when the numbers are equal, and nothing else
is known. Distances, intervals and shares are a field worker's guess of ordinary days, with more look-alikes than a day has.
"""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from server.domain import ids, times
from tests.bench.duplicate_set import scenes, words
from tests.records import report

FIRST_DAY = datetime(2026, 11, 2, 0, 30, tzinfo=UTC)
DAYS = 21
COMMUNITY = "640199001001"
ORIGIN = 38.4870, 106.1320
M_PER_DEGREE = 111_195.0
GRID_EDGE_M, GRIDS_ACROSS, GRIDS_DOWN = 300.0, 4, 3
INDOORS = frozenset({"3102", "0503", "4103"})
KINDS = {
    "3102": "stairs",
    "0503": "stairs",
    "4103": "stairs",
    "1101": "bin",
    "0301": "bin",
    "1107": "bin",
    "0101": "ground",
    "0202": "ground",
    "1104": "ground",
}
WORKERS = tuple(f"worker{number}" for number in range(1, 13))
OTHERS = ("police1", "police2", "staff1", "staff2", "resident1", "resident2")


class Found(NamedTuple):
    """One report as it reaches the server, and which problem it is of. `pictures` are JPEGs by photo id."""

    report: dict[str, Any]
    received_at: datetime
    problem: int
    pictures: dict[str, bytes]


class Problem(NamedTuple):
    """One thing that is wrong. `look` seeds the place in the picture, `clutter` what lies around on that day."""

    category: str
    x_m: float
    y_m: float
    spot: words.Spot
    found_at: datetime
    look: int
    clutter: int


def make(seed: int, problems: int = 260) -> list[Found]:
    """The reports of three weeks, oldest first. About four in ten problems have a look-alike made on purpose."""
    rng = Random(seed)
    field = _Field(rng)
    for _ in range(problems):
        first = field.problem()
        author = field.report_some(first)
        if rng.random() < 0.4:
            # What is found on one round is mostly written by one person.
            on_round = author if rng.random() < 0.5 else ""
            rng.choice((field.next_lamp, field.next_stairs, field.next_week, field.next_building, field.other_thing))(
                first, on_round
            )
    return sorted(field.found, key=lambda one: one.received_at)


class _Field:
    def __init__(self, rng: Random) -> None:
        self.rng, self.found, self.count = rng, list[Found](), 0

    def problem(self, **fixed: Any) -> Problem:
        rng = self.rng
        category = rng.choice(tuple(words.WORDINGS))
        building = rng.randrange(1, 25) if rng.random() < 0.6 or category in INDOORS else None
        spot = words.Spot(
            rng.choice(words.STREETS),
            rng.choice(words.SHOPS),
            rng.choice(words.COMPOUNDS),
            building,
            rng.randrange(1, 6) if building else None,
        )
        at = FIRST_DAY + timedelta(days=rng.randrange(DAYS), minutes=rng.randrange(10 * 60))
        x, y = rng.uniform(0, GRIDS_ACROSS * GRID_EDGE_M), rng.uniform(0, GRIDS_DOWN * GRID_EDGE_M)
        return Problem(category, x, y, spot, at, rng.randrange(1 << 30), rng.randrange(1 << 30))._replace(**fixed)

    def report_some(self, problem: Problem, author: str = "") -> str:
        """The first report, and in some cases one or two by others later; who was first."""
        self.count += 1
        rng, number = self.rng, self.count
        author, at = author or rng.choice(WORKERS), problem.found_at
        text = self.report(problem, number, author, at)
        for _ in range(rng.choices((0, 1, 2), (55, 30, 15))[0]):
            hours = rng.choices((rng.uniform(0.1, 8), rng.uniform(8, 48), rng.uniform(48, 120)), (55, 30, 15))[0]
            who = author if rng.random() < 0.06 else rng.choice([one for one in (*WORKERS, *OTHERS) if one != author])
            self.report(problem, number, who, at + timedelta(hours=hours), said=text if rng.random() < 0.04 else None)
        return author

    def report(self, problem: Problem, number: int, author: str, at: datetime, *, said: str | None = None) -> str:
        """One report; its text. GPS is off by 5 to 40 m, some phones have none, some a wrong clock or no signal for hours."""
        rng, indoors = self.rng, problem.category in INDOORS
        x, y = self._measured(problem)
        category = words.NEIGHBOURS.get(problem.category, problem.category) if rng.random() < 0.1 else problem.category
        text = said if said is not None else words.text(problem.category, problem.spot, rng, is_indoor=indoors)
        lat, lon = ORIGIN[0] + y / M_PER_DEGREE, ORIGIN[1] + x / (M_PER_DEGREE * math.cos(math.radians(ORIGIN[0])))
        address = words.place(problem.spot, rng, is_indoor=indoors) if rng.random() < 0.4 else None
        place = {"lat": round(lat, 6), "lon": round(lon, 6), "accuracy_m": round(rng.uniform(5, 40), 1), "datum": "WGS84"}
        place |= {"address": address, "compound": None}
        offset_ms = (
            rng.choice((-1, 1)) * rng.randrange(3_600_000, 50 * 3_600_000) if rng.random() < 0.05 else rng.randrange(-900, 900)
        )
        received_at = at + (
            timedelta(seconds=rng.randrange(2, 50)) if rng.random() < 0.8 else timedelta(minutes=rng.randrange(5, 600))
        )
        pictures = dict(self._pictures(problem, at))
        doc = report(
            self._grid(problem),
            author,
            at,
            _id=f"report:{ids.uuid7(at, rng.randbytes(10))}",
            captured_at=times.to_text(at + timedelta(milliseconds=offset_ms)),
            clock_offset_ms=offset_ms if rng.random() < 0.9 else None,
            category=category,
            text=text,
            place=None if rng.random() < 0.06 else place,
            photos=list(pictures),
        )
        self.found.append(Found(doc, received_at, number, pictures))
        return text

    def next_lamp(self, first: Problem, author: str) -> None:
        """The next thing of the same kind 25 to 40 m on, the same day: often the same person on the same round."""
        if first.category in INDOORS:
            self.next_stairs(first, author)
            return
        angle = self.rng.uniform(0, 2 * math.pi)
        step = self.rng.uniform(25, 40)
        spot = first.spot if self.rng.random() < 0.4 else first.spot._replace(shop=self.rng.choice(words.SHOPS))
        if spot.building:
            spot = spot._replace(unit=(spot.unit or 1) % 5 + 1)
        at = first.found_at + timedelta(minutes=self.rng.randrange(2, 300))
        x, y = first.x_m + step * math.cos(angle), first.y_m + step * math.sin(angle)
        self.report_some(self._like(first, x_m=x, y_m=y, spot=spot, found_at=at), author)

    def next_stairs(self, first: Problem, author: str) -> None:
        """The same trouble in the next entrance of the same house: only the number differs, and not everybody writes it."""
        here = first
        if first.category not in INDOORS:
            here = self.problem(category="3102")
            here = here._replace(spot=here.spot._replace(building=self.rng.randrange(1, 25), unit=self.rng.randrange(1, 3)))
            author = self.report_some(here)
        next_unit = here.spot._replace(unit=(here.spot.unit or 1) + 1)
        at = here.found_at + timedelta(minutes=self.rng.randrange(3, 200))
        self.report_some(
            self._like(here, x_m=here.x_m + 18, spot=next_unit, found_at=at), author if self.rng.random() < 0.5 else ""
        )

    def next_week(self, first: Problem, author: str) -> None:
        """Rubbish at the same bin again, cleared in between: same place, same words, a picture from the same side."""
        here = first
        if first.category != "1101":
            here = self.problem(category="1101")
            self.report_some(here)
        later = here.found_at + timedelta(days=self.rng.uniform(6, 9))
        self.report_some(here._replace(found_at=later, clutter=self.rng.randrange(1 << 30)))

    def next_building(self, first: Problem, author: str) -> None:
        """The same trouble in another house of the same compound on the same day; houses built alike look alike."""
        building = (first.spot.building or 3) + self.rng.choice((1, 2))
        there = first.spot._replace(building=building, unit=self.rng.randrange(1, 6))
        at = first.found_at + timedelta(hours=self.rng.uniform(0.2, 20))
        other = self._like(first, x_m=first.x_m + self.rng.choice((-65, 65)), spot=there, found_at=at)
        self.report_some(other._replace(look=first.look) if self.rng.random() < 0.4 else other, author)

    def other_thing(self, first: Problem, author: str) -> None:
        """Something else wrong at the same spot on the same day."""
        category = self.rng.choice([one for one in words.WORDINGS if one[:2] != first.category[:2]])
        at = first.found_at + timedelta(minutes=self.rng.randrange(1, 600))
        self.report_some(first._replace(category=category, found_at=at, look=self.rng.randrange(1 << 30)), author)

    def _like(self, first: Problem, **changed: Any) -> Problem:
        return first._replace(look=self.rng.randrange(1 << 30), clutter=self.rng.randrange(1 << 30), **changed)

    def _measured(self, problem: Problem) -> tuple[float, float]:
        off, angle = self.rng.uniform(5, 40) * (1 if self.rng.random() < 0.35 else 0.4), self.rng.uniform(0, 2 * math.pi)
        return problem.x_m + off * math.cos(angle), problem.y_m + off * math.sin(angle)

    def _grid(self, problem: Problem) -> str:
        """The grid as the reporter thinks: near an edge some take the neighbour's."""
        x, y = (at + self.rng.uniform(-25, 25) for at in (problem.x_m, problem.y_m))
        across = min(GRIDS_ACROSS - 1, max(0, int(x // GRID_EDGE_M)))
        down = min(GRIDS_DOWN - 1, max(0, int(y // GRID_EDGE_M)))
        return f"{COMMUNITY}{down * GRIDS_ACROSS + across + 1:03}"

    def _pictures(self, problem: Problem, at: datetime) -> Iterator[tuple[str, bytes]]:
        """None, one or two; half of all people stand where others stood, the rest see the thing from elsewhere."""
        rng, kind = self.rng, KINDS.get(problem.category, "street")
        for _ in range(rng.choices((0, 1, 2), (15, 60, 25))[0]):
            look, clutter = (
                (problem.look, problem.clutter) if rng.random() < 0.5 else (rng.randrange(1 << 30), rng.randrange(1 << 30))
            )
            image = scenes.seen_again(scenes.scene(kind, look, clutter), rng)
            if rng.random() < 0.15:
                image = scenes.stamped(image)
            yield f"photo:{ids.uuid7(at, rng.randbytes(10))}", scenes.encode(image, rng)
