"""An administrator loads a calendar year at the desk, is told every wrong row, and goes back; nobody else has the page."""

import re
from collections.abc import Iterator

import httpx
import pytest

from server.calendars import current
from server.people import accounts
from tests.server.web.site import HTML, PASSWORD, Site

NO_FILE = {"file": ("", b"", "application/octet-stream")}


@pytest.fixture
def admin(site: Site) -> Iterator[httpx.Client]:
    names = {"zh-CN": "管理员", "en": "Admin"}
    if site.couch.database("people").find("user:admin1") is None:
        accounts.save_all(site.couch, [accounts.make("admin1", ["admin"], names, PASSWORD)])
    site.couch.delete("ref")
    site.couch.create("ref", replicated=True)
    with site.visit("admin1") as client:
        client.headers.update(HTML)
        yield client


def load(client: httpx.Client, text: str, year: int = 2027, seen: int = 0) -> httpx.Response:
    fields = {"text": text.replace("2031", str(year)), "seen": str(seen)}
    return client.post(f"/calendar/{year}", data=fields, files=NO_FILE)


def test_a_year_is_loaded_from_pasted_lines_and_counts(site: Site, admin: httpx.Client) -> None:
    assert "2027 年放假安排尚未导入" in admin.get("/calendar").text
    assert load(admin, "2031-01-01~2031-01-03 休\n2031-01-09 班\n").status_code == 303
    page = admin.get("/calendar?done=loaded&year=2027").text
    assert "1月1日–1月3日" in page
    assert "1月9日 周六" in page
    assert 2027 in current.current(site.couch, is_fresh=True).calendar.known


def test_every_wrong_row_is_named_and_what_was_typed_stays(admin: httpx.Client) -> None:
    answer = load(admin, "2031-01-01 休\n2031-02-30 休\n2030-05-01 休\n")
    assert answer.status_code == 422
    assert re.findall(r"第 (\d) 行", answer.text) == ["2", "3"]
    assert "2027-02-30 休" in answer.text
    assert "未导入" in admin.get("/calendar").text


def test_an_uploaded_file_is_read_too_and_what_is_none_is_said(admin: httpx.Client) -> None:
    file = {"file": ("2027.csv", "日期,类型\n2027-01-01,休\n".encode("gb18030"), "text/csv")}
    assert admin.post("/calendar/2027", data={"seen": "0"}, files=file).status_code == 303
    broken = {"file": ("2027.xlsx", b"PK\x03\x04 nothing", "application/zip")}
    assert admin.post("/calendar/2027", data={"seen": "1"}, files=broken).status_code == 422


def test_the_second_of_two_administrators_is_told_and_changes_nothing(admin: httpx.Client) -> None:
    assert load(admin, "2031-01-01 休").status_code == 303
    answer = load(admin, "2031-01-02 休")
    assert answer.status_code == 409
    assert "其他人刚刚改过" in answer.text


def test_an_earlier_version_counts_again(site: Site, admin: httpx.Client) -> None:
    load(admin, "2031-01-01 休")
    assert admin.post("/calendar/2027/return", data={"version": "0", "seen": "1"}).status_code == 303
    assert 2027 not in current.current(site.couch, is_fresh=True).calendar.known
    assert admin.post("/calendar/2027/return", data={"version": "1", "seen": "2"}).status_code == 303
    assert 2027 in current.current(site.couch, is_fresh=True).calendar.known


def test_hours_are_set_and_wrong_ones_are_said(admin: httpx.Client) -> None:
    assert admin.post("/calendar/hours", data={"hours": "08:30-12:00, 14:30-18:30"}).status_code == 303
    assert "每日 7.5 工作时" in admin.get("/calendar").text
    assert admin.post("/calendar/hours", data={"hours": "18:00-09:00"}).status_code == 422


@pytest.mark.parametrize("name", ["triage1", "community1", "district1", "worker1"])
def test_nobody_but_administrators_has_the_page(site: Site, name: str) -> None:
    with site.visit(name) as client:
        client.headers.update(HTML)
        assert client.get("/calendar").status_code == 404
        assert load(client, "2031-01-01 休").status_code == 404
        assert client.post("/calendar/2027/return", data={"version": "0", "seen": "0"}).status_code == 404
        assert client.post("/calendar/hours", data={"hours": "09:00-12:00"}).status_code == 404


def test_a_page_about_the_whole_district_names_no_township(site: Site, admin: httpx.Client) -> None:
    names = {"zh-CN": "管理员", "en": "Admin"}
    accounts.save_all(site.couch, [accounts.make("admin2", ["admin"], names, PASSWORD, townships=["640105002", "640105003"])])
    with site.visit("admin2") as client:
        page = client.get("/calendar", headers=HTML).text
    assert "<summary>全区</summary>" in page
