"""What a server process remembers of tokens: few questions, and every change known within seconds.

The seconds are those of a clock that the test moves: how long the machine takes for all this says nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from server.people import accounts, devices, known
from server.people.policy import DevicePolicy
from server.web import phone_guard
from sync import databases
from sync.couch import Couch
from sync.gateway import Holder, NotAdmitted, Unavailable
from tests.conftest import GRID_A, GRID_B, free_port


class Clock:
    """The steady clock of `known`."""

    now_s = 1_000.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(known, "time", found)
    return found


def test_a_revocation_takes_effect_on_what_is_open_within_five_seconds() -> None:
    """As the bounds add up: the watch may have just looked, and what it was told may be about to be asked for anew."""
    assert known.SURE_S + 2 * phone_guard.WATCH_EVERY_S < 5


class Counting(Couch):
    """A connection that counts what is asked of the store, and can be cut."""

    asked = 0
    is_cut = False

    def send(self, method: str, path: Any, **options: Any) -> Any:
        self.asked += 1
        if self.is_cut:
            return Couch(f"http://a:b@127.0.0.1:{free_port()}").send(method, path, **options)
        return super().send(method, path, **options)


@pytest.fixture
def counting(own_store: str) -> Counting:
    return Counting(own_store)


@pytest.fixture
def token(couch: Couch) -> str:
    account = accounts.make("worker1", ["worker"], {}, "a-test-password", grids=[GRID_A])
    accounts.save_all(couch, [account])
    return devices.enrol(couch, account, "x")[1]


async def ask_often(ask: Callable[[], Awaitable[object]]) -> bool:
    """Whether ten that ask at once, as streams do, all hear yes."""
    return all(await asyncio.gather(*(ask() for _ in range(10))))


def refused(policy: DevicePolicy, token: str) -> Callable[[], Awaitable[str | None]]:
    async def ask() -> str | None:
        try:
            await policy.identify(token)
        except NotAdmitted as error:
            return error.reason
        return None

    return ask


def test_a_revoked_token_is_refused_within_seconds_of_steady_use(couch: Couch, token: str, clock: Clock) -> None:
    async def run() -> None:
        policy = DevicePolicy(couch)
        asking = refused(policy, token)
        for _ in range(3):
            assert await asking() is None
            clock.now_s += known.SURE_S
        assert await asking() is None
        await asyncio.to_thread(devices.revoke, couch, token.partition(".")[0], accounts.find(couch, "worker1"))
        clock.now_s += known.SURE_S
        assert await ask_often(asking)
        assert await asking() == "token_revoked"

    asyncio.run(run())


def test_a_locked_out_account_and_a_moved_worker_are_noticed(couch: Couch, token: str, clock: Clock) -> None:
    async def run() -> None:
        policy = DevicePolicy(couch)

        async def opens(grid: str) -> bool:
            return any(grid in name for name in (await policy.identify(token)).databases)

        assert await opens(GRID_A)
        accounts.change(couch, "worker1", {"grids": [GRID_B]})
        clock.now_s += known.SURE_S
        assert await ask_often(lambda: opens(GRID_B))
        assert not await opens(GRID_A)
        accounts.change(couch, "worker1", {"disabled": True})
        clock.now_s += known.SURE_S
        assert await ask_often(refused(policy, token))

    asyncio.run(run())


def test_five_hundred_open_streams_cost_the_store_a_few_questions(counting: Counting, couch: Couch, clock: Clock) -> None:
    account = accounts.make("worker2", ["worker"], {}, "a-test-password", grids=[GRID_A])
    accounts.save_all(couch, [account])
    held = [devices.enrol(couch, account, "x")[1] for _ in range(50)]

    async def run() -> None:
        policy = DevicePolicy(counting)
        for token in held:
            await policy.identify(token)
        clock.now_s += known.SURE_S
        await asyncio.gather(*(policy.identify(token) for token in held))
        before = counting.asked
        for _ in range(4):
            clock.now_s += known.SURE_S / 2
            await asyncio.gather(*(policy.identify(token) for token in held * 10))
        assert counting.asked - before == 4, "two looks at what changed of devices and of people"

    asyncio.run(run())


def test_made_up_tokens_make_nobody_forget_a_good_one(counting: Counting, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "KEPT", 2)
    monkeypatch.setattr(known, "REFUSED_KEPT", 2)

    async def run() -> None:
        policy = DevicePolicy(counting)
        await policy.identify(token)
        for number in range(10):
            assert await refused(policy, f"{number:016x}.guessed")() == "token_unknown"
        assert policy.peek(token) is not None
        before = counting.asked
        assert await refused(policy, f"{9:016x}.guessed")() == "token_unknown"
        assert counting.asked == before, "a refusal is remembered for a moment, too"

    asyncio.run(run())


def test_what_changed_while_it_was_read_is_not_remembered(couch: Couch, token: str) -> None:
    """The answer was read before the revocation, and a look at changes passed over it before the answer was kept."""

    async def run() -> None:
        policy = DevicePolicy(couch)
        await policy.identify(token)
        inner = policy._known
        await inner._look()
        find = inner._find

        def slow(asked: str) -> Holder:
            found = find(asked)
            devices.revoke(couch, token.partition(".")[0], by=accounts.find(couch, "worker1"))
            asyncio.run_coroutine_threadsafe(inner._look(), loop).result(10)
            return found

        loop, inner._find = asyncio.get_running_loop(), slow
        await policy.identify(token)
        inner._find = find
        with pytest.raises(NotAdmitted, match="token_revoked"):
            await policy.identify(token)

    asyncio.run(run())


def test_while_the_store_is_away_nobody_stays_known_for_long(counting: Counting, token: str, clock: Clock) -> None:
    async def run() -> None:
        policy = DevicePolicy(counting)
        await policy.identify(token)
        await policy.identify(token)
        counting.is_cut = True
        clock.now_s += known.SURE_S
        with pytest.raises(Unavailable):
            await policy.identify(token)
        counting.is_cut = False
        assert (await policy.identify(token)).user == "worker1"

    asyncio.run(run())


def test_more_changes_than_are_read_forget_everybody_once(couch: Couch, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "CHANGES", 2)

    async def run() -> None:
        policy = DevicePolicy(couch)
        await policy.identify(token)
        await policy._known._look()
        await policy.identify(token)
        devices.revoke(couch, token.partition(".")[0], by=accounts.find(couch, "worker1"))
        database = couch.database(databases.DEVICES)
        for number in range(5):
            database.put(
                {"_id": f"device:{number:016x}"}
                | ({"_rev": old["_rev"]} if (old := database.find(f"device:{number:016x}")) else {})
            )
        await policy._known._look()
        with pytest.raises(NotAdmitted, match="token_revoked"):
            await policy.identify(token)

    asyncio.run(run())
