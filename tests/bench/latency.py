"""How soon a pushed report is a case that the desk sees, while nothing else happens. Bar: 1 s (p95).

    python tests/bench/latency.py [--reports 40]

A whole system as `make run` starts it, with the demo district. Phones push one report at a time, and the clock
starts before the push. It is measured twice, apart: until the desk's list has the case (asked again
and again), and until the desk's open page is told.
"""

import argparse
import json
import os
import queue
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import requests

from server.domain.ids import case_id
from tests.phones import SimulatedPhone
from tests.running import RunningSystem, until

BAR_S = 1.0
TOWNSHIP = "640105002"
PHONES = ("worker1", "worker2", "worker3")
ASK_EVERY_S = 0.02
LIMIT_S = 20.0
WARM_UP = 3


class OpenPage:
    """A desk's page of the township as its browser keeps it open: hears the number of cases after each change."""

    def __init__(self, system: RunningSystem) -> None:
        self._desk = system.desk()
        self._answer = self._desk.get(f"{system.url}/township/{TOWNSHIP}/live", stream=True, timeout=60)
        self._answer.raise_for_status()
        self._told: queue.SimpleQueue[int] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()
        self.total = self._told.get(timeout=LIMIT_S)

    def wait_for(self, total: int) -> None:
        """Returns once the page was told of this many cases. Raises queue.Empty when it never is."""
        while self.total < total:
            self.total = self._told.get(timeout=LIMIT_S)

    def _listen(self) -> None:
        try:
            event = b""
            for line in self._answer.iter_lines(chunk_size=1):
                if not line:
                    event = b""
                elif line.startswith(b"event: "):
                    event = line[7:]
                elif line.startswith(b"data: ") and not event:  # the counts have no name; notices come on the same stream
                    self._told.put(json.loads(line[6:])["all"])
        except requests.RequestException:
            return


def time_reports(phones: list[SimulatedPhone], count: int, wait: Callable[[str], None]) -> list[float]:
    """Seconds from before each push until `wait(report id)` came back; the first few find the system cold and do not count."""
    took = []
    for phone in islice(cycle(phones), count + WARM_UP):
        docs = phone.make_report()
        began = time.perf_counter()
        answers = phone.push(docs)
        wait(docs[0]["_id"])
        took.append(time.perf_counter() - began)
        assert all(row.get("ok") for row in answers), answers
    return took[WARM_UP:]


def until_listed(system: RunningSystem) -> Callable[[str], None]:
    """Waits until the desk's list begins with the report's case."""
    desk, asked = system.desk(), {"township": TOWNSHIP, "limit": "10"}

    def wait(report: str) -> None:
        def is_listed() -> bool:
            cases = desk.get(f"{system.url}/api/cases", params=asked, timeout=LIMIT_S).json()["cases"]
            return any(case["id"] == case_id(report) for case in cases)

        until(is_listed, f"{report} as a case", LIMIT_S, ASK_EVERY_S)

    return wait


def until_told(system: RunningSystem) -> Callable[[str], None]:
    """Waits until the desk's open page is told of one case more."""
    page = OpenPage(system)
    return lambda _report: page.wait_for(page.total + 1)


def show(what: str, took: list[float]) -> float:
    """Print the middle and the slow end; the p95 in seconds."""
    cuts = statistics.quantiles(took, n=20)
    verdict = "held" if cuts[18] <= BAR_S else "NOT held"
    print(
        f"{what}, idle, {len(took)} reports: p50 {cuts[9]:.3f} s, p95 {cuts[18]:.3f} s (bar {BAR_S:.0f} s: {verdict})", flush=True
    )
    return cuts[18]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=40)
    count = parser.parse_args().reports
    with tempfile.TemporaryDirectory() as folder:
        system = RunningSystem.on_given_store(Path(folder) / "var").start()
        try:
            phones = [SimulatedPhone(system.url, name).enrol() for name in PHONES]
            print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
            show("report pushed to case in the desk's list", time_reports(phones, count, until_listed(system)))
            show("report pushed to desk's open page told", time_reports(phones, count, until_told(system)))
        finally:
            system.stop()


if __name__ == "__main__":
    main()
