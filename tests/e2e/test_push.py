"""Web push on a phone: a message becomes a line on the screen; where no push service is reached the app says so and goes on."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from sync.couch import Couch
from tests.browsers import Phone, picture, wait_for
from tests.e2e.test_main_flow import MOBILE, photograph_phone
from tests.running import RunningSystem, until

pytestmark = pytest.mark.e2e
SHOWN = """async () => {
  const registration = await navigator.serviceWorker.ready;
  return (await registration.getNotifications()).map(({title, data, tag}) => [title, data.path, tag]);
}"""


def deliver(phone: Phone, message: dict[str, str]) -> None:
    """What the browser does with a message of its push service."""
    session = phone.context.new_cdp_session(phone.page)
    registrations: list[str] = []
    session.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda told: registrations.extend(one["registrationId"] for one in told["registrations"]),
    )
    session.send("ServiceWorker.enable")
    until(lambda: registrations or phone.page.evaluate("0"), "the worker's registration")
    data = {"origin": phone.system.url, "registrationId": registrations[0], "data": json.dumps(message)}
    session.send("ServiceWorker.deliverPushMessage", data)


def test_a_message_is_shown_in_the_phones_language_and_leads_to_its_page(
    system: RunningSystem, playwright: Playwright, tmp_path: Path
) -> None:
    phone = Phone(playwright, tmp_path / "worker", system, **MOBILE, permissions=["notifications"])
    phone.enrol("worker1")
    deliver(phone, {"what": "task", "title": "你有新任务", "path": "/m/tasks/task:1"})
    until(lambda: phone.page.evaluate(SHOWN) == [["你有新任务", "/m/tasks/task:1", "xunge"]], "the notification")
    deliver(phone, {"what": "something new", "title": "新消息", "path": "/m/"})
    until(lambda: phone.page.evaluate(SHOWN) == [["新消息", "/m/", "xunge"]], "one line, the newest")
    phone.context.close()


def test_where_no_push_service_is_reached_the_switch_says_so_and_all_goes_on(
    system: RunningSystem, playwright: Playwright, tmp_path: Path
) -> None:
    phone = Phone(playwright, tmp_path / "other", system, **MOBILE, permissions=["notifications"])
    phone.enrol("worker2")
    until(lambda: "data-push=" in phone.page.evaluate("fetch('/m/me').then(answer => answer.text())"), "the server's key")
    phone.open("/m/me")
    phone.page.wait_for_selector("[data-push]:not([hidden])")
    assert "未开启" in phone.page.inner_text("[data-push-says]")
    for language in ("en", "zh-CN"):
        photograph_phone(phone, language, phone_me_push="/m/me")
    phone.open("/m/me")
    phone.page.click("[data-push-switch]")
    phone.page.wait_for_selector("[data-push-switch]:not(:disabled)", timeout=40_000)
    wait_for(phone.page, "/现在无法开启/.test(document.querySelector('[data-push-says]').innerText)")
    picture(phone.page, "phone-push-failed-zh-CN", full_page=True)
    devices = Couch(system.store_url()).database("devices").range("device:", "device:\ufff0", 100)
    assert not [device for device in devices if device.get("push")]
    phone.open("/m/")
    assert re.search("今日", phone.page.inner_text("h1"))
    phone.context.close()
