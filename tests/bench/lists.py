"""How long the server takes for each list when a township has 100,000 cases. Bar: 60 ms (p95) for every list.

    python tests/bench/lists.py [--cases 100000] [--rounds 30] [--strict]

The cases are folds of real events, in many states, spread over the demo township's grids, units and categories of two years. Then
the server runs as `xunge serve` starts it and each list is asked for as people and programs do, one at a time; what is
measured is the answer's time on loopback, so the client's own milliseconds are in it. `XUNGE_COUCHDB_URL` measures there.
"""

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import requests

from server import seeding
from server.cases import store
from server.demo import district, people
from server.domain import catalogue, ids, times, workflow
from sync.couch import Couch
from tests.bench.gateway import running_server
from tests.conftest import running_broker, running_store
from tests.records import report

BAR_MS = 60.0
BATCH = 1000
TOWNSHIP = people.TOWNSHIP
NEWEST = datetime(2026, 11, 20, tzinfo=UTC)
WORDS = (
    "井盖缺失",
    "路灯不亮",
    "垃圾堆放",
    "楼道杂物",
    "占道经营",
    "积水",
    "漏水",
    "噪声扰民",
    "车辆乱停",
    "围挡破损",
    "电线裸露",
)
UNITS = [f"unit:{key}" for key in catalogue.UNITS if key != "community"]
ACCEPT: dict[str, Any] = {"move": "accept"}
SENT: list[dict[str, Any]] = [ACCEPT, {"move": "dispatch", "entry": "duties:1"}]
ANSWERED = [*SENT, {"move": "answer", "result": "已处理"}]
CLOSED = [*ANSWERED, {"move": "close", "result": "好", "marks": []}]
WAYS: list[list[dict[str, Any]]] = [[], [{"move": "return", "reason": "照片看不清"}], [ACCEPT], SENT, ANSWERED, *[CLOSED] * 15]
QUERIES = {
    "all": {},
    "second page": {"cursor": "next"},
    "state": {"state": "reported"},
    "closed": {"state": "closed"},
    "category": {"category": "1101"},
    "state and category": {"state": "dispatched", "category": "0103"},
    "unit": {"unit": UNITS[0]},
    "grid": {"grid": "GRID"},
    "grid and state": {"grid": "GRID", "state": "closed"},
    "overdue": {"overdue": "1"},
    "overdue of a unit": {"overdue": "1", "unit": UNITS[0]},
    "a number": {"q": "NUMBER"},
    "words that are there": {"q": "井盖"},
    "words that are not": {"q": "没有这样的话"},
    "a hundred": {"limit": "100"},
}


def make_cases(count: int) -> Iterator[dict[str, Any]]:
    """Case documents, oldest first. The same ones each time."""
    chance = random.Random(7)
    grids = [code for n in range(1, 12) for code in district.grid_codes(TOWNSHIP, n)]
    codes = [row[0] for row in catalogue.ROWS]
    for n in range(count):
        at = NEWEST - timedelta(days=730) * (1 - n / count)
        doc = report(chance.choice(grids), at=at, category=chance.choice(codes), text="".join(chance.choices(WORDS, k=8)))
        first = workflow.reported_event(doc | {"_rev": "1-" + "0" * 32}, "db", times.to_text(at), [])
        yield workflow.fold([first, *_moves(first["case"], at, chance)])


def _moves(case: str, at: datetime, chance: random.Random) -> list[dict[str, Any]]:
    unit, holder = chance.choice(UNITS), f"township:{TOWNSHIP}"
    due = times.to_text(at + timedelta(days=chance.choice([1, 5, 400, 800])))
    found = []
    for n, move in enumerate(chance.choice(WAYS), 1):
        party = unit if move["move"] == "answer" else holder
        head = {"_id": ids.event_id(case, f"key-{n:05d}"), "case": case, "n": n, "by": party, "party": party}
        extra = {"unit": unit, "due_at": due, "marks": [[due, 100]]} if move["move"] == "dispatch" else {}
        found.append(head | {"at": times.to_text(at + timedelta(hours=n))} | move | extra)
    return found


def fill(couch: Couch, count: int) -> str:
    """Seed the demo, write the cases and make their indexes; the number of one of them."""
    list(seeding.seed(couch, is_demo=True))
    database, batch, number = store.ensure(couch, TOWNSHIP), [], ""
    for case in make_cases(count):
        batch.append(case)
        if len(batch) == BATCH:
            database.bulk(batch)
            number, batch = case["case_no"], []
    database.bulk(batch)
    for view in ("facets", "numbers", "states"):
        _index(database, view)
    return number


def _index(database: Any, view: str) -> None:
    """Ask until the index is made: a large one may take longer than one request may."""
    while True:
        try:
            database.view(store.DESIGN, view, limit=1, reduce=False)
        except Exception as error:  # noqa: BLE001 - whatever a store says while it is making an index
            print(f"  making {view}: {type(error).__name__}", flush=True)
            time.sleep(1)
        else:
            return


def measure(url: str, rounds: int, number: str) -> dict[str, list[float]]:
    """Milliseconds of each list, asked in turn round after round."""
    desk = requests.Session()
    desk.post(f"{url}/api/session", json={"username": "triage1", "password": people.PASSWORD}, timeout=30).raise_for_status()
    ask = f"{url}/api/cases"
    cursor = desk.get(ask, params={"township": TOWNSHIP}, timeout=60).json()["next"]
    filled = {"GRID": district.grid_codes(TOWNSHIP)[0], "NUMBER": number, "next": cursor}
    took: dict[str, list[float]] = {name: [] for name in [*QUERIES, "the desk's page"]}
    for turn in range(rounds + 2):
        for name, query in QUERIES.items():
            params = {"township": TOWNSHIP} | {key: filled.get(value, value) for key, value in query.items()}
            took[name].append(_time(desk, ask, params))
        took["the desk's page"].append(_time(desk, f"{url}/township/{TOWNSHIP}", {}))
        if turn == 1:
            took = {name: [] for name in took}
    return took


def _time(desk: requests.Session, url: str, params: dict[str, str]) -> float:
    began = time.perf_counter()
    answer = desk.get(url, params=params, timeout=60)
    took = (time.perf_counter() - began) * 1000
    answer.raise_for_status()
    return took


def main() -> None:
    """Measures and prints; with --strict, 1 when a list is over the bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--strict", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("couch", "broker", "data"):
            (root / name).mkdir()
        given = os.environ.get("XUNGE_COUCHDB_URL")
        with running_store(root / "couch") as own, running_broker(root / "broker") as broker:
            url = given or own
            began = time.perf_counter()
            number = fill(Couch(url), options.cases)
            print(f"{options.cases} cases written and indexed in {time.perf_counter() - began:.0f} s", flush=True)
            with running_server(url, broker, root / "data") as server:
                took = measure(server.url, options.rounds, number)
    over = 0
    for name, times_ms in took.items():
        cuts = statistics.quantiles(times_ms, n=20)
        over += cuts[18] > BAR_MS
        print(f"{name:24} p50 {cuts[9]:6.1f} ms  p95 {cuts[18]:6.1f} ms  {'held' if cuts[18] <= BAR_MS else 'NOT held'}")
    print(f"load {os.getloadavg()[0]:.1f}; bar {BAR_MS:.0f} ms (p95): {'held' if not over else f'{over} lists over it'}")
    sys.exit(1 if over and options.strict else 0)


if __name__ == "__main__":
    main()
