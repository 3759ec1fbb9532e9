"""The broker loses everything it holds, again and again, while phones push: the sweep finds what nudges no longer say."""

import os
import signal
import time

import pytest
import redis
import requests

from sync.couch import Couch
from tests.faults.audit import Audit
from tests.faults.traffic import Clerk, Traffic
from tests.phones import SimulatedPhone
from tests.running import RunningSystem, until

pytestmark = pytest.mark.faults
# Far more than a push takes on a busy machine, far less than waiting for a broker would.
PUSH_S = 3.0


@pytest.mark.long
def test_a_broker_wiped_while_working_costs_time_and_nothing_else(system: RunningSystem) -> None:
    phones = [SimulatedPhone(system.url, f"worker{n}").enrol() for n in (1, 2, 3, 4)]
    clerks = [Clerk(system.url)]
    broker = redis.Redis.from_url(system.broker_url())
    with Traffic(phones, clerks) as traffic:
        for _ in range(30):
            traffic.wait_for_more(4, "between two wipes")
            broker.flushall()
        for _ in range(3):
            old = system.kill_one("broker")
            until(lambda pid=old: system.family().get("broker", [pid]) != [pid], "a broker with nothing in it", 60)
            traffic.wait_for_more(12, "with the new broker")
    until(system.is_healthy, "healthy after all that", 60)
    Audit(system.store_url(), phones, clerks, system.desk()).settle("broker wiped 33 times")
    broker.close()


@pytest.mark.long
def test_records_that_nobody_nudged_about_are_found_by_the_sweep(system: RunningSystem) -> None:
    phone = SimulatedPhone(system.url, "worker1").enrol()
    phone.push(phone.make_report())
    audit = Audit(system.store_url(), [phone])
    audit.settle("before")
    for docs in (phone.make_report() for _ in range(3)):
        past_the_gate(system, phone, docs)
        began = time.monotonic()
        audit.settle("a record past the gate", 20)
        assert time.monotonic() - began < 20


@pytest.mark.long
def test_a_broker_that_hangs_holds_up_no_push(system: RunningSystem) -> None:
    phone = SimulatedPhone(system.url, "worker1").enrol()
    phone.push(phone.make_report())
    broker = system.family()["broker"][0]
    os.kill(broker, signal.SIGSTOP)
    try:
        for _ in range(8):
            began = time.monotonic()
            phone.push(phone.make_report())
            assert time.monotonic() - began < PUSH_S
        until(lambda: health(system) == (503, "down", "up"), "health says that the broker is down", 10)
    finally:
        os.kill(broker, signal.SIGCONT)
    until(system.is_healthy, "healthy again by itself", 60)
    phone.push(phone.make_report())
    Audit(system.store_url(), [phone]).settle("a broker that hung")


def health(system: RunningSystem) -> tuple[int, str, str]:
    """The status, and what it says of broker and store."""
    answer = requests.get(f"{system.url}/healthz", timeout=10)
    return answer.status_code, answer.json()["broker"], answer.json()["store"]


def past_the_gate(system: RunningSystem, phone: SimulatedPhone, docs: list[dict[str, object]]) -> None:
    """Store records as if their nudge had been lost: nobody is told."""
    name = phone.database()
    assert Couch(system.store_url()).database(name).bulk(docs, new_edits=False) == []
    phone.held.update({str(doc["_id"]): (name, str(doc["_rev"])) for doc in docs})
