"""Looking at a case is logged before it is shown, once in a while, and not shown when it cannot be logged."""

from datetime import UTC, datetime

import httpx
import pytest

from server import audit
from server.audit import entries
from sync import databases
from sync.errors import Unreachable
from tests.server.web.site import HTML, HTMX, Site


def logged(site: Site, subject: str) -> list[tuple[str, str]]:
    month = databases.month_at(datetime.now(UTC))
    return [(one["by"], one["action"]) for one in audit.read(site.couch, month, 500) if one["subject"] == subject]


def test_opening_a_case_is_one_entry_however_often_its_page_refreshes(site: Site, triage: httpx.Client) -> None:
    case = site.make_case()
    for path, headers in [("/cases/", HTML), ("/cases/", HTMX), ("/api/cases/", {}), ("/cases/", HTML)]:
        assert triage.get(f"{path}{case['_id']}", headers=headers).status_code == 200
    assert logged(site, case["_id"]) in ([("triage1", "case.open")], [("triage1", "case.open")] * 2)


def test_each_person_is_an_entry_and_who_may_not_see_it_is_none(site: Site, triage: httpx.Client) -> None:
    case = site.make_case()
    triage.get(f"/cases/{case['_id']}", headers=HTML)
    with site.visit("community1") as other, site.visit("triage2") as stranger:
        assert other.get(f"/cases/{case['_id']}", headers=HTML).status_code == 200
        assert stranger.get(f"/cases/{case['_id']}", headers=HTML).status_code == 404
    assert sorted(set(logged(site, case["_id"]))) == [("community1", "case.open"), ("triage1", "case.open")]


def test_what_cannot_be_logged_is_not_shown(site: Site, triage: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    case = site.make_case()

    def fail(*_: object) -> None:
        raise Unreachable("down")

    with monkeypatch.context() as broken:
        broken.setattr(entries, "_add", fail)
        answer = triage.get(f"/cases/{case['_id']}", headers=HTML)
    assert answer.status_code == 503
    assert case["case_no"] not in answer.text
    assert triage.get(f"/cases/{case['_id']}", headers=HTML).status_code == 200
