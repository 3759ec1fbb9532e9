"""Possible duplicates at the desk: the panel, merging and dismissing by its forms and by the API, and taking a merge back."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from server.cases import twin_search, twins
from sync.databases import cases_db
from tests.server.web.site import HTML, HTMX, TOWNSHIP, Site

Case = dict[str, Any]


@pytest.fixture
def pair(site: Site) -> tuple[Case, Case]:
    """Two cases of one broken lamp, an hour apart, by two workers, found by the search."""
    now = datetime.now(UTC)
    lamp = {"category": "0103", "text": f"药店门口路灯不亮 {now.microsecond}"}
    first = site.make_case(now - timedelta(hours=2), **lamp)
    second = site.make_case(now - timedelta(hours=1), author="worker2", **lamp)
    while twin_search.run(site.couch, TOWNSHIP).more:
        pass
    return first, second


def twins_of(client: httpx.Client, case: Case) -> list[str]:
    return [one["id"] for one in client.get(f"/api/cases/{case['_id']}/twins").json()["twins"]]


def form_of(page: str, action: str) -> dict[str, str]:
    form = next(part for part in page.split("<form")[1:] if f'action="{action}"' in part)
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form.partition("</form>")[0]))


def test_the_panel_shows_both_with_reasons(triage: httpx.Client, pair: tuple[Case, Case]) -> None:
    first, second = pair
    page = triage.get(f"/cases/{second['_id']}", headers=HTML).text
    for part in ("可能重复", first["case_no"], "类别相同", "同一网格", "相隔1小时", "并入该案"):
        assert part in page
    assert "将该案并入本案" in triage.get(f"/cases/{first['_id']}", headers=HTML).text


def test_the_later_one_is_merged_by_the_form_and_parted_again(triage: httpx.Client, pair: tuple[Case, Case]) -> None:
    first, second = pair
    path = f"/cases/{first['_id']}/twins/{second['_id']}"
    page = triage.get(f"/cases/{first['_id']}", headers=HTML).text
    merged = triage.post(f"{path}/merger", data=form_of(page, f"{path}/merger"), headers=HTMX, follow_redirects=True)
    assert "已并入本案" in merged.text
    answer = triage.get(f"/api/cases/{second['_id']}/twins").json()
    assert (answer["merged_into"], answer["twins"]) == (first["_id"], [])
    parting = form_of(merged.text, f"{path}/separation") | {"reason": "两盏灯"}
    parted = triage.post(f"{path}/separation", data=parting, headers=HTMX, follow_redirects=True)
    assert "已并入本案" not in parted.text
    assert triage.get(f"/api/cases/{second['_id']}").json()["state"] == "reported"


def test_a_stale_merge_says_in_the_panel_who_changed_the_case_and_merges_nothing(
    triage: httpx.Client, pair: tuple[Case, Case]
) -> None:
    first, second = pair
    path = f"/cases/{first['_id']}/twins/{second['_id']}/merger"
    form = form_of(triage.get(f"/cases/{first['_id']}", headers=HTML).text, path)
    triage.post(f"/cases/{second['_id']}/moves", data={"move": "accept", "key": "accepted-first"}, headers=HTML)
    answer = triage.post(path, data=form, headers=HTMX)
    panel = answer.text.partition('id="twins"')[2].partition("</section>")[0]
    assert answer.status_code == 409
    assert "您的操作未生效" in panel and f"{second['case_no']} 现在的状态：已受理" in panel
    assert form_of(panel, path)["version"] != form["version"]
    assert triage.get(f"/api/cases/{second['_id']}").json()["state"] == "accepted"


def test_a_refused_merge_says_why_in_the_panel(site: Site, triage: httpx.Client, pair: tuple[Case, Case]) -> None:
    first, second = pair
    path = f"/cases/{first['_id']}/twins/{second['_id']}"
    triage.post(f"{path}/merger", data={"key": "merged-first"}, headers=HTMX)
    parting = {"reason": " ", "key": "parted-no-reason"}
    answer = triage.post(f"{path}/separation", data=parting, headers=HTMX)
    panel = answer.text.partition('id="twins"')[2].partition("</section>")[0]
    assert answer.status_code == 422
    assert 'role="alert"' in panel and "已并入本案" in panel
    assert 'role="alert"' not in answer.text.partition('id="moves"')[2].partition("</section>")[0]


def test_dismissing_what_is_proposed_no_more_shows_the_case(site: Site, triage: httpx.Client, pair: tuple[Case, Case]) -> None:
    first, second = pair
    database = site.couch.database(cases_db(TOWNSHIP))
    gone = database.many([twins.proposal_id(first["_id"], second["_id"]), twins.proposal_id(second["_id"], first["_id"])])
    database.bulk([{"_id": id, "_rev": doc["_rev"], "_deleted": True} for id, doc in gone.items() if doc])
    answer = triage.post(f"/cases/{first['_id']}/twins/{second['_id']}/dismissal", data={"why": ""}, headers=HTML)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/cases/{first['_id']}")


def test_a_dismissed_pair_is_proposed_no_more(triage: httpx.Client, pair: tuple[Case, Case]) -> None:
    first, second = pair
    assert second["_id"] in twins_of(triage, first)
    answer = triage.post(f"/api/cases/{first['_id']}/twins/{second['_id']}/dismissal", json={"why": "两盏灯"})
    assert (answer.status_code, answer.json()["by"], answer.json()["why"]) == (200, "triage1", "两盏灯")
    assert second["_id"] not in twins_of(triage, first)
    assert first["_id"] not in twins_of(triage, second)


def test_who_may_not_see_a_case_may_not_see_or_dismiss_its_twins(site: Site, pair: tuple[Case, Case]) -> None:
    first, second = pair
    for name in ("triage2", "worker1"):
        with site.visit(name) as client:
            assert client.get(f"/api/cases/{first['_id']}/twins").status_code == 404
            assert client.post(f"/api/cases/{first['_id']}/twins/{second['_id']}/dismissal", json={}).status_code == 404
