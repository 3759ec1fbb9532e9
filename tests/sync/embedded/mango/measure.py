"""How fast queries and filtered feeds are: `python -m tests.sync.embedded.mango.measure`; XUNGE_COUCHDB_URL measures there.

Prints documents per second read through each kind of filter, and milliseconds of queries with and without an index.
"""

import os
import secrets
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.conftest import running_store
from tests.sync.contract.conftest import Client, Db

DOCS = 20_000
BATCH = 1000
FILTER = "function (doc, req) { return doc.n % 10 === 0; }"


def make(n: int) -> dict[str, Any]:
    """A report of about 400 bytes."""
    text = f"{n} 楼道堆放杂物,占用消防通道。" * 8
    return {"_id": f"report:{n:06}", "type": "report", "n": n, "kind": f"k{n % 50}", "text": text, "place": {"lat": n / 1000}}


def fastest(run: Callable[[], object]) -> float:
    """Seconds of the best of three."""
    took: list[float] = []
    for _ in range(3):
        started_s = time.perf_counter()
        run()
        took.append(time.perf_counter() - started_s)
    return min(took)


def measure(url: str) -> None:
    """Fills a database, asks it, deletes it."""
    db = Db(Client(url), f"measure_{secrets.token_hex(6)}")
    db.ask("PUT", "?q=1")
    try:
        for start in range(0, DOCS, BATCH):
            db.post("/_bulk_docs", {"docs": [make(n) for n in range(start, start + BATCH)]})
        db.put("_design/f", filters={"tenth": FILTER})
        ask(db)
    finally:
        db.ask("DELETE")


def ask(db: Db) -> None:
    """Prints a line for each kind of question."""
    feeds: dict[str, Callable[[], object]] = {
        "feed, no filter": lambda: db.get("/_changes"),
        "feed, selector": lambda: db.post("/_changes?filter=_selector", {"selector": {"kind": "k7"}}),
        "feed, selector with $regex": lambda: db.post("/_changes?filter=_selector", {"selector": {"kind": {"$regex": "^k7$"}}}),
        "feed, filter function": lambda: db.get("/_changes?filter=f/tenth"),
        "query without index": lambda: db.find({"kind": "k7"}),
        "query with $regex": lambda: db.find({"kind": {"$regex": "^k7$"}}),
    }
    for name, run in feeds.items():
        print(f"{name:28} {DOCS / fastest(run):10,.0f} documents/s")
    db.post("/_index", {"index": {"fields": ["kind", "n"]}, "ddoc": "kinds", "name": "kinds"})
    query = {"kind": "k7", "n": {"$gte": 5000}}
    started_s = time.perf_counter()
    db.find(query, limit=25)
    print(f"{'index built at first query':28} {DOCS / (time.perf_counter() - started_s):10,.0f} documents/s")
    print(f"{'25 documents by index':28} {fastest(lambda: db.find(query, limit=25)) * 1000:10.1f} ms")
    print(f"{'the same, sorted backwards':28} {fastest(lambda: db.find(query, limit=25, sort=[{'n': 'desc'}])) * 1000:10.1f} ms")


def main() -> None:
    """Measures the store named by XUNGE_COUCHDB_URL, else an embedded node of its own."""
    given = os.environ.get("XUNGE_COUCHDB_URL")
    if given:
        measure(given.rstrip("/"))
        return
    with tempfile.TemporaryDirectory() as folder, running_store(Path(folder)) as url:
        measure(url)


if __name__ == "__main__":
    main()
