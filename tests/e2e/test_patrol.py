"""A patrol without network: its way is kept point by point, through a pocket and a kill; its author trims it; then it goes where
it belongs. And a phone without a patrol asks nothing of its receiver and lets no timer run."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright, expect

from sync.couch import Couch
from tests.browsers import REDRAW, Phone, picture, wait_for
from tests.e2e.test_main_flow import MOBILE, photograph_phone
from tests.running import RunningSystem, until

pytestmark = pytest.mark.e2e

START = (38.5455, 106.1590)
STEP = 0.0006  # 67 m
ALLOWED = {**MOBILE, "permissions": ["geolocation"], "geolocation": {"latitude": START[0], "longitude": START[1], "accuracy": 12}}
# Counts what a page asks of receiver, clock and screen; the page's own waits of 20 s and more are shortened.
WATCHED = """
const timers = new Set(), of = name => window[name].bind(window);
const real = {set: of("setTimeout"), clear: of("clearTimeout"), every: of("setInterval")};
window.seen = {asked: 0, watching: new Set(), timers, intervals: 0, locks: 0};
window.setTimeout = (work, wait_ms, ...rest) => {
  const id = real.set(() => { timers.delete(id); work(...rest); }, wait_ms >= 20000 && wait_ms <= 90000 ? 300 : wait_ms);
  // The lock's timer, minutes from now and once, keeps no phone awake.
  if (wait_ms < 240000) timers.add(id);
  return id;
};
window.clearTimeout = id => { timers.delete(id); real.clear(id); };
window.setInterval = (...given) => { seen.intervals += 1; return real.every(...given); };
const place = navigator.geolocation, watch = place.watchPosition.bind(place), stop = place.clearWatch.bind(place);
place.watchPosition = (...given) => { const id = watch(...given); seen.asked += 1; seen.watching.add(id); return id; };
place.clearWatch = id => { seen.watching.delete(id); stop(id); };
const lock = {released: false, release: async () => { seen.locks -= 1; }};
if (navigator.wakeLock) navigator.wakeLock.request = async () => { seen.locks += 1; return lock; };
let hidden = false;
Object.defineProperty(document, 'hidden', {get: () => hidden});
window.pocket = is => { hidden = is; document.dispatchEvent(new Event('visibilitychange')); };
"""
AT_REST = "seen.watching.size === 0 && seen.timers.size === 0 && seen.intervals === 0"
POINTS = """async () => {
  const name = (await indexedDB.databases()).map(one => one.name).find(name => name.startsWith('xunge-own-'));
  const db = await new Promise(done => { const asked = indexedDB.open(name); asked.onsuccess = () => done(asked.result); });
  const asked = db.transaction('state').objectStore('state').getAll(IDBKeyRange.bound('track:', 'track;'));
  const found = await new Promise(done => { asked.onsuccess = () => done(asked.result); });
  db.close();
  return found;
}"""


def watch(phone: Phone) -> None:
    """From the next page on, what it asks of the device is counted."""
    phone.context.add_init_script(WATCHED)


def step(phone: Phone, n: float) -> None:
    """Where the phone is after so many steps: north-east, with a bend."""
    longitude = START[1] + (n if n < 6 else 12 - n) * STEP
    phone.context.set_geolocation({"latitude": START[0] + n * STEP, "longitude": longitude, "accuracy": 12})


def walk(phone: Phone, first: int, last: int) -> None:
    """Walks north step by step; each step is on the phone's disk before the next."""
    for n in range(first, last):
        step(phone, n)
        latitude = round(START[0] + n * STEP, 5)
        wait_for(phone.page, f"({POINTS})().then(all => all.some(([, lat]) => Math.abs(lat - {latitude}) < 1e-6))")


PASS = """async minutes => {
  const name = (await indexedDB.databases()).map(one => one.name).find(name => name.startsWith('xunge-own-'));
  const db = await new Promise(done => { const asked = indexedDB.open(name); asked.onsuccess = () => done(asked.result); });
  const state = db.transaction('state', 'readwrite').objectStore('state');
  const patrol = await new Promise(done => { const asked = state.get('patrol'); asked.onsuccess = () => done(asked.result); });
  const started_at = new Date(Date.parse(patrol.started_at) - minutes * 60000).toISOString();
  await new Promise(done => { state.put({...patrol, started_at}, 'patrol').onsuccess = done; });
  db.close();
}"""


def let_pass(phone: Phone, minutes: int) -> None:
    """As if so many minutes had gone by: the patrol began that much earlier, and its next points are that much later."""
    phone.page.evaluate(PASS, minutes)


def stored(system: RunningSystem, prefix: str, type_: str) -> list[dict[str, Any]]:
    couch = Couch(system.store_url())
    names = [name for name in couch.all_databases() if name.startswith(prefix)]
    docs = [row["doc"] | {"_database": name} for name in names for row in couch.database(name).changes(None, 1000).results]
    return [doc for doc in docs if doc.get("type") == type_]


def test_a_patrol_survives_pocket_and_kill_and_only_what_is_kept_of_its_way_is_sent(
    system: RunningSystem, playwright: Playwright, tmp_path: Path
) -> None:
    phone = Phone(playwright, tmp_path / "worker", system, **ALLOWED)
    phone.enrol("worker1")
    until(lambda: phone.page.evaluate("indexedDB.databases().then(all => all.length > 4)"), "the first load")
    phone.context.set_offline(True)
    watch(phone)
    phone.open("/m/")
    wait_for(phone.page, AT_REST)
    assert phone.page.evaluate("seen.asked") == 0
    kept = patrol_with_interruptions(phone)
    says_when_nothing_is_recorded(phone)
    phone.page.click("#patrol button.stop")
    phone.page.click("form[action$='/resume'] button")  # a tap too early
    expect(phone.page.locator("[data-walk]")).to_have_accessible_name("正在巡查，正在记录位置")
    phone.page.click("#patrol button.stop")
    phone.page.wait_for_selector("#sketch polyline")
    wait_for(phone.page, f"seen.locks === 0 && {AT_REST}")
    assert stored(system, "track-", "track") == stored(system, "grid-", "patrol") == []
    picture(phone.page, "phone-track-zh-CN", full_page=True)
    track = phone.page.url.removeprefix(system.url)
    photograph_phone(phone, "en", phone_track=track)
    trim_and_send(phone, track)

    phone.context.set_offline(False)
    until(lambda: stored(system, "track-", "track") and stored(system, "grid-", "patrol"), "track and patrol", 60)
    [sent], [patrol] = stored(system, "track-", "track"), stored(system, "grid-640105002001001", "patrol")
    assert sent["_database"].startswith("track-worker1-") and sent["patrol"] == patrol["_id"]
    assert 0 < len(sent["points"]) < kept
    steps = {round((lat - START[0]) / STEP) for _, lat, _, _ in sent["points"]}
    assert {6, 7, 8, 9, 10, 11} <= steps and not steps & {0, 1, 2, 3}
    assert not [t_s for t_s, *_ in sent["points"] if t_s < 300 or 600 <= t_s < 900]
    assert len(patrol["gaps"]) == 2 and patrol["cells"] and "points" not in patrol
    phone.context.close()


def patrol_with_interruptions(phone: Phone) -> int:
    """Forty minutes of a patrol: over two pages, through a pocket, through a kill; how many points there are."""
    phone.page.click("#patrol button[type=submit]")
    phone.page.wait_for_selector("[data-walk]")
    walk(phone, 0, 4)
    phone.page.click('.bar a[href="/m/cases"]')  # any page of the app will do
    let_pass(phone, 10)
    walk(phone, 4, 6)

    phone.page.evaluate("pocket(true)")
    wait_for(phone.page, AT_REST)
    before = phone.page.evaluate("seen.asked")
    step(phone, 100)
    assert phone.page.evaluate("seen.asked") == before
    step(phone, 6)
    let_pass(phone, 10)
    phone.page.evaluate("pocket(false)")
    walk(phone, 6, 8)

    phone.kill()
    phone.context.set_offline(True)
    step(phone, 8)
    watch(phone)
    phone.open("/m/")
    assert "正在巡查" in phone.page.inner_text("#patrol")
    let_pass(phone, 20)
    walk(phone, 8, 12)
    phone.page.click("[data-wake]")
    wait_for(phone.page, "seen.locks === 1")
    picture(phone.page, "phone-patrol-running-zh-CN", full_page=True)
    return len(phone.page.evaluate(POINTS))


def says_when_nothing_is_recorded(phone: Phone) -> None:
    """No place to be found, then no permission: both are said for as long as they last, on every page, and no longer."""
    page = phone.page
    mark, denied, lost = (page.locator(part) for part in ("[data-walk]", "[data-walk-says=denied]", "[data-walk-says=lost]"))
    expect(mark).to_have_accessible_name("正在巡查，正在记录位置")
    phone.context.set_geolocation(None)
    expect(lost).to_be_visible()
    picture(page, "phone-patrol-lost-zh-CN", full_page=True)
    phone.context.clear_permissions()
    expect(denied).to_be_visible()
    expect(lost).to_be_hidden()
    page.evaluate(REDRAW)
    expect(denied).to_be_visible()
    phone.open("/m/")
    expect(denied).to_be_visible()
    picture(page, "phone-patrol-denied-zh-CN", full_page=True)
    page.click('.bar a[href="/m/cases"]')
    page.wait_for_selector(".bar a[href='/m/cases'][aria-current]")
    expect(mark).to_have_accessible_name("正在巡查，没有定位权限，不在记录位置")
    wait_for(page, AT_REST)
    step(phone, 12)
    phone.context.grant_permissions(["geolocation"])
    expect(mark).to_have_accessible_name("正在巡查，正在记录位置")
    page.click('.bar a[href="/m/"]')
    page.wait_for_selector("#patrol")
    expect(denied).to_be_hidden()


def trim_and_send(phone: Phone, track: str) -> None:
    """Cuts the first five minutes off by the slider and taps one stretch out; the rest goes."""
    phone.open(track)
    count = phone.page.inner_text("#sketch p")
    phone.page.evaluate(
        "() => { const part = document.querySelector('#from'); part.value = 5;"
        " part.dispatchEvent(new Event('change', {bubbles: true})); }"
    )
    wait_for(phone.page, "text => document.querySelector('#sketch p').innerText !== text", count)
    count = phone.page.inner_text("#sketch p")
    phone.page.click("label:has([name=out-2])")
    wait_for(phone.page, "text => document.querySelector('#sketch p').innerText !== text", count)
    picture(phone.page, "phone-track-trimmed-zh-CN", full_page=True)
    phone.page.once("dialog", lambda dialog: dialog.dismiss())
    with phone.page.expect_event("dialog") as asked:
        phone.page.click("button[value=no]")
    assert asked.value.message == "不上交轨迹？轨迹会从手机上删除，不能找回。"
    phone.page.click("button[value=yes]")
    phone.page.wait_for_selector(".steps")
