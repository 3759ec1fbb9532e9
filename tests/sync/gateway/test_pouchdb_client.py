"""A real PouchDB in Node replicates both ways through the gateway with a device token, and is refused one document at a time."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sync import databases
from sync.couch import Couch
from tests.conftest import GRID_A, GRID_ELSEWHERE, ROOT
from tests.sync.gateway.conftest import GRID_DB, Phone

SCRIPT = Path(__file__).with_name("pouchdb_client.mjs")
ADAPTER = ROOT / "pwa" / "node_modules" / "pouchdb-adapter-memory"

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not ADAPTER.exists(), reason="needs Node and the phone app's packages (make setup)"
)


@pytest.fixture(scope="module")
def told(enrolled: Any) -> dict[str, Any]:
    """What PouchDB told of one long session, and whose phone it was."""
    person = {"name": "worker1", "roles": ["worker"], "display": {"zh-CN": "马晓燕", "en": "Ma Xiaoyan"}}
    phone: Phone = enrolled(person | {"grids": [GRID_A], "communities": [], "townships": [], "units": []})
    given = {
        "gate": phone.base,
        "token": phone.token,
        "database": GRID_DB,
        "other": databases.grid_db(GRID_ELSEWHERE, GRID_DB[-6:]),
        "user": phone.user,
        "device": phone.device_id,
        "grid": GRID_A,
    }
    done = subprocess.run(["node", str(SCRIPT), json.dumps(given)], capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout)) | {"device": phone.device_id}


def test_everything_sound_arrives_and_nothing_is_sent_twice(told: dict[str, Any]) -> None:
    assert told["pushed"] == {"written": 150, "failures": 0, "denied": []}
    assert told["pushedAgain"] == {"written": 0, "failures": 0, "denied": []}


def test_another_phone_pulls_the_same_revisions_with_their_receipts(told: dict[str, Any]) -> None:
    assert told["pulledReports"] == 150
    assert told["pulledReceipts"] >= 1
    assert told["sameRevision"] is True


def test_what_is_refused_is_denied_by_itself_with_its_reason_and_the_rest_arrives(told: dict[str, Any]) -> None:
    assert {one["id"]: one["reason"] for one in told["refused"]["denied"]} == told["refusedIds"]
    assert told["anotherArrived"] is True


def test_a_deletion_and_a_second_revision_are_denied_and_change_nothing(told: dict[str, Any]) -> None:
    deleted, changed = told["changedIds"]
    assert {one["id"]: one["reason"] for one in told["changed"]["denied"]} == {deleted: "deletion", changed: "immutable_revision"}
    assert told["untouched"] == "楼道堆放杂物"


def test_another_grids_database_and_an_underscored_id_are_refused(told: dict[str, Any]) -> None:
    assert [entry["reason"] for entry in told["elsewhere"]] == ["not_grid_holder"]
    assert [entry["reason"] for entry in told["underscore"]] == ["reserved_field"]


def test_the_same_revision_pushed_again_is_held(told: dict[str, Any]) -> None:
    assert told["repushed"][0]["ok"] is True
    # PouchDB keeps only the failures of such an answer.
    assert [entry["reason"] for entry in told["direct"]] == ["author_mismatch"]


def test_sync_and_a_live_feed_work(told: dict[str, Any]) -> None:
    assert told["synced"] == {"pushed": 1, "pulled": True, "ok": True}
    assert told["liveSawIt"] is True


def test_every_refused_document_is_in_quarantine(told: dict[str, Any], couch: Couch) -> None:
    kept = [entry["reason"] for entry in couch.database(databases.QUARANTINE).range("refused:", "refused;", 1000)]
    expected = "author_mismatch author_mismatch deletion immutable_revision not_grid_holder reserved_field too_large unknown_type"
    assert sorted(kept) == expected.split()
