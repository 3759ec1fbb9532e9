"""Quarters pass while phones work: what the server announces, where pushes go, and that open cases come along. Over HTTP."""

import json
import queue
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from server.cases import intake, moves
from server.nudges import Nudges
from server.people import known
from server.web import poke
from sync.databases import cases_db, grid_db
from tests.conftest import GRID_A, person
from tests.moved_clock import Moved, moved_clock
from tests.phones import SimulatedPhone
from tests.server.web.site import Site
from worker.rotate import Rotation

# In China: the last minutes of the third quarter, and the first ones of the next two.
IN_Q3 = datetime(2026, 9, 30, 15, 58, tzinfo=UTC)
IN_Q4 = datetime(2026, 9, 30, 16, 0, 30, tzinfo=UTC)
IN_Q1 = datetime(2026, 12, 31, 16, 0, 30, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[type[Moved]]:
    with moved_clock() as moved:
        yield moved


@pytest.fixture
def leaps(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests in which months pass at once: nobody is remembered from before."""
    monkeypatch.setattr(known, "FOUND_AGAIN_S", 0.0)


@pytest.fixture
def phone(site: Site, clock: type[Moved]) -> SimulatedPhone:
    """worker1's, enrolled in the third quarter."""
    clock.go_to(IN_Q3)
    for name in site.couch.all_databases():
        if name.startswith(("grid-", "cases-")):
            site.couch.delete(name)
    one = SimulatedPhone(site.url, "worker1", enrolment=site.enrol("worker1"))
    one.session.headers["Authorization"] = f"Bearer {one.enrolment['token']}"
    return one


def databases(phone: SimulatedPhone) -> list[dict[str, Any]]:
    """The grid's databases as the server announces them now, newest first."""
    listed = phone.session.get(f"{phone.url}/api/devices/me", timeout=60).json()["databases"]
    return [one for one in listed if one["name"].startswith(f"grid-{GRID_A}-")]


def seen_case(phone: SimulatedPhone, name: str, case: str) -> dict[str, Any]:
    """A case copy as the phone reads it; {} while it is not there."""
    answer = phone.session.get(f"{phone.url}/db/{name}/{case}", timeout=60)
    return dict(answer.json()) if answer.status_code == 200 else {}


def test_a_case_of_the_third_quarter_still_open_in_the_next_year_is_on_its_phone(
    site: Site, phone: SimulatedPhone, clock: type[Moved], leaps: None
) -> None:
    nudges = Nudges("redis://127.0.0.1:1/0")
    old, new = grid_db(GRID_A, "2026q3"), grid_db(GRID_A, "2027q1")
    [report] = phone.make_report()
    assert phone.database() == old
    assert phone.push([report])[0]["ok"]
    intake.run(site.couch, old, IN_Q3)
    case = report["_id"].replace("report:", "case:")
    for now in (IN_Q4, IN_Q1):
        clock.go_to(now)
        Rotation().run(site.couch, nudges, now)
    assert databases(phone)[0]["name"] == new
    assert seen_case(phone, new, case)["state"] == "reported"
    clerk = person("triage1", "triage", "赵敏", "Zhao Min", townships=[GRID_A[:9]])
    moves.move(site.couch, nudges, clerk, case, "return", {"reason": "重复上报"}, if_match=None, key="return-it", now=IN_Q1)
    intake.run(site.couch, cases_db(GRID_A[:9]), IN_Q1)
    for name in (new, grid_db(GRID_A, "2026q4")):
        assert seen_case(phone, name, case)["state"] == "returned", name
    nudges.close()


def test_the_list_changes_at_midnight_in_china_by_the_servers_clock(phone: SimulatedPhone, clock: type[Moved]) -> None:
    def announced() -> list[tuple[str, bool, bool]]:
        return [(one["name"][-6:], one["pull"], one["push"]) for one in databases(phone)]

    assert announced() == [("2026q3", True, True), ("2026q2", True, True)]
    clock.go_to(IN_Q4)
    assert announced() == [("2026q4", True, True), ("2026q3", True, True)]
    clock.go_to(IN_Q1)
    # It enrolled in the third quarter and never said that nothing is left of it.
    assert announced() == [("2027q1", True, True), ("2026q4", True, True), ("2026q3", False, True)]


def test_the_first_push_after_midnight_is_taken_though_the_server_knows_the_phone_from_before(
    site: Site, phone: SimulatedPhone, clock: type[Moved]
) -> None:
    before, after = phone.make_report(), phone.make_report()
    assert phone.push(before)[0]["ok"]
    clock.go_to(IN_Q4)
    assert phone.push(after, databases(phone)[0]["name"])[0]["ok"]
    assert site.couch.database(grid_db(GRID_A, "2026q4")).find(after[0]["_id"])


def test_an_open_poke_stream_names_the_new_quarter_as_it_begins(
    phone: SimulatedPhone, clock: type[Moved], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poke, "CHECK_S", 0.1)
    told: queue.SimpleQueue[set[str]] = queue.SimpleQueue()

    def listen() -> None:
        headers = {"Authorization": phone.session.headers["Authorization"]}
        with httpx.Client(headers=headers, timeout=60) as client, client.stream("GET", f"{phone.url}/api/poke") as stream:
            for line in stream.iter_lines():
                if line.startswith("data: "):
                    names = set(json.loads(line[6:])["databases"])
                    told.put(names)
                    if grid_db(GRID_A, "2026q4") in names:
                        return

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        assert grid_db(GRID_A, "2026q4") not in told.get(timeout=60)
        clock.go_to(IN_Q4)
        assert grid_db(GRID_A, "2026q4") in told.get(timeout=60)
    finally:
        listener.join(60)


def test_a_push_to_an_archived_quarter_goes_to_quarantine_and_makes_no_database(site: Site, phone: SimulatedPhone) -> None:
    archived = grid_db(GRID_A, "2023q2")
    [report] = phone.make_report()
    [answer] = phone.push([report], archived)
    assert (answer["error"], answer["reason"], answer["quarantined"]) == ("forbidden", "archived_database", True)
    assert archived not in site.couch.all_databases()
    assert site.couch.info([archived])[archived] is None


def test_what_a_phone_kept_from_an_old_quarter_is_taken_in_like_any_other(
    site: Site, phone: SimulatedPhone, clock: type[Moved], leaps: None
) -> None:
    [report] = phone.make_report()
    old = phone.database()
    clock.go_to(IN_Q1)
    assert phone.push([report], old)[0]["ok"]
    intake.run(site.couch, old, IN_Q1)
    case = report["_id"].replace("report:", "case:")
    assert seen_case(phone, grid_db(GRID_A, "2027q1"), case)["state"] == "reported"


def test_a_phone_that_was_off_for_two_hundred_days_signs_in_anew_and_sends_what_it_had(
    site: Site, phone: SimulatedPhone, clock: type[Moved], leaps: None
) -> None:
    def tell(records: int, oldest_quarter: str | None) -> None:
        told = {"records": records, "photos": 0, "size_bytes": records * 900, "oldest_quarter": oldest_quarter}
        assert anew.session.post(f"{anew.url}/api/devices/me", json=told, timeout=60).ok

    [report] = phone.make_report()
    old, later = phone.database(), IN_Q3 + timedelta(days=200)
    clock.go_to(later)
    refused = phone.session.get(f"{phone.url}/api/devices/me", timeout=60)
    assert (refused.status_code, refused.json()["code"], refused.json()["wipe"]) == (401, "token_expired", False)
    anew = SimulatedPhone(site.url, "worker1", enrolment=site.enrol("worker1"))
    anew.session.headers["Authorization"] = f"Bearer {anew.enrolment['token']}"
    assert [one["name"][-6:] for one in databases(anew)] == ["2027q2", "2027q1"]
    tell(1, "2026q3")
    assert [(one["name"][-6:], one["pull"]) for one in databases(anew)][2:] == [("2026q4", False), ("2026q3", False)]
    assert anew.push([report], old)[0]["ok"]
    intake.run(site.couch, old, later)
    case = report["_id"].replace("report:", "case:")
    assert seen_case(anew, grid_db(GRID_A, "2027q2"), case)["state"] == "reported"
    tell(0, None)
    assert [one["name"][-6:] for one in databases(anew)] == ["2027q2", "2027q1"]
