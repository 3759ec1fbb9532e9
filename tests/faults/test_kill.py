"""Processes are killed with -9 while phones push and clerks move: afterwards all that was acknowledged is there, once."""

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

import pytest

from tests.faults.audit import Audit
from tests.faults.traffic import Clerk, Traffic
from tests.phones import SimulatedPhone
from tests.running import RunningSystem, until

pytestmark = pytest.mark.faults
# Those of the pool and the workers below their parent as well: `photo` is the process that decodes pictures.
VICTIMS = ("run", "store", "broker", "server", "worker", "intake", "photos", "photo", "beat")
MAIN_VICTIMS = VICTIMS[:5]


def kill_under_load(system: RunningSystem, victims: Sequence[str], kills: int, phones: int, seed: int) -> None:
    """So many kills at random moments; then the audit, and nothing of the system may be left running.

    A store that is not ours is left alone.
    """
    dice = random.Random(seed)
    carriers = [SimulatedPhone(system.url, f"worker{n + 1}").enrol() for n in range(phones)]
    clerks = [Clerk(system.url), Clerk(system.url), Clerk(system.url, "dept1")]
    killed: Counter[str] = Counter()
    owned = [name for name in victims if name != "store" or name in system.children()]
    with Traffic(carriers, clerks) as traffic:
        traffic.wait_for_more(5 * phones, "before the first kill")
        for name in in_random_order(dice, kills, owned):
            system.kill_one(name)
            killed[name] += 1
            if name == "run":
                if dice.random() < 0.5:
                    until(lambda: not system.family(), "all processes gone with their supervisor", 20)
                system.start()
            traffic.wait_for_more(dice.randint(1, 3 * phones), f"after {name} was killed")
        until(system.is_healthy, "healthy again after the last kill", 60)
        traffic.wait_for_more(5 * phones, "after the last kill")
    print(f"\nkilled {killed.total()}: " + ", ".join(f"{name} {n}" for name, n in killed.most_common()))
    Audit(system.store_url(), carriers, clerks, system.desk(), minds_notices=True).settle(f"{kills} kills")
    system.stop()
    assert system.family() == {}


def in_random_order(dice: random.Random, kills: int, victims: Sequence[str]) -> Iterator[str]:
    """Who dies next: everybody once in each round, in another order each time."""
    rounds = -(-kills // len(victims))
    return islice((name for _ in range(rounds) for name in dice.sample(victims, len(victims))), kills)


def test_nothing_is_lost_or_doubled_when_processes_are_killed(system: RunningSystem) -> None:
    kill_under_load(system, MAIN_VICTIMS, kills=5, phones=3, seed=3)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_nothing_is_lost_or_doubled_in_a_hundred_kills(system: RunningSystem) -> None:
    kill_under_load(system, VICTIMS, kills=100, phones=5, seed=100)


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_start_that_is_killed_at_any_moment_can_be_made_again(system: RunningSystem) -> None:
    dice = random.Random(8)
    phone = SimulatedPhone(system.url, "worker1").enrol()
    clerk = Clerk(system.url)
    with Traffic([phone], [clerk]) as traffic:
        traffic.wait_for_more(5, "before the first kill")
        for _ in range(10):
            system.kill_one("run")
            system.launch()
            time.sleep(dice.uniform(0.2, 6.0))
        system.kill_one("run")
        system.start()
        traffic.wait_for_more(5, "after the last start")
    Audit(system.store_url(), [phone], [clerk], system.desk()).settle("11 starts cut short")
    system.stop()
    assert system.family() == {}
