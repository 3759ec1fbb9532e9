"""The page of notices: what a person's parties were told, read by one click, undone by another, and the number in the bar."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from server import notices
from server.domain import notices as rules
from sync.databases import NOTICES
from tests.server.web.site import HTML, HTMX, TOWNSHIP, Site

TO_TOWNSHIP = f"township:{TOWNSHIP}"


@pytest.fixture(autouse=True)
def empty(site: Site) -> None:
    site.couch.delete(NOTICES)


def tell(site: Site, key: str, ago: timedelta = timedelta(0), **about: Any) -> str:
    """A notice; its id without the type."""
    at = datetime.now(UTC) - ago
    fields = {"to": [TO_TOWNSHIP], "what": "case.handed_back", "subject": "case:x", "township": TOWNSHIP, "facts": {}} | about
    made = rules.notice(key=key, at=at, noted_at=at, **fields)
    notices.notify_all(site.couch, [made])
    return str(made["_id"]).partition(":")[2]


def ids_in(html: str) -> list[str]:
    return re.findall(r'id="notice-([0-9a-f]{32})"', html)


def test_nothing_to_read_is_said_in_words(triage: httpx.Client) -> None:
    page = triage.get("/notices", headers=HTML)
    assert page.status_code == 200
    assert "还没有消息" in page.text
    assert 'id="notice-count"' in page.text


def test_unread_ones_come_first_then_those_read_newest_first(site: Site, triage: httpx.Client) -> None:
    ids = [tell(site, str(n), timedelta(minutes=n)) for n in range(4)]
    triage.post(f"/notices/{ids[0]}/reading")
    assert ids_in(triage.get("/notices", headers=HTML).text) == [*ids[1:], ids[0]]
    assert ids_in(triage.get("/notices?unread=1", headers=HTML).text) == ids[1:]


def test_a_notice_is_read_and_unread_by_a_button_that_becomes_its_opposite(site: Site, triage: httpx.Client) -> None:
    id = tell(site, "1")
    row = triage.post(f"/notices/{id}/reading", headers=HTMX).text
    assert "标为未读" in row and "is-read" in row
    assert triage.get("/api/notices").json()["unread"] == 0
    row = triage.post(f"/notices/{id}/reading/undoing", headers=HTMX).text
    assert "标为已读" in row and "is-unread" in row
    assert triage.get("/api/notices").json()["unread"] == 1


def test_all_are_read_at_once_and_that_is_undone(site: Site, triage: httpx.Client) -> None:
    for n in range(3):
        tell(site, str(n))
    upto = re.search(r'name="upto" value="([^"]+)"', triage.get("/notices", headers=HTML).text)
    assert upto
    done = triage.post("/notices/reading", data={"upto": upto[1]}, headers=HTMX).text
    assert "已将 3 条标为已读" in done
    ids = re.search(r'name="ids" value="([^"]+)"', done)
    assert ids
    assert triage.get("/api/notices").json()["unread"] == 0
    triage.post("/notices/reading/undoing", data={"ids": ids[1]}, headers=HTMX)
    assert triage.get("/api/notices").json()["unread"] == 3


def test_opening_one_reads_it_and_goes_to_its_case(site: Site, triage: httpx.Client) -> None:
    case = site.make_case()
    id = tell(site, "1", subject=case["_id"])
    answer = triage.post(f"/notices/{id}/opening")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/cases/{case['_id']}")
    assert triage.get("/api/notices").json()["unread"] == 0


def test_words_come_from_facts_and_what_is_unknown_is_shown_as_such(site: Site, triage: httpx.Client) -> None:
    tell(site, "1", what="case.dispatched", facts={"unit": "unit:nowhere", "case_no": "002-261123-ABCDEF"})
    tell(site, "2", what="case.requested", facts={})
    tell(site, "3", what="kites.flown", facts={"unit": "<b>"})
    page = triage.get("/notices", headers=HTML).text
    assert "nowhere为责任单位" in page and "002-261123-ABCDEF" in page
    assert "—申请—" in page
    assert "有一条新消息" in page
    english = triage.get("/notices?lang=en", headers=HTML).text
    assert "Something new" in english
    triage.get("/notices?lang=zh-CN", headers=HTML)


def test_filters_keep_to_a_kind_and_an_urgency(site: Site, triage: httpx.Client) -> None:
    case, clock = tell(site, "1"), tell(site, "2", what="clock.overdue", urgency="emergency")
    assert ids_in(triage.get("/notices?kind=clock", headers=HTML).text) == [clock]
    assert ids_in(triage.get("/notices?urgency=normal", headers=HTML).text) == [case]
    assert "没有符合条件" in triage.get("/notices?kind=whistle", headers=HTML).text
    assert triage.get("/notices?kind=gossip", headers=HTML).status_code == 422


def test_the_list_goes_on_page_by_page_without_a_double(site: Site, triage: httpx.Client) -> None:
    ids = [tell(site, str(n), timedelta(seconds=n)) for n in range(7)]
    triage.post("/api/notices/reading", json={"upto": "2999-01-01T00:00:00.000Z"})
    found, cursor = [], ""
    while True:
        answer = triage.get(f"/api/notices?limit=3&cursor={cursor}").json()
        found += [one["id"] for one in answer["notices"]]
        cursor = answer["next"]
        if not cursor:
            break
    assert found == ids


def test_another_partys_notice_is_not_found(site: Site, triage: httpx.Client) -> None:
    id = tell(site, "1", to=["unit:enforcement"])
    for path in (f"/notices/{id}/reading", f"/notices/{id}/opening", f"/notices/{id}/reading/undoing"):
        assert triage.post(path).status_code == 404
    assert triage.post(f"/api/notices/{id}/reading").status_code == 404
    assert triage.get("/api/notices").json() == {"notices": [], "unread": 0, "next": None}


def test_a_phone_reads_its_own_by_its_token(site: Site) -> None:
    id = tell(site, "1", to=["user:worker1"])
    phone = {"Authorization": f"Bearer {site.enrol('worker1')['token']}"}
    with site.visit() as client:
        assert [one["id"] for one in client.get("/api/notices", headers=phone).json()["notices"]] == [id]
        assert client.post(f"/api/notices/{id}/reading", headers=phone).status_code == 204
        assert client.get("/api/notices", headers=phone).json()["unread"] == 0
        assert client.delete(f"/api/notices/{id}/reading", headers=phone).status_code == 204
        assert client.get("/api/notices").status_code == 401


def test_an_open_page_hears_of_a_new_notice(site: Site, triage: httpx.Client) -> None:
    tell(site, "0")
    with triage.stream("GET", f"/township/{TOWNSHIP}/live") as stream:
        heard = (json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: ") and "shown" in line)
        assert next(heard) == {"count": 1, "shown": "1"}
        tell(site, "1")
        assert next(heard) == {"count": 2, "shown": "2"}
