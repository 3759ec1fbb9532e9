"""How fast a PouchDB client pushes small documents to the store in batches of 100; the bar is 2,500 documents a second.

Two ways: `bulkDocs` with documents in hand, one request a batch, which the bar is for; and PouchDB's own replicator, which reads
its local changes, asks `_revs_diff`, reads each document, writes, and saves a checkpoint, one batch after the other, and is bound
by itself. On the embedded store, or on the CouchDB of `XUNGE_COUCHDB_URL`. `python tests/bench/pouchdb_push.py [--strict]`.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sync.couch import Couch
from tests.conftest import running_store

BAR = 2_500
SCRIPT = Path(__file__).with_name("pouchdb_push.mjs")
DATABASE = "bench-pouchdb"


def push(url: str, documents: int, way: str) -> float:
    """Documents a second into a fresh database. Raises when not all of them are there afterwards."""
    couch = Couch(url)
    couch.delete(DATABASE)
    couch.create(DATABASE, replicated=True)
    given = json.dumps({"url": url, "database": DATABASE, "documents": documents, "way": way})
    done = subprocess.run(["node", str(SCRIPT), given], capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    held = (couch.info([DATABASE])[DATABASE] or {}).get("doc_count")
    if held != documents:
        raise RuntimeError(f"the store holds {held} of {documents} documents")
    couch.delete(DATABASE)
    return float(json.loads(done.stdout)["documents_per_s"])


def main() -> int:
    """Measures both ways, several rounds each, and prints the middle one."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--documents", type=int, default=10_000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--strict", action="store_true", help="exit code 1 below the bar")
    given = arguments.parse_args()
    rates = {}
    with contextlib.ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = os.environ.get("XUNGE_COUCHDB_URL") or stack.enter_context(running_store(data))
        print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
        for way in ("bulk", "replicate"):
            rates[way] = statistics.median(push(url, given.documents, way) for _ in range(given.rounds))
    verdict = "held" if rates["bulk"] > BAR else "NOT held"
    print(f"PouchDB bulkDocs, batches of 100: {rates['bulk']:.0f} documents/s (bar {BAR}: {verdict})")
    print(f"PouchDB replicator, batch_size 100: {rates['replicate']:.0f} documents/s (no bar)")
    return 1 if given.strict and rates["bulk"] <= BAR else 0


if __name__ == "__main__":
    raise SystemExit(main())
