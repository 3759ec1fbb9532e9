"""Beat sends by the steady clock: at once, then every so many seconds, whatever the wall clock does and the broker holds."""

import base64
import json
import time
from datetime import timedelta

import pytest
import redis
from celery import Celery

from server.queues import SWEEP_TASK, SWEEPS, common_options
from tests.conftest import wait_until
from worker.pacing import Pacing

EVERY_S = 0.2


@pytest.fixture
def pacing(own_broker: str) -> Pacing:
    """A scheduler with one sweep every fifth of a second."""
    app = Celery("paced", broker=own_broker, set_as_current=False)
    entry = {"task": SWEEP_TASK, "schedule": EVERY_S}
    app.conf.update(common_options() | {"beat_schedule": {"sweep": entry}})
    return Pacing(app=app)


def waiting(queue: "redis.Redis") -> list[str]:
    """The ids of the sweeps that wait."""
    return [json.loads(message)["headers"]["id"] for message in queue.lrange(SWEEPS, 0, -1)]  # type: ignore[union-attr]


def test_the_first_is_sent_at_once_and_the_next_when_it_is_time(pacing: Pacing, queue: "redis.Redis") -> None:
    pause_s = pacing.tick()
    first = waiting(queue)
    assert len(first) == 1
    assert 0 < pause_s <= EVERY_S
    pacing.tick()
    assert waiting(queue) == first
    time.sleep(pause_s)
    pacing.tick()
    assert waiting(queue) != first


def test_a_week_without_a_worker_leaves_one_sweep_waiting(pacing: Pacing, queue: "redis.Redis") -> None:
    for _ in range(20):
        pacing._due_s = dict.fromkeys(pacing._due_s, 0.0)
        pacing.tick()
    assert len(waiting(queue)) == 1


def test_a_wall_clock_set_back_by_a_year_stops_nothing(pacing: Pacing, queue: "redis.Redis") -> None:
    pacing.tick()
    first = waiting(queue)
    for entry in pacing.schedule.values():
        entry.last_run_at += timedelta(days=365)

    def is_another_there() -> bool:
        pacing.tick()
        return waiting(queue) != first

    wait_until(is_another_there, 5, "the next sweep")


def test_what_a_full_queue_of_records_waits_for_is_left_alone(pacing: Pacing, queue: "redis.Redis") -> None:
    queue.rpush("intake", base64.b64encode(b"a nudge"))
    pacing.tick()
    assert queue.llen("intake") == 1
