"""The store behaves as CouchDB did when the cases in `conformance/` were recorded; one test a topic, every case of it.

Runs against the embedded node, or with XUNGE_TEST_COUCHDB_URL against that server.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "conformance"
TOPICS = sorted(path.stem for path in (FOLDER / "cases").glob("*.json"))
CASES = 357

# Nothing may be left out: a topic named here fails.
NOT_YET_COVERED: tuple[str, ...] = ()


@pytest.mark.parametrize("topic", TOPICS)
def test_store_answers_as_couchdb_did(topic: str, store_url: str) -> None:
    command = [sys.executable, str(FOLDER / "replay.py"), store_url, "--only", topic]
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=280)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_recorded_case_is_asked() -> None:
    assert NOT_YET_COVERED == ()
    counts = [len(json.loads((FOLDER / "cases" / f"{topic}.json").read_text())["cases"]) for topic in TOPICS]
    assert sum(counts) == CASES
