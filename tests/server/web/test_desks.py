"""Lists for everyone: what waits for whom, a unit's cases over townships, a district's townships, one cursor over all of them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from server.cases import moves
from server.domain import times
from server.nudges import Nudges
from server.people import accounts
from tests.conftest import COMMUNITY, GRID_A, GRID_ELSEWHERE
from tests.server.web.site import HTML, HTMX, PASSWORD, TOWNSHIP, Site, shown_cases

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
OTHER = GRID_ELSEWHERE[:9]
EACH = 12
PEOPLE: dict[str, tuple[str, dict[str, list[str]]]] = {
    "dept1": ("department", {"units": ["unit:enforcement"]}),
    "both1": ("triage", {"townships": [TOWNSHIP, OTHER]}),
    "head1": ("district", {"townships": [TOWNSHIP, OTHER]}),
    "admin1": ("admin", {"townships": [TOWNSHIP]}),
}


@pytest.fixture(scope="module")
def cases(site: Site) -> dict[str, list[str]]:
    """Cases of two townships, by turns a minute apart, newest first: `all`, and `unit`, every fourth, with 综合执法队."""
    couch = site.couch
    couch.create("ref", replicated=True)
    docs: list[dict[str, Any]] = [
        {"_id": "unit:enforcement", "type": "unit", "name": {"zh-CN": "综合执法队"}, "level": "township"}
    ]
    docs += [{"_id": f"township:{code}", "code": code, "name": {"zh-CN": code}} for code in (TOWNSHIP, OTHER)]
    couch.database("ref").bulk(docs)
    accounts.save_all(
        couch, [accounts.make(name, [role], {"zh-CN": name}, PASSWORD, **held) for name, (role, held) in PEOPLE.items()]
    )
    made: dict[str, list[str]] = {"all": [], "unit": []}
    nudges = Nudges("redis://127.0.0.1:1/0")
    both = accounts.find(couch, "both1") or {}
    for n in range(EACH * 2):
        case = site.make_case(AT + timedelta(minutes=n), grid=(GRID_A, GRID_ELSEWHERE)[n % 2])
        made["all"].insert(0, case["_id"])
        if n % 4 in {0, 1}:
            for step, fields in (("accept", {}), ("dispatch", {"unit": "unit:enforcement", "reason": "职责范围"})):
                key = f"{step}-{case['_id'][-12:]}"
                moves.move(couch, nudges, both, case["_id"], step, fields, if_match=None, key=key, now=AT + timedelta(hours=1))
            made["unit"].insert(0, case["_id"])
    nudges.close()
    return made


@pytest.fixture
def dept(site: Site, cases: dict[str, list[str]]) -> Iterator[httpx.Client]:
    """dept1's browser."""
    with site.visit("dept1") as client:
        yield client


def listed(client: httpx.Client, query: str) -> list[str]:
    """Every case of a query, page by page."""
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get(f"/api/cases?{query}" + (f"&cursor={cursor}" if cursor else "")).json()
        found += [case["id"] for case in page["cases"]]
        cursor = page["next"]
    return found


@pytest.mark.parametrize("limit", [1, 5, 7, 100])
def test_several_townships_are_one_list_with_one_cursor(site: Site, cases: dict[str, list[str]], limit: int) -> None:
    with site.visit("both1") as client:
        assert listed(client, f"limit={limit}") == cases["all"]
        assert listed(client, f"limit={limit}&state=dispatched") == cases["unit"]
        assert listed(client, f"limit={limit}&phase=accept") == [one for one in cases["all"] if one not in cases["unit"]]


def test_a_unit_sees_its_cases_of_all_townships_and_no_others(dept: httpx.Client, cases: dict[str, list[str]]) -> None:
    assert listed(dept, "limit=5") == cases["unit"]
    assert listed(dept, f"township={OTHER}") == [one for one in cases["unit"] if one in cases["all"][::2]]
    page = dept.get("/unit", headers=HTML).text
    assert shown_cases(page) == cases["unit"]
    assert dept.get(f"/township/{TOWNSHIP}", headers=HTML).status_code == 404


def test_what_waits_for_somebody_comes_first_wherever_it_lies(
    site: Site, dept: httpx.Client, cases: dict[str, list[str]]
) -> None:
    assert dept.get("/", headers=HTML, follow_redirects=True).url.path == "/turn"
    assert shown_cases(dept.get("/turn", headers=HTML).text) == cases["unit"]
    with site.visit("both1") as client:
        assert shown_cases(client.get("/turn", headers=HTML).text) == []
    with site.visit("community1") as client:
        waiting = [one for one in cases["all"] if one not in cases["unit"] and one in cases["all"][1::2]]
        page = client.get("/turn", headers=HTML).text
        assert shown_cases(page) == waiting
        assert f'data-count="turn">{len(waiting)}</b>' in page


def test_a_community_has_the_list_of_its_own_part(site: Site, cases: dict[str, list[str]]) -> None:
    with site.visit("community1") as client:
        assert listed(client, "limit=3") == cases["all"][1::2]
        assert client.get("/unit", headers=HTML).status_code == 404
        assert listed(client, f"community={COMMUNITY}") == cases["all"][1::2]
        assert client.get("/api/cases?community=640105002999").status_code == 404


def test_a_district_sees_its_townships_with_their_figures(site: Site, cases: dict[str, list[str]]) -> None:
    with site.visit("head1") as client:
        page = client.get("/district/640105", headers=HTML).text
        assert shown_cases(page) == cases["all"]
        assert page.count(f"/township/{OTHER}?phase=work") == 1
        assert client.get("/district/640106", headers=HTML).status_code == 404
    with site.visit("triage1") as client:
        assert client.get("/district/640105", headers=HTML).status_code == 404


def test_tabs_count_the_groups_of_states_and_a_group_lists_its_cases(site: Site, cases: dict[str, list[str]]) -> None:
    with site.visit("head1") as client:
        page = client.get("/district/640105?phase=work", headers=HTMX).text
    assert shown_cases(page) == cases["unit"]
    assert f'data-count="work">{len(cases["unit"])}</b>' in page
    assert f'data-count="all">{len(cases["all"])}</b>' in page


def test_the_overdue_are_listed_by_their_date(site: Site, cases: dict[str, list[str]]) -> None:
    database = site.couch.database(f"cases-{TOWNSHIP}")
    ours = [one for one in cases["unit"] if one in cases["all"][1::2]]
    for days, case in enumerate(ours[:3], 1):
        due = times.to_text(datetime.now(UTC) - timedelta(days=days))
        database.put(database.get(case) | {"due_at": due})
    with site.visit("head1") as client:
        assert listed(client, "overdue=1&limit=2") == ours[:3]
        page = client.get("/district/640105?overdue=1", headers=HTML).text
    assert shown_cases(page) == ours[:3]
    assert 'data-count="overdue">3</b>' in page
    assert "超时 3天" in page


def test_who_has_nothing_to_do_is_told_so(site: Site, cases: dict[str, list[str]]) -> None:
    with site.visit("both1") as client:
        assert "没有等您办理的事件" in client.get("/turn", headers=HTML).text
        assert "没有“待核查”的事件" in client.get(f"/township/{TOWNSHIP}?phase=verify", headers=HTML).text


def test_an_administrator_begins_at_the_list(site: Site, cases: dict[str, list[str]]) -> None:
    with site.visit("admin1") as client:
        assert client.get("/", headers=HTML, follow_redirects=True).url.path == f"/township/{TOWNSHIP}"
