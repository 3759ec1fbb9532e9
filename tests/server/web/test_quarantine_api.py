"""Refused records by HTTP: who lists them, who decides, what the phone hears of it, and a worker who moved loses none."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from server.cases import intake
from server.domain import permissions, times
from server.people import accounts
from sync.databases import grid_db, quarter_at
from tests.conftest import COMMUNITY, GRID_A, GRID_B, GRID_ELSEWHERE, wait_until
from tests.records import report, with_rev
from tests.server.web.site import PASSWORD, TOWNSHIP, Site, bearer

NOW = datetime.now(UTC)
QUARTER = quarter_at(NOW)
LIST = "/api/quarantine"
Document = dict[str, Any]


def push(site: Site, phone: Document, database: str, *docs: Document) -> list[Document]:
    with site.visit() as client:
        body = {"new_edits": False, "docs": list(docs)}
        answer = client.post(f"/db/{database}/_bulk_docs", json=body, headers=bearer(phone["token"]))
    assert answer.status_code == 201, answer.text
    found: list[Document] = answer.json()
    return found


def refused(site: Site, phone: Document, **fields: Any) -> Document:
    """A report for a grid that is not worker2's, refused; its entry as the phone sees it."""
    doc = with_rev(report(grid=GRID_A, author="worker2", at=NOW, **fields))
    [answer] = push(site, phone, grid_db(GRID_A, QUARTER), doc)
    assert (answer["reason"], answer["quarantined"]) == ("not_grid_holder", True)
    return next(entry for entry in mine(site, phone) if entry["doc_id"] == doc["_id"])


def mine(site: Site, phone: Document) -> list[Document]:
    with site.visit() as client:
        answer = client.get(f"{LIST}/mine", headers=bearer(phone["token"]))
    assert answer.status_code == 200, answer.text
    found: list[Document] = answer.json()["entries"]
    return found


@pytest.fixture(scope="module")
def phone(site: Site) -> Document:
    """worker2's, who holds grid B alone."""
    return site.enrol("worker2")


def test_a_phone_hears_what_became_of_its_record(site: Site, phone: Document, triage: httpx.Client) -> None:
    first, second = refused(site, phone), refused(site, phone)
    assert (first["state"], first["decided_at"], first["adopted_as"]) == ("waiting", None, None)
    moved = {"database": grid_db(GRID_B, QUARTER)}
    adopted = triage.post(f"{LIST}/{first['id']}/adoption", json=moved)
    assert adopted.status_code == 200, adopted.text
    assert triage.post(f"{LIST}/{second['id']}/dismissal", json={"reason": "重复上报"}).status_code == 200
    outcomes = {entry["id"]: entry for entry in mine(site, phone)}
    assert outcomes[first["id"]]["state"] == "adopted"
    home = outcomes[first["id"]]["adopted_as"]
    assert site.couch.database(home["database"]).get(home["id"])["grid"] == GRID_B
    assert (outcomes[second["id"]]["state"], outcomes[second["id"]]["decision_reason"]) == ("dismissed", "重复上报")
    names = "id database doc_id rev reason state decided_at decision_reason adopted_as"
    assert list(outcomes[second["id"]]) == names.split()
    assert "triage1" not in str(outcomes)


def test_no_phone_sees_what_another_person_sent(site: Site, phone: Document) -> None:
    refused(site, phone)
    assert mine(site, site.enrol("worker1")) == []


def test_the_list_goes_page_by_page_and_by_filter(site: Site, phone: Document, triage: httpx.Client) -> None:
    made = [refused(site, phone)["id"] for _ in range(3)]
    seen, cursor = [], ""
    while cursor is not None:
        page = triage.get(f"{LIST}?limit=2" + (f"&cursor={cursor}" if cursor else "")).json()
        seen += [entry["id"] for entry in page["entries"]]
        cursor = page["next"]
    assert len(seen) == len(set(seen))
    assert seen[-3:] == made
    filters = {"reason=not_grid_holder": True, "reason=schema": False, "user=worker2": True, "user=x": False}
    for query, expected in filters.items():
        found = {entry["id"] for entry in triage.get(f"{LIST}?{query}&limit=100").json()["entries"]}
        assert (found >= set(made)) is expected, query
    assert triage.get(f"{LIST}?state=odd").status_code == 422
    assert triage.get(f"{LIST}?limit=1000").status_code == 422
    assert triage.get(f"{LIST}?cursor=x").status_code == 422


def test_a_stale_if_match_is_refused_with_who_decided(site: Site, phone: Document, triage: httpx.Client) -> None:
    id = refused(site, phone)["id"]
    seen = triage.get(f"{LIST}/{id}")
    tag = {"If-Match": seen.headers["etag"]}
    assert triage.post(f"{LIST}/{id}/dismissal", json={"reason": "重复"}, headers=tag).status_code == 200
    late = triage.post(f"{LIST}/{id}/adoption", json={}, headers=tag)
    assert (late.status_code, late.json()["code"], late.json()["by"]) == (409, "decided_meanwhile", "triage1")
    again = triage.request("DELETE", f"{LIST}/{id}/dismissal")
    assert (again.status_code, again.json()["state"]) == (200, "waiting")
    assert triage.post(f"{LIST}/{id}/adoption", json={}, headers={"If-Match": again.headers["etag"]}).status_code == 200


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": " "}, {"reason": "x" * 1001}, {"reason": 5}])
def test_a_dismissal_needs_a_reason(site: Site, phone: Document, triage: httpx.Client, body: Document) -> None:
    id = refused(site, phone)["id"]
    assert triage.post(f"{LIST}/{id}/dismissal", json=body).status_code == 422
    assert triage.get(f"{LIST}/{id}").json()["state"] == "waiting"


def test_a_household_is_not_handed_out_as_json(site: Site, triage: httpx.Client) -> None:
    phone = site.enrol("worker1")
    doc = with_rev({"_id": report()["_id"].replace("report", "household"), "type": "household", "contact_phone": "13900000000"})
    push(site, phone, f"home-{GRID_A}", doc)
    [entry] = [one for one in triage.get(f"{LIST}?user=worker1&limit=100").json()["entries"] if one["doc_id"] == doc["_id"]]
    assert (entry["is_masked"], entry["document"]) == (True, None)
    assert "13900000000" not in triage.get(f"{LIST}/{entry['id']}").text


@pytest.fixture(scope="module")
def visitors(site: Site) -> Iterator[dict[str, tuple[Document, httpx.Client]]]:
    """One of each role at a desk, holding the township and community besides grids."""
    held = {"grids": [GRID_A], "communities": [COMMUNITY], "townships": [TOWNSHIP]}
    people = [accounts.make(f"{role}8", [role], {"zh-CN": role}, PASSWORD, **held) for role in permissions.ROLES]
    accounts.save_all(site.couch, people)
    opened = [site.visit(person["name"]) for person in people]
    yield {person["roles"][0]: (person, one.__enter__()) for person, one in zip(people, opened, strict=True)}
    for one in opened:
        one.__exit__(None, None, None)


@pytest.mark.parametrize("role", permissions.ROLES)
def test_each_role_decides_as_the_table_of_permissions_says(
    site: Site, phone: Document, visitors: dict[str, tuple[Document, httpx.Client]], role: str
) -> None:
    person, client = visitors[role]
    id = refused(site, phone)["id"]
    may = permissions.may_decide_refused(person, [TOWNSHIP])
    assert may is (role in {"triage", "admin"})
    assert client.get(f"{LIST}?township={TOWNSHIP}").status_code == (200 if may else 403)
    assert client.get(f"{LIST}/{id}").status_code == (200 if may else 403)
    assert client.post(f"{LIST}/{id}/dismissal", json={"reason": "重复"}).status_code == (200 if may else 403)
    assert client.request("DELETE", f"{LIST}/{id}/dismissal").status_code == (200 if may else 403)
    assert client.post(f"{LIST}/{id}/adoption", json={}).status_code == (200 if may else 403)


def test_triage_of_another_township_knows_of_nothing(site: Site, phone: Document, nobody: httpx.Client) -> None:
    id = refused(site, phone)["id"]
    with site.visit("triage2") as client:
        assert client.get(LIST).json()["entries"] == []
        assert client.get(f"{LIST}?township={TOWNSHIP}").status_code == 404
        assert client.get(f"{LIST}/{id}").status_code == 404
        assert client.post(f"{LIST}/{id}/adoption", json={}).status_code == 404
    for path, method in ((LIST, "GET"), (f"{LIST}/{id}", "GET"), (f"{LIST}/{id}/adoption", "POST"), (f"{LIST}/mine", "GET")):
        assert nobody.request(method, path, json={}).status_code == 401, path


def test_another_sites_page_decides_nothing(site: Site, phone: Document, triage: httpx.Client) -> None:
    id = refused(site, phone)["id"]
    forged = {"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example"}
    assert triage.post(f"{LIST}/{id}/adoption", json={}, headers=forged).status_code == 403


def test_a_record_for_a_foreign_database_is_for_the_senders_township(site: Site, phone: Document, triage: httpx.Client) -> None:
    doc = with_rev(report(grid=GRID_ELSEWHERE, author="worker2", at=NOW))
    push(site, phone, grid_db(GRID_ELSEWHERE, QUARTER), doc)
    assert doc["_id"] in [entry["doc_id"] for entry in triage.get(f"{LIST}?limit=100").json()["entries"]]
    with site.visit("triage2") as client:
        assert client.get(LIST).json()["entries"] == []


def test_a_worker_who_moved_loses_no_record(site: Site, triage: httpx.Client) -> None:
    """Captured before the move: taken in the old grid. After it: refused with the reason, adopted into the right grid."""
    accounts.save_all(site.couch, [accounts.make("mover", ["worker"], {"zh-CN": "马"}, PASSWORD, grids=[GRID_A])])
    phone, old = site.enrol("mover"), grid_db(GRID_A, QUARTER)
    before = datetime.now(UTC)
    after = before + timedelta(seconds=2)
    accounts.move(site.couch, "mover", [GRID_B], before + timedelta(seconds=1))
    made = [with_rev(report(author="mover", device=phone["device_id"], at=at)) for at in (before, before, after, after)]
    wait_until(lambda: _names(site, phone).get(old) == {"name": old, "pull": False, "push": True}, what="the former grid")
    answers = push(site, phone, old, *made)
    assert [answer.get("reason") for answer in answers] == [None, None, "not_grid_holder", "not_grid_holder"]
    waiting = {entry["doc_id"]: entry for entry in mine(site, phone)}
    assert waiting.keys() == {made[2]["_id"], made[3]["_id"]}
    for entry in waiting.values():
        answer = triage.post(f"{LIST}/{entry['id']}/adoption", json={"database": grid_db(GRID_B, QUARTER)})
        assert answer.status_code == 200, answer.text
    homes = [entry["adopted_as"] for entry in mine(site, phone)]
    for name in (old, grid_db(GRID_B, QUARTER)):
        intake.run(site.couch, name, datetime.now(UTC))
    cases = triage.get("/api/cases?limit=100").json()["cases"]
    expected = [*(doc["_id"] for doc in made[:2]), *(home["id"] for home in homes)]
    found = [case["reports"][0] for case in cases if case["reports"][0] in expected]
    assert sorted(found) == sorted(expected)
    captured = {case["reports"][0]: case["captured_at"] for case in cases}
    assert {captured[home["id"]] for home in homes} == {times.to_text(after)}


def _names(site: Site, phone: Document) -> dict[str, Document]:
    with site.visit() as client:
        answer = client.get("/api/devices/me", headers=bearer(phone["token"])).json()
    return {entry["name"]: entry for entry in answer["databases"]}
