"""What a paper states: facts of a case as it was at one moment, in one language, with the photos that belong to it. Pure.

A statement is plain data, and all of it is sealed (`seal.py`):

    {"v": 1, "kind", "language", "number", "case", "case_no", "issuer", "keeper": its township, "issued_at",
     "last_event", "covers": events counted,
     "facts": {name: text | number | code | instant | list | null},
     "history": [{"move", "at", "party", "by", "to", "said", "outcome", "what", "how"}], "history_left_out": n,
     "photos": [{"photo", "of", "taken_at", "received_at", "sha256", "size_bytes"}]}

Names are those of the day the paper is made. Who called is never in it; a reporter is named only to themselves (退回告知单);
staff who acted are named in the case file alone. `null` is unknown, and shown so. Words around the facts are `wording.py`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from server.domain import papers, times, workflow
from server.domain.grids import is_unplaced

Document = dict[str, Any]
Statement = dict[str, Any]
# Parties that act in office; any other is a person who reported, or the system.
OFFICES = ("unit", *workflow.LEVELS)
HISTORY_MOST = 300
PHOTOS_MOST = 60
# Stated only where there are any: the same content keeps the seal it had before there were such facts.
NEWER = frozenset({"links"})
# What a worker says of a household's errand afterwards, with pictures of its papers.
ADDED = frozenset({"note", "resubmit"})
# Sources whose author is a person of ours on the spot: to them a letter may be addressed by name.
BY_WORKERS = frozenset({"patrol", "visit", "resident", "police"})


class Names(Protocol):
    """What codes are called (`server/web/names.py`)."""

    def category(self, code: str, language: str) -> str: ...
    def grid(self, code: str, language: str) -> str: ...
    def community(self, grid: str, language: str) -> str: ...
    def unit(self, id: str, language: str) -> str: ...
    def party(self, party: str, language: str) -> str: ...
    def people(self, names: Collection[str], language: str) -> dict[str, str]: ...


class Matter(NamedTuple):
    """What a statement is made of: the case as of `event`, the events that made it so, names.

    `entry`: what the list entry that the move rests on says, as of that day."""

    kind: str
    case: dict[str, Any]
    event: Document
    events: list[Document]
    names: Names
    language: str
    entry: str | None = None


def state(matter: Matter, photos: Mapping[str, Document]) -> Statement:
    """The statement. `photos`: what is known of those that arrived, `{id: {sha256, size_bytes, taken_at, received_at}}`."""
    kind, case, event = papers.KINDS[matter.kind], matter.case, matter.event
    history, left_out = _history(matter) if kind.move is None else ([], 0)
    return {
        "v": 1,
        "kind": matter.kind,
        "language": matter.language,
        "number": papers.number_of(matter.kind, case, event, matter.events),
        "case": case["_id"],
        "case_no": case["case_no"],
        "issuer": party_name(matter, event.get("party") or workflow.holder_of(case["level"], case["grid"])),
        "keeper": party_name(matter, workflow.holder_of("township", case["grid"])),
        "issued_at": event["at"],
        "last_event": event["_id"],
        "covers": case["events"],
        "facts": {name: value for name in kind.facts if (value := FACTS[name](matter)) or name not in NEWER},
        "history": history,
        "history_left_out": left_out,
        "photos": [_photo(id, of, photos.get(id)) for id, of in photos_of(matter)],
    }


def photos_of(matter: Matter) -> list[tuple[str, str]]:
    """`(photo, what it is of)` of the photos that go with a paper: the report's, and in the case file those of every move.

    What a worker adds to a household's errand is left out: identity cards and signatures are looked at, and never printed.
    """
    kind, case = papers.KINDS[matter.kind], matter.case
    if not kind.has_photos:
        return []
    found = dict.fromkeys(matter.events[0]["report"]["photos"] if matter.events else case["photos"], "report")
    if kind.move is None:
        found |= dict.fromkeys((case["solved"] or {}).get("photos", ()), "solved")
        is_errand = case["source"] == "errand"
        for event in (one for one in matter.events if not is_errand or one["move"] not in ADDED):
            found |= {photo: event["move"] for photo in event.get("photos", ()) if photo not in found}
    return list(found.items())[:PHOTOS_MOST]


def party_name(matter: Matter, party: str) -> str:
    """A party as a paper names it; of people only that they reported."""
    what = party.partition(":")[0]
    return matter.names.party(party, matter.language) if what in OFFICES else what


def _photo(id: str, of: str, known: Document | None) -> Statement:
    blank = dict.fromkeys(("taken_at", "received_at", "sha256", "size_bytes"))
    return {"photo": id, "of": of} | blank | dict(known or {})


def _history(matter: Matter) -> tuple[list[Statement], int]:
    """What happened, the oldest first; of very long ones the beginning, and how many are not told."""
    told = matter.events[:HISTORY_MOST]
    called = matter.names.people({event["by"] for event in told if _acted_in_office(event)}, matter.language)
    return [_row(matter, event, called) for event in told], len(matter.events) - len(told)


def _row(matter: Matter, event: Document, called: Mapping[str, str]) -> Statement:
    party = event.get("party") or ("user:" if event["move"] == "report" else "system")
    said = (event.get(name) for name in ("result", "reason", "text"))
    return {
        "move": event["move"],
        "at": event["at"],
        "party": party_name(matter, party),
        "by": called.get(event["by"]) if _acted_in_office(event) else None,
        "said": papers.masked("；".join(str(one) for one in said if one)),
        "to": party_name(matter, event["unit"]) if event.get("unit") else event.get("authority"),
        **{name: event.get(name) for name in ("outcome", "what", "how")},
    }


def _acted_in_office(event: Document) -> bool:
    """True when somebody moved the case in the name of a unit or place, not as its reporter and not the system by itself."""
    return str(event.get("party", "")).partition(":")[0] in OFFICES


def _of_case(name: str) -> Callable[[Matter], Any]:
    return lambda matter: matter.case.get(name)


def _of_event(name: str) -> Callable[[Matter], Any]:
    return lambda matter: papers.masked(str(matter.event[name])) if matter.event.get(name) else None


def _captured_at(matter: Matter) -> str | None:
    """By our clock, when that is known and possible."""
    at, received = matter.case.get("corrected_at"), matter.case["received_at"]
    return at if at and times.from_text(at) <= times.from_text(received) else None


def _units(matter: Matter, ids: Iterable[str]) -> list[str]:
    return [matter.names.unit(id, matter.language) for id in ids]


def _unit(matter: Matter) -> str | None:
    return matter.names.unit(matter.case["unit"], matter.language) if matter.case["unit"] else None


def _addressee(matter: Matter) -> str | None:
    """The worker a letter goes back to; None when it was no person of ours."""
    author, is_worker = str(matter.case["author"]), matter.case["source"] in BY_WORKERS
    return matter.names.people({author}, matter.language)[author] if is_worker and ":" not in author else None


def _grid(matter: Matter) -> str | None:
    return None if is_unplaced(matter.case["grid"]) else matter.names.grid(matter.case["grid"], matter.language)


def _community(matter: Matter) -> str | None:
    return None if is_unplaced(matter.case["grid"]) else matter.names.community(matter.case["grid"], matter.language)


def _address(matter: Matter) -> str | None:
    address = (matter.case["place"] or {}).get("address")
    return papers.masked(str(address)) if address else None


def _verified(name: str) -> Callable[[Matter], Any]:
    return lambda matter: (matter.case["verification"] or {}).get(name)


def _verified_by(matter: Matter) -> str | None:
    party = _verified("party")(matter)
    return party_name(matter, party) if party else None


def _result(matter: Matter) -> str | None:
    """What was done, as the last answer or closing says it; of a case put right on the spot, what its reporter says."""
    results = [event["result"] for event in matter.events if event.get("result")]
    said = results[-1] if results else (matter.case["solved"] or {}).get("text")
    return papers.masked(str(said)) if said else None


def _granted(matter: Matter) -> list[Statement]:
    """停表、延期、挂账 that were granted: what, when, why."""
    return [
        {"what": one["what"], "at": one["granted_at"], "reason": papers.masked(str(one["reason"]))}
        for one in matter.case["granted"]
    ]


FACTS: dict[str, Callable[[Matter], Any]] = {
    "case_no": _of_case("case_no"),
    "category": lambda matter: matter.names.category(matter.case["category"], matter.language),
    "urgency": _of_case("urgency"),
    "address": _address,
    "community": _community,
    "grid": _grid,
    "source": _of_case("source"),
    "captured_at": _captured_at,
    "received_at": _of_case("received_at"),
    "filed_at": _of_case("filed_at"),
    "text": lambda matter: papers.masked(str(matter.case["text"])) or None,
    "links": lambda matter: [papers.masked(link) for link in matter.case.get("links", ())],
    "unit": _unit,
    "supporting": lambda matter: _units(matter, matter.case["supporting"]),
    "entry": lambda matter: matter.entry,
    "reason": _of_event("reason"),
    "authority": _of_event("authority"),
    "addressee": _addressee,
    "due_at": _of_case("due_at"),
    "is_provisional": _of_case("is_provisional"),
    "state": _of_case("state"),
    "level": _of_case("level"),
    "kind": _of_case("kind"),
    "granted": _granted,
    "handed_back": _of_case("handed_back"),
    "reworks": _of_case("reworks"),
    "urges": _of_case("urges"),
    "absorbed": lambda matter: len(matter.case["absorbed"]),
    "verified_by": _verified_by,
    "verified_at": _verified("at"),
    "result": _result,
    "closed_at": _of_case("closed_at"),
    "rating": _of_case("rating"),
}
