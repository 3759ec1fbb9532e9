"""The gateway's policy: former grids, archived quarters, token memory, and what becomes of refused documents."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server import quarantine
from server.people import accounts, devices
from server.people.policy import DevicePolicy
from sync import databases
from sync.couch import Couch
from sync.gateway import NotAdmitted, Unavailable
from tests.conftest import GRID_A, GRID_ELSEWHERE, free_port
from tests.records import new_id
from tests.sync.gateway.conftest import make_report

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
ENROLLED_AT = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture
def token(couch: Couch) -> str:
    period = {"grid": GRID_ELSEWHERE, "from_at": "2026-01-01T00:00:00.000Z", "to_at": "2026-11-01T00:00:00.000Z"}
    account = accounts.make("worker1", ["worker"], {}, "a-test-password", grids=[GRID_A]) | {"grid_periods": [period]}
    accounts.save_all(couch, [account])
    return devices.enrol(couch, account, "x", ENROLLED_AT)[1]


def reasons(policy: DevicePolicy, token: str, database: str, docs: list[Any]) -> list[str | None]:
    holder = asyncio.run(policy.identify(token))
    return [found and found.reason for found in policy.check_all(holder, database, docs, [1000] * len(docs))]


def test_a_record_from_a_former_grid_is_taken_when_it_was_made_in_time(couch: Couch, token: str) -> None:
    policy = DevicePolicy(couch, lambda: NOW)
    made = [
        make_report("worker1", "d", grid=GRID_ELSEWHERE, captured_at="2026-10-20T08:00:00.000Z"),
        make_report("worker1", "d", grid=GRID_ELSEWHERE, captured_at="2026-11-20T08:00:00.000Z"),
        make_report("worker1", "d", grid=GRID_ELSEWHERE, captured_at="2026-11-01T01:00:00.000Z", clock_offset_ms=2 * 3600 * 1000),
    ]
    assert reasons(policy, token, databases.grid_db(GRID_ELSEWHERE, "2026q4"), made) == [None, "not_grid_holder", None]


@pytest.mark.parametrize(
    ("captured_at", "clock_offset_ms", "reason"),
    [
        ("2026-06-30T08:00:00.000Z", 0, "clock_wrong"),
        ("2026-11-23T08:11:00.000Z", 0, "clock_wrong"),
        ("2030-01-01T00:00:00.000Z", 0, "clock_wrong"),
        ("2026-10-20T08:00:00.000Z", None, "clock_wrong"),
        ("2026-07-01T00:00:00.000Z", 0, None),
        ("2030-10-20T08:00:00.000Z", 126_230_400_000, None),
    ],
)
def test_a_clock_that_cannot_be_right_opens_no_former_grid(
    couch: Couch, token: str, captured_at: str, clock_offset_ms: int | None, reason: str | None
) -> None:
    made = make_report("worker1", "d", grid=GRID_ELSEWHERE, captured_at=captured_at, clock_offset_ms=clock_offset_ms)
    policy = DevicePolicy(couch, lambda: NOW)
    assert reasons(policy, token, databases.grid_db(GRID_ELSEWHERE, "2026q4"), [made]) == [reason]


@pytest.mark.parametrize("captured_at", ["2026-11-24T08:00:00.000Z", "2026-11-22T08:00:00.000Z", "2030-01-01T00:00:00.000Z"])
def test_a_phone_with_a_wrong_clock_works_on_in_the_grid_it_holds(couch: Couch, token: str, captured_at: str) -> None:
    made = [make_report("worker1", "d", grid=GRID_A, captured_at=captured_at, clock_offset_ms=offset) for offset in (0, None)]
    assert reasons(DevicePolicy(couch, lambda: NOW), token, databases.grid_db(GRID_A, "2026q4"), made) == [None, None]


def test_a_quarter_long_past_is_archived_and_a_strange_grid_is_not_held(couch: Couch, token: str) -> None:
    policy = DevicePolicy(couch, lambda: NOW)
    assert reasons(policy, token, databases.grid_db(GRID_A, "2020q1"), [make_report("worker1", "d")]) == ["archived_database"]
    strange = make_report("worker1", "d", grid="640105009001001")
    assert reasons(policy, token, databases.grid_db("640105009001001", "2026q4"), [strange]) == ["not_grid_holder"]


def test_what_was_read_is_logged_of_grids_that_were_held_alone(couch: Couch, token: str) -> None:
    name = databases.log_db(token.partition(".")[0])
    head = {"type": "access", "of": new_id("household"), "fields": ["needs"], "purpose": "visit"}
    kept = ("_rev", "v", "author", "device", "captured_at", "clock_offset_ms")
    envelope = {field: make_report("worker1", "d")[field] for field in kept}
    readings = [envelope | head | {"_id": new_id("access"), "grid": grid} for grid in (GRID_A, "640105009001001")]
    assert reasons(DevicePolicy(couch, lambda: NOW), token, name, readings) == [None, "not_grid_holder"]


def test_an_expired_token_is_told_from_an_unknown_one(couch: Couch, token: str) -> None:
    with pytest.raises(NotAdmitted, match="token_expired"):
        asyncio.run(DevicePolicy(couch, lambda: NOW + timedelta(days=181)).identify(token))
    with pytest.raises(NotAdmitted, match="token_unknown"):
        asyncio.run(DevicePolicy(couch).identify("nonsense"))


def test_while_the_store_is_away_nobody_is_known() -> None:
    with pytest.raises(Unavailable):
        asyncio.run(DevicePolicy(Couch(f"http://a:b@127.0.0.1:{free_port()}")).identify("0123456789abcdef.x"))


def test_the_server_keeps_a_document_once_however_often_it_is_asked(couch: Couch) -> None:
    doc = make_report("worker1", "dev9")
    about = {"database": "grid-x", "device": "dev9", "user": "worker1", "reason": "immutable_revision"}
    for _ in range(2):
        quarantine.keep(couch, doc=doc, fields={"_rev": "second"}, **about)
    entries = couch.database(databases.QUARANTINE).range("refused:", "refused;", 1000)
    kept = [entry for entry in entries if entry["device"] == "dev9"]
    assert [(entry["document"], entry["reason"], entry["state"]) for entry in kept] == [(doc, "immutable_revision", "waiting")]
