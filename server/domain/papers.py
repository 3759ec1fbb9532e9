"""Which papers a case has, what is stated on each, who may make it, and what is covered up in them. Data and pure functions.

A letter tells of one move that happened (派遣单 of a dispatch, 退回告知单, 不予受理告知单, 移送函); the case file 案卷 of all of
them. How what is stated is gathered is `server/papers/contents.py`.
"""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from server.domain import case_rights, workflow
from server.domain.parties import parties_of
from server.domain.permissions import Person

Case = dict[str, Any]
Event = dict[str, Any]


class Kind(NamedTuple):
    """One kind of paper. `code` stands in its number; `move` is what it tells of (None: the whole case); `facts` are what it
    states, in the order of the page; `has_photos`: photo evidence goes with it."""

    code: str
    move: str | None
    facts: tuple[str, ...]
    has_photos: bool = False


WHERE = ("case_no", "source", "category", "urgency", "community", "grid", "address")
FOUND = ("captured_at", "received_at", "text")
# No letter names who reported or called: the handling unit needs the problem, not the person (DESIGN §10). What goes back to a
# worker is addressed to that worker.
KINDS: dict[str, Kind] = {
    "dispatch": Kind(
        "PQ", "dispatch", ("unit", "supporting", *WHERE, *FOUND, "entry", "reason", "due_at", "is_provisional"), has_photos=True
    ),
    "return": Kind("TH", "return", ("addressee", *WHERE, *FOUND, "reason")),
    "refusal": Kind("BS", "refuse", ("addressee", *WHERE, *FOUND, "reason")),
    "transfer": Kind("YS", "transfer", ("authority", *WHERE, *FOUND, "reason", "entry"), has_photos=True),
    "file": Kind(
        "AJ",
        None,
        (
            *("state", "level", *WHERE, "kind", "filed_at", *FOUND, "links", "unit", "supporting", "due_at", "is_provisional"),
            *("granted", "handed_back", "reworks", "urges", "absorbed"),
            *("verified_by", "verified_at", "result", "closed_at", "rating"),
        ),
        has_photos=True,
    ),
}


def told_by(kind: str, case: Case, events: Iterable[Event]) -> list[Event]:
    """The moves that this kind of letter can tell of, the newest first; a case file may end with any event that counts."""
    applied = {id: n for n, id in enumerate(case["applied"])}
    counted = sorted((event for event in events if event["_id"] in applied), key=lambda event: -applied[event["_id"]])
    move = KINDS[kind].move
    return [event for event in counted if move in (None, event["move"])]


def may_make(person: Person, case: Case, kind: str, event: Event) -> bool:
    """True for the file of a case one may see; a letter is its holder's to make, and theirs who made the move it tells of."""
    if not case_rights.may_see(person, case):
        return False
    move = KINDS[kind].move
    return move is None or case_rights.may_move(person, move, case) or event.get("party") in parties_of(person)


def number_of(kind: str, case: Case, event: Event, events: Iterable[Event]) -> str:
    """A paper's number 文书编号: the case's, the kind's letters and which of its kind it is. No counter is kept."""
    code = KINDS[kind].code
    if KINDS[kind].move is None:
        return f"{case['case_no']}-{code}"
    nth = [one["_id"] for one in reversed(told_by(kind, case, events))].index(event["_id"]) + 1
    return f"{case['case_no']}-{code}{nth}"


def as_of(events: Iterable[Event], case: Case, last: Event) -> tuple[Case, list[Event]]:
    """The case as it was after an event, and the events that made it so: what a paper of that moment states, whenever printed."""
    by_id = {event["_id"]: event for event in events}
    ids = case["applied"][: case["applied"].index(last["_id"]) + 1]
    counted = [by_id[id] for id in ids]
    return workflow.fold(counted), counted


# Numbers that name a person, when somebody wrote them into a text (DESIGN §10): mainland mobile numbers and identity numbers.
MOBILE = re.compile(r"(?<!\d)(1[3-9]\d)\d{4}(\d{4})(?!\d)")
IDENTITY = re.compile(r"(?<!\d)(\d{4})\d{2}(?:19|20)\d{9}([\dXx])(?![\dXx])")


def masked(text: str) -> str:
    """A text as papers show it: telephone and identity numbers covered, the rest as it was written."""
    return MOBILE.sub(r"\1****\2", IDENTITY.sub(r"\1*************\2", text))
