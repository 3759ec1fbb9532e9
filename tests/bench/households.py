"""How long the server takes for each list of household files when a township has 100,000 households. Bar: 60 ms (p95).

    python tests/bench/households.py [--households 100000] [--rounds 30] [--strict]

The index's rows are made of household, member and visit documents of the demo township's grids, as intake makes them, and written
straight into it. Then the server runs as `xunge serve` starts it and each page is asked for as a desk's browser does, one at a
time; what is measured is the answer's time on loopback. `XUNGE_COUCHDB_URL` measures there.
"""

import argparse
import os
import random
import re
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
from server.demo import district, people
from server.domain import home_rows, households, times
from server.households import indexing
from sync.couch import Couch
from sync.databases import home_quarter_db, quarter_at
from tests.bench.gateway import running_server
from tests.bench.lists import TOWNSHIP
from tests.conftest import running_broker, running_store
from tests.records import new_id

BAR_MS, BATCH = 60.0, 2000
NOW = datetime.now(UTC)
STREETS = ("同心北街", "怀远西路", "丽子园南街", "文昌路", "朔方路", "贺兰山路", "北京西路", "宁华路", "学院路", "金波街")
SURNAMES, NAMES = (
    "王李张刘陈杨马赵黄周吴徐孙哈纳白",
    ("秀英", "建国", "晓梅", "志强", "玉兰", "伟", "芳", "国庆", "洋", "小军", "丽娜"),
)
QUERIES = {
    "the page": "/households",
    "second page": "CURSOR",
    "overdue": "/households?standing=overdue",
    "due soon": "/households?standing=soon",
    "no visit on record": "/households?standing=never",
    "a grid, overdue": "/households?grid=GRID&standing=overdue",
    "a service": "/households?service=meal_help",
    "a name": "/households?q=哈志强",
    "a street and a room": "/households?q=同心北街 7-2-501",
    "a street": "/households?q=同心北街",
    "a name that is not there": "/households?q=欧阳",
    "a room in a grid": "/households?q=501&grid=GRID",
    "errands": "/households/errands",
}


def rows(count: int) -> Iterator[dict[str, Any]]:
    """Rows of the index; the same ones each time."""
    chance = random.Random(7)
    grids = [code for n in range(1, 12) for code in district.grid_codes(TOWNSHIP, n)]
    for _ in range(count):
        grid, family = chance.choice(grids), chance.choice(SURNAMES)
        doc = {
            "_id": new_id("household"),
            "grid": grid,
            "address": f"{chance.choice(STREETS)} {chance.randint(1, 60)} 号",
            "building": str(chance.randint(1, 12)),
            "unit": str(chance.randint(1, 4)),
            "room": f"{chance.randint(1, 18)}0{chance.randint(1, 4)}",
            "contact_name": family + chance.choice(NAMES),
            "needs": chance.sample(households.NEEDS, chance.choice([0, 0, 0, 1])),
            "services": chance.sample(households.SERVICES, chance.choice([0, 0, 0, 0, 1])),
        }
        visited = [_visit(doc, chance) for _ in range(chance.choice([0, 1, 2, 4]))]
        yield home_rows.visited_row(doc["_id"], grid, visited, home_rows.household_row(doc, None))
        for _ in range(chance.randint(0, 3)):
            head = {"_id": new_id("member"), "type": "member", "household": doc["_id"], "grid": grid}
            yield home_rows.part_row(head | {"name": family + chance.choice(NAMES)})
        if chance.random() < 0.02:
            head = {"_id": new_id("errand"), "type": "errand", "household": doc["_id"], "grid": grid}
            yield home_rows.part_row(head | {"item": "低保申请"})


def _visit(doc: dict[str, Any], chance: random.Random) -> tuple[str, dict[str, Any]]:
    at = NOW - timedelta(days=chance.randint(1, 360))
    made = {"_id": new_id("visit"), "captured_at": times.to_text(at), "clock_offset_ms": 0, "kind": "routine"}
    return home_quarter_db(doc["grid"], quarter_at(at)), made


def fill(couch: Couch, count: int) -> None:
    """Seed the demo, write the index, make its views and the tallies of its grids."""
    list(seeding.seed(couch, is_demo=True))
    index, batch, grids = indexing.ensure(couch, TOWNSHIP), [], set()
    for row in rows(count):
        batch.append(row)
        grids.add(row["grid"])
        if len(batch) == BATCH:
            index.bulk(batch)
            batch = []
    index.bulk(batch)
    while True:
        try:
            index.view(indexing.DESIGN, "due", limit=1, reduce=False)
            break
        except Exception as error:  # noqa: BLE001 - whatever a store says while it is making an index
            print(f"  making the index: {type(error).__name__}", flush=True)
            time.sleep(1)
    for view in ("words", "errands", "parts", "services"):
        index.view(indexing.DESIGN, view, limit=1, **({} if view in ("words", "parts") else {"reduce": False}))
    for grid in sorted(grids):
        indexing.count(index, grid)


def measure(url: str, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each page, asked in turn round after round."""
    desk = requests.Session()
    desk.headers["Accept"] = "text/html"
    desk.post(f"{url}/api/session", json={"username": "triage1", "password": people.PASSWORD}, timeout=30).raise_for_status()
    more = re.search(r'hx-get="([^"]+cursor[^"]+)"', desk.get(f"{url}/households", timeout=60).text)
    filled = {"CURSOR": more[1].replace("&amp;", "&") if more else "", "GRID": district.grid_codes(TOWNSHIP)[0]}
    took: dict[str, list[float]] = {name: [] for name in QUERIES}
    for turn in range(rounds + 2):
        for name, path in QUERIES.items():
            for slot, value in filled.items():
                path = path.replace(slot, value)  # noqa: PLW2901 - the address with its slots filled
            began = time.perf_counter()
            desk.get(url + path, timeout=60).raise_for_status()
            took[name].append((time.perf_counter() - began) * 1000)
        if turn == 1:
            took = {name: [] for name in took}
    return took


def main() -> None:
    """Measures and prints; with --strict, 1 when a page is over the bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--households", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--strict", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("couch", "broker", "data"):
            (root / name).mkdir()
        with running_store(root / "couch") as own, running_broker(root / "broker") as broker:
            url, began = os.environ.get("XUNGE_COUCHDB_URL") or own, time.perf_counter()
            fill(Couch(url, timeout_s=300), options.households)
            print(f"{options.households} households written and indexed in {time.perf_counter() - began:.0f} s", flush=True)
            with running_server(url, broker, root / "data") as server:
                took = measure(server.url, options.rounds)
    over = 0
    for name, times_ms in took.items():
        cuts = statistics.quantiles(times_ms, n=20)
        over += cuts[18] > BAR_MS
        print(f"{name:26} p50 {cuts[9]:6.1f} ms  p95 {cuts[18]:6.1f} ms  {'held' if cuts[18] <= BAR_MS else 'NOT held'}")
    print(f"load {os.getloadavg()[0]:.1f}; bar {BAR_MS:.0f} ms (p95): {'held' if not over else f'{over} pages over it'}")
    sys.exit(1 if over and options.strict else 0)


if __name__ == "__main__":
    main()
