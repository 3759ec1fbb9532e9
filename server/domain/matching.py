"""Whether two cases may be of one problem: what each thing they have in common is worth, and the decision with its reasons. Pure.

Every feature of `likeness.py` falls into a band, and each band has a weight: the natural logarithm of how many times likelier it
is among reports of one problem than among others nearby (weight of evidence). The weights are added to a starting doubt; the sum
is the log odds that the two are one. Weights come from a logistic regression over the bands on seeds 21 to 34 of
`tests/bench/duplicate_set`, so that features which say the same thing share what it is worth, and were rounded; the threshold
was chosen there, too. `tests/bench/duplicates.py` says what comes of it on a seed that nobody had looked at.

A pair is not judged alone: a third case that is like one of the two and unlike the other says that they are two problems, since
what is one with both would make them one (`THIRD`). No other single thing told more pairs apart.

A proposal merges nothing: a person looks at both and decides. The reasons are codes and figures for that person's page.
"""

import math
from collections.abc import Iterable
from datetime import timedelta
from functools import lru_cache
from typing import NamedTuple

from server.domain import likeness
from server.domain.grids import community_of, is_grid
from server.domain.likeness import Side

# Beyond these two cases are not compared at all: twice the error of a bad fix indoors, and the longest a problem was re-reported
# as the same one. Whoever looks for candidates goes by them, too.
FARTHEST_M = 85.0
LONGEST = timedelta(days=14)
# Log odds of one before anything is known of two cases near each other, and from which odds on a person is asked.
DOUBT, THRESHOLD = -1.6, 0.9
INFINITE = math.inf


class Band(NamedTuple):
    """Up to `most` a figure is worth `weight`."""

    most: float
    weight: float


# Metres. Two phones that stand on one spot are up to 40 m off each; lamps stand 30 m apart, so distance alone never decides.
DISTANCE = (Band(12, 2.6), Band(20, 2.1), Band(30, 1.2), Band(40, 0.5), Band(50, -0.3), Band(65, -1.8), Band(FARTHEST_M, -3.7))
# No fix on one side: the grid is all there is, a few hundred metres of it.
PLACE_UNKNOWN = -0.6
GRID = {
    "same": 0.0,
    # The neighbour's grid is an honest slip near an edge; distance has said most of it already.
    "neighbour": -0.7,
    "other": -2.0,
}
# Hours. What is cleaned or driven away within days comes back as a new problem: rubbish at the same bin next week is not the
# same rubbish. What stays broken until somebody mends it is reported for longer (the made-up weeks know nobody who is later than
# five days and would have counted -3.8; streets do).
PASSING = (Band(8, 2.3), Band(24, 0.9), Band(48, 1.0), Band(72, 0.2), Band(120, 0.1), Band(INFINITE, -6.1))
LASTING = (Band(8, 1.8), Band(24, 1.2), Band(48, 1.3), Band(72, 0.6), Band(120, 0.5), Band(INFINITE, -2.5))
# Classes (大类) of what passes: street cleanliness, street order, emergencies.
PASSING_CLASSES = frozenset({"11", "14", "61"})
CATEGORY = {
    "same": 0.0,
    # Named by the catalogue as neighbours, or seen differently by two people: see RELATED.
    "related": -2.2,
    "class": -5.0,
}
# Per cent of shared bigrams (Dice), of text and address together. Little, because names and numbers below say the better half of
# it, and what is wrong is said by the category.
TEXT = (Band(5, -0.5), Band(20, 0.1), Band(40, 0.3), Band(60, 0.5), Band(80, 0.8), Band(100, 1.7))
# Too few words on one side to compare.
TEXT_SHORT = 0.0
# Numbers of houses, entrances, rooms that both name: `same` in two kinds or more, only the `building`, or `one` other kind. The
# next entrance has the same words and nearly the same place.
NUMBERS = {"same": 3.2, "building": 0.5, "one": 1.0, "different": -6.4}
# Inside a house, and no number that both name: every entrance has the same stairs, in the same words.
INDOORS = frozenset({"3102", "0503", "0106", "4103"})
INDOORS_UNNUMBERED = -1.0
# Streets, compounds, landmarks that both name: neighbours share a street; two people on one spot may go by two shops.
NAMES = {
    ("street", "same"): 0.3,
    ("street", "different"): -0.5,
    ("compound", "same"): 0.2,
    ("compound", "different"): -1.4,
    ("landmark", "same"): 1.1,
    ("landmark", "different"): -0.8,
}
# Differing bits of 64 between the nearest two pictures. Unrelated pictures differ in 32, give or take 4; the same view by two
# people in about 12. Most second reporters stand elsewhere, so unlike pictures say little.
PHOTO = (Band(6, 3.5), Band(10, 3.3), Band(14, 2.2), Band(18, 1.4), Band(22, 0.1), Band(64, -0.3))
# One side has no picture, or none that shows enough.
PHOTO_UNKNOWN = 0.0
# One worker on one round reports two things as two; who reports the same again is somebody else, or the same one days later.
SAME_AUTHOR, SAME_ROUND = -1.7, timedelta(hours=12)
# How clearly a third case is one with one of the two and not with the other: the lesser of the log odds for and against.
THIRD = (Band(0, 0.7), Band(0.7, 0.1), Band(1.5, -0.7), Band(2.5, -1.2), Band(INFINITE, -2.5))

# Categories that two people take for one another though their classes differ, each group by its reason.
RELATED = tuple(
    frozenset(group)
    for group in (
        {"0101", "0102", "0201", "0202", "6107"},  # the ground gives way
        {"0104", "0105", "1104", "4101", "6105", "4103"},  # water where none should be, or none where it should
        {"0103", "0503", "0204", "4102"},  # no light
        {"0106", "0503"},  # in the stairwell
        {"0301", "1101", "1102", "1103", "1107", "3102"},  # things thrown away
        {"1402", "1403", "3101"},  # vehicles in the way
        {"0107", "3202", "3103", "4102"},  # wires
        {"0401", "0403", "0402", "3204"},  # trees
        {"0501", "3203", "3204", "0502"},  # what falls from houses
        {"1302", "4105", "1301", "1405", "2101"},  # noise and neighbours
        {"1401", "1404", "1201", "1203"},  # shops on the pavement
        {"3201", "6103"},  # gas
        {"1106", "6101"},  # fire
    )
)


class Reason(NamedTuple):
    """One thing that spoke for or against: a code, its figure (None when there is none) and its weight in hundredths."""

    code: str
    figure: int | None
    weight: int


class Verdict(NamedTuple):
    """`is_proposed` with `odds` (log odds in hundredths) and the reasons, what speaks loudest first."""

    is_proposed: bool
    odds: int
    reasons: tuple[Reason, ...]


def is_comparable(one: Side, other: Side) -> bool:
    """True when two cases could be of one problem at all: near in time, not far in place, of kinds people confuse."""
    if abs(one.at - other.at) > LONGEST or not category_relation(one.category, other.category):
        return False
    metres = likeness.metres_between(one, other)
    return metres <= FARTHEST_M if metres is not None else one.grid == other.grid


def compare(one: Side, other: Side, thirds: Iterable[tuple[int, int]] = ()) -> Verdict:
    """The verdict on two cases, the same whichever is named first.

    `thirds`: for each other case that is comparable to both, the `evidence` of it with the one and with the other.
    """
    reasons = [*_reasons(one, other), _third_reason(thirds)]
    odds = _hundredths(DOUBT) + sum(reason.weight for reason in reasons)
    loudest = sorted(reasons, key=lambda reason: (-abs(reason.weight), reason.code))
    return Verdict(odds >= _hundredths(THRESHOLD) and is_comparable(one, other), odds, tuple(loudest))


def evidence(one: Side, other: Side) -> int:
    """The log odds in hundredths of two cases by themselves, whatever else lies near."""
    return _hundredths(DOUBT) + sum(reason.weight for reason in _reasons(one, other))


def chance(odds: int) -> float:
    """The probability that log odds in hundredths stand for."""
    return 1 / (1 + math.exp(-odds / 100))


@lru_cache(maxsize=8192)
def category_relation(one: str, other: str) -> str | None:
    """`same`, `related`, `class` (the same 大类), or None: nobody would take one for the other."""
    if one == other:
        return "same"
    if any(one in group and other in group for group in RELATED):
        return "related"
    return "class" if one[:2] == other[:2] and one[:2].isdigit() else None


def grid_relation(one: str, other: str) -> str:
    """`same`, `neighbour` (of the same community: its grids are numbered as they lie), or `other`."""
    if one == other:
        return "same"
    is_near = is_grid(one) and is_grid(other) and community_of(one) == community_of(other)
    return "neighbour" if is_near else "other"


def _reasons(one: Side, other: Side) -> list[Reason]:
    return [*_place_reasons(one, other), *_kind_reasons(one, other), *_word_reasons(one, other), *_photo_reasons(one, other)]


def _third_reason(thirds: Iterable[tuple[int, int]]) -> Reason:
    clearest = max((min(max(pair), -min(pair)) for pair in thirds), default=0)
    weight = _weight(THIRD, clearest / 100)
    return _reason("third_between" if weight < 0 else "third_none", weight)


def _place_reasons(one: Side, other: Side) -> list[Reason]:
    metres, relation = likeness.metres_between(one, other), grid_relation(one.grid, other.grid)
    where = _reason("place_unknown", PLACE_UNKNOWN) if metres is None else _banded("distance", DISTANCE, metres)
    return [where, _reason(f"grid_{relation}", GRID[relation])]


def _kind_reasons(one: Side, other: Side) -> list[Reason]:
    apart, relation = abs(one.at - other.at), category_relation(one.category, other.category)
    # Of two classes the shorter-lived decides, whichever case is named first.
    bands = LASTING if PASSING_CLASSES.isdisjoint((one.category[:2], other.category[:2])) else PASSING
    minutes = apart / timedelta(minutes=1)
    reasons = [Reason("time", round(minutes), _hundredths(_weight(bands, minutes / 60)))]
    if relation:
        reasons.append(_reason(f"category_{relation}", CATEGORY[relation]))
    if one.author == other.author and apart <= SAME_ROUND:
        reasons.append(_reason("author_same", SAME_AUTHOR))
    return reasons


def _word_reasons(one: Side, other: Side) -> list[Reason]:
    alike = likeness.text_likeness(one, other)
    reasons = [_reason("text_short", TEXT_SHORT) if alike is None else _banded("text", TEXT, 100 * alike)]
    numbered = one.numbers.keys() & other.numbers.keys()
    if numbered:
        is_same = all(one.numbers[kind] & other.numbers[kind] for kind in numbered)
        relation = (
            "different" if not is_same else "same" if len(numbered) > 1 else "building" if "building" in numbered else "one"
        )
        reasons.append(_reason(f"numbers_{relation}", NUMBERS[relation]))
    elif {one.category, other.category} <= INDOORS:
        reasons.append(_reason("numbers_unknown", INDOORS_UNNUMBERED))
    for kind in sorted(one.names.keys() & other.names.keys()):
        relation = "same" if one.names[kind] & other.names[kind] else "different"
        reasons.append(_reason(f"{kind}_{relation}", NAMES[kind, relation]))
    return reasons


def _photo_reasons(one: Side, other: Side) -> list[Reason]:
    bits = likeness.bits_between(one, other)
    return [_reason("photo_unknown", PHOTO_UNKNOWN) if bits is None else _banded("photo", PHOTO, bits)]


def _banded(code: str, bands: tuple[Band, ...], figure: float) -> Reason:
    return Reason(code, round(figure), _hundredths(_weight(bands, figure)))


def _reason(code: str, weight: float) -> Reason:
    return Reason(code, None, _hundredths(weight))


def _weight(bands: tuple[Band, ...], figure: float) -> float:
    return next((band.weight for band in bands if figure <= band.most), bands[-1].weight)


def _hundredths(weight: float) -> int:
    return round(100 * weight)
