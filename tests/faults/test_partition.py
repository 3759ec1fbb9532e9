"""The network between server, worker and store breaks: pushes are refused for the moment and succeed later, once each."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.conftest import running_store
from tests.faults import link as links
from tests.faults.audit import Audit
from tests.faults.link import Link
from tests.faults.traffic import Clerk, Traffic
from tests.phones import SimulatedPhone
from tests.running import RunningSystem, until

pytestmark = [pytest.mark.faults, pytest.mark.long]
# The gateway waits half a minute for an answer, having asked ten seconds at most who is pushing.
LONGEST_ANSWER_S = 45
HEALTH_S = 6


@pytest.fixture
def link(tmp_path: Path, outside_store: dict[str, str]) -> Iterator[Link]:
    """The only way to a store: the given one, or one of the test's own."""
    if outside_store:
        made = Link(outside_store["XUNGE_COUCHDB_URL"])
        yield made
        made.close()
        return
    with running_store(tmp_path / "store") as url:
        made = Link(url)
        yield made
        made.close()


@pytest.fixture
def apart(tmp_path: Path, link: Link) -> Iterator[RunningSystem]:
    """A running system that reaches its store over the link alone."""
    running = RunningSystem(tmp_path / "var", XUNGE_SWEEP_S="5", XUNGE_COUCHDB_URL=link.url).start()
    try:
        yield running
    finally:
        link.state = links.SOUND
        running.stop()


@pytest.mark.timeout(400)
def test_every_kind_of_break_loses_and_doubles_nothing(apart: RunningSystem, link: Link) -> None:
    phones = [SimulatedPhone(apart.url, f"worker{n}").enrol() for n in (1, 2, 3)]
    clerks = [Clerk(apart.url), Clerk(apart.url)]
    with Traffic(phones, clerks) as traffic:
        traffic.wait_for_more(15, "before the first break")
        for state, share, for_s in (
            (links.REFUSED, 1.0, 3),
            (links.LOSES_ANSWERS, 0.3, 12),
            (links.LOSES_ANSWERS, 1.0, 4),
            (links.HALF_CLOSED, 0.3, 8),
            (links.SLOW, 1.0, 8),
            (links.STALLED, 1.0, 4),
            (links.REFUSED, 1.0, 1),
        ):
            link.share, link.state = share, state
            time.sleep(for_s)
            link.state = links.SOUND
            traffic.wait_for_more(9, f"after the network was {state}")
        until(apart.is_healthy, "healthy again", 60)
    Audit(apart.store_url(), phones, clerks, apart.desk()).settle("partitions")


@pytest.mark.timeout(400)
def test_a_store_that_stalls_is_told_within_bounds_and_comes_back_by_itself(apart: RunningSystem, link: Link) -> None:
    phone = SimulatedPhone(apart.url, "worker1").enrol()
    phone.push(phone.make_report())
    link.state = links.STALLED
    until(lambda: health(apart) == (503, "down"), "health says that the store is down", HEALTH_S)
    began = time.monotonic()
    with pytest.raises(requests.HTTPError) as refused:
        phone.session.headers["Connection"] = "close"
        phone.push(phone.make_report())
    assert refused.value.response.status_code == 503
    assert time.monotonic() - began < LONGEST_ANSWER_S
    link.state = links.SOUND
    until(apart.is_healthy, "healthy again by itself", 40)
    phone.push_until_answered(phone.make_report())
    Audit(apart.store_url(), [phone]).settle("a stalled store")


def health(system: RunningSystem) -> tuple[int, str]:
    """The status, and what it says of the store."""
    answer = requests.get(f"{system.url}/healthz", timeout=HEALTH_S)
    return answer.status_code, answer.json()["store"]


@pytest.mark.timeout(400)
def test_a_push_whose_answer_was_lost_is_stored_once(apart: RunningSystem, link: Link) -> None:
    phone = SimulatedPhone(apart.url, "worker1").enrol()
    phone.push(phone.make_report())
    docs = phone.make_report()
    link.state = links.LOSES_ANSWERS
    with pytest.raises(requests.HTTPError):
        phone.push(docs)
    link.state = links.SOUND
    phone.push_until_answered(docs)
    phone.push_until_answered(docs)
    found = Audit(apart.store_url(), [phone]).settle("lost answers")
    assert found.cases == 2
