"""The audit itself: it passes a sound system, and each way of losing or doubling something makes it fail."""

import hashlib
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from media import store as media_store
from media.inspect import Facts
from server.cases import intake, moves
from server.nudges import Nudges
from sync.couch import Couch
from sync.databases import NOTICES, QUARANTINE, cases_db, grid_db, media_db
from tests.conftest import GRID_A
from tests.faults.audit import TOWNSHIP, Audit, Findings
from tests.faults.traffic import Clerk
from tests.phones import SimulatedPhone

DB, CASES, MEDIA = grid_db(GRID_A, "2026q4"), cases_db(TOWNSHIP), media_db(TOWNSHIP)
NOW = datetime.now(UTC)


@pytest.fixture
def phone(couch: Couch, broker_url: str) -> Iterator[SimulatedPhone]:
    """One with three reports at the server, each a case, the first accepted, one photo sent, one record refused."""
    for name in (DB, CASES, MEDIA, QUARANTINE, NOTICES):
        couch.delete(name)
        couch.create(name, replicated=name == DB)
    made = SimulatedPhone("", "worker1")
    made.enrolment = {"device_id": "d1", "grids": [GRID_A]}
    docs = [made.make_report(f"第{n}件")[0] for n in range(3)]
    assert couch.database(DB).bulk(docs, new_edits=False) == []
    made.held = {doc["_id"]: (DB, doc["_rev"]) for doc in docs}
    intake.run(couch, DB, NOW)
    photo = made.make_report("x", (b"bytes",))[1]["_id"]
    facts = Facts(10, 10, "image/jpeg", None, None, 1)
    arrival = media_store.Arrival(photo, "sent", DB, "d1", "worker1", "0" * 64, "image/jpeg", facts, NOW)
    media_store.save_upload(couch.database(MEDIA), arrival, b"bytes")
    made.uploaded, made.photo_sha256 = {photo}, {photo: hashlib.sha256(b"bytes").hexdigest()}
    yield made


@pytest.fixture
def clerk(couch: Couch, phone: SimulatedPhone, broker_url: str) -> Clerk:
    """One who accepted the first case, dispatched it and sent a task down."""
    couch.create("ref", replicated=True)
    couch.database("ref").bulk([{"_id": "unit:enforcement", "type": "unit"}, {"_id": f"township:{TOWNSHIP}", "type": "township"}])
    made, nudges = Clerk("", "triage1"), Nudges(broker_url)
    case = first_case(phone)
    person = {"name": "triage1", "roles": ["triage"], "grids": [], "communities": [], "townships": [TOWNSHIP], "units": []}
    steps = {
        "accept": {},
        "dispatch": {"unit": "unit:enforcement", "reason": "占道经营归执法队"},
        "send_task": {"kind": "look_again", "text": "再看一次"},
    }
    for move, typed in steps.items():
        moves.move(couch, nudges, person, case, move, typed, if_match=None, key=f"key-of-{move}", now=NOW)
    intake.run(couch, CASES, NOW)
    made.moved = {(case, f"key-of-{move}") for move in steps}
    nudges.close()
    return made


def first_case(phone: SimulatedPhone) -> str:
    return "case:" + min(phone.held).partition(":")[2]


def look(own_store: str, phone: SimulatedPhone, clerk: Clerk) -> Findings:
    return Audit(own_store, [phone], [clerk], minds_notices=True).look()


def erase(couch: Couch, database: str, id: str) -> None:
    found = couch.database(database).get(id)
    couch.database(database).put({"_id": id, "_rev": found["_rev"], "_deleted": True})


def double(couch: Couch, phone: SimulatedPhone) -> None:
    """A second case of the first report, as intake without derived ids would make it."""
    copy = {name: value for name, value in couch.database(CASES).get(first_case(phone)).items() if name != "_rev"}
    couch.database(CASES).put(copy | {"_id": f"case:{random.randrange(10**9)}"})


def undo(couch: Couch, phone: SimulatedPhone) -> None:
    """The case as if its move had never been."""
    case = couch.database(CASES).get(first_case(phone))
    couch.database(CASES).put(case | {"applied": case["applied"][:1]})


def notice_of_dispatch(couch: Couch) -> str:
    [found] = [doc for doc in couch.database(NOTICES).range("notice:", "notice:\ufff0", 50) if doc["what"] == "case.dispatched"]
    return str(found["_id"])


FAULTS: dict[str, Callable[[Couch, SimulatedPhone], object]] = {
    "a record": lambda couch, phone: erase(couch, DB, min(phone.held)),
    "a case": lambda couch, phone: erase(couch, CASES, first_case(phone)),
    "a first event": lambda couch, phone: erase(couch, CASES, f"event:{first_case(phone)[5:]}:0-reported"),
    "a move": undo,
    "a copy": lambda couch, phone: erase(couch, DB, first_case(phone)),
    "a task": lambda couch, phone: erase(couch, DB, couch.database(DB).range("task:", "task:\ufff0", 2)[0]["_id"]),
    "a notice": lambda couch, phone: erase(couch, NOTICES, notice_of_dispatch(couch)),
    "a photo": lambda couch, phone: erase(couch, MEDIA, min(phone.uploaded)),
    "a photo's bytes": lambda _, phone: phone.photo_sha256.update({min(phone.uploaded): "0" * 64}),
    "a refused record": lambda _, phone: phone.quarantined.update({"report:x": (DB, "1-a")}),
    "a revision": lambda _, phone: phone.held.update({max(phone.held): (DB, "1-" + "0" * 32)}),
}


def test_a_sound_system_passes(own_store: str, phone: SimulatedPhone, clerk: Clerk) -> None:
    found = look(own_store, phone, clerk)
    assert (found.acknowledged, found.cases, found.photos, found.moves) == (3, 3, 1, 3)
    assert (found.tasks, found.notices) == (1, 1)
    assert (found.lost, found.doubled) == ([], [])


@pytest.mark.parametrize("what", FAULTS)
def test_what_is_lost_is_seen(what: str, couch: Couch, own_store: str, phone: SimulatedPhone, clerk: Clerk) -> None:
    FAULTS[what](couch, phone)
    assert look(own_store, phone, clerk).lost


def test_a_second_case_of_a_report_is_seen(couch: Couch, own_store: str, phone: SimulatedPhone, clerk: Clerk) -> None:
    double(couch, phone)
    assert look(own_store, phone, clerk).doubled


def test_a_record_both_refused_and_stored_is_seen(own_store: str, phone: SimulatedPhone, clerk: Clerk) -> None:
    refused = max(phone.held)
    phone.quarantined[refused] = phone.held.pop(refused)
    assert f"{refused} is in quarantine and in {DB}" in look(own_store, phone, clerk).doubled
