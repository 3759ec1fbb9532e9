"""Clocks step by a day and a year while everything runs: nothing is lost or doubled, and the periodic work goes on.

The clock is `clock/sitecustomize.py`; the broker keeps the real one, and its keys are aged by hand as a step would age them.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.faults.audit import Audit
from tests.faults.test_broker import past_the_gate
from tests.faults.traffic import STRANGE, Clerk, Traffic, picture
from tests.phones import TRANSIENT, SimulatedPhone
from tests.running import RunningSystem, until

pytestmark = [pytest.mark.faults, pytest.mark.long]
DAY_S, YEAR_S = 86_400, 365 * 86_400
# A photo without a record is kept for ninety days.
LONGER_THAN_KEPT_S = 100 * DAY_S
CLOCK = Path(__file__).parent / "clock"


class Clock:
    """The wall clock of every process of a system."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.step(0)

    def step(self, wrong_by_s: int) -> None:
        """From now on the clock is wrong by so much. The file is replaced whole: nobody reads half a number."""
        draft = self._path.with_suffix(".draft")
        draft.write_text(str(wrong_by_s))
        draft.replace(self._path)


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    """Right at first."""
    return Clock(tmp_path / "clock")


@pytest.fixture
def timed(tmp_path: Path, clock: Clock, outside_store: dict[str, str]) -> Iterator[RunningSystem]:
    """A running system whose clock can be set."""
    told = {"PYTHONPATH": str(CLOCK), "FAULTS_CLOCK": str(tmp_path / "clock")}
    running = RunningSystem(tmp_path / "var", XUNGE_SWEEP_S="3", **told, **outside_store).start()
    try:
        yield running
    finally:
        running.stop()


@pytest.mark.timeout(600)
def test_steps_of_the_servers_clock_lose_and_double_nothing(timed: RunningSystem, clock: Clock) -> None:
    phones = [SimulatedPhone(timed.url, f"worker{n}").enrol() for n in (1, 2, 3)]
    for phone in phones:
        # In a year their tokens are too old: they keep what they have until the clock is right again.
        phone.transient = {*TRANSIENT, 401}
    clerks = [Clerk(timed.url)]
    with Traffic(phones, clerks) as traffic:
        traffic.wait_for_more(15, "before the first step")
        for wrong_by_s in (DAY_S, -DAY_S, 0, -YEAR_S, 0, YEAR_S, 0):
            clock.step(wrong_by_s)
            traffic.wait_for_more(9, "while the clock stepped")
            # What a server remembers of the right time goes with it.
            timed.kill_one("server")
            if wrong_by_s == YEAR_S:
                until(lambda: [p for p in phones if p.last_refusal == "token_expired"], "a phone told that its token is old", 60)
            else:
                traffic.wait_for_more(15, f"with a clock wrong by {wrong_by_s} s")
            until(timed.is_healthy, f"healthy with a clock wrong by {wrong_by_s} s", 30)
    Audit(timed.store_url(), phones, clerks, timed.desk()).settle("clock steps")


@pytest.mark.timeout(300)
def test_the_sweep_goes_on_whatever_the_clock_says(timed: RunningSystem, clock: Clock) -> None:
    phone = SimulatedPhone(timed.url, "worker1").enrol()
    phone.push(phone.make_report())
    audit = Audit(timed.store_url(), [phone])
    broker = redis.Redis.from_url(timed.broker_url())
    for wrong_by_s in (DAY_S, -DAY_S, YEAR_S, -YEAR_S, 0):
        clock.step(wrong_by_s)
        age_keys(broker, wrong_by_s)
        past_the_gate(timed, phone, phone.make_report())
        audit.settle(f"swept with a clock wrong by {wrong_by_s} s", 30)
    broker.close()


@pytest.mark.timeout(300)
def test_a_photo_that_waits_for_its_record_outlives_a_clock_too_far_ahead(timed: RunningSystem, clock: Clock) -> None:
    phone = SimulatedPhone(timed.url, "worker1").enrol()
    phone.push(phone.make_report())
    docs = phone.make_report("照片先到", (picture(1),))
    phone.upload_until_answered(docs[1]["_id"], picture(1))
    audit = Audit(timed.store_url(), [phone], (), timed.desk())
    clock.step(LONGER_THAN_KEPT_S)
    # A worker that has just started does at once what is done rarely.
    timed.kill_one("intake")
    for _ in range(3):
        past_the_gate(timed, phone, phone.make_report())
        audit.settle("swept a hundred days ahead", 60)
    clock.step(0)
    timed.kill_one("server")
    until(timed.is_healthy, "healthy with the right clock", 60)
    phone.push_until_answered(docs)
    audit.settle("the record of a photo that came first")


def age_keys(broker: "redis.Redis", wrong_by_s: int) -> None:
    """What a step of the broker's own clock does to keys that expire: gone at once, or there for that much longer."""
    for key in broker.scan_iter():
        left_s = int(str(broker.ttl(key)))
        if left_s >= 0:
            broker.expire(key, max(0, left_s - wrong_by_s))


@pytest.mark.timeout(300)
def test_phones_with_wrong_clocks_lose_and_double_nothing(timed: RunningSystem) -> None:
    phones = [SimulatedPhone(timed.url, f"worker{n}").enrol() for n in (1, 2, 3, 4)]
    with Traffic(phones) as traffic:
        for steps in ((DAY_S, -DAY_S, YEAR_S, -YEAR_S), (0, YEAR_S, -DAY_S, DAY_S)):
            for phone, wrong_by_s in zip(phones, steps, strict=True):
                phone.wrong_by_s = wrong_by_s
            traffic.wait_for_more(40, "from phones with wrong clocks")
    Audit(timed.store_url(), phones, (), timed.desk()).settle("phones' clock steps")
    reasons = {reason for phone in phones for reason in phone.refused.values()}
    assert reasons <= {"stamp_ahead", STRANGE}, reasons
