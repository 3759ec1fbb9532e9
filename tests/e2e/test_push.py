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
from tests.server.push.push_service import Subscriber

pytestmark = pytest.mark.e2e
SHOWN = """async () => {
  const registration = await navigator.serviceWorker.ready;
  return (await registration.getNotifications()).map(({title, data, tag}) => [title, data.path, tag]);
}"""
# How many lines the worker has put on the screen. Chromium forgets one that it is asked for while it is still putting it there.
COUNT_SHOWN = """() => {
  if (self.shown === undefined) {
    self.shown = 0;
    const show = registration.showNotification.bind(registration);
    registration.showNotification = (...given) => show(...given).then(() => { self.shown += 1; });
  }
  return self.shown;
}"""
TAP = """async () => {
  const [notification] = await registration.getNotifications();
  self.dispatchEvent(new NotificationEvent("notificationclick", {notification}));
}"""
# A browser whose push service has subscribed it, and will not do so again.
SUBSCRIBED = """body => {
  let held = {endpoint: body.endpoint, toJSON: () => body, unsubscribe: async () => { held = null; return true; }};
  PushManager.prototype.getSubscription = async () => held;
  PushManager.prototype.subscribe = () => new Promise((_, reject) => { window.giveUp = () => reject(new Error("no service")); });
}"""


def deliver(phone: Phone, message: dict[str, str]) -> None:
    """What the browser does with a message of its push service, until the worker has shown it."""
    session = phone.context.new_cdp_session(phone.page)
    registrations: list[str] = []
    session.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda told: registrations.extend(one["registrationId"] for one in told["registrations"]),
    )
    session.send("ServiceWorker.enable")
    until(lambda: registrations or phone.page.evaluate("0"), "the worker's registration")
    data = {"origin": phone.system.url, "registrationId": registrations[0], "data": json.dumps(message)}
    worker = phone.worker()
    before = worker.evaluate(COUNT_SHOWN)
    session.send("ServiceWorker.deliverPushMessage", data)
    until(lambda: worker.evaluate(COUNT_SHOWN) > before, "the worker's line on the screen")


def test_a_message_is_shown_in_the_phones_language_and_leads_to_its_page(
    system: RunningSystem, playwright: Playwright, tmp_path: Path
) -> None:
    phone = Phone(playwright, tmp_path / "worker", system, **MOBILE, permissions=["notifications"])
    phone.enrol("worker1")
    deliver(phone, {"what": "task", "title": "你有新任务", "path": "/m/tasks/task:1"})
    until(lambda: phone.page.evaluate(SHOWN) == [["你有新任务", "/m/tasks/task:1", "xunge"]], "the notification")
    deliver(phone, {"what": "something new", "title": "新消息", "path": "/m/"})
    until(lambda: phone.page.evaluate(SHOWN) == [["新消息", "/m/", "xunge"]], "one line, the newest")

    page = phone.page
    deliver(phone, {"what": "task", "title": "你有新任务", "path": "/m/cases"})
    until(lambda: phone.page.evaluate(SHOWN) == [["你有新任务", "/m/cases", "xunge"]], "the next")
    page.click(".bar a[href='/m/me']")
    page.wait_for_selector(".bar [href='/m/me'][aria-current]")
    tap(phone)
    page.wait_for_selector(".bar [href='/m/cases'][aria-current]")

    deliver(phone, {"what": "task", "title": "你有新任务", "path": "/m/cases"})
    until(lambda: phone.page.evaluate(SHOWN) == [["你有新任务", "/m/cases", "xunge"]], "another")
    page.click(".bar a[href='/m/report']")
    page.fill("#text", "写到一半")
    tap(phone)
    page.wait_for_selector("#called:has-text('你有新任务 · 打开')")
    assert page.input_value("#text") == "写到一半"
    page.locator("#text").scroll_into_view_if_needed()
    picture(page, "phone-push-called-zh-CN")
    page.wait_for_selector("form[data-draft=kept]")
    page.click("#called a")
    page.wait_for_selector(".bar [href='/m/cases'][aria-current]")
    phone.context.close()


def tap(phone: Phone) -> None:
    """What the browser does when the line on the screen is tapped."""
    phone.worker().evaluate(TAP)


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
    wait_for(phone.page, "/现在无法开启/.test(document.querySelector('[data-push-says]').innerText)")
    picture(phone.page, "phone-push-failed-zh-CN", full_page=True)
    assert subscribed(system) == []
    the_server_is_told_what_the_browser_holds(phone, system)
    phone.open("/m/")
    assert re.search("今日", phone.page.inner_text("h1"))
    phone.context.close()


def the_server_is_told_what_the_browser_holds(phone: Phone, system: RunningSystem) -> None:
    """A subscription that the server has lost is told it again, or counts for nothing; the button says what it does."""
    page, line, button = phone.page, "[data-push-says]", "[data-push-switch]"
    page.evaluate(SUBSCRIBED, Subscriber().body)
    phone.context.set_offline(True)
    arrive_on_me(phone)
    page.wait_for_selector(f"{line}:has-text('未开启')")
    assert page.inner_text(button).strip() == "开启"
    phone.context.set_offline(False)
    arrive_on_me(phone)
    page.wait_for_selector(f"{line}:has-text('已开启')")
    assert page.inner_text(button).strip() == "关闭"
    assert subscribed(system) == [Subscriber().endpoint]
    picture(page, "phone-push-on-zh-CN")
    page.click(button)
    page.wait_for_selector(f"{line}:has-text('未开启')")
    assert subscribed(system) == []
    page.click(button)
    page.wait_for_selector(f"{line}:has-text('正在开启')")
    page.evaluate("() => window.giveUp()")
    page.wait_for_selector(f"{line}:has-text('现在无法开启')")


def arrive_on_me(phone: Phone) -> None:
    """By the bar: what stands in for the browser lasts as long as the page."""
    phone.page.click(".bar a[href='/m/']")
    phone.page.wait_for_selector(".bar [href='/m/'][aria-current]")
    phone.page.click(".bar a[href='/m/me']")
    phone.page.wait_for_selector("[data-push]:not([hidden])")


def subscribed(system: RunningSystem) -> list[str]:
    """Endpoints of the phones that the server pushes to."""
    devices = Couch(system.store_url()).database("devices").range("device:", "device:\ufff0", 100)
    return [device["push"]["endpoint"] for device in devices if device.get("push")]
