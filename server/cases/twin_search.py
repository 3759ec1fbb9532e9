"""Looking for possible duplicates: new cases and newly hashed photos of a township → proposals. One call is one bounded run.

It follows two feeds, each with a checkpoint of its own saved last: `cases-<9>` for cases to be compared, `media-<9>` for photos
whose perceptual hash has come. Intake waits for none of it. Candidates come from one view by coarse place and week, at most so
many; nothing scans. A new case is a third one to pairs around it: those are looked at again, with the neighbours of both. What
is written is compared first and a function of what is stored, so that it may run twice, at once, and be killed anywhere.
How a pair is judged is `server/domain/matching.py`, what a proposal looks like `twins.py`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import combinations
from typing import Any, NamedTuple

from server.cases import twins
from server.domain import likeness, matching, times, workflow
from server.domain.matching import Reason, Verdict
from sync import designs, feed
from sync.couch import Couch
from sync.database import Database
from sync.databases import cases_db, media_db
from sync.errors import Conflict, NotFound, Unreachable

DESIGN, CHECKPOINT = "twins", "twins"
BATCH = 50
# Of one page's questions so many rows are read, and of one case so many neighbours looked at, nearest in time first: in a
# square of 280 m, a week and one kind of trouble a busy township has a tenth of it.
ROWS_MOST, CANDIDATES_MOST = 4000, 40
# After these events a case is (again) one that others may be twins of.
MOVES = frozenset({"report", "amend", "unmerge", "reopen", "resubmit"})
# As in the view: half of such a cell is beyond `matching.FARTHEST_M` anywhere in China, so four cells hold every neighbour.
CELLS_A_DEGREE, WEEK_S = 400, 604_800
# A case whose log odds (hundredths) with both of a pair lie below this says nothing of them (`matching.THIRD`), not even when a
# photo's hash comes later; the pair is not compared again because of it.
LOUD_ENOUGH = -100

Document = dict[str, Any]
Key = tuple[Any, ...]
Pair = tuple[str, str]


class Outcome(NamedTuple):
    """What a run did: how many proposals changed, and whether another run is due at once."""

    changed: int
    more: bool


def run(couch: Couch, township: str, *, batch: int = BATCH) -> Outcome:
    """One run over what is new in a township. Raises the errors of the store, Conflict when another run was at the same pairs."""
    cases, media = couch.database(cases_db(township)), couch.database(media_db(township))
    try:
        designs.install(cases, DESIGN)
        changed, more = _run(cases, batch, lambda docs: _search(cases, media, _due(docs)))
        also_changed, is_more_hashed = _run(media, batch, lambda docs: _search(cases, media, _owners(cases, docs)))
    except NotFound:
        return Outcome(0, more=False)
    return Outcome(changed + also_changed, more or is_more_hashed)


def _run(database: Database, batch: int, search: Callable[[list[Document]], int]) -> tuple[int, bool]:
    """One page of a feed; nothing where there is no database yet: no photo was ever sent."""
    try:
        page = feed.read(database, CHECKPOINT, batch)
    except NotFound:
        return 0, False
    changed = search([row["doc"] for row in page.changes if row.get("doc")])
    feed.finish(database, CHECKPOINT, page)
    return changed, page.more


def _due(docs: Iterable[Document]) -> set[str]:
    """The cases a page gives reason to compare. An event may be there before its case: then the case's own row asks."""
    due = set()
    for doc in docs:
        if doc.get("type") == "event" and doc["move"] in MOVES:
            due.add(str(doc["case"]))
        elif doc.get("type") == "case" and doc["events"] == 1:
            due.add(str(doc["_id"]))
    return due


def _owners(cases: Database, docs: Iterable[Document]) -> set[str]:
    """The cases whose photos have a hash now."""
    photos = [str(doc["_id"]) for doc in docs if doc.get("perceptual")]
    return {str(row["id"]) for row in cases.view(DESIGN, "photos", keys=photos)["rows"]} if photos else set()


def _search(database: Database, media: Database, wanted: set[str]) -> int:
    """Compare these cases with their neighbours and bring their proposals up to date; how many changed."""
    found = database.many(sorted(wanted))
    cases = {id: doc for id, doc in found.items() if doc and doc["state"] in workflow.OPEN_STATES}
    if not cases:
        return 0
    near = _neighbours(database, cases)
    others = {id for ids in near.values() for id in ids} - cases.keys()
    around = {id: doc for id, doc in database.many(sorted(others)).items() if doc}
    near |= _neighbours(database, around)
    known = cases | around
    beyond = {id for ids in near.values() for id in ids} - known.keys()
    known |= {id: doc for id, doc in database.many(sorted(beyond)).items() if doc}
    return _save(database, Neighbourhood(near, _sides(media, known)).verdicts(cases))


class Neighbourhood:
    """Cases with their neighbours, and what speaks for each two of them being one, found once."""

    def __init__(self, near: Mapping[str, list[str]], sides: Mapping[str, likeness.Side]) -> None:
        self._sides = sides
        self._found: dict[Pair, int] = {}
        self._near = {id: {other for other in others if other in sides} for id, others in near.items()}

    def verdicts(self, cases: Iterable[str]) -> dict[Pair, Verdict]:
        """The verdicts that may be other ones now that there is something new about these cases."""
        pairs = {_pair(case, other) for case in cases for other in self._near[case]}
        for case in cases:
            alike = sorted(other for other in self._near[case] if self._is_comparable(case, other))
            close = {other for other in alike if self._evidence(case, other) > LOUD_ENOUGH}
            pairs |= {
                (one, other)
                for one, other in combinations(alike, 2)
                if (one in close or other in close) and self._is_comparable(one, other)
            }
        return {pair: matching.compare(*self._of(pair), self._thirds(*pair)) for pair in sorted(pairs)}

    def _thirds(self, one: str, other: str) -> Iterator[tuple[int, int]]:
        for third in self._near[one] & self._near[other]:
            if self._is_comparable(one, third) and self._is_comparable(other, third):
                yield self._evidence(one, third), self._evidence(other, third)

    def _is_comparable(self, one: str, other: str) -> bool:
        return matching.is_comparable(self._sides[one], self._sides[other])

    def _evidence(self, one: str, other: str) -> int:
        pair = _pair(one, other)
        if pair not in self._found:
            self._found[pair] = matching.evidence(*self._of(pair))
        return self._found[pair]

    def _of(self, pair: Pair) -> tuple[likeness.Side, likeness.Side]:
        return self._sides[pair[0]], self._sides[pair[1]]


def _pair(one: str, other: str) -> Pair:
    return min(one, other), max(one, other)


def _neighbours(database: Database, cases: Mapping[str, Document]) -> dict[str, list[str]]:
    """The candidates of each case: by the view, of a kind people confuse, nearest in time first, at most CANDIDATES_MOST."""
    keys = {id: set(_keys(case)) for id, case in cases.items()}
    asked = sorted({key for of_case in keys.values() for key in of_case}, key=str)
    at_key: dict[Key, list[dict[str, Any]]] = defaultdict(list)
    for row in database.view(DESIGN, "near", keys=asked, limit=ROWS_MOST)["rows"]:
        at_key[tuple(row["key"])].append(row)
    near = {}
    for id, case in cases.items():
        seen_at = likeness.seen_at(case)
        gaps = {}
        for row in (row for key in keys[id] for row in at_key.get(key, ())):
            state, category, text = row["value"]
            if row["id"] != id and state in workflow.OPEN_STATES and matching.category_relation(case["category"], category):
                gaps[row["id"]] = abs(times.from_text(text) - seen_at)
        close = sorted((gap, other) for other, gap in gaps.items() if gap <= matching.LONGEST)
        near[id] = [other for _, other in close[:CANDIDATES_MOST]]
    return near


def _keys(case: Document) -> Iterator[Key]:
    """The view's rows that a case has to ask for: the four cells around its point and the unplaced of its grid, or its grid."""
    seen_at, place = likeness.seen_at(case), case.get("place") or {}
    weeks = range(_week(seen_at - matching.LONGEST), _week(seen_at + matching.LONGEST) + 1)
    lat, lon = place.get("lat"), place.get("lon")
    if lat is None or lon is None:
        yield from (("grid", case["grid"], week) for week in weeks)
        return
    down, across = lat * CELLS_A_DEGREE, lon * CELLS_A_DEGREE
    for week in weeks:
        yield "unplaced", case["grid"], week
        for y in (round(down) - 1, round(down)):
            yield from (("cell", y, x, week) for x in (round(across) - 1, round(across)))


def _week(at: datetime) -> int:
    return int(at.timestamp() // WEEK_S)


def _sides(media: Database, cases: Mapping[str, Document]) -> dict[str, likeness.Side]:
    photos = sorted({photo for case in cases.values() for photo in case["photos"]})
    try:
        found = media.many(photos)
    except NotFound:
        found = {}
    hashes = {photo: doc["perceptual"] for photo, doc in found.items() if doc and doc.get("perceptual")}
    return {id: likeness.side(case, [hashes[one] for one in case["photos"] if one in hashes]) for id, case in cases.items()}


def _save(database: Database, verdicts: Mapping[Pair, Verdict]) -> int:
    """Write what is proposed now, take away what no longer is; how many pairs changed."""
    wanted = {}
    for (one, other), verdict in verdicts.items():
        for ids in ((one, other), (other, one)):
            wanted[twins.proposal_id(*ids)] = _proposal(ids, verdict) if verdict.is_proposed else None
    changes = []
    for id, present in database.many(sorted(wanted)).items():
        doc, rev = wanted[id], {"_rev": present["_rev"]} if present else {}
        if doc is None and present:
            changes.append({"_id": id, "_deleted": True} | rev)
        elif doc and doc | rev != present:
            changes.append(doc | rev)
    failed = {row["error"] for row in database.bulk(changes) if "error" in row}
    if "conflict" in failed:
        raise Conflict(database.name)
    if failed:
        raise Unreachable(f"{database.name}: {sorted(failed)}")
    return len(changes) // 2


def _proposal(ids: tuple[str, str], verdict: Verdict) -> Document:
    head = {"_id": twins.proposal_id(*ids), "type": "proposal", "v": 1, "cases": list(ids)}
    return head | {"odds": verdict.odds, "reasons": [_reason(one) for one in verdict.reasons]}


def _reason(reason: Reason) -> Document:
    return {"code": reason.code, "figure": reason.figure, "weight": reason.weight}
