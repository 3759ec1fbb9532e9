"""Processes are killed while phones push: afterwards every acknowledged report is exactly one case, every photo readable."""

import io
import threading
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from tests.phones import SimulatedPhone
from tests.running import RunningSystem, until

pytestmark = pytest.mark.faults
PHONES = ("worker1", "worker2", "worker3", "worker4")
VICTIMS = ("store", "worker", "broker", "server")


def picture(n: int) -> bytes:
    """A small JPEG, a different one for each n."""
    out = io.BytesIO()
    Image.new("RGB", (320, 240), (n * 37 % 256, n * 91 % 256, n * 53 % 256)).save(out, "JPEG")
    return out.getvalue()


def keep_pushing(phone: SimulatedPhone, enough: threading.Event, failures: list[BaseException]) -> None:
    """Reports with a photo each, one after the other, until told that it is enough."""
    n = 0
    try:
        while not enough.is_set():
            n += 1
            data = picture(n)
            docs = phone.make_report(f"{phone.username} {n}", (data,))
            phone.push_until_answered(docs)
            phone.upload_until_answered(docs[1]["_id"], data)
    except BaseException as error:  # noqa: BLE001 - the main thread reports it
        failures.append(error)


def test_nothing_is_lost_or_doubled_when_each_process_is_killed_in_turn(tmp_path: Path) -> None:
    system = RunningSystem(tmp_path / "var").start()
    try:
        phones = [SimulatedPhone(system.url, name).enrol() for name in PHONES]
        enough, failures = threading.Event(), []
        threads = [threading.Thread(target=keep_pushing, args=(phone, enough, failures)) for phone in phones]
        for thread in threads:
            thread.start()
        for victim in VICTIMS:
            count = sum(len(phone.acknowledged) for phone in phones)
            until(lambda n=count: failures or sum(len(p.acknowledged) for p in phones) >= n + 16, "pushes before a kill", 60)
            old = system.kill(victim)
            until(lambda v=victim, o=old: system.children().get(v) not in (None, o), f"{victim} started again", 30)
            until(system.is_healthy, f"healthy again after {victim} was killed", 60)
        count = sum(len(phone.acknowledged) for phone in phones)
        until(lambda: failures or sum(len(p.acknowledged) for p in phones) >= count + 16, "pushes after the last kill", 60)
        enough.set()
        for thread in threads:
            thread.join(timeout=120)
        assert not failures, failures
        audit(system, phones)
    finally:
        system.stop()


def audit(system: RunningSystem, phones: list[SimulatedPhone]) -> None:
    """Counts acknowledged reports against cases and acknowledged photos against readable ones; prints the numbers."""
    desk = system.desk()
    reports = {id_ for phone in phones for id_ in phone.acknowledged if id_.startswith("report:")}
    photos = {photo for phone in phones for photo in phone.uploaded}

    def cased() -> Counter[str]:
        return Counter(str(report) for case in system.cases(desk) for report in case["reports"])

    until(lambda: reports <= cased().keys(), "every acknowledged report is a case", 150, 0.5)
    counted = cased()
    doubled = {report: n for report, n in counted.items() if n > 1}

    def unreadable() -> list[str]:
        answers = {photo: desk.get(f"{system.url}/api/photos/{photo}/thumb", timeout=10) for photo in photos}
        return [photo for photo, answer in answers.items() if not answer.headers["Content-Type"].startswith("image/")]

    until(lambda: not unreadable(), "every acknowledged photo is readable", 150, 0.5)
    print(f"\n{len(reports)} reports acknowledged, {len(counted)} cases, {len(doubled)} doubled; {len(photos)} photos readable")
    assert not doubled
    assert len(reports) > 40
