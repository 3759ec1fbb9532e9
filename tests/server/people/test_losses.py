"""A phone that a browser has cleared: its user and the township are told what it last held, once; never of another's phone."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.domain.errors import Missing
from server.people import accounts, devices, losses
from server.people.losses import Before
from sync.couch import Couch
from sync.databases import DEVICES, NOTICES
from tests.conftest import GRID_A, GRID_B

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


@pytest.fixture
def name(couch: Couch) -> str:
    """A worker whom no other test has met."""
    made = accounts.make(f"worker-{secrets.token_hex(4)}", ["worker"], {}, "a-test-password", grids=[GRID_A, GRID_B])
    accounts.save_all(couch, [made])
    return str(made["name"])


def enrol(couch: Couch, name: str, unsent: int = 0, at: datetime = NOW) -> str:
    """A phone that last said so much is unsent; its id."""
    person = accounts.find(couch, name)
    device, _ = devices.enrol(couch, person, "旧手机", at)
    id = str(device["_id"]).removeprefix("device:")
    losses.begin(couch, person, id, previous="", kept=[], now=at)
    counts = {"records": unsent, "photos": 1 if unsent else 0, "size_bytes": 0}
    devices.note_unsent(couch, devices.Holder(person, device), counts, at)
    return id


def begin(couch: Couch, name: str, **how: Any) -> tuple[str, Before | None]:
    """The same user's phone a week later."""
    person, later = accounts.find(couch, name), NOW + timedelta(days=7)
    device, _ = devices.enrol(couch, person, "手机", later)
    id = str(device["_id"]).removeprefix("device:")
    return id, losses.begin(couch, person, id, **({"previous": "", "kept": [], "now": later} | how))


def told(couch: Couch, device: str) -> list[dict[str, Any]]:
    found = couch.database(NOTICES, create=True).range("notice:", "notice:\uffff", 100)
    return [one for one in found if one["subject"] == f"device:{device}"]


def test_a_phone_known_by_its_cookie_has_lost_what_it_last_held_and_staff_are_told_once(couch: Couch, name: str) -> None:
    old = enrol(couch, name, unsent=3)
    _, before = begin(couch, name, kept=["0000000000000000", old])
    assert before == Before(old, "旧手机", "2026-11-23", 3, 1, is_certain=True)
    [notice] = told(couch, old)
    assert (notice["to"], notice["facts"]["records"], notice["what"]) == ([f"township:{GRID_A[:9]}"], 3, "device.lost")
    _, again = begin(couch, name, kept=[old])
    assert again is None
    assert len(told(couch, old)) == 1


def test_a_cleared_phone_that_had_sent_everything_is_told_so_and_staff_hear_nothing(couch: Couch, name: str) -> None:
    old = enrol(couch, name)
    assert begin(couch, name, kept=[old])[1] == Before(old, "旧手机", "2026-11-23", 0, 0, is_certain=True)
    assert told(couch, old) == []


def test_a_phone_that_still_has_its_data_has_lost_nothing_and_goes_on_with_what_waits(couch: Couch, name: str) -> None:
    old = enrol(couch, name, unsent=3)
    device, before = begin(couch, name, previous=old, kept=[old])
    assert before is None
    documents = couch.database(DEVICES)
    assert documents.get(f"device:{device}")["unsent"]["records"] == 3
    assert (documents.get(f"device:{old}")["unsent"], documents.get(f"device:{old}")["continued_by"]) == (None, device)
    assert begin(couch, name)[1] == Before(device, "手机", "2026-11-30", 3, 1, is_certain=False)


def test_without_a_cookie_the_user_is_asked_and_what_they_say_counts_once(couch: Couch, name: str) -> None:
    old, person = enrol(couch, name, unsent=2), accounts.find(couch, name)
    device, before = begin(couch, name)
    assert before == Before(old, "旧手机", "2026-11-23", 2, 1, is_certain=False)
    assert told(couch, old) == []
    for _ in range(2):
        losses.report(couch, person, old, device, NOW)
    assert len(told(couch, old)) == 1


def test_another_users_phone_is_nobody_elses_loss(couch: Couch, name: str) -> None:
    other = accounts.make(f"other-{name}", ["worker"], {}, "a-test-password", grids=[GRID_B])
    accounts.save_all(couch, [other])
    theirs = enrol(couch, str(other["name"]), unsent=5)
    device, before = begin(couch, name, kept=[theirs])
    assert before is None
    with pytest.raises(Missing):
        losses.report(couch, accounts.find(couch, name), theirs, device, NOW)
    assert told(couch, theirs) == []


def test_a_revoked_phone_hands_over_by_itself_and_is_no_loss(couch: Couch, name: str) -> None:
    old, person = enrol(couch, name, unsent=2), accounts.find(couch, name)
    devices.revoke(couch, old, person, NOW)
    assert begin(couch, name, kept=[old])[1] is None
