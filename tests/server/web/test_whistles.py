"""The board of whistles and a whistle's page, by the forms they show."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from server.web.moments import CHINA
from tests.conftest import GRID_A
from tests.server.web.site import HTML, HTMX, Site
from tests.server.web.test_case import form_of

TOWNSHIP = GRID_A[:9]


@pytest.fixture(autouse=True)
def units(site: Site) -> None:
    site.couch.create("ref", replicated=True)
    docs = [{"_id": f"unit:{key}", "type": "unit", "name": {"zh-CN": key, "en": key}} for key in ("fire", "market")]
    site.couch.database("ref").bulk([*docs, {"_id": f"township:{TOWNSHIP}", "type": "township", "name": "北京西路街道"}])


def typed(**changes: str) -> dict[str, str]:
    by_at = (datetime.now(UTC) + timedelta(hours=1)).astimezone(CHINA).strftime("%Y-%m-%dT%H:%M")
    return {
        "township": TOWNSHIP,
        "address": "幸福里南门",
        "by_at": by_at,
        "text": "消防通道被占",
        "units:unit:fire": "on",
    } | changes


def test_a_whistle_is_blown_from_the_board_and_solved_on_its_page(site: Site, triage: httpx.Client) -> None:
    blown = triage.post("/whistles", data=typed())
    assert blown.status_code == 303
    path = blown.headers["location"]
    board = triage.get("/whistles", headers=HTML)
    assert (board.status_code, path in board.text, "幸福里南门" in board.text) == (200, True, True)
    solving = form_of(triage.get(path, headers=HTML).text, "solve") | {"text": "已疏通"}
    solved = triage.post(f"{path}/moves", data=solving, headers=HTMX)
    assert (solved.status_code, "已解决" in solved.text) == (200, True)
    assert path not in triage.get("/whistles", headers=HTML).text
    assert path in triage.get("/whistles?all=1", headers=HTML).text


def test_what_cannot_be_blown_keeps_what_was_typed(site: Site, triage: httpx.Client) -> None:
    late = triage.post("/whistles", data=typed(by_at="2020-01-01T08:00"), headers=HTML)
    assert (late.status_code, "时限须晚于现在" in late.text, "幸福里南门" in late.text) == (422, True, True)
    nobody = {name: value for name, value in typed().items() if not name.startswith("units:")}
    assert triage.post("/whistles", data=nobody, headers=HTML).status_code == 422


def test_an_empty_field_of_a_whistle_is_said_to_be_empty(site: Site, triage: httpx.Client) -> None:
    untimed = triage.post("/whistles", data=typed(by_at=""), headers=HTML).text
    assert "请填写到场时限" in untimed and "时限须晚于现在" not in untimed
    nowhere = triage.post("/whistles", data=typed(address="", text=""), headers=HTML).text
    assert nowhere.count("请填写") >= 2 and 'aria-describedby="w-address-wrong"' in nowhere


def test_programs_blow_and_move_whistles_too(site: Site, triage: httpx.Client) -> None:
    by_at = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    body = {"township": TOWNSHIP, "units": ["unit:fire"], "by_at": by_at, "text": "x", "place": {"address": "东门"}}
    made = triage.post("/api/whistles", json=body)
    assert made.status_code == 201
    path = f"/api/whistles/{made.json()['id']}/events"
    assert triage.post(path, json={"move": "call", "unit": "unit:market"}).status_code == 201
    again = triage.post(path, json={"move": "call", "unit": "unit:market"})
    assert (again.status_code, again.json()["code"]) == (409, "called_already")
    assert triage.post(path, json={"move": "sign_in", "name": "x"}).status_code == 403
