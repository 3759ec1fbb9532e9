"""Beat sends by the steady clock: at once, then every so many seconds, whatever the wall clock does and the broker holds."""

import base64
import json
from datetime import timedelta

import pytest
import redis
from celery import Celery

from server.queues import SWEEP_TASK, SWEEPS, common_options
from worker.pacing import Pacing

EVERY_S = 20.0


class Clock:
    """A steady clock that the test moves."""

    now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr("worker.pacing.time", found)
    return found


@pytest.fixture
def pacing(own_broker: str, clock: Clock) -> Pacing:
    """A scheduler with one sweep every twenty seconds."""
    app = Celery("paced", broker=own_broker, set_as_current=False)
    entry = {"task": SWEEP_TASK, "schedule": EVERY_S}
    app.conf.update(common_options() | {"beat_schedule": {"sweep": entry}})
    return Pacing(app=app)


def waiting(queue: "redis.Redis") -> list[str]:
    """The ids of the sweeps that wait."""
    return [json.loads(message)["headers"]["id"] for message in queue.lrange(SWEEPS, 0, -1)]  # type: ignore[union-attr]


def test_the_first_is_sent_at_once_and_the_next_when_it_is_time(pacing: Pacing, clock: Clock, queue: "redis.Redis") -> None:
    pause_s = pacing.tick()
    first = waiting(queue)
    assert len(first) == 1
    assert pause_s == EVERY_S
    clock.now_s += pause_s - 0.1
    assert pacing.tick() == pytest.approx(0.1)
    assert waiting(queue) == first
    clock.now_s += 0.1
    pacing.tick()
    assert waiting(queue) != first


def test_a_week_without_a_worker_leaves_one_sweep_waiting(pacing: Pacing, queue: "redis.Redis") -> None:
    for _ in range(20):
        pacing._due_s = dict.fromkeys(pacing._due_s, 0.0)
        pacing.tick()
    assert len(waiting(queue)) == 1


def test_a_wall_clock_set_back_by_a_year_stops_nothing(pacing: Pacing, clock: Clock, queue: "redis.Redis") -> None:
    pacing.tick()
    first = waiting(queue)
    for entry in pacing.schedule.values():
        entry.last_run_at += timedelta(days=365)
    clock.now_s += EVERY_S
    pacing.tick()
    assert waiting(queue) != first


def test_what_a_full_queue_of_records_waits_for_is_left_alone(pacing: Pacing, queue: "redis.Redis") -> None:
    queue.rpush("intake", base64.b64encode(b"a nudge"))
    pacing.tick()
    assert queue.llen("intake") == 1
