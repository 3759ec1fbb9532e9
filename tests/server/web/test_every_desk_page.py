"""Every page of the desk looked at in real Chromium, its forms open, in both languages: WCAG 2.2 AA by axe.

What the pages say is tested where they are; the phone's pages are looked at in `tests/pwa/pages/test_every_page.py`.
"""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import redis
from playwright.sync_api import Page, sync_playwright

from server.cases.callers import Caller
from server.households import indexing
from server.people import accounts
from sync.databases import home_db
from tests.browsers import DESK, start_chromium
from tests.conftest import GRID_A, ROOT
from tests.records import new_id
from tests.server.domain.test_merge import version
from tests.server.web.site import PASSWORD, TOWNSHIP, Site, make_people, running_site
from tests.server.web.test_whistles import typed

pytestmark = pytest.mark.e2e
SCRIPTS = (ROOT / "pwa/node_modules/axe-core/axe.min.js", ROOT / "tests/pwa/pages/looking.js")
# Opens everything that opens; forms of a case close each other, unless they are told not to.
OPEN = """() => document.querySelectorAll('main details').forEach((one) => { one.removeAttribute('name'); one.open = true; })"""
# Sends a form as it is, so that the server says what is wrong with it.
REFUSE = "(css) => { const form = document.querySelector(css); form.noValidate = true; form.requestSubmit(); }"
# One left edge for all pages, chips as wide as their words, the clerk's own name whole.
STANDS_OUT = """() => {
  const all = (css) => [...document.querySelectorAll(css)];
  const which = (css, isWrong) => all(css).filter(isWrong).map((one) => `stands out: ${one.outerHTML}`);
  return [
    ...which('main h1', (one) => one.getBoundingClientRect().x !== 20),
    ...which('.chip', (one) => one.offsetWidth > 480),
    ...which('.bar .who', (one) => one.scrollWidth > one.clientWidth),
  ];
}"""
ADMIN = ("/calendar", "/sources", "/channels", "/lists/units", "/lists/changes", "/quarantine", "/audit")
REFUSED = {"/campaigns": ".campaign-form", "/whistles": ".stack", f"/township/{TOWNSHIP}/intake": ".lists-form"}


@pytest.fixture(scope="module")
def site(own_store: str, broker_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with the real front end, as `make build` left it, and a little of everything in it."""
    redis.Redis.from_url(broker_url).flushall()
    with running_site(own_store, broker_url, tmp_path_factory.mktemp("site"), ROOT / "pwa" / "dist") as found:
        make_people(found.couch)
        accounts.save_all(found.couch, [accounts.make("root", ["admin"], {"zh-CN": "管理员", "en": "Administrator"}, PASSWORD)])
        found.couch.create("ref", replicated=True)
        units = [{"_id": f"unit:{key}", "type": "unit", "name": {"zh-CN": key, "en": key}} for key in ("fire", "market")]
        grid = {"_id": f"grid:{GRID_A}", "type": "grid", "code": GRID_A, "name": {"zh-CN": "第1网格", "en": "Grid 1"}}
        township = {"_id": f"township:{TOWNSHIP}", "type": "township", "code": TOWNSHIP, "name": "北京西路街道"}
        found.couch.database("ref").bulk([*units, grid, township])
        yield found


def paths(site: Site) -> list[str]:
    """What triage may open, each page with something on it."""
    case = site.make_case(caller=Caller("王建国", "13812345678"), text="路灯不亮")
    home = version(contact_name="李奶奶", needs=["hardship"]) | {"_id": new_id("household")}
    site.couch.create(home_db(GRID_A), replicated=True)
    site.couch.database(home_db(GRID_A)).put(home)
    indexing.run(site.couch, home_db(GRID_A))
    with site.visit("triage1") as client:
        whistle: httpx.Response = client.post("/whistles", data=typed())
    whole = ["/turn", "/handdowns", "/notices", "/audit", "/requests", "/households", "/households/errands", *REFUSED]
    own = [f"/township/{TOWNSHIP}{rest}" for rest in ("", "/coverage", "/quarantine")]
    return [*whole, *own, f"/cases/{case['_id']}", whistle.headers["location"], f"/households/{GRID_A}/{home['_id']}"]


def sit_down(page: Page, site: Site, name: str) -> None:
    page.context.clear_cookies()
    page.goto(site.url)
    page.fill("#username", name)
    page.fill("#password", PASSWORD)
    page.click("form button.primary")
    page.wait_for_selector("header.bar")


def looked_at(page: Page) -> list[str]:
    page.evaluate(OPEN)
    for script in SCRIPTS:
        page.add_script_tag(content=script.read_text(encoding="utf-8"))
    found: list[str] = [*page.evaluate("askAxe()"), *page.evaluate(STANDS_OUT)]
    return found


def test_every_page_of_the_desk_can_be_read_and_worked_by_everybody(site: Site, tmp_path: Path) -> None:
    pages = {"triage1": paths(site), "root": ADMIN}
    wrong = []
    with sync_playwright() as playwright:
        browser = start_chromium(playwright)
        page = browser.new_context(viewport=DESK, reduced_motion="reduce", bypass_csp=True).new_page()
        for name, mine in pages.items():
            sit_down(page, site, name)
            for path in mine:
                for language in ("en", "zh-CN"):
                    answer = page.goto(f"{site.url}{path}?lang={language}")
                    assert answer is not None and answer.status == 200, path
                    wrong += [f"{path} {language}: {one}" for one in looked_at(page)]
                if path in REFUSED:
                    with page.expect_navigation():
                        page.evaluate(REFUSE, REFUSED[path])
                    assert page.locator("[aria-invalid]").count(), path
                    wrong += [f"{path} refused: {one}" for one in looked_at(page)]
        browser.close()
    assert not wrong, "\n".join(wrong)
