"""One case: its page, its moves by form and by API, and what happens when two clerks move it at once."""

import re

import httpx
import pytest

from tests.conftest import GRID_A
from tests.records import new_id
from tests.server.web.site import HTML, HTMX, Site, bearer


def api(case: dict[str, object]) -> str:
    return f"/api/cases/{case['_id']}"


def move(client: httpx.Client, case: dict[str, object], body: dict[str, str], **headers: str) -> httpx.Response:
    return client.post(f"{api(case)}/events", json=body, headers=headers)


def form_of(page: str, name: str) -> dict[str, str]:
    """The hidden fields of a move's form in a page."""
    form = next(part for part in page.split("<form")[1:] if f'name="move" value="{name}"' in part)
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form.partition("</form>")[0]))


def test_the_page_shows_facts_photos_map_and_timeline(site: Site, triage: httpx.Client) -> None:
    photo = new_id("photo")
    case = site.make_case(photos=[photo], category="manhole", clock_offset_ms=600_000)
    page = triage.get(f"/cases/{case['_id']}", headers=HTML).text
    for part in (case["case_no"], f"/api/photos/{photo}/screen", "井盖缺失", "同心北街", "马晓燕", "data-map=", "快了10分钟"):
        assert part in page


def test_a_report_without_text_place_or_photos_has_a_page_too(site: Site, triage: httpx.Client) -> None:
    case = site.make_case(text="", place={"lat": 38.5, "lon": 106.1}, photos=[])
    assert triage.get(f"/cases/{case['_id']}", headers=HTML).status_code == 200
    bare = site.make_case(text="", place=None)
    assert "未记录定位" in triage.get(f"/cases/{bare['_id']}", headers=HTML).text


def test_a_case_is_accepted_and_taken_on_by_the_forms_of_its_page(site: Site, triage: httpx.Client) -> None:
    case = site.make_case()
    path = f"/cases/{case['_id']}"
    accepted = triage.post(f"{path}/moves", data=form_of(triage.get(path, headers=HTML).text, "accept"), headers=HTMX)
    assert accepted.status_code == 200
    assert "已受理。" in accepted.text
    taking = form_of(accepted.text, "take_on") | {"text": "窗口直接办理"}
    taken = triage.post(f"{path}/moves", data=taking)
    assert (taken.status_code, taken.headers["location"]) == (303, path)
    assert triage.get(api(case)).json()["state"] == "in_hand"


def test_a_return_without_a_reason_is_refused_and_the_form_stays_open(site: Site, triage: httpx.Client) -> None:
    case = site.make_case()
    path = f"/cases/{case['_id']}"
    fields = form_of(triage.get(path, headers=HTML).text, "return") | {"reason": "  "}
    answer = triage.post(f"{path}/moves", data=fields, headers=HTMX)
    assert answer.status_code == 422
    assert re.search(r'<details name="move" open>\s*<summary class="button">退回', answer.text)
    assert triage.get(api(case)).json()["state"] == "reported"


def test_a_form_without_a_move_is_answered_with_the_page(site: Site, triage: httpx.Client) -> None:
    case = site.make_case()
    assert triage.post(f"/cases/{case['_id']}/moves", data={"key": "x"}, headers=HTMX).status_code == 422


def test_a_move_on_a_case_that_changed_says_by_whom_and_keeps_what_was_typed(site: Site, triage: httpx.Client) -> None:
    case = site.make_case()
    path = f"/cases/{case['_id']}"
    fields = form_of(triage.get(path, headers=HTML).text, "return") | {"reason": "照片看不清 <重拍>"}
    assert move(triage, case, {"move": "accept"}).status_code == 201
    answer = triage.post(f"{path}/moves", data=fields, headers=HTMX)
    assert answer.status_code == 409
    assert "赵敏" in answer.text
    assert "照片看不清 &lt;重拍&gt;" in answer.text
    assert 'value="file"' in answer.text


def test_a_stale_if_match_is_answered_with_the_present_state(site: Site, triage: httpx.Client) -> None:
    case = site.make_case()
    seen = triage.get(api(case))
    assert move(triage, case, {"move": "accept"}, **{"If-Match": seen.headers["etag"]}).status_code == 201
    late = move(triage, case, {"move": "return", "reason": "重复"}, **{"If-Match": seen.headers["etag"]})
    assert late.status_code == 409
    problem = late.json()
    assert (problem["code"], problem["case"]["state"]) == ("changed_meanwhile", "accepted")
    again = triage.get(api(case))
    assert again.headers["etag"] == f'"{problem["case"]["version"]}"'


def test_the_same_idempotency_key_is_the_same_move(site: Site, triage: httpx.Client) -> None:
    case = site.make_case()
    answers = [move(triage, case, {"move": "accept"}, **{"Idempotency-Key": "key-12345"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert len(triage.get(api(case)).json()["events"]) == 2


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"move": "close", "result": "x"}, 409, "illegal_move"),
        ({"move": "fly"}, 422, "invalid_input"),
        ({"move": "return"}, 422, "invalid_input"),
        ({"move": "return", "reason": "x" * 1001}, 422, "invalid_input"),
        ({}, 422, "invalid_input"),
    ],
)
def test_a_move_that_cannot_be_made_says_why(
    site: Site, triage: httpx.Client, body: dict[str, str], status: int, code: str
) -> None:
    answer = move(triage, site.make_case(), body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_its_community_and_its_township_move_a_case_and_nobody_else(site: Site) -> None:
    case = site.make_case(grid=GRID_A)
    for name, status in (("triage2", 404), ("worker1", 404), ("community1", 201)):
        with site.visit(name) as client:
            assert move(client, case, {"move": "accept"}).status_code == status


def test_a_device_token_is_no_desk_session(site: Site, nobody: httpx.Client) -> None:
    token = site.enrol("worker1")["token"]
    assert nobody.get("/api/cases", headers=bearer(token)).status_code == 401


def test_the_api_lists_the_fields_programs_rely_on(site: Site, triage: httpx.Client) -> None:
    site.make_case()
    found = triage.get("/api/cases?limit=1").json()
    names = "id case_no state category grid unit urgency due_at reports photos captured_at received_at updated_at origin"
    assert list(found["cases"][0]) == names.split()
    assert found["next"]
