"""How many cases there are: by state and phase, overdue, whose turn; of one township or of many, from the index alone."""

import threading
import weakref
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from server.cases import index
from server.cases.reach import Place
from server.domain import times, workflow
from sync.couch import Couch

Counts = tuple[object, Counter[str], Counter[str]]
_kept: "weakref.WeakKeyDictionary[Couch, dict[tuple[str, str | None], Counts]]" = weakref.WeakKeyDictionary()
_lock = threading.Lock()
LEVELS_ABOVE = ("township", "district", "city")


def by_state(couch: Couch, township: str, community: str | None = None) -> dict[str, int]:
    """`{state: how many}` of a township or one of its communities; every state is named."""
    return dict.fromkeys(workflow.STATES, 0) | _states(couch, Place(township, community))[0]


def by_phase(couch: Couch, places: Sequence[Place]) -> dict[str, int]:
    """`{phase: how many}` of places together; every phase is named. Of a unit's townships only what it has a part in."""
    total: Counter[str] = Counter(dict.fromkeys(workflow.PHASES, 0))
    for place in places:
        total.update(_states(couch, place)[1] if place.units is None else _parts(couch, place.township, place.units))
    return dict(total)


def by_state_and_phase(couch: Couch, place: Place) -> dict[str, int]:
    """States and phases of one place in one answer: no state is called as a phase is."""
    states, phases = _states(couch, place)
    return dict.fromkeys((*workflow.STATES, *workflow.PHASES), 0) | states | phases


def overdue(couch: Couch, places: Iterable[Place], now: datetime) -> int:
    """How many cases were overdue at an instant; of a unit those that it handles."""
    until = times.to_text(now)
    return sum(
        index.count(couch, place.township, "due", [whose, None], [whose, until])
        for place in places
        for whose in (place.units if place.units is not None else (place.community or "",))
    )


def at_level(couch: Couch, township: str, levels: Iterable[str] = LEVELS_ABOVE) -> dict[str, int]:
    """`{level: how many cases it holds or held}` of a township, for levels above the community."""
    rows = index.view(couch, township, "facets", startkey=["level"], endkey=["level", {}], reduce=True, group_level=2)
    found = {row["key"][1]: row["value"] for row in rows}
    return {level: found.get(level, 0) for level in levels}


def turns(couch: Couch, townships: Iterable[str], parties: Iterable[str]) -> int:
    """How many cases wait for one of these parties."""
    span = [(township, party) for township in townships for party in sorted(set(parties)) if _is_of(party, township)]
    return sum(index.count(couch, township, "facets", ["turn", party], ["turn", party, {}]) for township, party in span)


def _is_of(party: str, township: str) -> bool:
    """Only a party of the place itself, or of one it lies in, or a unit, can have a turn there."""
    kind, _, code = party.partition(":")
    return kind == "unit" or code.startswith(township) or township.startswith(code)


def _states(couch: Couch, place: Place) -> tuple[Counter[str], Counter[str]]:
    """States and phases. Counting goes through all rows of the township, so a count is kept until the township changes."""
    seq, asked = index.seq_of(couch, place.township), (place.township, place.community)
    with _lock:
        known = _kept.setdefault(couch, {}).get(asked)
    if known is not None and known[0] == seq:
        return Counter(known[1]), Counter(known[2])
    states, phases = _count_states(couch, place)
    with _lock:
        _kept[couch][asked] = (seq, states, phases)
    return Counter(states), Counter(phases)


def _count_states(couch: Couch, place: Place) -> tuple[Counter[str], Counter[str]]:
    span = {"startkey": [place.community], "endkey": [place.community, {}]} if place.community else {}
    states: Counter[str] = Counter()
    phases: Counter[str] = Counter()
    for row in index.view(couch, place.township, "states", group_level=3, **span):
        _, state, phase = row["key"]
        states[state] += row["value"]
        phases[phase or workflow.phase_of(state)] += row["value"]
    return states, phases


def _parts(couch: Couch, township: str, units: Iterable[str]) -> Counter[str]:
    """A case in which two of the units have a part counts for each."""
    found: Counter[str] = Counter()
    for unit in units:
        span = {"startkey": ["part+phase", f"{unit} "], "endkey": ["part+phase", f"{unit} \ufff0", {}]}
        for row in index.view(couch, township, "facets", reduce=True, group_level=2, **span):
            found[row["key"][1].rpartition(" ")[2]] += row["value"]
    return found
