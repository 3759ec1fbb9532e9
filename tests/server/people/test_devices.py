"""Phones: tokens, what they open, and how they end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.domain import times
from server.domain.errors import Forbidden, InvalidInput, Missing, NotSignedIn
from server.people import accounts, devices, reach
from sync import databases
from sync.couch import Couch
from tests.conftest import GRID_A, GRID_B, GRID_ELSEWHERE

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def saved(couch: Couch) -> None:
    made = [
        accounts.make("worker1", ["worker"], {}, "a-test-password", grids=[GRID_A, GRID_B]),
        accounts.make("worker2", ["worker"], {}, "a-test-password", grids=[GRID_B]),
        accounts.make("admin", ["admin"], {}, "a-test-password"),
    ]
    accounts.save_all(couch, made)


def names(opened: list[reach.Opened]) -> list[str]:
    return [one.name for one in opened]


def test_a_token_leads_back_to_person_and_device(couch: Couch) -> None:
    device, token = devices.enrol(couch, accounts.find(couch, "worker1"), "  红米 Note  ", NOW)
    found = devices.find(couch, token, NOW)
    assert (found.person["name"], found.device["name"], found.device_id) == ("worker1", "红米 Note", token.split(".")[0])
    assert found.device == device
    assert token.split(".")[1] not in str(device)


@pytest.mark.parametrize("token", ["", ".", "x", "0123456789abcdef.secret", "../people.x", "_design/a.b", "0123456789ABCDEF.x"])
def test_a_made_up_token_is_unknown(token: str, couch: Couch) -> None:
    with pytest.raises(NotSignedIn) as refused:
        devices.find(couch, token, NOW)
    assert refused.value.code == "token_unknown"


def test_a_token_with_another_secret_is_unknown(couch: Couch) -> None:
    _, token = devices.enrol(couch, accounts.find(couch, "worker1"), "x", NOW)
    with pytest.raises(NotSignedIn) as refused:
        devices.find(couch, token + "x", NOW)
    assert refused.value.code == "token_unknown"


def test_a_token_lasts_180_days(couch: Couch) -> None:
    _, token = devices.enrol(couch, accounts.find(couch, "worker1"), "x", NOW)
    devices.find(couch, token, NOW + timedelta(days=179, hours=23))
    with pytest.raises(NotSignedIn) as refused:
        devices.find(couch, token, NOW + timedelta(days=180))
    assert refused.value.code == "token_expired"


def test_only_its_owner_or_an_administrator_revokes_a_device(couch: Couch) -> None:
    device, token = devices.enrol(couch, accounts.find(couch, "worker1"), "x", NOW)
    device_id = device["_id"].partition(":")[2]
    with pytest.raises(Forbidden):
        devices.revoke(couch, device_id, by=accounts.find(couch, "worker2"))
    devices.revoke(couch, device_id, by=accounts.find(couch, "admin"))
    with pytest.raises(NotSignedIn) as refused:
        devices.find(couch, token, NOW)
    assert refused.value.code == "token_revoked"
    assert couch.database(databases.DEVICES).get(device["_id"])["wipe"] is True
    with pytest.raises(Missing):
        devices.revoke(couch, "0" * 16, by=accounts.find(couch, "admin"))


def test_a_disabled_person_loses_their_phones(couch: Couch) -> None:
    _, token = devices.enrol(couch, accounts.find(couch, "worker2"), "x", NOW)
    accounts.change(couch, "worker2", {"disabled": True})
    try:
        with pytest.raises(NotSignedIn):
            devices.find(couch, token, NOW)
    finally:
        accounts.change(couch, "worker2", {"disabled": False})


def test_a_worker_opens_the_grids_and_homes_the_current_quarter_first(people: dict[str, Any]) -> None:
    opened = reach.databases_of(people["worker2"], NOW)
    assert [tuple(one) for one in opened] == [
        ("ref", True, False),
        (f"home-{GRID_B}", True, True),
        (f"grid-{GRID_B}-2026q4", True, True),
        (f"home-{GRID_B}-2026q4", True, True),
        (f"grid-{GRID_B}-2026q3", True, True),
        (f"home-{GRID_B}-2026q3", True, True),
        ("track-worker2-202611", False, True),
        ("track-worker2-202610", False, True),
    ]


def test_police_open_beats_and_grids_and_no_homes(people: dict[str, Any]) -> None:
    kinds = {databases.parse(one.name).kind for one in reach.databases_of(people["police1"], NOW)}  # type: ignore[union-attr]
    assert kinds == {"ref", "grid", "beat"}


def test_a_desk_opens_nothing_but_the_lists(people: dict[str, Any]) -> None:
    assert names(reach.databases_of(people["triage1"], NOW)) == ["ref"]


def test_old_quarters_stay_push_only_until_the_phone_reports_nothing_unsent(couch: Couch) -> None:
    long_ago = datetime(2026, 4, 2, tzinfo=UTC)
    _, token = devices.enrol(couch, accounts.find(couch, "worker2"), "x", long_ago)
    holder = devices.find(couch, token, long_ago)
    old = {"name": f"grid-{GRID_B}-2026q2", "pull": False, "push": True}
    later = datetime(2026, 9, 20, tzinfo=UTC)
    assert old not in devices.databases_of(holder.person, later, holder.device)
    assert {**old, "pull": True} in devices.databases_of(holder.person, later, holder.device)
    holder.device["expires_at"] = "2030-01-01T00:00:00.000Z"
    assert old in devices.databases_of(holder.person, NOW, holder.device)
    devices.note_unsent(couch, holder, {"records": 3, "photos": 0, "size_bytes": 9000}, NOW)
    read = couch.database(databases.DEVICES).get(holder.device["_id"])
    assert old in devices.databases_of(holder.person, NOW, read)
    assert read["last_seen_on"] == "2026-11-23"
    devices.note_unsent(couch, holder, {"records": 0, "photos": 0, "size_bytes": 0}, NOW)
    read = couch.database(databases.DEVICES).get(holder.device["_id"])
    assert old not in devices.databases_of(holder.person, NOW, read)


def test_old_quarters_stay_open_from_the_oldest_that_the_phone_names(couch: Couch) -> None:
    """A phone that signed in anew brings what it had under its last token."""
    _, token = devices.enrol(couch, accounts.find(couch, "worker2"), "x", NOW)

    def opened() -> list[str]:
        holder = devices.find(couch, token, NOW)
        return [one["name"][-6:] for one in devices.databases_of(holder.person, NOW, holder.device) if "grid-" in one["name"]]

    def report(records: int, oldest: str | None) -> None:
        counts = {"records": records, "photos": 0, "size_bytes": 10 * records}
        devices.note_unsent(couch, devices.find(couch, token, NOW), counts, NOW, oldest_quarter=oldest)

    assert opened() == ["2026q4", "2026q3"]
    report(3, "2026q1")
    assert opened() == ["2026q4", "2026q3", "2026q2", "2026q1"]
    report(3, None)
    assert opened() == ["2026q4", "2026q3", "2026q2", "2026q1"]
    report(2, "2026q2")
    assert opened() == ["2026q4", "2026q3", "2026q2"]
    report(1, "2031q1")
    assert opened() == ["2026q4", "2026q3"]
    report(1, "2026q2")
    report(0, None)
    assert opened() == ["2026q4", "2026q3"]
    for bad in ("2026q5", "x", "2026q1\n", "٢٠٢٦q1"):
        with pytest.raises(InvalidInput):
            report(1, bad)


def test_a_moved_worker_keeps_the_former_grid_open_until_nothing_unsent_is_left(couch: Couch, people: dict[str, Any]) -> None:
    moved_at, later = datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 28, tzinfo=UTC)
    period = {"grid": GRID_ELSEWHERE, "from_at": "2026-01-01T00:00:00.000Z", "to_at": times.to_text(moved_at)}
    account = accounts.make("worker8", ["worker"], {}, "a-test-password", grids=[GRID_B])
    accounts.save_all(couch, [account | {"grid_periods": []}])
    _, token = devices.enrol(couch, account, "x", datetime(2026, 11, 2, tzinfo=UTC))

    def report(records: int, now: datetime) -> bool:
        """Whether the former grid is open after this report of what waits."""
        holder = devices.find(couch, token, now)
        devices.note_unsent(couch, holder, {"records": records, "photos": 0, "size_bytes": 0}, now)
        read = devices.find(couch, token, now)
        return any(GRID_ELSEWHERE in one["name"] for one in devices.databases_of(read.person, now, read.device))

    assert not report(0, moved_at - timedelta(days=1))
    accounts.change(couch, "worker8", {"grid_periods": [period]})
    assert report(5, moved_at + timedelta(days=1))
    assert report(1, moved_at + timedelta(days=2))
    assert not report(0, moved_at + timedelta(days=3))
    assert not report(4, later)
    again = {"grid": GRID_A, "from_at": "2026-01-01T00:00:00.000Z", "to_at": times.to_text(later)}
    accounts.change(couch, "worker8", {"grid_periods": [period, again]})
    holder = devices.find(couch, token, later + timedelta(days=1))
    still = {one["name"] for one in devices.databases_of(holder.person, later, holder.device) if not one["pull"]}
    assert any(GRID_A in name for name in still)
    assert not any(GRID_ELSEWHERE in name for name in still)


def test_a_former_grid_is_push_only_for_the_time_it_was_held(people: dict[str, Any]) -> None:
    period = {"grid": GRID_ELSEWHERE, "from_at": "2026-01-01T00:00:00.000Z", "to_at": "2026-11-01T00:00:00.000Z"}
    moved = people["worker2"] | {"grid_periods": [period]}
    former = [one for one in reach.databases_of(moved, NOW) if GRID_ELSEWHERE in one.name]
    assert names(former) == [
        f"home-{GRID_ELSEWHERE}",
        f"grid-{GRID_ELSEWHERE}-2026q4",
        f"home-{GRID_ELSEWHERE}-2026q4",
        f"grid-{GRID_ELSEWHERE}-2026q3",
        f"home-{GRID_ELSEWHERE}-2026q3",
    ]
    assert not any(one.pull for one in former)
    assert reach.has_held(moved, GRID_ELSEWHERE, datetime(2026, 10, 1, tzinfo=UTC))
    assert not reach.has_held(moved, GRID_ELSEWHERE, datetime(2026, 11, 2, tzinfo=UTC))
    assert not reach.has_held(moved, GRID_A, datetime(2026, 10, 1, tzinfo=UTC))
