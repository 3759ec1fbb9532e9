"""Adopting: a clerk gives a refused record a home, with its photos (DESIGN §6.8).

The decision is one write. What follows (the record with its receipt, its photos' records and files, the log) has ids that follow
from it, so that two clerks at once, a second click or a kill anywhere end as one record and one case.
"""

from datetime import datetime

from server import photo_records
from server.domain import documents, times
from server.domain.errors import InvalidInput
from server.domain.permissions import Person
from server.nudges import Nudges
from server.quarantine import decisions, homes, listing, photos, planning
from server.quarantine.entries import Entry
from server.quarantine.photos import Place
from server.quarantine.planning import Choice
from sync.couch import Couch
from sync.databases import parse
from sync.errors import Conflict

TRIES = 5
# Files that were put aside for where they were sent alone; any other reason is something a clerk has to see.
FOLLOWING = frozenset({"not_grid_holder", "rescued", "rescue_file"})
HAVE_PHOTOS = frozenset({"report", "note", "visit", "taskreply"})


def adopt(  # noqa: PLR0917 - where, who, what: the order everybody says it in
    couch: Couch, nudges: Nudges, person: Person, id: str, choice: Choice, now: datetime, *, if_match: str | None = None
) -> Entry:
    """Adopt an entry and return it, adopted. Asking again for the same is fine.

    Raises Missing, Forbidden, InvalidInput that says why not, and Changed when somebody decided otherwise meanwhile.
    """
    for _ in range(TRIES):
        entry = listing.find(couch, person, id)
        if entry["state"] != "waiting":
            return _again(couch, nudges, person, entry, choice)
        decisions.check_version(entry, if_match)
        decision = planning.plan(couch, person, entry, choice, now)
        try:
            claimed = decisions.claim(couch, entry, "adopting", decision)
        except Conflict:
            continue
        return carry_out(couch, nudges, claimed)
    raise decisions.changed(entry)


def carry_out(couch: Couch, nudges: Nudges, entry: Entry) -> Entry:
    """Do what was decided, or the rest of it. Raises the errors of the store: then it is tried again later."""
    decision = entry["decision"]
    if decision["what"] != "arrive":
        if entry["is_file"]:
            _carry_file(couch, nudges, entry)
        else:
            doc = decision.get("doc") or entry["document"]
            homes.put(couch, decision["database"], doc, entry)
            if entry["about"]["type"] == "photo":
                photos.take_along(couch, nudges, entry)
    if entry["about"]["type"] in HAVE_PHOTOS:
        _adopt_photos(couch, nudges, entry)
    settled = decisions.settle(couch, entry, "adopted")
    nudges.announce([decision["database"]])
    nudges.nudge(decision["database"])
    return settled


def _carry_file(couch: Couch, nudges: Nudges, entry: Entry) -> None:
    """A file alone. When another took its photo's place meanwhile, it waits again, and the clerk is told."""
    decision = entry["decision"]
    if not photos.save_file(couch, nudges, entry, Place(decision["database"], decision["id"])):
        decisions.settle(couch, entry, "waiting", has_failed=True)
        raise InvalidInput({"file": "photo_conflict"})


def _adopt_photos(couch: Couch, nudges: Nudges, main: Entry) -> None:
    """The photo records refused along with a record go where it goes; one that could not stand there stays for a clerk."""
    named = listing.photos_of(main["document"])
    for entry in listing.about(couch, named, main["user"]):
        if entry["is_file"] or entry["about"]["type"] != "photo" or entry["about"]["id"] not in named:
            continue
        if entry["state"] == "waiting":
            _adopt_photo(couch, nudges, main, entry)
        elif entry["state"] == "adopting" and entry["decision"].get("with") == main["_id"]:
            carry_out(couch, nudges, entry)


def _adopt_photo(couch: Couch, nudges: Nudges, main: Entry, entry: Entry) -> None:
    decision, at = main["decision"], times.from_text(main["decision"]["at"])
    try:
        choice = Choice(decision["database"])
        plan = planning.plan_record(couch, entry, choice, at, by=decision["by"], of=decision["id"])
        claimed = decisions.claim(couch, entry, "adopting", plan | {"with": main["_id"]})
    except (InvalidInput, Conflict):
        return
    carry_out(couch, nudges, claimed)


def _again(couch: Couch, nudges: Nudges, person: Person, entry: Entry, choice: Choice) -> Entry:
    """The same clerk asks for the same once more, because the answer was lost or it was not finished."""
    decision = entry["decision"] or {}
    is_same = decision.get("by") == person["name"] and decision.get("asked") == choice.as_asked()
    if not is_same or entry["state"] not in {"adopting", "adopted"}:
        raise decisions.changed(entry)
    return entry if decision["is_settled"] else carry_out(couch, nudges, entry)


def follow(couch: Couch, nudges: Nudges, entry: Entry, now: datetime) -> Entry | None:
    """A file that came after its photo's record had found its home goes there by itself: the clerk has decided about both.

    None when its record is not there, or names another file, or it is no picture: then it is the clerk's to look at.
    """
    found = planning.record_of(couch, entry) if entry["reason"] in FOLLOWING else None
    if found is None or photo_records.named_sha256(found[1], entry["document"]["role"]) != entry["sha256"]:
        return None
    place = Place(found[0], str(found[1]["_id"]))
    if not photos.save_file(couch, nudges, entry, place):
        return None
    decision = decisions.make("adopt", decisions.SERVER, now, database=place.database, id=place.photo, rev=None)
    try:
        return decisions.settle(couch, decisions.claim(couch, entry, "adopted", decision), "adopted")
    except Conflict:
        return None


def arrive(couch: Couch, nudges: Nudges, entry: Entry, now: datetime) -> Entry | None:
    """Close an entry whose record was stored after all; None when it was not, or a clerk was quicker."""
    about, name = entry["about"], parse(entry["database"])
    if entry["is_file"] or about["type"] not in documents.TYPES or not about["rev"] or name is None or name.grid is None:
        return None
    if not homes.is_there(couch, entry["database"], about["id"], about["rev"]):
        return None
    here = {"database": entry["database"], "id": about["id"], "rev": about["rev"]}
    try:
        claimed = decisions.claim(couch, entry, "adopting", decisions.make("arrive", decisions.SERVER, now, **here))
    except Conflict:
        return None
    return carry_out(couch, nudges, claimed)
