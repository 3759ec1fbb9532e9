"""The township's list: who sees it, what filters and pages do, what htmx is given, and news that come by themselves."""

import html
import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from server.web import live, streams
from tests.conftest import GRID_A, GRID_B, GRID_ELSEWHERE, wait_until
from tests.server.web.site import HTML, HTMX, LIST, Site, shown_cases

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
CASES = 60


@pytest.fixture(scope="module")
def cases(site: Site) -> list[str]:
    """Sixty cases a minute apart, newest first: every third in grid B and about a lamp, all others about a manhole."""
    made = []
    for n in range(CASES):
        fields = {"grid": GRID_B, "category": "lamp", "text": "路灯不亮"} if n % 3 == 0 else {}
        made.append(site.make_case(AT + timedelta(minutes=n), waited=timedelta(hours=2), **fields)["_id"])
    return made[::-1]


def test_an_empty_list_says_what_will_come(site: Site) -> None:
    with site.visit("triage2") as client:
        page = client.get("/township/640105003", headers=HTML)
    assert page.status_code == 200
    assert "还没有上报" in page.text


def test_the_list_is_newest_first_and_goes_on_where_it_ended(triage: httpx.Client, cases: list[str]) -> None:
    first = triage.get(LIST, headers=HTML)
    assert shown_cases(first.text) == cases[:50]
    more = html.unescape(
        first.text.split('hx-get="', 1)[1]
        and first.text.rsplit('hx-trigger="click, intersect once"', 1)[0].rsplit('hx-get="', 1)[1].split('"')[0]
    )
    rest = triage.get(more, headers=HTMX)
    assert shown_cases(rest.text) == cases[50:]
    assert "<table" not in rest.text


def test_a_row_shows_both_times_and_how_long_it_waited(triage: httpx.Client, cases: list[str]) -> None:
    page = triage.get(LIST, headers=HTML).text
    assert 'title="2026-11-20 10:59:00"' in page
    assert 'title="2026-11-20 08:59:00"' in page
    assert "离线 2小时" in page
    assert "马晓燕" in page


@pytest.mark.parametrize("query", ["category=lamp", f"grid={GRID_B}", "q=路灯"])
def test_filters_narrow_the_list(triage: httpx.Client, cases: list[str], query: str) -> None:
    assert shown_cases(triage.get(f"{LIST}?{query}", headers=HTMX).text) == cases[2::3]


def test_a_case_is_found_by_its_number(site: Site, triage: httpx.Client, cases: list[str]) -> None:
    number = site.couch.database(f"cases-{GRID_A[:9]}").get(cases[7])["case_no"]
    assert shown_cases(triage.get(f"{LIST}?q={number}", headers=HTML).text) == [cases[7]]


@pytest.mark.parametrize("query", ["state=nonsense", "grid=12", "limit=0", "limit=1000", "cursor=%%%", "q=" + "a" * 200])
def test_a_bad_query_is_a_clear_refusal(triage: httpx.Client, query: str) -> None:
    assert triage.get(f"{LIST}?{query}", headers=HTML).status_code == 422
    problem = triage.get(f"/api/cases?township={GRID_A[:9]}&{query}")
    assert problem.status_code == 422
    assert list(problem.json()["fields"]) == [query.partition("=")[0]]


def test_nobody_sees_the_list_of_another_township(site: Site) -> None:
    with site.visit("triage2") as client:
        assert client.get(LIST, headers=HTML).status_code == 404
        assert client.get(f"/api/cases?township={GRID_A[:9]}").status_code == 404


def test_community_staff_see_their_own_community_only(site: Site, cases: list[str]) -> None:
    other = site.make_case(AT + timedelta(hours=3), grid=f"{GRID_A[:9]}009001")
    with site.visit("community1") as client:
        page = client.get(LIST, headers=HTML).text
        assert shown_cases(page) == cases[:50]
        assert client.get(f"/cases/{other['_id']}", headers=HTML).status_code == 404
    site.couch.database(f"cases-{GRID_A[:9]}").bulk([{**other, "_deleted": True}])


def test_text_of_a_report_is_never_markup(site: Site) -> None:
    site.make_case(grid=GRID_ELSEWHERE, text="<script>alert(1)</script>", category="<b>x")
    with site.visit("triage2") as client:
        page = client.get(f"/township/{GRID_ELSEWHERE[:9]}", headers=HTML).text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "<b>x" not in page


def test_a_new_case_is_told_to_the_open_list_within_seconds(
    site: Site, triage: httpx.Client, cases: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert live.POLL_S <= 5
    # What the stream would read again by itself after a while, it does not: only a look at the store wakes it.
    monkeypatch.setattr(streams, "HEARTBEAT_S", 3600.0)
    with triage.stream("GET", f"{LIST}/live") as stream:
        told = (json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: ") and "reported" in line)
        before = next(told)
        site.make_case()
        assert next(told)["reported"] == before["reported"] + 1


def test_an_open_list_ends_when_its_reader_may_no_longer_see_it(site: Site) -> None:
    database = site.couch.database("people")
    with site.visit("community1") as client, client.stream("GET", f"{LIST}/live") as stream:
        lines = stream.iter_lines()
        assert "reported" in next(lines)
        assert [line for line in (next(lines) for _ in range(3)) if "shown" in line]
        database.put(database.get("user:community1") | {"disabled": True})
        wait_until(lambda: client.get(LIST, headers=HTML).status_code == 303, what="the account to be shut out")
        site.make_case()
        assert not [line for line in lines if line.startswith("data: ")]
    database.put(database.get("user:community1") | {"disabled": False})
