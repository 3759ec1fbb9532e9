"""The phone app's life in real Chromium: an update with a form open, the worker killed at each step of a save, storage cleared.

The next version is a build of the same source with one more step in its local tables, served in the system's place.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error, Page, Playwright

from sync.databases import DEVICES
from tests.browsers import CATALOGUE_IS_THERE, MAIN_SAYS, Phone, picture, set_pin, wait_for
from tests.e2e.test_quarantine import open_desk
from tests.e2e.test_sync_spine import MOBILE, SAVE, SYNC_NOW, couch_of, texts_of
from tests.proxies import Front, fronting
from tests.running import PASSWORD, ROOT, RunningSystem, until

pytestmark = pytest.mark.e2e
STEP = "(db) => db.createObjectStore('later'),"
VERSIONS = "() => indexedDB.databases().then((all) => Object.fromEntries(all.map(({name, version}) => [name, version])))"
PHASE = """() => new Promise((resolve) => {
  indexedDB.open('xunge-own-worker1').onsuccess = ({target: {result: db}}) => {
    db.transaction('state').objectStore('state').get('sync').onsuccess = ({target: {result}}) => resolve(result?.phase);
    db.close();
  };
})"""
# A last entry of some length that nobody misses.
LAST_WORDS = """() => new Promise((resolve) => {
  const opening = indexedDB.open('words', 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore('words');
  opening.onsuccess = () => {
    const writing = opening.result.transaction('words', 'readwrite');
    writing.objectStore('words').put('x'.repeat(40_000), 1);
    writing.oncomplete = resolve;
  };
})"""
UNSENT = """async () => (await (await fetch('/m/sync')).text()).match(/(\\d+) 项未送/)?.[1] ?? '0'"""
# At a place in the save the worker says so and never comes back from there; what was not committed by then never is.
TRAPS = """(place) => {
  const stop = () => { new BroadcastChannel('trap').postMessage(place); for (;;); };
  const before = (type, name, isPlace, isAfter) => {
    const original = type.prototype[name];
    type.prototype[name] = function (...given) {
      const isHere = isPlace(this, ...given);
      if (isHere && !isAfter) stop();
      const answer = original.apply(this, given);
      if (isHere) stop();
      return answer;
    };
  };
  const outbox = (db, stores, mode) => mode === 'readwrite' && stores.includes('outbox');
  const pouch = (db, stores, mode) => mode === 'readwrite' && /^_pouch_.*grid-/.test(db.name);
  if (place === 'before the transaction') before(IDBDatabase, 'transaction', outbox);
  if (place === 'in the transaction') before(IDBObjectStore, 'put', (store) => store.name === 'uploads', true);
  if (place === 'after the transaction') before(IDBDatabase, 'transaction', pouch);
  if (place === 'after PouchDB') before(IDBObjectStore, 'put', (store) => store.name === 'links');
  if (place === 'before the answer') {
    let isSaved = false;
    before(IDBObjectStore, 'put', (store) => { isSaved ||= store.name === 'links'; return false; });
    const Original = Response;
    Response = function (...given) { if (isSaved) stop(); return new Original(...given); };
  }
}"""
HEAR_TRAP = """() => {
  window.trapped = new BroadcastChannel('trap');
  window.trapped.onmessage = ({data}) => { document.body.dataset.trap = data; };
}"""
PLACES = ("before the transaction", "in the transaction", "after the transaction", "after PouchDB", "before the answer")


@pytest.fixture
def front(system: RunningSystem) -> Iterator[Front]:
    with fronting(system.url) as made:
        yield made


@pytest.fixture
def phone(playwright: Playwright, system: RunningSystem, front: Front, tmp_path: Path) -> Iterator[Phone]:
    """A phone of `worker1` that reaches the system through the front."""
    seen_from = RunningSystem(system.data)
    seen_from.url = front.url
    made = Phone(playwright, tmp_path / "phone", seen_from, **MOBILE)
    made.enrol("worker1")
    yield made
    made.context.close()


def build_next(folder: Path) -> tuple[Path, str]:
    """The app with one more step in its tables; its files and its version."""
    shutil.copytree(ROOT / "pwa", folder, ignore=shutil.ignore_patterns("node_modules", "dist*"))
    (folder / "node_modules").symlink_to(ROOT / "pwa" / "node_modules")
    own = folder / "src/store/own.js"
    source = own.read_text(encoding="utf-8")
    own.write_text(source.replace("\n];\n", f"\n  {STEP}\n];\n", 1), encoding="utf-8")
    assert own.read_text(encoding="utf-8") != source
    done = subprocess.run(["node", "build.mjs"], cwd=folder, capture_output=True, text=True, check=True, timeout=120)
    [version] = re.findall(r"phone (\w+):", done.stdout)
    return folder / "dist/m", version


def save(page: Page, text: str, photos: int = 0) -> None:
    page.evaluate(SAVE, {"text": text, "photos": photos})


def fill_form(page: Page, text: str) -> None:
    """A report as a person begins it."""
    page.wait_for_selector("#text")
    page.evaluate("document.querySelector(`input[name=category][value='1101']`).click()")
    page.fill("#text", text)


def test_an_update_with_a_form_open_and_fifty_unsent_records_loses_nothing_and_waits_for_its_user(
    phone: Phone, system: RunningSystem, front: Front, tmp_path: Path
) -> None:
    front.cut = ("/db/", "/api/")
    texts = [f"更新前的记录{n}" for n in range(50)]
    for n, text in enumerate(texts):
        save(phone.page, text, photos=1 if n < 3 else 0)
    phone.open("/m/report")
    fill_form(phone.page, "更新时正在填的表单")
    front.folder, version = build_next(tmp_path / "pwa")
    phone.page.evaluate("navigator.serviceWorker.getRegistration('/m/').then(registration => registration.update())")
    wait_for(phone.page, "navigator.serviceWorker.getRegistration('/m/').then(registration => Boolean(registration.waiting))")
    assert phone.page.is_hidden("#news")

    other = phone.context.new_page()
    other.goto(f"{front.url}/m/")
    other.wait_for_selector("#news", state="visible")
    picture(other, "phone-update-zh-CN")
    other.click("[data-update-later]")
    other.goto(f"{front.url}/m/cases")
    other.wait_for_selector("main")
    assert other.is_hidden("#news")
    before = other.evaluate(VERSIONS)["xunge-own-worker1"]
    other.goto(f"{front.url}/m/me")
    other.click("main [data-take-update]")
    wait_for(other, "version => document.querySelector('main')?.innerText.includes(version)", version)
    assert other.evaluate(VERSIONS)["xunge-own-worker1"] == before + 1
    assert other.evaluate(UNSENT) == "53"

    assert phone.page.input_value("#text") == "更新时正在填的表单"
    phone.page.click(".action > button[type=submit]")
    phone.page.wait_for_selector(".steps")
    front.cut = ()
    other.evaluate(SYNC_NOW)
    until(lambda: sorted(texts_of(system)) == sorted([*texts, "更新时正在填的表单"]), "all of them, each once", 60)
    wait_for(other, f"({UNSENT})().then(count => count === '0')")


# A worker that takes longer to answer a page than passes between two redraws; news, and a sync that is asked for, without end.
SLOW_ANSWERS = """() => {
  const answer = FetchEvent.prototype.respondWith;
  FetchEvent.prototype.respondWith = function (given) {
    answer.call(this, new Promise((resolve) => setTimeout(resolve, 1500)).then(() => given));
  };
}"""
NEXT_REDRAW = """() => new Promise((resolve) => {
  document.addEventListener('htmx:before:request', () => resolve(true), {once: true});
})"""
NEWS_WITHOUT_END = """() => {
  const channel = new BroadcastChannel('xunge');
  setInterval(() => channel.postMessage({type: 'changed', databases: [], ids: []}), 200);
  setInterval(() => channel.postMessage({type: 'sync-now'}), 20);
}"""


def test_an_update_takes_over_though_open_pages_have_something_new_to_ask_for_all_the_time(
    phone: Phone, front: Front, tmp_path: Path
) -> None:
    front.folder, version = build_next(tmp_path / "pwa")
    phone.open("/m/me")
    phone.worker().evaluate(SLOW_ANSWERS)
    phone.page.evaluate("navigator.serviceWorker.getRegistration('/m/').then(registration => registration.update())")
    phone.page.wait_for_selector("main [data-take-update]")
    other = phone.context.new_page()
    other.goto(f"{front.url}/m/sync")
    other.evaluate(NEWS_WITHOUT_END)
    wait_for(other, NEXT_REDRAW)
    phone.page.click("main [data-take-update]")
    wait_for(phone.page, "version => document.querySelector('main')?.innerText.includes(version)", version)


def test_a_worker_killed_at_any_step_of_a_save_leaves_one_whole_record(phone: Phone, front: Front) -> None:
    front.cut = ("/db/", "/api/")
    photo = photo_file(phone)
    for count, place in enumerate(PLACES, 1):
        phone.open("/m/report")
        fill_form(phone.page, f"断在：{place}")
        phone.page.set_input_files("[data-gallery]", photo)
        phone.page.wait_for_selector("main form img")
        phone.page.evaluate(HEAR_TRAP)
        phone.worker().evaluate(TRAPS, place)
        phone.page.click(".action > button[type=submit]")
        wait_for(phone.page, "place => document.body.dataset.trap === place", place)
        stop_workers(phone)
        until(partial(is_settled, phone), f"{place}: the record's page, or a form that says it was not saved")
        if not phone.page.query_selector(".steps"):
            phone.page.click(".action > button[type=submit]")
            phone.page.wait_for_selector(".steps")
        phone.open("/m/sync")
        assert phone.page.inner_text("main").count(f"断在：{place}") == 1
        assert phone.page.evaluate(UNSENT) == str(2 * count)
        assert phone.page.evaluate("fetch(document.querySelector('main .row img.thumb').src).then(answer => answer.ok)")
        phone.open("/m/cases")
        wait_for(phone.page, "text => document.querySelector('main').innerText.split(text).length === 2", f"断在：{place}")


def test_a_phone_killed_in_the_middle_of_a_write_has_everything_after_the_next_start_and_the_one_after_that(
    phone: Phone, system: RunningSystem, front: Front
) -> None:
    front.held = ("/db/",)
    save(phone.page, "写到一半断的")
    until(lambda: phone.page.evaluate(PHASE) != "idle", "it was at work")
    phone.page.evaluate(LAST_WORDS)
    phone.kill(tear_log)
    [torn] = logs(phone.profile)
    phone.open("/m/sync")
    assert "写到一半断的" in phone.page.inner_text("main")
    until(lambda: torn not in logs(phone.profile), "the torn log was left")
    phone.kill()
    phone.open("/m/sync")
    assert "写到一半断的" in phone.page.inner_text("main")
    front.held = ()
    phone.page.evaluate(SYNC_NOW)
    wait_for(phone.page, MAIN_SAYS, "所有记录都已送达")
    assert "写到一半断的" in texts_of(system)
    until(lambda: "xunge-filling" not in phone.page.evaluate(VERSIONS), "nothing is left of what filled it")


def logs(profile: Path) -> list[Path]:
    """What Chromium's LevelDB writes to as it goes, for each site's IndexedDB."""
    return sorted(profile.glob("Default/IndexedDB/*.leveldb/*.log"))


def tear_log(profile: Path) -> None:
    """Takes the end of the last entry away, as a kill in the middle of a write does."""
    log = logs(profile)[-1]
    with log.open("r+b") as file:
        file.truncate(log.stat().st_size - 100)


def photo_file(phone: Phone) -> dict[str, Any]:
    """A small picture as a person chooses one."""
    drawn = """async () => {
      const canvas = new OffscreenCanvas(64, 48); canvas.getContext('2d').fillRect(0, 0, 20, 20);
      return [...new Uint8Array(await (await canvas.convertToBlob({type: 'image/jpeg'})).arrayBuffer())];
    }"""
    return {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": bytes(phone.page.evaluate(drawn))}


def stop_workers(phone: Phone) -> None:
    session = phone.context.new_cdp_session(phone.page)
    session.send("ServiceWorker.enable")
    session.send("ServiceWorker.stopAllWorkers")
    session.detach()


def is_settled(phone: Phone) -> bool:
    try:
        return bool(phone.page.query_selector(".steps") or (phone.page.query_selector("#form-errors > *")))
    except Error:
        return False


def has_told(phone: Phone, system: RunningSystem, records: int) -> bool:
    """Asks the phone to sync; whether one has told the server of so many unsent records."""
    phone.page.evaluate(SYNC_NOW)
    known = couch_of(system).database(DEVICES).range("device:", "device:\uffff", 100)
    return any((device.get("unsent") or {}).get("records") == records for device in known)


def test_a_phone_whose_storage_was_cleared_says_what_is_lost_and_has_again_what_the_server_has(
    phone: Phone, system: RunningSystem, front: Front, playwright: Playwright
) -> None:
    save(phone.page, "清除前已送达")
    phone.page.evaluate(SYNC_NOW)
    until(lambda: "清除前已送达" in texts_of(system), "one record arrived")
    front.cut = ("/db/", "/api/uploads")
    for n in range(3):
        save(phone.page, f"清除前没送达{n}", photos=1 if n == 0 else 0)
    until(partial(has_told, phone, system, 3), "the server heard what waits", 60, pause_s=1)
    session = phone.context.new_cdp_session(phone.page)
    kinds = "indexeddb,local_storage,service_workers,cache_storage,websql,file_systems"
    phone.page.goto("about:blank")
    session.send("Storage.clearDataForOrigin", {"origin": front.url, "storageTypes": kinds})
    front.cut = ()

    phone.page.goto(f"{front.url}/m/")
    phone.page.fill("#username", "worker1")
    phone.page.fill("#password", PASSWORD)
    phone.page.click("form:has(#password) button")
    set_pin(phone.page)
    wait_for(phone.page, CATALOGUE_IS_THERE)
    wait_for(phone.page, MAIN_SAYS, "已经找不回来")
    wait_for(phone.page, MAIN_SAYS, "条记录，已重新下载")
    picture(phone.page, "phone-lost-zh-CN")
    shown = phone.page.inner_text("main")
    found = re.search(r"有 (\d+) 条记录、(\d+) 张照片没有送达", shown)
    assert found is not None
    assert found.groups() == ("3", "1")
    phone.open("/m/cases")
    assert "清除前已送达" in phone.page.inner_text("main")
    phone.open("/m/")
    phone.page.click("button[value=read]")
    wait_for(phone.page, "!document.querySelector('main').innerText.includes('找不回来')")

    desk = open_desk(playwright, system)
    desk.goto(f"{system.url}/notices")
    wait_for(desk, MAIN_SAYS, "手机数据被系统清除")
    picture(desk, "desk-notice-lost-zh-CN")
