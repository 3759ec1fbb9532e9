"""Hints: sent once, never in the way, and heard again after the broker was away."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.connection import AbstractConnection

from server.nudges import SOCKET_TIMEOUT_S, Nudges
from tests.conftest import PATIENCE_S, running_broker, wait_until


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    with running_broker(tmp_path) as url:
        yield url


@pytest.fixture
def nudges(broker: str) -> Iterator[Nudges]:
    made = Nudges(broker)
    yield made
    made.close()


@pytest.fixture
def queue(broker: str) -> Iterator["redis.Redis"]:
    client = redis.Redis.from_url(broker)
    yield client
    client.close()


def test_a_database_that_waits_is_not_asked_for_twice(nudges: Nudges, queue: "redis.Redis") -> None:
    assert nudges.nudge("grid-a")
    assert nudges.nudge("grid-a")
    assert nudges.nudge("grid-b")
    assert queue.llen("intake") == 2
    nudges.begin("grid-a")
    assert nudges.nudge("grid-a")
    assert queue.llen("intake") == 3


def test_a_photo_goes_to_a_queue_of_its_own(nudges: Nudges, queue: "redis.Redis") -> None:
    assert nudges.nudge_photo("media-1", "photo:1")
    assert (queue.llen("photos"), queue.llen("intake")) == (1, 0)


def test_from_the_event_loop_a_thousand_nudges_wait_for_no_broker(
    nudges: Nudges, queue: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, send_one = threading.Event(), nudges._send

    def send_late(*task: Any, **rest: Any) -> bool:
        assert answers.wait(PATIENCE_S)
        return send_one(*task, **rest)

    async def send() -> None:
        for number in range(1000):
            await nudges.nudge_soon(f"grid-{number % 50}")

    monkeypatch.setattr(nudges, "_send", send_late)
    asyncio.run(send())
    assert queue.llen("intake") == 0, "all were handed over before the broker took the first"
    answers.set()
    wait_until(lambda: queue.llen("intake") == 50, what="the nudges")


@pytest.mark.parametrize("kind", ["nobody listens", "nobody answers"])
def test_a_dead_broker_costs_one_short_wait_and_then_nothing(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []
    connect = AbstractConnection.connect
    monkeypatch.setattr(AbstractConnection, "connect", lambda self: tried.append(self) or connect(self))
    # A machine may take longer for a thousand of anything than the broker is left alone for.
    monkeypatch.setattr("server.nudges.REST_S", 3600.0)
    assert SOCKET_TIMEOUT_S < 1
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if kind == "nobody answers":
            silent.listen()
        nudges = Nudges(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        assert not nudges.nudge("grid-a")
        assert len(tried) == 1
        for _ in range(1000):
            assert not nudges.nudge("grid-a")
            assert not nudges.announce(["grid-a"])
            assert nudges.count_try("x") == 1
        assert len(tried) == 1
        assert not nudges.is_worker_alive()
        nudges.close()


def test_nudges_work_again_when_the_broker_is_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.nudges.REST_S", 0.05)
    with running_broker(tmp_path) as url:
        nudges = Nudges(url)
        assert nudges.nudge("grid-a")
        port = int(url.rpartition(":")[2].partition("/")[0])
    assert not nudges.nudge("grid-b")
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    monkeypatch.setattr("tests.conftest.free_port", lambda: port)
    with running_broker(tmp_path):
        wait_until(lambda: nudges.nudge("grid-c"), what="the broker's return")
        nudges.close()


def test_who_listens_hears_what_changed_and_of_a_gap(nudges: Nudges, queue: "redis.Redis") -> None:
    async def listen() -> list[set[str]]:
        heard = []
        stream = nudges.subscribe()
        first = asyncio.ensure_future(anext(stream))
        while not queue.pubsub_channels():  # noqa: ASYNC110 - the broker has no event to wait for
            await asyncio.sleep(0.01)
        await nudges.announce_soon(["grid-b", "grid-a"])
        heard.append(await first)
        queue.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        heard.append(await anext(stream))
        await stream.aclose()  # type: ignore[attr-defined]
        return heard

    assert asyncio.run(asyncio.wait_for(listen(), PATIENCE_S)) == [{"grid-a", "grid-b"}, set()]


def test_the_tries_of_a_task_are_counted_until_it_ends_well(nudges: Nudges) -> None:
    assert [nudges.count_try("x"), nudges.count_try("x")] == [1, 2]
    nudges.forget_tries("x")
    assert nudges.count_try("x") == 1
