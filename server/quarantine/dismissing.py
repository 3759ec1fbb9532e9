"""Dismissing a refused record with a reason its author is told, and taking that back while its contents are still there.

What belongs to a record (its photos' records and files) is dismissed and reopened with it.
"""

from datetime import datetime

from server.domain import times
from server.domain.errors import InvalidInput
from server.domain.permissions import Person
from server.quarantine import decisions, listing
from server.quarantine.entries import Entry
from sync.couch import Couch
from sync.errors import Conflict

TRIES = 5
MOVES = {"dismiss": ("waiting", "dismissed"), "reopen": ("dismissed", "waiting")}


def dismiss(couch: Couch, person: Person, id: str, reason: object, now: datetime, *, if_match: str | None = None) -> Entry:
    """Dismiss an entry and return it. The reason is required. Raises Missing, InvalidInput, and Changed."""
    listing.find(couch, person, id)  # whether there is anything to decide about comes before how it was asked
    return _decide(couch, person, id, "dismiss", decisions.read_reason(reason), now, if_match)


def reopen(couch: Couch, person: Person, id: str, now: datetime, *, if_match: str | None = None) -> Entry:
    """Take a dismissal back: the entry waits again. Raises Missing, InvalidInput when its contents are gone, and Changed."""
    if listing.find(couch, person, id)["erased_at"]:
        raise InvalidInput({"document": "not_kept"})
    return _decide(couch, person, id, "reopen", "", now, if_match)


def carry_out(couch: Couch, entry: Entry) -> Entry:
    """Do what was decided, or the rest of it."""
    decision = entry["decision"]
    source, target = MOVES[decision["what"]]
    for other in _belonging(couch, entry):
        before = other["decision"] or {}
        is_ours = decision["what"] == "dismiss" or before.get("with") == entry["_id"]
        if other["state"] == source and is_ours:
            _follow(couch, other, entry, target)
        elif before.get("with") == entry["_id"] and not before["is_settled"] and before["what"] == decision["what"]:
            decisions.settle(couch, other, target)
    return decisions.settle(couch, entry, target)


def _decide(  # noqa: PLR0917 - where, who, what, why: the order everybody says it in
    couch: Couch, person: Person, id: str, what: str, reason: str, now: datetime, if_match: str | None
) -> Entry:
    source, target = MOVES[what]
    for _ in range(TRIES):
        entry = listing.find(couch, person, id)
        decision = entry["decision"] or {}
        if entry["state"] == target and (decision.get("what"), decision.get("by"), decision.get("reason")) == (
            what,
            person["name"],
            reason,
        ):
            return entry if decision["is_settled"] else carry_out(couch, entry)
        if entry["state"] != source:
            raise decisions.changed(entry)
        decisions.check_version(entry, if_match)
        try:
            claimed = decisions.claim(couch, entry, target, decisions.make(what, person["name"], now, reason=reason))
        except Conflict:
            continue
        return carry_out(couch, claimed)
    raise decisions.changed(entry)


def _belonging(couch: Couch, entry: Entry) -> list[Entry]:
    """The photos of a record, and of a photo's record its files."""
    if entry["is_file"]:
        return []
    named = listing.photos_of(entry.get("document"))
    named += [entry["about"]["id"]] if entry["about"]["type"] == "photo" and entry["about"]["id"] else []
    found = listing.about(couch, named, entry["user"])
    return [other for other in found if other["about"]["type"] == "photo" and other["_id"] != entry["_id"]]


def _follow(couch: Couch, other: Entry, main: Entry, target: str) -> None:
    decision = main["decision"]
    own = decisions.make(decision["what"], decision["by"], times.from_text(decision["at"]), reason=decision["reason"])
    try:
        claimed = decisions.claim(couch, other, target, own | {"with": main["_id"]})
    except Conflict:
        return
    decisions.settle(couch, claimed, target)
