"""Push throughput through the server's gateway against straight to the same store, in batches of 100; prints the ratio.

Real processes: the store (or `XUNGE_COUCHDB_URL`), a broker, and the whole server as `xunge serve` starts it; each phone is a
person's own. Rounds alternate, so that a busy machine slows both alike, and the server's processor time of a batch is printed,
which a busy machine changes less. Run from the root: `python tests/bench/gateway.py`. It prints what one phone by itself gets
(every batch waits for the one before) and what several at once get together, which is what the bar is for. A machine that does
other work has no core left for the gate beside the store's: with `--strict` a ratio below the bar is exit code 1, else only said.
"""

import argparse
import contextlib
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from server.people import accounts, devices
from sync import databases
from sync.couch import Couch
from tests.conftest import GRID_A, ROOT, free_port, running_broker, running_store, stop, wait_until
from tests.sync.gateway.conftest import make_report

BAR = 0.80
BATCH = 100


class Pusher:
    """One phone's connection to either side."""

    def __init__(self, base: str, database: str, authorization: str) -> None:
        parts = urlsplit(base)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        self._path = f"{parts.path}/{database}/_bulk_docs"
        self._headers = {"content-type": "application/json", "authorization": authorization}

    def connect(self) -> None:
        """A new connection: one that waited for the other side's round may have been closed for idling."""
        self._connection.close()
        self._connection.connect()

    def push(self, body: bytes) -> None:
        """Push one batch and wait until it is held."""
        self._connection.request("POST", self._path, body, self._headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != 201 or b'"error"' in text:
            raise RuntimeError(f"{answer.status} {text[:300]!r}")


@dataclass
class Server:
    """The server as a process of its own."""

    url: str
    pid: int

    def cpu_s(self) -> float:
        """Processor time it has used so far, its own and the system's for it."""
        stat = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def running_server(store_url: str, broker_url: str, data: Path) -> Iterator[Server]:
    """`xunge serve` on a free port."""
    port = free_port()
    environment = os.environ | {
        "XUNGE_COUCHDB_URL": store_url,
        "XUNGE_BROKER_URL": broker_url,
        "XUNGE_DATA": str(data),
        "XUNGE_PORT": str(port),
        "XUNGE_SECRET": "bench",
        "XUNGE_LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "server.cli", "serve"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: is_listening(port), 30, "the server")
            yield Server(f"http://127.0.0.1:{port}", process.pid)
        finally:
            process.terminate()
            stop(process)


def is_listening(port: int) -> bool:
    """True when something answers HTTP there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/db/")
        return connection.getresponse().status == 401
    except OSError:
        return False
    finally:
        connection.close()


def make_bodies(user: str, device: str, count: int) -> list[bytes]:
    """Batches of new reports, made before the clock starts."""
    return [
        json.dumps({"new_edits": False, "docs": [make_report(user, device) for _ in range(BATCH)]}, ensure_ascii=False).encode()
        for _ in range(count)
    ]


def time_round(pushers: list[Pusher], shares: list[list[bytes]]) -> float:
    """Documents a second of all pushers together. Raises what any push raised: a batch that failed is no throughput."""
    for pusher in pushers:
        pusher.connect()
    with ThreadPoolExecutor(len(pushers)) as pool:
        begun_s = time.perf_counter()
        for done in [pool.submit(push_all, *pair) for pair in zip(pushers, shares, strict=True)]:
            done.result()
        took_s = time.perf_counter() - begun_s
    return sum(map(len, shares)) * BATCH / took_s


def push_all(pusher: Pusher, bodies: list[bytes]) -> None:
    """One phone's share of a round."""
    for body in bodies:
        pusher.push(body)


def enrol_worker(couch: Couch, name: str) -> tuple[str, str]:
    """A worker's phone on the bench's grid: device id and token."""
    person = accounts.make(name, ["worker"], {"zh-CN": "测试", "en": "Bench"}, "a-bench-password", grids=[GRID_A])
    accounts.save_all(couch, [person])
    device, token = devices.enrol(couch, person, "bench")
    return device["_id"].partition(":")[2], token


class Measured(NamedTuple):
    """One round: documents a second straight to the store and through the gateway, and the server's milliseconds of a batch."""

    direct: float
    gated: float
    cpu_ms: float


def measure(store_url: str, server: Server, rounds: int, batches: int, phones: int) -> list[Measured]:
    """Each round; the first, which warms up, is left out. `batches` are each phone's."""
    couch = Couch(store_url)
    names = [f"bench{number}" for number in range(phones)]
    enrolled = [enrol_worker(couch, name) for name in names]
    through, direct = databases.grid_db(GRID_A, databases.quarter_at(datetime.now(UTC))), "bench-direct"
    for name in (through, direct):
        couch.delete(name)
        couch.create(name, replicated=True)
    parts = urlsplit(store_url)
    credentials = b64encode(f"{parts.username}:{parts.password}".encode()).decode()
    base = f"{parts.scheme}://{parts.hostname}:{parts.port}"
    straight = [Pusher(base, direct, f"Basic {credentials}") for _ in range(phones)]
    gated = [Pusher(server.url + "/db", through, f"Bearer {token}") for _, token in enrolled]
    found = []
    for number in range(rounds + 1):
        pair, cpu_s = {}, 0.0
        # Who goes first changes, so that neither side always finds the machine warmer.
        for side in (("direct", "gated"), ("gated", "direct"))[number % 2]:
            shares = [make_bodies(name, device, batches) for name, (device, _) in zip(names, enrolled, strict=True)]
            before_s = server.cpu_s()
            pair[side] = time_round(straight if side == "direct" else gated, shares)
            cpu_s += server.cpu_s() - before_s if side == "gated" else 0.0
        found.append(Measured(pair["direct"], pair["gated"], 1000 * cpu_s / (batches * phones)))
    held = couch.info([through, direct])
    pushed = (rounds + 1) * batches * phones * BATCH
    if any((held[name] or {}).get("doc_count", 0) < pushed for name in (through, direct)):
        raise RuntimeError(f"{pushed} documents were pushed to each side, the store holds {held}")
    for name in (through, direct):
        couch.delete(name)
    return found[1:]


def report(found: list[Measured], phones: int) -> float:
    """Print both rates, their ratio, which is the median over the rounds, and what a batch cost the server; the ratio."""
    ratio = statistics.median(one.gated / one.direct for one in found)
    direct, gated, cpu_ms = (statistics.median(column) for column in zip(*found, strict=True))
    verdict = f"bar {BAR:.2f}: {'held' if ratio >= BAR else 'NOT held'}" if phones > 1 else "no bar"
    print(
        f"push in batches of {BATCH}, {phones} phone{'s' if phones > 1 else ''} at once: store {direct:.0f} documents/s, "
        f"gateway {gated:.0f} documents/s, ratio {ratio:.2f} ({verdict}); server {cpu_ms:.2f} ms of processor time a batch",
        flush=True,
    )
    return ratio


def main() -> int:
    """Measure one phone by itself and several at once."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=10)
    arguments.add_argument("--batches", type=int, default=15, help="of each phone in each round")
    arguments.add_argument("--phones", type=int, default=4)
    arguments.add_argument("--strict", action="store_true", help="exit code 1 when several phones get less than the bar")
    given = arguments.parse_args()
    with contextlib.ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        store_url = os.environ.get("XUNGE_COUCHDB_URL") or stack.enter_context(running_store(data / "store"))
        broker_url = stack.enter_context(running_broker(data))
        server = stack.enter_context(running_server(store_url, broker_url, data))
        print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
        report(measure(store_url, server, given.rounds, given.batches, 1), 1)
        ratio = report(measure(store_url, server, given.rounds, given.batches, given.phones), given.phones)
    return 1 if given.strict and ratio < BAR else 0


if __name__ == "__main__":
    raise SystemExit(main())
