"""A real worker tells a real receiver what became of a case, is killed with -9, and the next one goes on where it stopped."""

from datetime import UTC, datetime
from pathlib import Path

from server.cases import moves
from server.nudges import Nudges
from server.sources import intake, store
from sync.couch import Couch
from tests.conftest import wait_until
from tests.server.sources.conftest import TOWNSHIP, make_places
from tests.server.sources.receiver import receiving
from tests.server.sources.test_intake import TRIAGE, item
from tests.worker.conftest import running_worker


def test_what_happens_while_no_worker_is_there_is_told_by_the_next_one(
    empty_store: Couch, nudges: Nudges, environment: dict[str, str], tmp_path: Path
) -> None:
    make_places(empty_store)
    now = datetime.now(UTC)
    with receiving() as receiver:
        fields = {"kind": "hotline", "name": "市 12345", "areas": [TOWNSHIP], "categories": {"井盖": "0101"}}
        source, _ = store.add(empty_store, "test", "city", fields | {"callback_url": receiver.url}, by="admin", now=now)
        case = intake.take(empty_store, nudges, source, item(), now).case["_id"]
        with running_worker(environment | {"XUNGE_DEMO": "1"}, tmp_path / "log", "intake") as worker:
            wait_until(lambda: receiver.statuses() == ["received"], 120, "the first call")
            worker.kill()
        for name in ("accept", "file"):
            moves.move(empty_store, nudges, TRIAGE, case, name, {}, if_match=None, key=f"move-{name}", now=datetime.now(UTC))
        with running_worker(environment | {"XUNGE_DEMO": "1"}, tmp_path / "log", "intake"):
            # The killed one held the case for a minute.
            wait_until(lambda: receiver.statuses()[-2:] == ["accepted", "filed"] or _ask(nudges), 170, "the calls it missed")
    assert list(dict.fromkeys(receiver.statuses())) == ["received", "accepted", "filed"]


def _ask(nudges: Nudges) -> bool:
    """What beat does every few seconds."""
    nudges._celery.send_task("xunge.calls", queue="calls", retry=False, ignore_result=True)
    return False
