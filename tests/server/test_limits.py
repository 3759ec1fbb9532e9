"""How much a phone may ask: counted across processes, by device and person, bounded without a broker, and nearly free."""

import asyncio

import pytest
import redis

from server.limits import AT_ONCE_PER_DEVICE, PER_DEVICE, PER_USER, WINDOW_S, Allowance, Meter
from tests.conftest import free_port

FEW = Allowance(requests=10, received_bytes=1000, sent_bytes=2000)
MANY = Allowance(requests=10_000, received_bytes=10**9, sent_bytes=10**9)
# In the middle of a minute of long ago, so that no other test's counts are met.
AT_S = 1_700_000_010.0


def ask(meter: Meter, times: int, *, device: str = "d1", user: str = "u1", received: int = 0, sent: int = 0) -> list[int | None]:
    """So many requests, one after the other; each one's wait, or None."""
    waits = []
    for _ in range(times):
        waits.append(meter.enter(device, user))
        if waits[-1] is None:
            meter.leave(device, user, received, sent)
    return waits


@pytest.fixture(autouse=True)
def emptied(broker_url: str) -> None:
    redis.Redis.from_url(broker_url).flushall()


def test_a_phone_that_asks_too_often_waits_for_the_next_minute() -> None:
    now = [AT_S]
    meter = Meter("", FEW, MANY, now_s=lambda: now[0])
    assert ask(meter, 12) == [None] * 10 + [30] * 2
    assert ask(meter, 1, device="d2", user="u2") == [None]
    now[0] += WINDOW_S
    assert ask(meter, 1) == [None]


def test_bytes_count_each_way() -> None:
    meter = Meter("", FEW, MANY, now_s=lambda: AT_S)
    assert ask(meter, 3, received=500) == [None, None, 30]
    assert ask(meter, 3, device="d2", sent=1000) == [None, None, 30]


def test_one_persons_phones_share_what_the_person_may() -> None:
    meter = Meter("", MANY, FEW, now_s=lambda: AT_S)
    assert [ask(meter, 1, device=f"d{number}")[0] for number in range(12)] == [None] * 10 + [30, 30]


def test_processes_share_their_counts_through_the_broker(broker_url: str) -> None:
    first, second = (Meter(broker_url, FEW, MANY, now_s=lambda: AT_S) for _ in range(2))

    async def flush() -> None:
        for meter in (first, second):
            await meter.flush()

    assert ask(first, 6) == [None] * 6
    assert ask(second, 4) == [None] * 4
    asyncio.run(flush())
    assert ask(second, 1) == [30]
    assert ask(first, 1) == [None]
    asyncio.run(flush())
    assert ask(first, 1) == [30]
    for meter in (first, second):
        meter.close()


def test_counts_in_the_broker_do_not_stay(broker_url: str) -> None:
    meter = Meter(broker_url, FEW, MANY, now_s=lambda: AT_S)
    ask(meter, 3)
    asyncio.run(meter.flush())
    client = redis.Redis.from_url(broker_url)
    keys = list(client.scan_iter("xunge:asked:*"))
    assert len(keys) == 2
    assert all(0 < int(client.ttl(key)) <= 2 * WINDOW_S for key in keys)
    meter.close()


def test_without_a_broker_nobody_is_stopped_and_everybody_stays_bounded() -> None:
    meter = Meter(f"redis://127.0.0.1:{free_port()}/0", FEW, MANY, now_s=lambda: AT_S)
    assert ask(meter, 5) == [None] * 5
    asyncio.run(meter.flush())
    asyncio.run(meter.flush())
    assert ask(meter, 6) == [None] * 5 + [30]
    meter.close()


def test_a_phone_has_so_many_requests_open_and_no_more() -> None:
    meter = Meter("", now_s=lambda: AT_S)
    waits = [meter.enter("d1", "u1") for _ in range(AT_ONCE_PER_DEVICE + 1)]
    assert waits[:-1] == [None] * AT_ONCE_PER_DEVICE
    assert waits[-1] is not None
    meter.leave("d1", "u1", 0, 0)
    assert meter.enter("d1", "u1") is None


def test_a_mornings_work_is_far_below_what_is_allowed() -> None:
    """Thirty records, a first load in pages of a hundred, a hundred photos of 4 MB, and what else a phone asks meanwhile."""
    requests = 30 + 10_000 // 100 * 3 + 100 * 9 + 100
    assert 2 * requests < PER_DEVICE.requests <= PER_USER.requests
    assert PER_DEVICE.received_bytes > 100 * 4_000_000
    assert PER_DEVICE.sent_bytes > 10_000 * 20_000
