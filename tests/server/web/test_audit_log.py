"""The page of the access log: found by person, subject and action in one's own scope, exported with a purpose, itself logged."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import openpyxl
import pytest

from server import audit
from server.audit import sealing
from server.people import accounts
from sync import databases
from tests.conftest import GRID_ELSEWHERE
from tests.server.web.site import HTML, PASSWORD, TOWNSHIP, Site


@pytest.fixture(autouse=True)
def empty(site: Site) -> Iterator[None]:
    site.couch.delete(databases.audit_db(month()))
    audit.entries._SEEN.clear()
    yield


@pytest.fixture(scope="module")
def admin(site: Site) -> Iterator[httpx.Client]:
    accounts.save_all(site.couch, [accounts.make("admin", ["admin"], {"zh-CN": "管理员", "en": "Admin"}, PASSWORD)])
    with site.visit("admin") as client:
        yield client


def month() -> str:
    """The present one, which a page shows when it is asked for none."""
    return databases.month_at(datetime.now(UTC))


def note(site: Site, subject: str, **about: Any) -> None:
    fields = {"by": "community1", "action": "case.open", "township": TOWNSHIP, "at": datetime.now(UTC)} | about
    audit.note(site.couch, subject=subject, **fields)


def test_entries_are_found_by_subject_number_person_and_action(site: Site, triage: httpx.Client) -> None:
    note(site, "case:one", facts={"case_no": "002-261127-AAAAAA"})
    note(site, "case:two", by="triage1", action="photo.original")
    for query, shown, hidden in [
        ("subject=case:one", "002-261127-AAAAAA", "case:two"),
        ("subject=002-261127-AAAAAA", "002-261127-AAAAAA", "case:two"),
        ("by=triage1&action=photo.original", "case:two", "002-261127-AAAAAA"),
        ("by=community1", "002-261127-AAAAAA", "case:two"),
        ("action=case.open&by=nobody", "没有符合条件的记录", "case:two"),
    ]:
        page = triage.get(f"/audit?{query}", headers=HTML)
        assert page.status_code == 200
        assert shown in page.text and hidden not in page.text, query


def test_triage_reads_its_township_and_administrators_everything(site: Site, triage: httpx.Client, admin: httpx.Client) -> None:
    note(site, "case:elsewhere", township=GRID_ELSEWHERE[:9])
    note(site, "device:none", township=None)
    assert "case:elsewhere" not in triage.get("/audit", headers=HTML).text
    assert triage.get(f"/audit?scope={GRID_ELSEWHERE[:9]}", headers=HTML).status_code == 404
    assert triage.get("/audit?scope=*", headers=HTML).status_code == 404
    page = admin.get("/audit", headers=HTML).text
    assert "case:elsewhere" in page and "device:none" in page


def test_reading_and_exporting_the_log_are_in_the_log(site: Site, triage: httpx.Client) -> None:
    triage.get("/audit?subject=case:one", headers=HTML)
    triage.get("/audit?subject=case:one", headers=HTML)
    triage.post("/audit/export", data={"purpose": "纪检核查", "as": "csv", "month": month()})
    logged = [(entry["action"], entry["by"], entry["why"]) for entry in audit.read(site.couch, month())]
    assert logged.count(("audit.read", "triage1", "")) in (1, 2)
    assert ("audit.export", "triage1", "纪检核查") in logged


def test_an_export_needs_a_purpose_and_makes_no_formula(site: Site, triage: httpx.Client) -> None:
    note(site, "case:one", why="=1+1", facts={"case_no": "002-261127-AAAAAA"})
    sealing.Sealing().run(site.couch, datetime.now(UTC))
    assert triage.post("/audit/export", data={"purpose": " ", "as": "csv"}).status_code == 422
    assert triage.post("/audit/export", data={"purpose": "核查", "as": "exe"}).status_code == 422
    answer = triage.post("/audit/export", data={"purpose": "核查", "as": "csv"})
    assert "'=1+1" in answer.content.decode("utf-8-sig")
    assert answer.headers["x-audit-head"] == sealing.heads(site.couch)[month()][1]
    raw = triage.post("/audit/export", data={"purpose": "核查", "as": "xlsx"}).content
    cells = [str(cell.value) for row in openpyxl.load_workbook(io.BytesIO(raw)).active.iter_rows() for cell in row]
    assert "002-261127-AAAAAA" in cells and "=1+1" in cells


def test_the_list_goes_on_without_a_double(site: Site, triage: httpx.Client) -> None:
    for n in range(60):
        note(site, f"case:n{n:02d}")
    first = triage.get("/audit?by=community1", headers=HTML).text
    more = first.split('hx-get="')[1].split('"')[0].replace("&amp;", "&")
    second = triage.get(more, headers={"HX-Request": "true"}).text
    shown = [f"case:n{n:02d}" for n in range(60) if f"case:n{n:02d}" in first]
    rest = [f"case:n{n:02d}" for n in range(60) if f"case:n{n:02d}" in second]
    assert (len(shown), len(rest)) == (50, 10)
    assert set(shown).isdisjoint(rest)
