"""The phone's store and sync in real Chromium, against a whole running system: what only a browser's storage and workers show.

Records are made by posting the app's own form; how pages look is in `tests/pwa/pages/`.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import sync_playwright

from tests.browsers import MAIN_SAYS, Phone, wait_for
from tests.running import RunningSystem, until

pytestmark = pytest.mark.e2e

POST_REPORT = """async ({text, photos}) => {
  const page = await (await fetch('/m/report')).text();
  const form = new FormData(new DOMParser().parseFromString(page, 'text/html').querySelector('form'));
  form.set('category', '1101'); form.set('text', text);
  for (let at = 0; at < photos; at += 1) {
    const canvas = new OffscreenCanvas(1600, 1200), paint = canvas.getContext('2d');
    const image = paint.createImageData(1600, 1200);
    for (let k = 0; k < image.data.length; k += 65536) crypto.getRandomValues(image.data.subarray(k, k + 65536));
    for (let k = 3; k < image.data.length; k += 4) image.data[k] = 255;
    paint.putImageData(image, 0, 0);
    form.append('photo', new File([await canvas.convertToBlob({type: 'image/jpeg'})], 'a.jpg', {type: 'image/jpeg'}));
  }
  const headers = {'HX-Request': 'true'};
  const first = await fetch('/m/reports', {method: 'POST', body: form, headers});
  const again = await fetch('/m/reports', {method: 'POST', body: form, headers});
  return {status: first.status, again: again.status, text: await first.text()};
}"""


POST_NO_PICTURE = """async () => {
  const page = await (await fetch('/m/report')).text();
  const form = new FormData(new DOMParser().parseFromString(page, 'text/html').querySelector('form'));
  form.set('category', '1101');
  form.append('photo', new File(['these are only words'], 'a.jpg', {type: 'image/jpeg'}));
  return (await fetch('/m/reports', {method: 'POST', body: form})).url;
}"""


def post_report(phone: Phone, text: str, photos: int = 0) -> Any:
    """Posts the report form twice; both answers."""
    return phone.page.evaluate(POST_REPORT, {"text": text, "photos": photos})


def is_there(desk: requests.Session, address: str) -> bool:
    """True when the desk can fetch this."""
    return desk.get(address, timeout=5).status_code == 200


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """Everything running, with the demo's people."""
    running = RunningSystem(tmp_path_factory.mktemp("phone") / "data").start()
    yield running
    running.stop()


@pytest.fixture
def phone(system: RunningSystem, tmp_path: Path) -> Iterator[Phone]:
    """A browser of its own, enrolled as `worker1`."""
    with sync_playwright() as playwright:
        made = Phone(playwright, tmp_path / "profile", system)
        made.enrol("worker1")
        yield made
        made.context.close()


def test_what_was_saved_offline_survives_a_killed_browser_and_arrives_once(phone: Phone, system: RunningSystem) -> None:
    phone.context.set_offline(True)
    system.stop()
    phone.page.reload()
    saved = post_report(phone, "离线井盖甲", photos=2)
    assert (saved["status"], saved["again"]) == (200, 200)
    phone.kill()
    phone.page.goto(f"{system.url}/m/cases")
    assert phone.page.inner_text("main").count("离线井盖甲") == 1
    wait_for(phone.page, MAIN_SAYS, "在本机")
    system.start()
    phone.page.evaluate("dispatchEvent(new Event('online'))")
    wait_for(phone.page, "document.querySelector('main').innerText.includes('待受理')")
    desk = system.desk()
    photos: list[Any] = [case["photos"] for case in system.cases(desk)]
    assert [len(ids) for ids in photos] == [2]
    for photo in photos[0]:
        until(partial(is_there, desk, f"{system.url}/api/photos/{photo}/screen"), "the photo at the desk")


def test_a_full_phone_says_so_and_keeps_nothing_half_saved(phone: Phone, system: RunningSystem) -> None:
    usage = phone.page.evaluate("navigator.storage.estimate().then(estimate => estimate.usage)")
    phone.kill()  # a running browser remembers for half a minute how much room there was
    phone.context.set_offline(True)
    session = phone.context.new_cdp_session(phone.page)
    # What the browser tidies up when it starts again gives room back: less than was used is full all the same.
    session.send("Storage.overrideQuotaForOrigin", {"origin": system.url, "quotaSize": int(usage) // 2})
    phone.page.goto(f"{system.url}/m/report")
    refused = post_report(phone, "没有空间", photos=3)
    assert refused["status"] == 422
    assert "空间" in refused["text"]
    session.send("Storage.overrideQuotaForOrigin", {"origin": system.url})
    phone.page.goto(f"{system.url}/m/cases")
    assert "没有空间" not in phone.page.inner_text("main")
    assert post_report(phone, "有空间了", photos=1)["status"] == 200
    phone.page.goto(f"{system.url}/m/cases")
    assert phone.page.inner_text("main").count("有空间了") == 1


def test_a_phone_without_any_room_shows_what_it_has_and_says_so_when_saving(phone: Phone, system: RunningSystem) -> None:
    phone.context.set_offline(True)
    post_report(phone, "先存好的")
    phone.kill()
    phone.context.set_offline(True)
    session = phone.context.new_cdp_session(phone.page)
    session.send("Storage.overrideQuotaForOrigin", {"origin": system.url, "quotaSize": 1})
    phone.page.goto(f"{system.url}/m/cases")
    assert "先存好的" in phone.page.inner_text("main")
    phone.page.goto(f"{system.url}/m/report")
    refused = post_report(phone, "没有空间", photos=1)
    assert refused["status"] in {422, 507}
    assert "空间" in refused["text"]
    set_text = "fetch('/m/text-size', {method: 'POST', body: new URLSearchParams({size: 'large'})}).then(answer => answer.text())"
    assert "刚才的操作没有完成" in phone.page.evaluate(set_text)
    session.send("Storage.overrideQuotaForOrigin", {"origin": system.url})
    phone.page.goto(f"{system.url}/m/cases")
    assert "先存好的" in phone.page.inner_text("main")
    assert "没有空间" not in phone.page.inner_text("main")
    session.send("Storage.overrideQuotaForOrigin", {"origin": system.url, "quotaSize": 1})
    signed_out = phone.page.evaluate(
        "fetch('/m/session/end', {method: 'POST', body: new URLSearchParams()}).then(answer => answer.text())"
    )
    assert 'id="username"' in signed_out, "signing out needs no room"


def test_a_police_phone_holds_nothing_of_homes(system: RunningSystem, tmp_path: Path) -> None:
    with sync_playwright() as playwright:
        police = Phone(playwright, tmp_path / "police", system)
        police.enrol("police1")
        names = "indexedDB.databases().then(all => all.map(one => one.name))"
        # A whole round is over: what it may pull would be there by now.
        police.page.goto(f"{system.url}/m/")
        wait_for(police.page, "document.querySelector('header').innerText.includes('已全部送达')")
        assert [name for name in police.page.evaluate(names) if name.endswith("/ref")]
        assert not [name for name in police.page.evaluate(names) if "/home-" in name]
        police.context.close()


def test_a_file_that_is_no_picture_is_put_aside_and_the_phone_says_so(phone: Phone) -> None:
    record = phone.page.evaluate(POST_NO_PICTURE)
    phone.page.goto(record)
    wait_for(phone.page, "document.querySelector('main').innerText.includes('照片 1：未被接收')")
    assert "不是能识别的照片" in phone.page.inner_text("main")
    assert "街道留存了原文件" in phone.page.inner_text("main")
    phone.page.goto(record.split("/m/")[0] + "/m/me")
    wait_for(phone.page, "document.querySelector('header').innerText.includes('已全部送达')")
    assert "照片 1：未被接收" in phone.page.inner_text("main")
