"""Lists over a township's index of household files (`homes-<9>`): households by the day they are due, by need, by words; errands.

A place is a township (9 digits) or a community (12); who may ask for which is the caller's to check. Each page is bounded work.
The index is kept by `indexing.py`; where there is none yet, nothing is known, which is not the same as nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from server import cursors
from server.domain import home_rows, visits
from server.domain.errors import InvalidInput
from server.domain.grids import township_of
from server.households.indexing import DESIGN
from sync.couch import Couch
from sync.database import Database
from sync.databases import homes_db
from sync.errors import NotFound

LIMIT_MOST, QUERY_LENGTH, WORDS_MOST = 100, 60, 6
# What a page may look at when it looks for words: more would keep the asker, and everybody else, waiting.
SCAN_MOST = 250
GRIDS_MOST = 2000
ERRAND_STATES = ("open", "handed_in", "done", "withdrawn")
Document = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """Which households: of a grid, of a standing (`visits.STANDINGS`), with a need or service, found by words. "" means any."""

    grid: str = ""
    standing: str = ""
    need: str = ""
    service: str = ""
    q: str = ""

    def takes(self, row: Document, place: str, today: str) -> bool:
        """True when a row passes every filter."""
        return (
            bool(row.get("place"))
            and str(row["grid"]).startswith(self.grid or place)
            and self.standing in ("", visits.standing(row["due_on"], today))
            and (not self.need or self.need in row["needs"])
            and (not self.service or self.service in row.get("services", ()))
        )


class Found(NamedTuple):
    """A page: rows of the index, and the cursor of the page behind it, None at the end."""

    rows: list[Document]
    next: str | None


class Count(NamedTuple):
    """How many households of a grid there are, by standing; `needs` and `services` {code: how many}."""

    total: int
    standings: dict[str, int]
    needs: dict[str, int]
    services: dict[str, int]


def counts(couch: Couch, place: str, today: str) -> dict[str, Count]:
    """`{grid: Count}` of a place. A grid that is not named has no household file: whether nobody lives there is not known."""
    database = _index(couch, place)
    try:
        tallies = database.range(f"tally:{place}", f"tally:{place}\ufff0", GRIDS_MOST)
    except NotFound:
        return {}
    found = {}
    for tally in tallies:
        standings = visits.tally(tally["days"], today)
        found[tally["grid"]] = Count(sum(standings.values()), standings, tally["needs"], tally.get("services", {}))
    return {grid: count for grid, count in found.items() if count.total}


def households(couch: Couch, place: str, wanted: Wanted, today: str, limit: int = 50, cursor: str | None = None) -> Found:  # noqa: PLR0917
    """Households of a place: unvisited first, then by the day they are due; by words, in the words' order.

    A page of a search may hold fewer than `limit`, even none, and still have a `next`. Raises InvalidInput.
    """
    if not 1 <= limit <= LIMIT_MOST:
        raise InvalidInput({"limit": "out_of_range"})
    after = cursors.read(cursor)
    try:
        if wanted.q.strip():
            return _search(_index(couch, place), place, wanted, today, limit, after)
        return _by_day(_index(couch, place), place, wanted, today, limit, after)
    except NotFound:
        return Found([], None)


def errands(couch: Couch, place: str, state: str, limit: int = 50, cursor: str | None = None) -> Found:
    """Errands of a place in a state, newest first: rows of the index with `household`, `item`, `grid`. Raises InvalidInput."""
    if state not in ERRAND_STATES:
        raise InvalidInput({"state": "unknown"})
    after, scope = cursors.read(cursor), _scope(place)
    start: Document = {"startkey": [scope, state, after[0] if after else {}], "endkey": [scope, state]}
    start |= {"startkey_docid": after[1]} if after else {}
    try:
        rows = _index(couch, place).view(
            DESIGN, "errands", reduce=False, include_docs=True, descending=True, limit=limit + 2, **start
        )["rows"]
    except NotFound:
        return Found([], None)
    rows = [row for row in rows if after is None or [row["key"][2], row["id"]] != after]
    last = [rows[limit - 1]["key"][2], rows[limit - 1]["id"]] if len(rows) > limit else None
    return Found([row["doc"] for row in rows[:limit] if row.get("doc")], cursors.write(last))


def errand_counts(couch: Couch, place: str) -> dict[str, int]:
    """`{state: how many errands}` of a place."""
    span: Document = {"startkey": [_scope(place)], "endkey": [_scope(place), {}], "group_level": 2}
    try:
        rows = _index(couch, place).view(DESIGN, "errands", **span)["rows"]
    except NotFound:
        rows = []
    return dict.fromkeys(ERRAND_STATES, 0) | {row["key"][1]: row["value"] for row in rows}


def rows_of(couch: Couch, township: str, households: Iterable[str]) -> dict[str, Document]:
    """The index's rows of these households, by household; those that it does not know are left out."""
    ids = {home_rows.row_id(id): id for id in households}
    try:
        found = _index(couch, township).many(list(ids))
    except NotFound:
        return {}
    return {ids[id]: row for id, row in found.items() if row and row.get("place")}


def is_known(couch: Couch, place: str) -> bool:
    """True when there is an index at all."""
    return couch.info_of(homes_db(township_of(place))) is not None


def _index(couch: Couch, place: str) -> Database:
    return couch.database(homes_db(township_of(place)))


def _scope(place: str) -> str:
    """How the views call a place: nothing for the township, else the community's or grid's code."""
    return "" if place == township_of(place) else place


def _by_day(index: Database, place: str, wanted: Wanted, today: str, limit: int, after: list[str] | None) -> Found:  # noqa: PLR0917
    flag = wanted.need or wanted.service
    head = [_scope(wanted.grid or place), *([flag] if flag else [])]
    start, end = _days_of(wanted.standing, today)
    span: Document = {"startkey": [*head, *start], "endkey": [*head, *end]}
    if after:
        day, _, at = after[0].partition(" ")
        span |= {"startkey": [*head, day, at], "startkey_docid": after[1]}
    view = "needs" if wanted.need else "services" if wanted.service else "due"
    rows = index.view(DESIGN, view, reduce=False, include_docs=True, limit=limit + 2, **span)["rows"]
    rows = [row for row in rows if after is None or row["id"] != after[1]]
    found = [row["doc"] for row in rows[:limit] if row.get("doc") and wanted.takes(row["doc"], place, today)]
    last = [" ".join(rows[limit - 1]["key"][-2:]), rows[limit - 1]["id"]] if len(rows) > limit else None
    return Found(found, cursors.write(last))


def _days_of(standing: str, today: str) -> tuple[list[Any], list[Any]]:
    """Between which days the households of a standing are due; days sort as texts, and "" before all of them."""
    spans: dict[str, tuple[list[Any], list[Any]]] = {
        "overdue": (["0"], [today]),
        "soon": ([today], [visits.soon_until(today)]),
        "never": ([visits.NEVER], [visits.NEVER, {}]),
        "later": ([visits.soon_until(today)], [{}]),
    }
    if standing and standing not in spans:
        raise InvalidInput({"standing": "unknown"})
    return spans.get(standing, ([], [{}]))


def _search(index: Database, place: str, wanted: Wanted, today: str, limit: int, after: list[str] | None) -> Found:  # noqa: PLR0917
    """Households that every word is about, a word of their own or of a member's: by the word that fewest are about."""
    if len(wanted.q) > QUERY_LENGTH:
        raise InvalidInput({"q": "too_long"})
    words = [word[: home_rows.WORD_LENGTH] for word in home_rows.runs_of(wanted.q)][:WORDS_MOST]
    if not words:
        return Found([], None)
    streams = [_word_rows(index, word, None) for word in words]
    fewest = min(range(len(words)), key=lambda n: len(streams[n]))
    if after:
        number, _, word = after[0].partition(" ")
        fewest = int(number) if number.isdigit() and int(number) < len(words) else fewest
        rows = _word_rows(index, words[fewest], [word, after[1]])
    else:
        rows = streams[fewest]
    # Of a word that few are about all are known; of the others it is looked up in the row.
    whole = {
        word: {row["value"] for row in stream} for word, stream in zip(words, streams, strict=True) if len(stream) <= SCAN_MOST
    }
    homes = _homes_of(index, {row["value"] for row in rows[:SCAN_MOST]})
    found: list[Document] = []
    for row in rows[:SCAN_MOST]:
        after = [f"{fewest} {row['key']}", row["id"]]
        home, texts = homes.get(row["value"], (None, {}))
        if home is None or not wanted.takes(home, place, today) or [row["key"], row["id"]] != _place(texts, words[fewest]):
            continue
        said = [word for of in texts.values() for word in of]
        if all(row["value"] in whole[word] if word in whole else home_rows.is_about(said, word) for word in words):
            found.append(home)
        if len(found) == limit:
            return Found(found, cursors.write(after))
    return Found(found, cursors.write(after) if len(rows) > SCAN_MOST else None)


def _homes_of(index: Database, households: Iterable[str]) -> dict[str, tuple[Document, dict[str, list[str]]]]:
    """`{household: (its row, {row id: words of it or of a member})}`."""
    asked = sorted(households)
    rows = index.many([home_rows.row_id(one) for one in asked])
    found = {row["household"]: (row, {row["_id"]: row.get("words", [])}) for row in rows.values() if row}
    if found:
        keys = [[household, "member"] for household in found]
        for part in index.view(DESIGN, "parts", keys=keys, include_docs=True)["rows"]:
            if member := part.get("doc"):
                found[part["key"][0]][1][part["id"]] = member.get("words", [])
    return found


def _place(texts: dict[str, list[str]], wanted: str) -> list[str] | None:
    """At which of its rows `[word, row id]` under a wanted word a household is listed: once, whatever the page."""
    return min(([word, id] for id, words in texts.items() for word in words if word.startswith(wanted)), default=None)


def _word_rows(index: Database, word: str, after: list[str] | None) -> list[Document]:
    """Rows of words that begin so, in order, one more than a page looks at; behind `after` [word, id]."""
    span: Document = {"startkey": after[0] if after else word, "endkey": f"{word}\ufff0", "limit": SCAN_MOST + 2}
    span |= {"startkey_docid": after[1]} if after else {}
    rows = index.view(DESIGN, "words", **span)["rows"]
    return [row for row in rows if after is None or [row["key"], row["id"]] != after][: SCAN_MOST + 1]
