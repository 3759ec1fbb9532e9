"""How many reports a second intake makes cases of, and how soon a nudged report is a case. Bars: 300 reports/s; 1 s (p95, idle).

    python tests/bench/intake.py [--reports 5000] [--grids 10]

With `XUNGE_COUCHDB_URL` set it measures there (databases of a township that no demo has); else on an embedded store of its own.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from server.cases import counting, intake
from server.nudges import Nudges
from sync.couch import Couch
from sync.databases import grid_db, quarter_at
from tests.conftest import running_broker, running_store, wait_until
from tests.records import receipt, report, with_rev
from tests.worker.conftest import running_worker

TOWNSHIP = "640199001"
THREADS = 4
PUSH = 100
SINGLES = 40
BAR_REPORTS_S, BAR_LATENCY_S = 300, 1.0


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=5000)
    parser.add_argument("--grids", type=int, default=10)
    wanted = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = os.environ.get("XUNGE_COUCHDB_URL") or stack.enter_context(running_store(folder / "store"))
        couch = Couch(url, timeout_s=60)
        grids = [f"{TOWNSHIP}001{number:03}" for number in range(1, wanted.grids + 1)]
        try:
            measure_rate(couch, grids, wanted.reports)
            measure_latency(couch, url, stack.enter_context(running_broker(folder)), grids[0], folder)
        finally:
            for name in couch.all_databases():
                if TOWNSHIP in name:
                    couch.delete(name)


def push(couch: Couch, grid: str, count: int) -> str:
    """Reports as phones push them, with receipts as the gateway writes them; the database's name."""
    now = datetime.now(UTC)
    name = grid_db(grid, quarter_at(now))
    couch.create(name, replicated=True)
    for start in range(0, count, PUSH):
        docs = [report(grid, at=now - timedelta(seconds=1)) for _ in range(min(PUSH, count - start))]
        couch.database(name).bulk([with_rev(doc) for doc in docs], new_edits=False)
        couch.database(name).bulk([receipt([doc["_id"] for doc in docs], now, grid)])
    return name


def measure_rate(couch: Couch, grids: list[str], count: int) -> None:
    """A backlog taken in by as many threads as a worker has, then what the first look at the list costs."""
    names = [push(couch, grid, count // len(grids)) for grid in grids]

    def take_in(name: str) -> int:
        cases, more = 0, True
        while more:
            outcome = intake.run(couch, name, datetime.now(UTC))
            cases, more = cases + outcome.cases, outcome.more
        return cases

    began = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        cases = sum(pool.map(take_in, names))
    took_s = time.perf_counter() - began
    print(f"intake: {cases} reports of {len(grids)} grids in {took_s:.1f} s = {cases / took_s:.0f}/s (bar {BAR_REPORTS_S})")
    began = time.perf_counter()
    total = sum(counting.by_state(couch, TOWNSHIP).values())
    print(f"first look at the list of {total} cases (index made): {time.perf_counter() - began:.2f} s")
    assert total == cases, (total, cases)


def measure_latency(couch: Couch, url: str, broker: str, grid: str, folder: Path) -> None:
    """One report at a time through a real worker, until the desk's list shows it."""
    environment = {"XUNGE_COUCHDB_URL": url, "XUNGE_BROKER_URL": broker, "XUNGE_DATA": str(folder / "data"), "XUNGE_SECRET": "x"}
    nudges = Nudges(broker)
    took = []
    with running_worker(environment, folder / "log", "intake"):
        wait_until(nudges.is_worker_alive, 30, "the worker")
        time.sleep(2)
        before = sum(counting.by_state(couch, TOWNSHIP).values())
        for number in range(1, SINGLES + 1):
            began = time.perf_counter()
            nudges.nudge(push(couch, grid, 1))
            wait_until(lambda number=number: sum(counting.by_state(couch, TOWNSHIP).values()) == before + number, 10, "the case")
            took.append(time.perf_counter() - began)
    cuts = statistics.quantiles(took, n=20)
    print(f"report to list, idle: p50 {cuts[9]:.3f} s, p95 {cuts[18]:.3f} s (bar {BAR_LATENCY_S:.0f} s)")
    nudges.close()


if __name__ == "__main__":
    main()
