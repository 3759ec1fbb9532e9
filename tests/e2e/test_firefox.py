"""The main flow in Firefox: signed in, cut off, a report with a photo, and its case at the desk once the network is back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browsers import SCREENSHOTS
from tests.firefox import Firefox, is_installed
from tests.running import PASSWORD, RunningSystem, until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not is_installed(), reason="Firefox is not installed: apt-get install firefox-esr"),
]
TEXT = "井盖破损有人绊倒"
CATALOGUE = "fetch('/m/report').then(answer => answer.text()).then(text => text.includes('value=\"0101\"'))"
ADD_PHOTO = """(async () => {
  const canvas = new OffscreenCanvas(1600, 1200);
  const pen = canvas.getContext('2d');
  for (let at = 0; at < 40; at += 1) { pen.fillStyle = `hsl(${at * 9} 60% 50%)`; pen.fillRect(at * 40, 0, 40, 1200); }
  const files = new DataTransfer();
  files.items.add(new File([await canvas.convertToBlob({type: 'image/jpeg'})], 'a.jpg', {type: 'image/jpeg'}));
  const input = document.querySelector('[data-gallery]');
  input.files = files.files;
  input.dispatchEvent(new Event('change', {bubbles: true}));
})()"""


@pytest.fixture
def firefox(tmp_path: Path) -> Iterator[Firefox]:
    """A fresh browser."""
    running = Firefox(tmp_path / "profile")
    yield running
    running.close()


def enrol(firefox: Firefox, system: RunningSystem) -> None:
    """Signs in as `worker1` and waits for the catalogue."""
    firefox.open(f"{system.url}/m/")
    firefox.wait("Boolean(document.querySelector('#password'))")
    for name, value in {"username": "worker1", "password": PASSWORD}.items():
        firefox.run(f"document.querySelector('#{name}').value = '{value}'")
    firefox.run("document.querySelector('form:has(#password) button').click()")
    firefox.wait("Boolean(document.querySelector('.bar'))")
    firefox.wait(CATALOGUE)


def report(firefox: Firefox, system: RunningSystem) -> None:
    """A report with a photo, until its page shows both."""
    firefox.open(f"{system.url}/m/report")
    firefox.wait("Boolean(document.querySelector('#report-form'))")
    firefox.run(ADD_PHOTO)
    firefox.run("document.querySelector('input[name=category][value=\"0101\"]').click()")
    firefox.run(f"document.querySelector('#text').value = '{TEXT}'")
    firefox.run("document.querySelector('.action > button[type=submit]').click()")
    firefox.wait("Boolean(document.querySelector('.gallery img'))")


def test_a_report_made_without_network_becomes_a_case(firefox: Firefox, system: RunningSystem) -> None:
    enrol(firefox, system)
    system.stop()
    firefox.open(f"{system.url}/m/")
    firefox.wait("Boolean(document.querySelector('.bar'))")
    report(firefox, system)
    firefox.wait("document.querySelector('main').innerText.includes('在本机')")
    firefox.photograph(SCREENSHOTS / "firefox-record-zh-CN.png")
    system.start()
    firefox.run("new BroadcastChannel('xunge').postMessage({type: 'sync-now'})")
    desk = system.desk()
    [case] = until(lambda: system.cases(desk), "the case", 120)  # type: ignore[misc]
    photo = case["photos"][0]
    until(lambda: desk.get(f"{system.url}/api/photos/{photo}/screen", timeout=10).ok, "the photo at the desk", 120)
    firefox.wait(f"document.querySelector('main').innerText.includes('{case['case_no']}')")
