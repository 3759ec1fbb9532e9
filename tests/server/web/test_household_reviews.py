"""The community reviews what was superseded in household files; nobody else sees that there is any."""

import re
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from server import audit
from server.domain import merge, permissions
from sync.databases import home_db, month_at
from tests.conftest import GRID_A, GRID_ELSEWHERE
from tests.records import new_id
from tests.server.domain.test_merge import stamp, version
from tests.server.web.site import HTML, HTMX, Site

Document = dict[str, Any]


@pytest.fixture
def home(site: Site) -> str:
    """The grid's household files, empty; the grid itself is in the reference data."""
    site.couch.create("ref", replicated=True)
    for grid in (GRID_A, GRID_ELSEWHERE):
        if site.couch.database("ref").find(f"grid:{grid}") is None:
            site.couch.database("ref").put(
                {"_id": f"grid:{grid}", "type": "grid", "code": grid, "name": {"zh-CN": "第一网格", "en": "Grid 1"}}
            )
        site.couch.delete(home_db(grid))
        site.couch.create(home_db(grid), replicated=True)
    return home_db(GRID_A)


def put(site: Site, field: str = "contact_name", now: Any = "李娜", lost: Any = "李奶奶", **fields: Any) -> Document:
    """A household of which one value was superseded."""
    node = site.enrol("worker1")["device_id"]
    books = {"stamps": {field: stamp(9, node)}, "superseded": [{"field": field, "stamp": stamp(5, node), "value": lost}]}
    doc = version(**{field: now}, **books, **fields) | {"_id": new_id("household")}
    doc["_rev"] = site.couch.database(home_db(doc["grid"])).put(doc)
    return doc


def path_of(page: str, what: str) -> str:
    found = re.search(rf'action="(/households/[^"]*/{what})"', page)
    assert found, page
    return found[1]


def log_of(site: Site, subject: str) -> list[tuple[str, str, str]]:
    entries = audit.read(site.couch, month_at(datetime.now(UTC)))
    return [(entry["action"], entry["by"], entry["why"]) for entry in entries if entry["subject"] == subject]


@pytest.fixture
def clerk(site: Site, home: str) -> Any:
    with site.visit("community1") as client:
        yield client


def test_a_superseded_value_is_shown_beside_the_present_one_with_who_and_when(site: Site, clerk: httpx.Client) -> None:
    put(site)
    page = clerk.get("/households/reviews", headers=HTML).text
    for part in ("联系人姓名", "李娜", "李奶奶", "马晓燕", "同心北街 1 号", "第一网格", "11-23"):
        assert part in page, part


def test_a_restored_value_counts_again_by_a_fresh_edit_of_the_clerk(site: Site, clerk: httpx.Client) -> None:
    doc = put(site)
    path = path_of(clerk.get("/households/reviews", headers=HTML).text, "restoration")
    assert clerk.post(path, headers=HTMX).status_code == 200
    after = site.couch.database(home_db(GRID_A)).get(doc["_id"])
    assert (after["contact_name"], after["superseded"], after["author"]) == ("李奶奶", [], "community1")
    assert after["stamps"]["contact_name"].endswith("-desk:community1")
    assert after["stamps"]["contact_name"] > doc["stamps"]["contact_name"]
    assert merge.merge([after, doc])["contact_name"] == "李奶奶"
    assert log_of(site, doc["_id"]) == [("household.restored", "community1", "")]


def test_a_value_let_go_of_is_listed_no_more(site: Site, clerk: httpx.Client) -> None:
    doc = put(site)
    path = path_of(clerk.get("/households/reviews", headers=HTML).text, "review")
    answer = clerk.post(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/households/reviews?done=reviewed")
    after = site.couch.database(home_db(GRID_A)).get(doc["_id"])
    assert (after["contact_name"], after["superseded"]) == ("李娜", [])
    assert merge.merge([after, doc])["superseded"] == []
    assert "没有需要核对的内容" in clerk.get("/households/reviews", headers=HTML).text
    assert log_of(site, doc["_id"]) == [("household.reviewed", "community1", "")]


def test_a_second_click_says_that_it_is_done(site: Site, clerk: httpx.Client) -> None:
    put(site)
    path = path_of(clerk.get("/households/reviews", headers=HTML).text, "restoration")
    clerk.post(path, headers=HTMX)
    assert "已经有人处理过" in clerk.post(path, headers=HTMX).text


def test_a_sensitive_value_is_hidden_until_a_purpose_is_stated_and_that_is_logged(site: Site, clerk: httpx.Client) -> None:
    doc = put(site, "contact_phone", "13800000001", "13900000002")
    page = clerk.get("/households/reviews", headers=HTML).text
    assert "13800000001" not in page
    assert "13900000002" not in page
    path = path_of(page, "opening")
    refused = clerk.post(path, data={"purpose": "  "}, headers=HTMX)
    assert refused.status_code == 422
    assert "13900000002" not in refused.text
    assert log_of(site, doc["_id"]) == []
    for headers in (HTMX, HTML):
        opened = clerk.post(path, data={"purpose": "电话核对"}, headers=headers)
        assert "13800000001" in opened.text
        assert "13900000002" in opened.text
    assert log_of(site, doc["_id"]) == [("household.read", "community1", "电话核对")] * 2
    assert "13900000002" not in clerk.get("/households/reviews", headers=HTML).text
    assert clerk.get(path).status_code == 405


def test_a_value_kept_apart_for_want_of_room_is_reviewed_like_any_other(site: Site, clerk: httpx.Client) -> None:
    doc = put(site)
    database = site.couch.database(home_db(GRID_A))
    lost = merge.Edit("contact_name", stamp(1), "王大爷")
    database.put(merge.spilled_document(doc, lost))
    page = clerk.get("/households/reviews", headers=HTML).text
    assert "王大爷" in page
    assert clerk.post(f"/households/{GRID_A}/{doc['_id']}/{merge.key_of(lost)}/restoration", headers=HTMX).status_code == 200
    assert database.get(doc["_id"])["contact_name"] == "王大爷"
    assert database.find(f"superseded:{doc['_id']}:{merge.key_of(lost)}") is None


def test_a_change_that_comes_between_is_kept_under_the_restored_value(site: Site, clerk: httpx.Client) -> None:
    doc = put(site)
    path = path_of(clerk.get("/households/reviews", headers=HTML).text, "restoration")
    site.couch.database(home_db(GRID_A)).put(merge.edit(doc, {"residents_count": 4}, stamp(20)))
    clerk.post(path, headers=HTMX)
    after = site.couch.database(home_db(GRID_A)).get(doc["_id"])
    assert (after["contact_name"], after["residents_count"]) == ("李奶奶", 4)


@pytest.mark.parametrize("name", ["triage1", "triage2", "district1", "worker1", "police1"])
def test_only_the_grids_own_community_has_the_page(site: Site, home: str, name: str) -> None:
    doc = put(site)
    [lost] = merge.superseded(doc)
    with site.visit(name) as client:
        assert client.get("/households/reviews", headers=HTML).status_code == 404
        for what in ("opening", "restoration", "review"):
            path = f"/households/{GRID_A}/{doc['_id']}/{merge.key_of(lost)}/{what}"
            assert client.post(path, data={"purpose": "x"}, headers=HTMX).status_code == 404
    assert site.couch.database(home_db(GRID_A)).get(doc["_id"])["_rev"] == doc["_rev"]


def test_a_household_of_another_community_is_not_known(site: Site, clerk: httpx.Client) -> None:
    doc = put(site, grid=GRID_ELSEWHERE)
    [lost] = merge.superseded(doc)
    assert "李奶奶" not in clerk.get("/households/reviews", headers=HTML).text
    path = f"/households/{GRID_ELSEWHERE}/{doc['_id']}/{merge.key_of(lost)}/review"
    assert clerk.post(path, headers=HTMX).status_code == 404


def test_the_page_is_one_role_of_the_table_and_no_more() -> None:
    for role in permissions.ROLES:
        person = {"roles": [role], "grids": [GRID_A], "communities": [GRID_A[:12]], "townships": [GRID_A[:9]], "units": []}
        assert permissions.may_review_households(person, GRID_A) == (role == "community")
        assert not permissions.may_review_households(person, GRID_ELSEWHERE)


def test_every_field_that_can_be_superseded_has_a_name_in_both_languages() -> None:
    from server.web import locale

    for type_ in merge.MUTABLE:
        for field in set(merge.TYPES_OF[type_]) - set(merge.ENVELOPE) - merge.BOOKS:
            assert locale.has_text(f"field.{type_}.{field}"), (type_, field)
