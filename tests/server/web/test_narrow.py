"""Desk pages on a phone, in real Chromium: the bar is one line, its menu opens and closes, nothing scrolls sideways.

Departments and whoever signs in on the spot use phones. What the pages say is tested where they are.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from playwright.sync_api import Browser, Page, sync_playwright

from server.people import accounts
from tests.browsers import start_chromium
from tests.conftest import ROOT
from tests.server.web.site import PASSWORD, TOWNSHIP, Site, make_people, running_site

pytestmark = pytest.mark.e2e
NARROW = {"width": 360, "height": 740}
LONG = "同心北街菜市场门口占道经营，摊位延伸到盲道上，行人只能走机动车道，早晚高峰尤其严重" * 3
PAGES = {
    "triage1": ("/desk", f"/township/{TOWNSHIP}", "/whistles", "/lists", "/audit", "/handdowns", "/notices", "/quarantine"),
    "dept1": ("/desk", "/whistles", "/handdowns", "/notices"),
}


@pytest.fixture(scope="module")
def site(own_store: str, broker_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with the real front end, as `make build` left it."""
    redis.Redis.from_url(broker_url).flushall()
    with running_site(own_store, broker_url, tmp_path_factory.mktemp("site"), ROOT / "pwa" / "dist") as found:
        make_people(found.couch)
        name = {"zh-CN": "综合执法队", "en": "Enforcement team"}
        accounts.save_all(found.couch, [accounts.make("dept1", ["department"], name, PASSWORD, units=["unit:enforcement"])])
        found.make_case(text=LONG)
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = start_chromium(playwright)
        yield started
        started.close()


def sign_in(browser: Browser, site: Site, name: str, language: str) -> Page:
    page = browser.new_context(viewport=NARROW, locale=language, has_touch=True, is_mobile=True).new_page()
    page.set_default_timeout(30_000)
    page.goto(site.url)
    page.fill("#username", name)
    page.fill("#password", PASSWORD)
    page.click("form button.primary")
    page.wait_for_selector("header.bar")
    return page


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_the_bar_is_one_line_and_opens_a_menu_on_a_phone(
    browser: Browser, site: Site, name: str, language: str, tmp_path: Path
) -> None:
    page = sign_in(browser, site, name, language)
    for path in PAGES[name]:
        page.goto(f"{site.url}{path}")
        bar = page.locator("header.bar")
        assert (bar.bounding_box() or {})["height"] <= 56, path
        assert not page.locator(".ways").is_visible(), path
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], path
    page.screenshot(path=tmp_path / "closed.png")
    page.tap(".menu summary")
    for link in page.locator(".ways .to").all():
        assert (link.bounding_box() or {})["height"] >= 44
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    page.screenshot(path=tmp_path / "open.png")
    page.tap(".menu summary")
    assert not page.locator(".ways").is_visible()
    page.context.close()


def test_a_case_is_read_without_scrolling_sideways(browser: Browser, site: Site, tmp_path: Path) -> None:
    page = sign_in(browser, site, "triage1", "en")
    page.goto(f"{site.url}/township/{TOWNSHIP}?phase=accept")
    page.screenshot(path=tmp_path / "list.png")
    where, state = page.locator(".row .c-where").bounding_box() or {}, page.locator(".row .c-state").bounding_box() or {}
    assert where["y"] > state["y"], "one below the other"
    page.tap(".row .open")
    page.wait_for_selector(".facts")
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    facts = [found.bounding_box() or {} for found in page.locator(".facts dd").all()]
    assert len(facts) > 3
    assert all(box["x"] + box["width"] <= NARROW["width"] for box in facts)
    page.screenshot(path=tmp_path / "case.png", full_page=True)
    page.context.close()
