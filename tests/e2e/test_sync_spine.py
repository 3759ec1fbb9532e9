"""The phone's side of sync in real Chromium, on a whole running system: what is refused, revoked, shared or moved is not lost.

Forms are posted as the app posts them; how the pages look is for `tests/pwa/`.
"""

import copy
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Playwright

from server.people import accounts
from sync.couch import Couch
from sync.databases import cases_db, grid_db, media_db, quarter_at
from tests.browsers import CATALOGUE_IS_THERE, MAIN_SAYS, PHONE, Phone, open_profile, picture, set_pin, wait_for
from tests.proxies import Front, fronting, holding_back
from tests.running import PASSWORD, ROOT, RunningSystem, until
from tests.sync.gateway.conftest import make_report

pytestmark = pytest.mark.e2e

MOBILE = {"viewport": PHONE, "has_touch": True, "is_mobile": True, "locale": "zh-CN", "timezone_id": "Asia/Shanghai"}
SAVE = """async ({text, photos}) => {
  const page = await (await fetch('/m/report')).text();
  const form = new FormData(new DOMParser().parseFromString(page, 'text/html').querySelector('form'));
  form.set('category', '1101'); form.set('text', text);
  for (let at = 0; at < photos; at += 1) {
    const canvas = new OffscreenCanvas(640, 480);
    canvas.getContext('2d').fillRect(at, 0, 200, 200);
    form.append('photo', new File([await canvas.convertToBlob({type: 'image/jpeg'})], 'a.jpg', {type: 'image/jpeg'}));
  }
  return new URL((await fetch('/m/reports', {method: 'POST', body: form})).url).pathname;
}"""
TOKENS = """() => new Promise((resolve, reject) => {
  const opening = indexedDB.open('xunge-meta');
  opening.onerror = () => reject(opening.error);
  opening.onsuccess = () => {
    const asking = opening.result.transaction('sessions').objectStore('sessions').getAll();
    asking.onsuccess = () => { opening.result.close(); resolve(asking.result.map(({token}) => token)); };
  };
})"""
COUNT = """name => new Promise((resolve) => {
  const opening = indexedDB.open(`_pouch_xunge/${name}`);
  opening.onupgradeneeded = () => opening.transaction.abort();
  opening.onerror = () => resolve(0);
  opening.onsuccess = () => {
    const store = opening.result.transaction('document-store').objectStore('document-store');
    const asking = store.count(IDBKeyRange.bound('report:', 'report:~'));
    asking.onsuccess = () => { opening.result.close(); resolve(asking.result); };
  };
})"""
FIRST_LOAD = 2000
KILLED_LOAD = 24_000
SYNC_NOW = "new BroadcastChannel('xunge').postMessage({type: 'sync-now'})"


@pytest.fixture
def phones(playwright: Playwright, system: RunningSystem, tmp_path: Path) -> Iterator[Any]:
    """Makes enrolled phones, and closes them."""
    made: list[Phone] = []

    def make(username: str, url: str = system.url) -> Phone:
        seen_from = copy.copy(system)
        seen_from.url = url
        phone = Phone(playwright, tmp_path / f"{username}-{len(made)}", seen_from, **MOBILE)
        made.append(phone)
        phone.enrol(username)
        return phone

    yield make
    for phone in made:
        phone.context.close()


def save(phone: Phone, text: str, photos: int = 0) -> str:
    """Saves a report; its page's address."""
    return str(phone.page.evaluate(SAVE, {"text": text, "photos": photos}))


def move_away(phone: Phone, system: RunningSystem, username: str) -> dict[str, Any]:
    """Takes a worker's grids as if they had never been theirs, and waits until every process knows; what was before."""
    couch = couch_of(system)
    person = accounts.find(couch, username)
    accounts.change(couch, username, {"grids": ["640105003001001"], "grid_periods": []})
    [token] = phone.page.evaluate(TOKENS)
    former = f"{system.url}/db/home-{person['grids'][0]}/_changes?limit=1"
    headers = {"Authorization": f"Bearer {token}"}
    until(lambda: requests.get(former, headers=headers, timeout=5).status_code == 403, "the former grid closed")
    return {name: person[name] for name in ("grids", "grids_since", "grid_periods") if name in person}


def couch_of(system: RunningSystem) -> Couch:
    """A connection to the system's store."""
    return Couch(json.loads((system.data / "run.json").read_text())["XUNGE_COUCHDB_URL"])


def texts_of(system: RunningSystem) -> list[str]:
    """The words of every report that lies in a grid's database."""
    couch = couch_of(system)
    names = [name for name in couch.all_databases() if name.startswith("grid-")]
    docs = [doc for name in names for doc in couch.database(name).range("report:", "report:\uffff", 10_000)]
    return [str(doc["text"]) for doc in docs]


def in_quarantine(desk: Any, system: RunningSystem, record: str) -> list[dict[str, Any]]:
    """The clerks' entries about one record."""
    entries: list[dict[str, Any]] = desk.get(f"{system.url}/api/quarantine", timeout=10).json()["entries"]
    return [entry for entry in entries if entry["doc_id"] in record]


def fill_grid(system: RunningSystem, username: str, count: int) -> str:
    """So many reports of somebody else in a worker's first grid; the name of its database."""
    grid = accounts.find(couch_of(system), username)["grids"][0]
    name = grid_db(grid, quarter_at(datetime.now(UTC)))
    couch_of(system).create(name, replicated=True)
    for _ in range(count // 1000):
        docs = [make_report("worker9", "bench", grid=grid) for _ in range(1000)]
        couch_of(system).database(name).bulk(docs, new_edits=False)
    return name


def later_pages(name: str) -> tuple[str, ...]:
    """What a phone asks for behind a database's first page. While it is held the first load runs, however quick the phone."""
    return tuple(f"/db/{name}/_changes?since={digit}" for digit in range(1, 10))


def test_a_record_saved_while_the_first_load_runs_arrives_once(phones: Any, system: RunningSystem) -> None:
    name = fill_grid(system, "worker1", FIRST_LOAD)
    with fronting(system.url) as front:
        front.held = later_pages(name)
        phone = phones("worker1", front.url)
        until(lambda: phone.page.evaluate(COUNT, f"worker1/{name}") > 0, "the first load's first page")
        for number in range(5):
            save(phone, f"首次加载时保存{number}")
        until(lambda: sum("首次加载时保存" in text for text in texts_of(system)) == 5, "five reports at the store", 60)
        assert phone.page.evaluate(COUNT, f"worker1/{name}") < FIRST_LOAD, "the first load still runs"
        front.held = ()
        until(lambda: phone.page.evaluate(COUNT, f"worker1/{name}") == FIRST_LOAD + 5, "everything on the phone", 60)
        wait_for(phone.page, "document.querySelector('header').innerText.includes('已全部送达')")
    assert sorted(text for text in texts_of(system) if "首次加载" in text) == [f"首次加载时保存{number}" for number in range(5)]


def test_a_record_refused_today_and_allowed_tomorrow_arrives(phones: Any, system: RunningSystem) -> None:
    with fronting(system.url) as front:
        phone, _address, held = refused(phones, front, system, "worker2", "网格调整前后")
        assert "网格调整前后" in phone.page.inner_text("main")
        picture(phone.page, "phone-refused-zh-CN", full_page=True)
        assert "网格调整前后" not in texts_of(system)
        accounts.change(couch_of(system), "worker2", held)
        phone.page.evaluate(SYNC_NOW)
        until(lambda: "网格调整前后" in texts_of(system), "the report at the store")
        wait_for(phone.page, "!document.querySelector('main').innerText.includes('没有接收')")


def test_what_a_clerk_decided_is_told_to_its_author(phones: Any, system: RunningSystem) -> None:
    with fronting(system.url) as front:
        phone, address, _held = refused(phones, front, system, "worker3", "别人的网格")
        desk = system.desk("admin")
        [entry] = in_quarantine(desk, system, address)
        dismissal = f"{system.url}/api/quarantine/{entry['id']}/dismissal"
        headers = {"Origin": system.url}
        answer = desk.post(dismissal, json={"reason": "重复上报"}, headers=headers, timeout=10)
        assert answer.ok, answer.text
        phone.page.evaluate(SYNC_NOW)
        wait_for(phone.page, MAIN_SAYS, "街道没有采用这条记录")
        assert "重复上报" in phone.page.inner_text("main")


def refused(phones: Any, front: Front, system: RunningSystem, username: str, text: str) -> tuple[Phone, str, dict[str, Any]]:
    """A phone on the page of a report made in a grid that was taken from its user meanwhile; the page; what was taken."""
    phone = phones(username, front.url)
    front.cut = ("/db/", "/api/")
    held = move_away(phone, system, username)
    address = save(phone, text)
    front.cut = ()
    phone.page.goto(front.url + address)
    wait_for(phone.page, MAIN_SAYS, "记录时你不负责这个网格")
    return phone, address, held


def test_a_revoked_phone_hands_everything_over_and_only_then_wipes_itself(phones: Any, system: RunningSystem) -> None:
    phone = phones("worker4")
    phone.context.set_offline(True)
    address = save(phone, "停用前没发出", photos=2)
    [token] = phone.page.evaluate(TOKENS)
    address_of_device = f"{system.url}/api/devices/{token.partition('.')[0]}"
    answer = system.desk("admin").delete(address_of_device, headers={"Origin": system.url}, timeout=10)
    assert answer.status_code == 204, answer.text
    phone.page.goto(f"{system.url}/m/me")
    assert "未发送" in phone.page.inner_text("body") or "等待发送" in phone.page.inner_text("main")
    phone.context.set_offline(False)
    phone.page.evaluate(SYNC_NOW)
    wait_for(phone.page, MAIN_SAYS, "这台手机已被停用。提交后没送达的内容都已交给街道")
    picture(phone.page, "phone-wiped-zh-CN")
    wait_for(phone.page, "indexedDB.databases().then(all => !all.some(one => one.name.includes('worker4')))")
    couch = couch_of(system)
    entries = [
        doc for doc in couch.database("quarantine").range("refused:", "refused:\uffff", 1000) if doc["reason"] == "rescued"
    ]
    kept = [str((entry.get("document") or {}).get("_id", "")) for entry in entries]
    assert address.rpartition("/")[2] in kept
    assert len(entries) >= 5  # the report, two photo records, two files


def test_what_a_signed_out_user_left_goes_out_while_another_is_signed_in(phones: Any, system: RunningSystem) -> None:
    phone = phones("worker5")
    phone.context.set_offline(True)
    save(phone, "交接班前保存")
    phone.page.evaluate("fetch('/m/session/end', {method: 'POST', body: new FormData()})")
    phone.page.goto(f"{system.url}/m/sign-in")
    wait_for(phone.page, MAIN_SAYS, "还有其他用户的 1 项记录")
    phone.context.set_offline(False)
    phone.enrol("worker6")
    phone.page.evaluate(SYNC_NOW)
    until(lambda: "交接班前保存" in texts_of(system), "the other user's report at the store")
    phone.page.goto(f"{system.url}/m/cases")
    assert "交接班前保存" not in phone.page.inner_text("main")
    # A page that is left takes its sync with it: the answer that said so may have been on its way, and is asked for again.
    phone.page.goto(f"{system.url}/m/me")
    wait_for(phone.page, "!document.querySelector('main').innerText.includes('其他用户')")


@pytest.mark.faults
@pytest.mark.long
def test_what_came_after_the_backup_that_was_restored_comes_again_from_the_phone(
    phones: Any, system: RunningSystem, tmp_path: Path
) -> None:
    def xunge(*arguments: str) -> None:
        environment = {**os.environ, "XUNGE_DATA": str(system.data)}
        subprocess.run([sys.executable, "-m", "server.cli", *arguments], cwd=ROOT, env=environment, check=True, timeout=120)

    def count(prefix: str, database: str) -> int:
        if couch.info([database])[database] is None:
            return 0
        return len(couch.database(database).range(prefix, prefix + "\uffff", 10_000))

    couch, phone = couch_of(system), phones("worker9")
    save(phone, "备份之前", photos=1)
    until(lambda: "备份之前" in texts_of(system), "the first report at the store")
    township = accounts.find(couch, "worker9")["grids"][0][:9]
    lost = [media_db(township), cases_db(township)]
    lost.append(grid_db(accounts.find(couch, "worker9")["grids"][0], quarter_at(datetime.now(UTC))))
    until(lambda: count("photo:", lost[0]) == 1, "its photo")
    xunge("backup", "--to", str(tmp_path / "backup"))
    save(phone, "备份之后", photos=1)
    until(lambda: count("photo:", lost[0]) == 2 and count("case:", lost[2]) == 2, "the second report, its photo and its case")
    phone.context.set_offline(True)  # or it may have sent it once more before anybody looks
    for name in lost:
        couch.delete(name)
    xunge("restore", "--from", str(tmp_path / "backup"), "--into-existing")
    assert [count("report:", lost[2]), count("photo:", lost[0])] == [1, 1]
    phone.context.set_offline(False)
    phone.page.evaluate(SYNC_NOW)
    until(lambda: count("report:", lost[2]) == 2, "the second report once more", 60)
    until(lambda: count("photo:", lost[0]) == 2 and count("case:", lost[2]) == 2, "its photo and its case once more", 60)
    assert count("case:", lost[1]) == 2
    wait_for(phone.page, "document.querySelector('header').innerText.includes('已全部送达')")


@pytest.mark.faults
@pytest.mark.long
def test_behind_a_proxy_that_holds_streams_back_news_arrive_all_the_same(
    phones: Any, system: RunningSystem, playwright: Playwright, tmp_path: Path
) -> None:
    with holding_back(system.url) as url:
        context = open_profile(playwright, tmp_path / "proxied", **MOBILE)
        page = context.pages[0]
        polls: list[float] = []
        context.on("request", lambda request: polls.append(time.monotonic()) if request.url.endswith("/api/devices/me") else None)
        page.goto(f"{url}/m/")
        page.fill("#username", "worker7")
        page.fill("#password", PASSWORD)
        page.click("form:has(#password) button")
        set_pin(page)
        wait_for(page, CATALOGUE_IS_THERE)
        other = phones("worker7")
        save(other, "隔着代理也看得到")
        page.goto(f"{url}/m/cases")
        began_s = time.monotonic()
        query = "fetch('/m/cases').then(answer => answer.text()).then(text => text.includes('隔着代理也看得到'))"
        until(lambda: page.evaluate(query), "the other phone's report behind the proxy", 150, pause_s=1)
        assert 1 <= len([at for at in polls if at > began_s]) <= 12, "it asks at intervals, not in a storm"
        context.close()


def here(phone: Phone, name: str) -> int:
    """How many reports of a database are on the phone."""
    return int(phone.page.evaluate(COUNT, f"worker8/{name}"))


def has_another_page(phone: Phone, name: str, before: int) -> bool:
    return here(phone, name) > min(before, KILLED_LOAD - 1)


@pytest.mark.faults
@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_first_load_killed_again_and_again_ends_with_every_document_once(phones: Any, system: RunningSystem) -> None:
    name = fill_grid(system, "worker8", KILLED_LOAD)
    with fronting(system.url) as front:
        later = front.held = later_pages(name)
        phone = phones("worker8", front.url)
        until(partial(has_another_page, phone, name, 0), "the first page")
        seen = [here(phone, name)]
        while seen[-1] < KILLED_LOAD:
            phone.kill()
            phone.page.goto(f"{front.url}/m/me")
            seen.append(here(phone, name))
            assert seen[-1] >= seen[-2], "what was here is gone"
            front.held = ()
            until(partial(has_another_page, phone, name, seen[-1]), "another page", 60)
            front.held = later
        print(f"killed {len(seen) - 1} times, after {seen} documents")
    assert seen[-1] == KILLED_LOAD
    assert len(seen) > 2, "it was killed before it had everything"
