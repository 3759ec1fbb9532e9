"""A case at five desks in real Chromium on a whole running system: township, unit, community, district, city; with pictures.

The pictures (`tests/screenshots/desk-*.png`) are for people to judge the pages by: full lists, empty ones, forms, a request,
photos before and after.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, Playwright

from server.cases import store
from server.domain import times, workflow
from sync.couch import Couch
from sync.databases import grid_db, quarter_at
from tests.browsers import DESK, HOLD_BACK, NOTHING_TYPED, PATIENCE_S, picture, sign_in, start_chromium, wait_for
from tests.media.photographs import camera_jpeg
from tests.records import report, with_rev
from tests.running import RunningSystem, until

pytestmark = pytest.mark.e2e
GRID = "640105002001001"
SPOT = {"lat": 38.5455, "lon": 106.159, "accuracy_m": 8.0, "datum": "WGS84", "address": None, "compound": None}
TEXTS = {
    "1401": "同心北街菜市场门口占道经营，摊位延伸到盲道上，行人只能走机动车道，早晚高峰尤其严重",
    "0103": "路灯不亮",
    "3102": "楼道堆满纸箱",
    "1102": "空地倾倒渣土",
}


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    started = start_chromium(playwright)
    yield started
    started.close()


def make_cases(system: RunningSystem, number: int) -> list[str]:
    """Cases of the first community, a few minutes apart, the newest first."""
    couch, made = Couch(system.store_url()), []
    for n in range(number):
        at = datetime.now(UTC) - timedelta(minutes=7 * (number - n))
        # Far enough from each other not to be taken for one and the same thing.
        place = {**SPOT, "lat": SPOT["lat"] + n * 0.002, "address": f"同心北街{n + 1}号"}
        code, text = list(TEXTS.items())[n % len(TEXTS)]
        doc = with_rev(report(GRID, at=at - timedelta(minutes=3), category=code, text=f"{text}（{n + 1}号门）", place=place))
        event = workflow.reported_event(doc, grid_db(GRID, quarter_at(at)), times.to_text(at), [])
        store.create(couch, GRID[:9], [event], at)
        made.insert(0, event["case"])
    return made


def sit_down(browser: Browser, system: RunningSystem, name: str) -> Page:
    """Somebody's browser, signed in, on the page where their work begins."""
    page = browser.new_context(viewport=DESK, locale="zh-CN", timezone_id="Asia/Shanghai").new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    sign_in(page, system, name)
    return page


def photograph(page: Page, system: RunningSystem, path: str, name: str) -> None:
    """A page in both languages, the Chinese one last."""
    for language in ("en", "zh-CN"):
        page.goto(f"{system.url}{path}{'&' if '?' in path else '?'}lang={language}")
        picture(page, f"{name}-{language}", full_page=True)


def move(page: Page, name: str, state: str, **typed: str) -> None:
    """Opens a move's form by its button, fills it in and sends it; waits for the state."""
    page.reload()
    form = page.locator(f"form.move.{name}")
    if not form.is_visible():
        page.click(".more-moves > summary")
    if form.locator("details").count():
        form.locator("details > summary").first.click()
    for field, value in typed.items():
        one = form.locator(f"[name={field}]")
        if field == "files":
            one.set_input_files(value)
        elif one.evaluate("element => element.tagName") == "SELECT":
            one.select_option(value)
        else:
            one.fill(value)
    with page.expect_response(lambda answer: answer.url.endswith("/moves")) as sent:
        form.locator("button.submit").click()
    shown = re.sub(r"<[^>]+>|\s+", " ", sent.value.text().partition('role="alert"')[2][:600])
    assert sent.value.status == 200, (name, sent.value.status, shown)
    page.wait_for_selector(f".chip.state.{state}")
    page.wait_for_selector("#moves .done")
    assert not page.locator("[data-stale]").is_visible()


# A choice that can be read and hit.
WHOLE = "(one) => one.offsetHeight >= 24 && one.scrollWidth <= one.clientWidth"


def test_a_case_at_five_desks(browser: Browser, system: RunningSystem, tmp_path: Path) -> None:
    cases = make_cases(system, 60)
    path = f"/cases/{cases[-1]}"
    before, after = (str(camera_jpeg(tmp_path / f"{name}.jpg", width=800, height=600, text=name)) for name in ("before", "after"))
    triage = sit_down(browser, system, "triage1")
    photograph(triage, system, "/turn", "desk-turn-empty")
    photograph(triage, system, "/township/640105002", "desk-township")
    triage.goto(system.url + path)
    move(triage, "accept", "accepted")
    triage.click("form.move.dispatch summary")
    triage.evaluate("document.querySelector('form.move.dispatch .boxes').open = true")
    assert triage.locator(".box-list label").count() > 3
    assert triage.evaluate("[...document.querySelectorAll('.box-list label')].every(isWhole)".replace("isWhole", WHOLE))
    picture(triage, "desk-dispatch-zh-CN", full_page=True)
    triage.click("form.move.dispatch summary")
    move(triage, "dispatch", "dispatched", unit="unit:enforcement", entry="", reason="占道经营由执法队办理")
    move(triage, "remark", "dispatched", text="现场照片", files=before)

    dept = sit_down(browser, system, "dept1")
    photograph(dept, system, "/turn", "desk-unit-turn")
    photograph(dept, system, "/unit", "desk-unit")
    dept.goto(system.url + path)
    move(dept, "start", "in_hand")
    move(dept, "ask", "in_hand", what="extension", reason="需联系机械清运，周末无法进场", amount="2", amount_unit="working_days")
    photograph(triage, system, "/turn", "desk-turn")
    photograph(triage, system, path, "desk-case-request")
    move(triage, "grant", "in_hand")
    dept.goto(system.url + path)
    move(dept, "answer", "answered", result="已清运完毕，摊位退回店内", files=after)
    until(lambda: _is_sized(system, dept), "the photo's sizes")
    photograph(triage, system, path, "desk-case-answered")
    move(triage, "close", "closed", result="照片核对属实，已办结")
    assert triage.locator(".gallery img").count() == 1

    community = sit_down(browser, system, "community1")
    photograph(community, system, "/turn", "desk-community-turn")
    rising = f"/cases/{cases[0]}"
    triage.goto(system.url + rising)
    move(triage, "escalate", "escalated", reason="跨镇街协调")
    district = sit_down(browser, system, "district1")
    photograph(district, system, "/district/640105", "desk-district")
    district.goto(system.url + rising)
    move(district, "accept", "accepted")
    move(district, "escalate", "escalated", reason="跨区协调")
    city = sit_down(browser, system, "city1")
    assert city.locator("tr.row").count() == 1
    city.goto(system.url + rising)
    move(city, "accept", "accepted")


def _is_sized(system: RunningSystem, page: Page) -> bool:
    """True when every photo on the page has the size that is shown."""
    page.reload()
    found = [image.get_attribute("src") or "" for image in page.locator(".gallery img").all()]
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    return all(requests.get(system.url + src, cookies=cookies, timeout=10).status_code == 200 for src in found)


# `told` is the version that the page heard of last.
HEARS_NEWS = """
  const Source = window.EventSource;
  window.EventSource = class extends Source {
    constructor(url) {
      super(url);
      this.addEventListener('message', ({data}) => { window.told = JSON.parse(data).version; });
    }
  };
"""


def test_news_of_ones_own_move_never_stand_in_the_way_of_its_answer(browser: Browser, system: RunningSystem) -> None:
    path = f"/cases/{make_cases(system, 1)[0]}"
    page = sit_down(browser, system, "triage1")
    page.add_init_script(HEARS_NEWS)
    page.goto(system.url + path)
    page.evaluate(HOLD_BACK, r"/moves\n")
    page.keyboard.press("e")
    page.fill("form.move.escalate textarea", "跨镇街协调")
    page.click("form.move.escalate button.submit")
    page.wait_for_function("() => window.told && window.told !== document.getElementById('case').dataset.version")
    page.evaluate("() => window.letGo()")
    page.wait_for_selector("#moves .done")
    assert not page.locator("[data-stale]").is_visible()
    assert page.locator("form.move.escalate").count() == 0


REFRESH = "() => { document.getElementById('cases').dispatchEvent(new CustomEvent('refresh')); }"
REFRESHED = """() => new Promise((resolve) => {
  document.addEventListener('htmx:finally:request', () => resolve(true), {once: true});
  document.getElementById('cases').dispatchEvent(new CustomEvent('refresh'));
})"""


def test_a_refresh_that_is_under_way_never_shows_over_what_a_clerk_looks_for(browser: Browser, system: RunningSystem) -> None:
    make_cases(system, 3)
    page = sit_down(browser, system, "triage1")
    page.goto(f"{system.url}/township/640105002")
    page.wait_for_selector("tr.row")
    page.evaluate(HOLD_BACK, NOTHING_TYPED)
    page.evaluate(REFRESH)
    until(lambda: page.evaluate("window.held"), "a refresh that waits")
    page.fill("#q", "没有这样的事")
    page.wait_for_function("() => !document.querySelector('tr.row')")
    page.evaluate("() => window.letGo()")
    for _ in range(2):
        page.evaluate(REFRESHED)
        assert page.locator("tr.row").count() == 0
        assert page.input_value("#q") == "没有这样的事"
    page.fill("#q", "")
    page.wait_for_selector("tr.row")


def test_a_lists_head_stays_in_sight_below_a_bar_of_two_lines(browser: Browser, system: RunningSystem) -> None:
    make_cases(system, 30)
    triage = sit_down(browser, system, "triage1")
    triage.set_viewport_size({"width": 1100, "height": 700})
    triage.goto(f"{system.url}/township/640105002?lang=en")
    triage.evaluate("scrollTo(0, 500)")
    edge = "(css, side) => document.querySelector(css).getBoundingClientRect()[side]"
    bar, head = (f"({edge})('{css}', '{side}')" for css, side in ((".bar", "bottom"), (".list-head", "top")))
    wait_for(triage, f"{bar} > 52 && scrollY === 500 && Math.abs({head} - {bar}) < 1")
