"""The load bench works on a real system: every report of every phone becomes one case, and nothing of it stays."""

import json

import pytest
from click.testing import CliRunner

from server.cli import main
from server.load import population
from sync.couch import Couch
from tests.conftest import GRID_A


def test_a_small_crowd_pushes_uploads_and_hears_of_all_its_cases():
    command = ["bench", "phones", "--count", "3", "--records", "2", "--photos", "1", "--over", "1"]
    result = CliRunner().invoke(main, command)
    assert "6 of 6 reports acknowledged, 6 cases, 0 doubled, 0 documents refused, 6 photos uploaded" in result.output, (
        result.output
    )
    assert "every report is one case: held" in result.output
    for step in ("first load", "push of a batch", "upload of a photo", "report until its case is on the phone"):
        assert step in result.output
    for part in ("store", "server", "intake", "photos", "broker"):
        assert f"\n{part} " in result.output


def test_what_a_bench_made_is_taken_away_and_nothing_else(couch: Couch):
    population.remove(couch)
    couch.create("devices", replicated=False)
    couch.create("people", replicated=False)
    kept = {"_id": "device:0123456789abcdef", "type": "device", "user": "worker1"}
    couch.database("devices").put(kept)
    phones = population.make(couch, 3)
    couch.create(f"grid-{phones[0].grid}-2026q4", replicated=True)
    couch.create(f"grid-{GRID_A}-2026q4", replicated=True)
    population.remove(couch)
    assert couch.database("devices").find(kept["_id"]) is not None
    assert f"grid-{GRID_A}-2026q4" in couch.all_databases()
    assert not [name for name in couch.all_databases() if population.DISTRICT in name]
    left = json.dumps(couch.database("people").range("user:", "user:\ufff0", 100))
    assert population.PREFIX not in left


@pytest.mark.parametrize("number", [0, 59, 60, 5379])
def test_sixty_grids_to_a_township(number: int):
    code = population.grid_code(number)
    assert len(code) == 15
    assert code[:9] == f"990199{number // 60 + 1:03d}"
