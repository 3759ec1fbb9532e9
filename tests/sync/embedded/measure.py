"""How fast the node is on this machine: `python -m tests.sync.embedded.measure [--documents N] [--connections N]`.

Starts a node of its own and prints documents a second for replicated batches of 100, and the time of common reads. The
batches are encoded beforehand, but the client shares the machine's cores with the node.
"""

import argparse
import hashlib
import json
import tempfile
import threading
import time
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

from tests.sync.embedded.running_node import AUTHORIZATION, RunningNode

BATCH = 100
HEADERS = {"Authorization": AUTHORIZATION, "Content-Type": "application/json"}


def make_document(number: int) -> dict[str, object]:
    """A report of usual size, about 700 bytes."""
    digest = hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()
    return {
        "_id": f"report:019aaaaa-{digest[:4]}-7{digest[4:7]}-8{digest[7:10]}-{number:012x}",
        "_rev": f"1-{digest}",
        "_revisions": {"start": 1, "ids": [digest]},
        "type": "report",
        "v": 1,
        "grid": "640105002001001",
        "author": "worker1",
        "device": "phone-1",
        "captured_at": "2026-11-23T08:00:00.000Z",
        "clock_offset_ms": 12,
        "category": "0101",
        "text": "三单元门口路灯不亮，晚上老人出行不便，请尽快处理。",
        "urgency": "normal",
        "place": {"lat": 38.5, "lon": 106.1, "accuracy_m": 10, "datum": "WGS84", "address": "北京西路 12 号"},
        "photos": [f"photo:{digest}", f"photo:{digest[::-1]}"],
        "source": "patrol",
        "patrol": None,
        "solved": None,
    }


def encode_batches(documents: int) -> list[bytes]:
    """Bodies of `_bulk_docs`."""
    batches = [range(first, first + BATCH) for first in range(0, documents, BATCH)]
    return [json.dumps({"docs": [make_document(at) for at in each], "new_edits": False}).encode() for each in batches]


def push(node: RunningNode, bodies: list[bytes], connections: int) -> float:
    """Seconds until all batches are answered."""
    waiting = bodies.copy()

    def work() -> None:
        with closing(node.connect()) as link:
            while waiting:
                ask(link, "POST", "/m/_bulk_docs", waiting.pop())

    threads = [threading.Thread(target=work) for _ in range(connections)]
    started_s = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - started_s


def ask(link: HTTPConnection, method: str, path: str, body: bytes | None = None) -> bytes:
    """One request; fails when it is refused."""
    link.request(method, path, body, HEADERS)
    answer = link.getresponse()
    text = answer.read()
    assert answer.status in (200, 201), text
    return text


def measure_reads(node: RunningNode) -> None:
    """Prints milliseconds of single requests, the middle of 30."""
    paths = {
        "one document": f"/m/{make_document(0)['_id']}",
        "changes, 1,000 with documents": "/m/_changes?include_docs=true&limit=1000",
        "ten by range from the middle": "/m/_all_docs?startkey=%22report:019aaaaa-8%22&limit=10",
    }
    with closing(node.connect()) as link:
        for name, path in paths.items():
            times_s = []
            for _ in range(30):
                started_s = time.perf_counter()
                ask(link, "GET", path)
                times_s.append(time.perf_counter() - started_s)
            print(f"{name:32} {sorted(times_s)[15] * 1000:8.1f} ms")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--connections", type=int, default=2)
    options = parser.parse_args()
    bodies = encode_batches(options.documents)
    with tempfile.TemporaryDirectory() as folder:
        node = RunningNode(Path(folder) / "data")
        try:
            node.ask("PUT", "/m")
            seconds = push(node, bodies, options.connections)
            print(f"{'pushed in batches of 100':32} {options.documents / seconds:8.0f} documents/s")
            measure_reads(node)
        finally:
            node.stop()


if __name__ == "__main__":
    main()
