"""A task on its way: asked for at the township, answered by a phone without network, verified, closed, and shown closed."""

import secrets
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Playwright

from tests.browsers import MAIN_SAYS, Phone, picture, wait_for
from tests.e2e.test_main_flow import MOBILE, photograph_phone, report
from tests.media.photographs import camera_jpeg
from tests.running import RunningSystem, until

pytestmark = pytest.mark.e2e


def case_at(system: RunningSystem, desk: requests.Session, id: str) -> dict[str, Any]:
    found: dict[str, Any] = desk.get(f"{system.url}/api/cases/{id}", timeout=10).json()
    return found


def move(system: RunningSystem, desk: requests.Session, case: str, name: str, **fields: Any) -> dict[str, Any]:
    headers = {"Origin": system.url, "Idempotency-Key": secrets.token_hex(8)}
    body = {"move": name, **fields}
    answer = desk.post(f"{system.url}/api/cases/{case}/events", json=body, headers=headers, timeout=10)
    assert answer.ok, answer.text
    moved: dict[str, Any] = answer.json()
    return moved


def test_a_verification_is_answered_without_network_and_the_phone_sees_its_case_closed(
    system: RunningSystem, playwright: Playwright, tmp_path: Path
) -> None:
    photos = [camera_jpeg(tmp_path / f"{n}.jpg", orientation=1, text=str(n)) for n in range(2)]
    phone = Phone(playwright, tmp_path / "worker", system, **MOBILE)
    phone.enrol("worker1")
    phone.context.set_offline(True)
    report(phone, "井盖破损有人绊倒", "0101", photos[:1])
    phone.context.set_offline(False)
    record = phone.page.url.removeprefix(system.url).partition("?")[0]
    desk = system.desk()
    [case] = until(lambda: system.cases(desk), "the case", 60)  # type: ignore[misc]
    for name, fields in (("accept", {}), ("take_on", {}), ("answer", {"result": "已更换井盖"})):
        move(system, desk, case["id"], name, **fields)
    move(system, desk, case["id"], "ask_verification", text="请到现场看看井盖是否盖好")
    phone.open("/m/")
    phone.page.wait_for_selector("#tasks-title", timeout=60_000)
    task = str(phone.page.get_attribute("section:has(#tasks-title) a.row", "href"))
    for language in ("en", "zh-CN"):
        photograph_phone(phone, language, phone_today_task="/m/", phone_task=task)

    phone.context.set_offline(True)
    phone.open(task)
    phone.page.set_input_files("[data-gallery]", photos[1:])
    phone.page.fill("#text", "新井盖已盖好，稳固")
    picture(phone.page, "phone-task-answer-zh-CN", full_page=True)
    phone.page.click("#outcome .main")
    phone.page.wait_for_selector(".notice.good")
    wait_for(phone.page, MAIN_SAYS, "在本机")
    phone.context.set_offline(False)
    found = partial(case_at, system, desk, case["id"])
    until(lambda: (found()["verification"] or {}).get("outcome") == "solved", "verified", 60)
    move(system, desk, case["id"], "close", result="核查属实，结案")
    phone.open(record)
    phone.page.wait_for_selector(".chip:has-text('已结案')", timeout=60_000)
    for language in ("en", "zh-CN"):
        photograph_phone(phone, language, phone_record_closed=record, phone_note=f"{record}/note")
    phone.open(task)
    wait_for(phone.page, "document.querySelector('main').innerText.includes('已答复')")
    phone.context.close()
