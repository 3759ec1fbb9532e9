"""From an officer's request to the excerpt and its end: what each side sees, and that every step and reading is in the log."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from server.audit import searching
from server.domain import times
from server.domain.visits import day_of
from server.web import sessions
from sync import databases
from tests.conftest import GRID_A
from tests.server.domain.test_merge import version
from tests.server.web.site import HTML, PASSWORD, TOWNSHIP, Site, bearer
from tests.server.web.test_households import Document, homes, household, put, text_of

__all__ = ["homes"]
NOW = datetime.now(UTC)
WANTED = {
    "township": TOWNSHIP,
    "basis": "criminal_case",
    "document_no": "〔2026〕15 号",
    "purpose": "核实证人住处",
    "address": "同心北街 3-501",
    "period_from": day_of(NOW - timedelta(days=30)),
    "period_to": day_of(NOW),
    "days": "3",
    "fact:address": "on",
    "fact:contact_phone": "on",
    "fact:members": "on",
}


@pytest.fixture
def police(homes: Site) -> Iterator[httpx.Client]:
    homes.couch.delete(databases.REQUESTS)
    with homes.visit("police1") as client:
        yield client


@pytest.fixture
def triage(homes: Site) -> Iterator[httpx.Client]:
    with homes.visit("triage1") as client:
        yield client


def ask(police: httpx.Client, **changes: str) -> str:
    answer = police.post("/requests", data=WANTED | changes, headers=HTML)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].partition("?")[0]


def approve(triage: httpx.Client, path: str, doc: Document, **changes: str) -> httpx.Response:
    given = {
        "verdict": "approve",
        "file": f"{GRID_A}/{doc['_id']}",
        "days": "2",
        "fact:address": "on",
        "fact:contact_phone": "on",
    }
    return triage.post(f"{path}/decision", data=given | changes, headers=HTML)


def log_of(site: Site, action: str, subject: str) -> list[tuple[str, str]]:
    month, wanted = databases.month_at(datetime.now(UTC)), searching.Wanted(subject=subject, action=action)
    page = searching.page(site.couch, month, TOWNSHIP, wanted)
    return [(entry["by"], entry["why"]) for entry in page.entries]


def request_of(site: Site, path: str) -> Document:
    return site.couch.database(databases.REQUESTS).get(path.rpartition("/")[2])


def test_an_officer_reads_what_was_granted_and_each_reading_is_logged_and_seen(
    homes: Site, police: httpx.Client, triage: httpx.Client
) -> None:
    doc = household(homes)
    put(
        homes,
        version("member", household=doc["_id"], name="张三", grid=GRID_A) | {"_id": doc["_id"].replace("household", "member")},
    )
    path = ask(police)
    assert "同心北街 3-501" in triage.get("/requests", headers=HTML).text
    page = triage.get(path, headers=HTML).text
    assert doc["_id"] in page, "found by the words"
    assert approve(triage, path, doc).status_code == 303
    before = police.get(path, headers=HTML).text
    assert not any(word in before for word in ("13800000001", "李奶奶", doc["_id"]))
    for _ in range(2):
        excerpt = police.post(f"{path}/reading", headers=HTML).text
        assert "13800000001" in excerpt
        assert "同心北街 1 号 3-501" in excerpt
        assert not any(word in excerpt for word in ("张三", "助浴")), "asked and not granted, never given"
    assert log_of(homes, "request.read", doc["_id"]) == [("police1", WANTED["purpose"])] * 2
    assert text_of(triage.get(path, headers=HTML).text).count("李强") >= 3, "the officer, and two readings"
    id = path.rpartition("/")[2]
    assert log_of(homes, "request.ask", id) == [("police1", WANTED["purpose"])]
    assert log_of(homes, "request.approved", id) == [("triage1", "")]


def test_nothing_can_be_read_before_approval_after_expiry_or_once_it_is_ended(
    homes: Site, police: httpx.Client, triage: httpx.Client
) -> None:
    doc, path = household(homes), ask(police)
    assert police.post(f"{path}/reading", headers=HTML).status_code == 409
    approve(triage, path, doc)
    database = homes.couch.database(databases.REQUESTS)
    database.put(request_of(homes, path) | {"expires_at": times.to_text(NOW - timedelta(seconds=1))})
    late = police.post(f"{path}/reading", headers=HTML)
    assert (late.status_code, "13800000001" in late.text, "已到期" in late.text) == (409, False, True)
    database.put(request_of(homes, path) | {"expires_at": times.to_text(NOW + timedelta(days=1))})
    assert triage.post(f"{path}/ending", headers=HTML, data={"reason": ""}).status_code == 422
    assert triage.post(f"{path}/ending", headers=HTML, data={"reason": "已结案"}).status_code == 303
    assert police.post(f"{path}/reading", headers=HTML).status_code == 409
    assert log_of(homes, "request.read", doc["_id"]) == []


def test_a_refusal_and_a_withdrawal_are_told_by_notices_that_name_no_household(
    homes: Site, police: httpx.Client, triage: httpx.Client
) -> None:
    path, other = ask(police), ask(police)
    assert triage.post(f"{path}/decision", headers=HTML, data={"verdict": "refuse", "reason": ""}).status_code == 422
    triage.post(f"{path}/decision", headers=HTML, data={"verdict": "refuse", "reason": "依据不足"})
    police.post(f"{other}/withdrawal", headers=HTML, data={"reason": ""})
    told = police.get("/notices", headers=HTML).text
    assert "您的住户信息申请未获批准" in told
    assert "同心北街" not in told
    assert "李强撤回了住户信息申请" in triage.get("/notices", headers=HTML).text
    assert "依据不足" in police.get(path, headers=HTML).text


def test_the_officers_phone_is_told_how_many_answers_were_not_looked_at_and_the_notice_leads_to_its_request(
    homes: Site, police: httpx.Client, triage: httpx.Client
) -> None:
    token = bearer(homes.enrol("police1")["token"])

    def unseen() -> int:
        count: int = police.get("/api/devices/me", headers=token).json()["requests_answered"]
        return count

    path, other = ask(police), ask(police)
    assert unseen() == 0, "what was only asked is no news"
    for one in (path, other):
        triage.post(f"{one}/decision", headers=HTML, data={"verdict": "refuse", "reason": "依据不足"})
    assert unseen() == 2
    triage.get(path, headers=HTML)
    assert unseen() == 2, "the township's look is not the officer's"
    police.get(path, headers=HTML)
    assert unseen() == 1
    newest = re.search(r"/notices/(\w+)/opening", police.get("/notices?unread=1", headers=HTML).text)
    assert newest
    assert police.post(f"/notices/{newest[1]}/opening", headers=HTML).headers["location"] == other
    assert unseen() == 0


def test_an_excerpt_is_read_with_a_password_that_was_given_just_now(
    homes: Site, police: httpx.Client, triage: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    doc, path = household(homes), ask(police)
    approve(triage, path, doc)
    with monkeypatch.context() as later:
        later.setattr(sessions, "FRESH_S", -1)
        asked = police.post(f"{path}/reading", headers=HTML)
        assert (asked.status_code, "13800000001" in asked.text) == (303, False)
        page = police.get(asked.headers["location"], headers=HTML).text
        assert "再输入一次密码" in page and 'value="police1"' in page
        assert log_of(homes, "request.read", doc["_id"]) == []
    again = police.post("/", data={"username": "police1", "password": PASSWORD, "next": path})
    assert again.headers["location"] == path
    assert "13800000001" in police.post(f"{path}/reading", headers=HTML).text


def test_who_comes_from_the_phone_is_told_why_to_sign_in_and_not_sent_back_there(nobody: httpx.Client) -> None:
    page = nobody.get("/?next=/requests", headers=HTML).text
    assert "用自己的账号再登录一次" in page
    assert "网格员、社区民警请用手机打开" not in page
    assert "网格员、社区民警请用手机打开" in nobody.get("/", headers=HTML).text


def test_what_was_done_is_not_said_any_more_once_something_else_was(police: httpx.Client, triage: httpx.Client) -> None:
    path = ask(police)
    assert "已提交" in police.get(f"{path}?done=asked", headers=HTML).text
    triage.post(f"{path}/decision", headers=HTML, data={"verdict": "refuse", "reason": "依据不足"})
    assert "已提交" not in police.get(f"{path}?done=asked", headers=HTML).text


def test_what_is_wrong_is_said_beside_the_form_with_what_was_typed(police: httpx.Client) -> None:
    answer = police.post("/requests", data=WANTED | {"document_no": "", "days": "99"}, headers=HTML)
    assert answer.status_code == 422
    assert re.search(r'id="w-document_no">请填写', answer.text)
    assert "核实证人住处" in answer.text
    assert 'name="fact:members" checked' in answer.text


def test_the_same_form_sent_twice_is_one_request(police: httpx.Client) -> None:
    key = re.search(r'name="key" value="([^"]+)"', police.get("/requests", headers=HTML).text)
    assert key
    assert ask(police, key=key[1]) == ask(police, key=key[1])
    assert police.get("/requests", headers=HTML).text.count('class="panel asking"') == 1


def test_an_approval_names_a_household_that_is_there(homes: Site, police: httpx.Client, triage: httpx.Client) -> None:
    doc, path = household(homes), ask(police)
    missing = approve(triage, path, doc, file="")
    assert (missing.status_code, "住户：请填写或选择" in missing.text) == (422, True)
    assert re.search(r'id="w-household">请填写或选择', missing.text)
    assert approve(triage, path, doc, file=f"{GRID_A}/{doc['_id'][:-1]}0").status_code in {303, 422}
    assert approve(triage, path, doc, **{"fact:housing": "on"}).status_code in {409, 422}


@pytest.mark.parametrize("name", ["triage2", "community1", "district1", "worker1"])
def test_nobody_else_knows_of_a_request(homes: Site, police: httpx.Client, name: str) -> None:
    path = ask(police)
    with homes.visit(name) as client:
        assert client.get(path, headers=HTML).status_code == 404
        for what in ("decision", "withdrawal", "ending", "reading"):
            assert client.post(f"{path}/{what}", data={"reason": "x"}, headers=HTML).status_code == 404


def test_an_officer_finds_no_household_anywhere(homes: Site, police: httpx.Client) -> None:
    doc, path = household(homes), ask(police)
    answers: list[Any] = [police.get(f"{path}?q=李奶奶", headers=HTML), police.get("/households?q=李", headers=HTML)]
    answers += [police.get("/requests?q=李", headers=HTML), police.get(f"/households/{GRID_A}/{doc['_id']}", headers=HTML)]
    assert not any(
        "李奶奶</" in answer.text or doc["_id"] in answer.text.replace(f"{GRID_A}/{doc['_id']}", "") for answer in answers
    )
