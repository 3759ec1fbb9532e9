"""The worker was away for a week: what phones pushed meanwhile is caught up, and what they push now need not wait for it."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from sync.couch import Couch
from sync.databases import cases_db
from tests.faults.audit import TOWNSHIP, Audit
from tests.phones import SimulatedPhone
from tests.running import RunningSystem, until

pytestmark = [pytest.mark.faults, pytest.mark.long]
WAITING = 10_000
BATCH = 250


@contextmanager
def worker_away(system: RunningSystem) -> Iterator[None]:
    """Nothing takes records in inside the block; a new worker starts at its end."""
    for pid in system.family()["intake"]:
        os.kill(pid, signal.SIGSTOP)
    yield
    system.kill_one("worker")


def cases_of(couch: Couch) -> int:
    """How many cases there are at this moment."""
    info = couch.info([cases_db(TOWNSHIP)])[cases_db(TOWNSHIP)]
    if info is None:
        return 0
    rows = couch.json(
        "GET",
        [cases_db(TOWNSHIP), "_all_docs"],
        params={"startkey": '"case:"', "endkey": '"case:\ufff0"'},
    )
    return len(rows["rows"])


@pytest.mark.timeout(600)
def test_what_is_pushed_now_does_not_wait_for_the_week_that_was_missed(system: RunningSystem, tmp_path: Path) -> None:
    # As many full databases as the worker has threads, and one more with little in it.
    phones = [SimulatedPhone(system.url, f"worker{n}").enrol() for n in (1, 3, 5, 7, 9)]
    couch = Couch(system.store_url(), timeout_s=60)
    with worker_away(system):
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(fill, phones))
        assert cases_of(couch) == 0
    until(lambda: cases_of(couch) > 0, "the worker at its backlog", 60)
    late = phones[-1].make_report("今天的新上报")
    phones[-1].push_until_answered(late)
    before = cases_of(couch)
    case = "case:" + late[0]["_id"].partition(":")[2]
    until(lambda: couch.database(cases_db(TOWNSHIP)).find(case), "a case of the new record", 60)
    made = cases_of(couch)
    print(f"\npushed when {before} of {WAITING} old ones were cases, a case itself when {made} were")
    assert before < WAITING / 2, "the backlog was nearly over; nothing is shown"
    assert made - before < (WAITING - before) / 2, "it waited for most of the backlog"
    found = Audit(system.store_url(), phones).settle("a week of backlog", 300)
    assert found.cases == len([id for phone in phones for id in phone.held if id.startswith("report:")])


def fill(phone: SimulatedPhone) -> None:
    """A phone's share of the backlog, through the gate; the last one has few."""
    share = 100 if phone.username == "worker9" else (WAITING - 100) // 4
    while share > 0:
        docs = [phone.make_report(f"积压 {share - n}")[0] for n in range(min(BATCH, share))]
        phone.push_until_answered(docs)
        share -= len(docs)
