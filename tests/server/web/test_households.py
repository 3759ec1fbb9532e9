"""Household files at the desk: counts that do not invent, lists that are found by words, and sensitive fields that are masked."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from server import audit
from server.cases import errands
from server.domain import times
from server.households import indexing
from sync.databases import grid_db, home_db, home_quarter_db, homes_db, month_at, quarter_at
from tests.conftest import GRID_A, GRID_B, GRID_ELSEWHERE
from tests.records import new_id, report
from tests.server.domain.test_merge import stamp, version
from tests.server.web.site import HTML, HTMX, TOWNSHIP, Site

Document = dict[str, Any]
NOW = datetime.now(UTC)
QUARTER = quarter_at(NOW)


@pytest.fixture
def homes(site: Site) -> Site:
    """Three grids of which nobody has a household file yet."""
    site.couch.create("ref", replicated=True)
    site.couch.delete(homes_db(TOWNSHIP))
    for n, grid in enumerate((GRID_A, GRID_B, GRID_ELSEWHERE)):
        if site.couch.database("ref").find(f"grid:{grid}") is None:
            names = {"zh-CN": f"第{n + 1}网格", "en": f"Grid {n + 1}"}
            site.couch.database("ref").put({"_id": f"grid:{grid}", "type": "grid", "code": grid, "name": names})
        for name in (home_db(grid), home_quarter_db(grid, QUARTER)):
            site.couch.delete(name)
            site.couch.create(name, replicated=True)
    return site


def put(site: Site, doc: Document) -> Document:
    name = home_quarter_db(doc["grid"], QUARTER) if doc["type"] == "visit" else home_db(doc["grid"])
    doc["_rev"] = site.couch.database(name).put(doc)
    while indexing.run(site.couch, name).more:
        pass
    return doc


def household(site: Site, **fields: Any) -> Document:
    facts = {"building": "3", "room": "501", "contact_name": "李奶奶", "contact_phone": "13800000001", "needs": ["助浴"]}
    return put(site, version(**(facts | fields)) | {"_id": new_id("household")})


def visit(site: Site, of: Document, days_ago: int, **fields: Any) -> Document:
    head = {"_id": new_id("visit"), "type": "visit", "v": 1, "grid": of["grid"], "author": "worker1", "device": "d1"}
    head |= {"captured_at": times.to_text(NOW - timedelta(days=days_ago)), "clock_offset_ms": 0}
    said: Document = {
        "household": of["_id"],
        "address": "x",
        "kind": "safety",
        "findings": "软管老化",
        "reports": [],
        "next_at": None,
    }
    return put(site, head | said | fields)


def path_of(doc: Document) -> str:
    return f"/households/{doc['grid']}/{doc['_id']}"


def log_of(site: Site, action: str) -> list[tuple[str, str, str]]:
    entries = audit.read(site.couch, month_at(datetime.now(UTC)))
    return [(entry["by"], entry["subject"], entry["why"]) for entry in entries if entry["action"] == action]


def text_of(page: str) -> str:
    """What is read on a page, without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.fixture
def triage(homes: Site) -> Iterator[httpx.Client]:
    with homes.visit("triage1") as client:
        yield client


def test_each_grid_is_counted_and_one_without_files_is_unknown_not_zero(homes: Site, triage: httpx.Client) -> None:
    doc = household(homes)
    household(homes, contact_name="王芳")
    visit(homes, doc, 200)
    words = text_of(triage.get("/households", headers=HTML).text)
    assert "第1网格 2 1 0 1" in words, "homes, overdue, soon, no record"
    assert "第2网格 还没有住户档案" in words


def test_without_an_index_it_says_that_nothing_is_known_yet(homes: Site, triage: httpx.Client) -> None:
    page = triage.get("/households", headers=HTML).text
    assert "住户索引正在建立" in page
    assert "已超期 —" in text_of(page)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("standing=overdue", {"李奶奶"}),
        ("standing=never", {"王芳", "马强"}),
        (f"grid={GRID_B}", {"马强"}),
        ("q=奶奶", {"李奶奶"}),
        ("q=3-501", {"李奶奶", "马强"}),
        ("q=张三", {"王芳"}),
        ("q=张三 701", {"王芳"}),
        ("q=张三 501", set()),
        (f"q=501&grid={GRID_B}", {"马强"}),
        ("q=没有的人", set()),
        ("service=meal_help", {"马强"}),
    ],
)
def test_the_list_is_filtered_and_searched(homes: Site, triage: httpx.Client, query: str, found: set[str]) -> None:
    visit(homes, household(homes), 200)
    fang = household(homes, contact_name="王芳", room="701")
    put(homes, version("member", household=fang["_id"], name="张三") | {"_id": new_id("member")})
    household(homes, contact_name="马强", grid=GRID_B, services=["meal_help"])
    page = triage.get(f"/households?{query}", headers=HTML).text
    assert {name for name in ("李奶奶", "王芳", "马强") if name in page} == found


def test_a_long_list_comes_in_pages_without_gap_or_repetition(homes: Site, triage: httpx.Client) -> None:
    docs = [version(room=f"1-1{n:03}", contact_name="李奶奶") | {"_id": new_id("household")} for n in range(120)]
    living = [version("member", household=doc["_id"], name="李一") | {"_id": new_id("member")} for doc in docs[:40]]
    homes.couch.database(home_db(GRID_A)).bulk([*docs, *living])
    indexing.run(homes.couch, home_db(GRID_A))
    for query in ("?standing=never", "?q=李奶", "?q=李", "?q=1"):
        url, seen = f"/households{query}", []
        while url:
            page = triage.get(url, headers=HTMX).text
            seen += re.findall(r'class="open" href="([^"]+)"', page)
            more = re.search(r'hx-get="(/households\?[^"]+cursor[^"]+)"', page)
            url = more[1].replace("&amp;", "&") if more else ""
        assert sorted(seen) == sorted(path_of(doc) for doc in docs)


def test_a_file_masks_what_is_sensitive_until_a_purpose_is_stated_and_that_is_logged(homes: Site, triage: httpx.Client) -> None:
    doc = household(homes)
    page = triage.get(path_of(doc), headers=HTML).text
    assert "李奶奶" in page
    assert "13800000001" not in page
    assert "助浴" not in page
    asked = {"of": doc["_id"], "field": "contact_phone"}
    refused = triage.post(f"{path_of(doc)}/opening", data=asked | {"purpose": " "}, headers=HTMX)
    assert (refused.status_code, "13800000001" in refused.text) == (422, False)
    assert log_of(homes, "household.read") == []
    for headers in (HTMX, HTML):
        opened = triage.post(f"{path_of(doc)}/opening", data=asked | {"purpose": "电话约访"}, headers=headers).text
        assert "13800000001" in opened
        assert "助浴" not in opened, "one at a time"
    assert log_of(homes, "household.read") == [("triage1", doc["_id"], "电话约访")] * 2
    assert [who for who, of, _ in log_of(homes, "household.file") if of == doc["_id"]] == ["triage1"]
    assert triage.post(f"{path_of(doc)}/opening", data=asked | {"field": "remark", "purpose": "x"}).status_code == 404


def test_a_members_fields_are_masked_as_well(homes: Site, triage: httpx.Client) -> None:
    doc = household(homes)
    member = put(homes, version("member", household=doc["_id"], name="张三", birth_year=1941) | {"_id": new_id("member")})
    page = triage.get(path_of(doc), headers=HTML).text
    assert ("张三" in page, "1941" in page) == (True, False)
    asked = {"of": member["_id"], "field": "birth_year", "purpose": "办老年证"}
    assert "1941" in triage.post(f"{path_of(doc)}/opening", data=asked, headers=HTMX).text


def test_a_list_by_need_is_the_answer_to_a_purpose_and_logged(homes: Site, triage: httpx.Client) -> None:
    household(homes)
    household(homes, contact_name="王芳", needs=[])
    refused = triage.post("/households/needs", data={"need": "助浴"}, headers=HTML)
    assert (refused.status_code, "李奶奶" in refused.text) == (422, False)
    page = triage.post("/households/needs", data={"need": "助浴", "purpose": "联系助浴点"}, headers=HTML).text
    assert ("李奶奶" in page, "王芳" in page) == (True, False)
    assert log_of(homes, "household.need") == [("triage1", f"homes:{TOWNSHIP}", "联系助浴点")]


def test_a_visit_that_found_a_problem_leads_to_its_case(homes: Site, triage: httpx.Client) -> None:
    case = homes.make_case(source="visit")
    doc = household(homes)
    arrived = report(source="visit") | {"_id": new_id("report")}
    homes.couch.create(grid_db(GRID_A, QUARTER), replicated=True)
    homes.couch.database(grid_db(GRID_A, QUARTER)).put(arrived)
    visit(homes, doc, 3, reports=[case["_id"].replace("case:", "report:"), arrived["_id"]])
    page = triage.get(path_of(doc), headers=HTML).text
    assert f'href="/cases/{case["_id"]}"' in page
    assert case["case_no"] in page
    assert "还有 1 条上报尚未成为事件" in page
    assert "尚未上报" not in page


def test_a_problem_of_which_no_report_came_is_not_announced_as_a_case_to_come(homes: Site, triage: httpx.Client) -> None:
    doc = household(homes)
    visit(homes, doc, 3, reports=[new_id("report")])
    page = triage.get(path_of(doc), headers=HTML).text
    assert "走访时发现问题，尚未上报" in page
    assert "尚未成为事件" not in page


def test_errands_are_listed_with_their_materials_and_their_case(homes: Site, triage: httpx.Client) -> None:
    doc = household(homes)
    photo, signature = new_id("photo"), new_id("photo")
    papers = [{"key": "01", "name": "户口本", "state": "there", "photos": [photo]}, {"key": "02", "name": "收入证明"}]
    facts: Document = {"household": doc["_id"], "item": "低保申请", "materials": papers, "signature": signature}
    errand = put(homes, version("errand", **facts) | {"_id": new_id("errand")})
    errands.take_in(homes.couch, [errand], NOW)
    listed = triage.get("/households/errands", headers=HTML).text
    for part in ("低保申请", "李奶奶", "同心北街 1 号 3-501", "户口本 已备齐 图片：1 张", "签名 已签名"):
        assert part in text_of(listed), part
    assert "/api/photos/" not in listed, "papers are looked at where looking is logged"
    file = triage.get(path_of(doc), headers=HTML).text
    case = triage.get(f"/cases/{errand['_id'].replace('errand:', 'case:')}", headers=HTML).text
    for page in (file, case):
        assert all(f'data-full="/api/photos/{one}/screen"' in page for one in (photo, signature))
        assert 'id="lightbox"' in page
    assert "低保申请 办理中" in text_of(file), "a phone leaves out what is as it begins"
    assert "这次上报没有照片" not in case
    asked = {"of": doc["_id"], "as": "html", "purpose": "本人申请复制"}
    copy = triage.post(f"{path_of(doc)}/export", data=asked, headers=HTML).text
    assert "户口本: 已备齐 · 图片：1 张" in text_of(copy)
    assert "/api/photos/" not in copy, "a copy to hand out says that there are pictures"
    assert "低保申请" not in triage.get("/households/errands?state=done", headers=HTML).text


def test_a_copy_of_a_file_holds_all_that_is_kept_and_is_logged_with_its_purpose(homes: Site, triage: httpx.Client) -> None:
    lost = [{"field": "contact_phone", "stamp": stamp(1), "value": "13900000009"}]
    doc = household(homes, superseded=lost, stamps={"contact_phone": stamp(5)})
    member = put(homes, version("member", household=doc["_id"], name="张三", birth_year=1941) | {"_id": new_id("member")})
    visit(homes, doc, 3)
    asked = {"of": doc["_id"], "as": "json", "purpose": "本人申请复制"}
    refused = triage.post(f"{path_of(doc)}/export", data=asked | {"purpose": ""}, headers=HTML)
    assert (refused.status_code, "13800000001" in refused.text) == (422, False)
    answer = triage.post(f"{path_of(doc)}/export", data=asked)
    copy = answer.json()
    assert copy["household"]["contact_phone"] == "13800000001"
    assert copy["household"]["replaced"] == [{"field": "contact_phone", "value": "13900000009"}]
    assert [one["birth_year"] for one in copy["members"]] == [1941]
    assert [one["findings"] for one in copy["visits"]] == ["软管老化"]
    assert copy["readings"][0]["why"] == "本人申请复制", "this very copy is in its own list of readings"
    assert not {"_rev", "stamps"} & copy["household"].keys()
    one = triage.post(f"{path_of(doc)}/export", data=asked | {"of": member["_id"]}).json()
    assert "contact_phone" not in str(one)
    page = triage.post(f"{path_of(doc)}/export", data=asked | {"as": "html"}, headers=HTML).text
    assert all(part in page for part in ("13800000001", "13900000009", "1941", "软管老化", "本人申请复制"))
    assert sum(subject in (doc["_id"], member["_id"]) for _, subject, _ in log_of(homes, "household.export")) == 3


@pytest.mark.parametrize("name", ["triage2", "district1", "worker1", "police1"])
def test_nobody_else_knows_of_a_file(homes: Site, name: str) -> None:
    doc = household(homes)
    with homes.visit(name) as client:
        assert client.get(path_of(doc), headers=HTML).status_code == 404
        assert client.post(f"{path_of(doc)}/opening", data={"purpose": "x"}, headers=HTML).status_code == 404
        assert client.get(f"/households?place={TOWNSHIP}", headers=HTML).status_code == 404


def test_a_community_sees_its_own_grids_alone(homes: Site) -> None:
    household(homes)
    with homes.visit("community1") as client:
        assert "李奶奶" in client.get("/households", headers=HTML).text
        assert client.get(f"/households?grid={GRID_ELSEWHERE}", headers=HTML).status_code == 404
        assert client.get(f"/households?place={TOWNSHIP}", headers=HTML).status_code == 404
