"""Who may do what: the small matrix this version has."""

from typing import Any

from server.domain import permissions
from tests.conftest import COMMUNITY, GRID_A, GRID_B, GRID_ELSEWHERE, person

People = dict[str, dict[str, Any]]
COMMUNITY1 = person("community1", "community", "社区", "Community", communities=[COMMUNITY])


def test_workers_hold_households_and_police_beats_and_nobody_both(people: People) -> None:
    assert permissions.database_kinds(people["worker1"]) == {"grid", "home", "home-quarter"}
    assert permissions.database_kinds(people["police1"]) == {"grid", "beat"}
    assert permissions.database_kinds(people["triage1"]) == frozenset()


def test_police_never_see_a_household_nor_workers_a_beat(people: People) -> None:
    assert not permissions.may_see_records(people["police1"], "home", GRID_A)
    assert not permissions.may_see_records(people["police1"], "home-quarter", GRID_A)
    assert not permissions.may_see_records(people["worker1"], "beat", GRID_A)
    assert not permissions.may_see_records(people["triage1"], "beat", GRID_A)
    assert not permissions.may_see_records(people["triage1"], "home-quarter", GRID_A)


def test_records_of_a_grid_are_seen_by_its_holders_and_its_township(people: People) -> None:
    assert permissions.may_see_records(people["worker1"], "grid", GRID_A)
    assert not permissions.may_see_records(people["worker2"], "grid", GRID_A)
    assert permissions.may_see_records(people["worker2"], "grid", GRID_B)
    assert permissions.may_see_records(people["triage1"], "grid", GRID_B)
    assert not permissions.may_see_records(people["triage1"], "grid", GRID_ELSEWHERE)


def test_cases_are_seen_by_township_and_community(people: People) -> None:
    assert permissions.may_see_case(people["triage1"], GRID_A)
    assert not permissions.may_see_case(people["triage1"], GRID_ELSEWHERE)
    assert permissions.may_see_case(COMMUNITY1, GRID_A)
    assert not permissions.may_see_case(people["worker1"], GRID_A)
