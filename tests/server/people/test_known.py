"""What a server process remembers of tokens: few questions, and every change known within seconds."""

import asyncio
import time
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

SOON_S = 5.0
REAL_SURE_S = known.SURE_S


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fifth of the real patience, so that a test need not wait for it."""
    monkeypatch.setattr(known, "SURE_S", 0.4)


def test_a_revocation_takes_effect_on_what_is_open_within_five_seconds() -> None:
    """As the bounds add up: the watch may have just looked, and what it was told may be about to be asked for anew."""
    assert REAL_SURE_S + 2 * phone_guard.WATCH_EVERY_S < 5


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


async def until(ask: Callable[[], Awaitable[object]], what: str) -> float:
    """Asks again and again until the answer is true; how long it took. Ten may be asking at once, as streams do."""
    begun_s = time.monotonic()
    while not all(await asyncio.gather(*(ask() for _ in range(10)))):
        assert time.monotonic() - begun_s < SOON_S, what
        await asyncio.sleep(0.05)
    return time.monotonic() - begun_s


def refused(policy: DevicePolicy, token: str) -> Callable[[], Awaitable[str | None]]:
    async def ask() -> str | None:
        try:
            await policy.identify(token)
        except NotAdmitted as error:
            return error.reason
        return None

    return ask


def test_a_revoked_token_is_refused_within_seconds_of_steady_use(couch: Couch, token: str) -> None:
    async def run() -> None:
        policy = DevicePolicy(couch)
        asking = refused(policy, token)
        for _ in range(3):
            assert await asking() is None
            await asyncio.sleep(known.SURE_S)
        await asyncio.to_thread(devices.revoke, couch, token.partition(".")[0], accounts.find(couch, "worker1"))
        await until(asking, "the revocation")
        assert await asking() == "token_revoked"

    asyncio.run(run())


def test_a_locked_out_account_and_a_moved_worker_are_noticed(couch: Couch, token: str) -> None:
    async def run() -> None:
        policy = DevicePolicy(couch)

        async def opens(grid: str) -> bool:
            return any(grid in name for name in (await policy.identify(token)).databases)

        assert await opens(GRID_A)
        accounts.change(couch, "worker1", {"grids": [GRID_B]})
        await until(lambda: opens(GRID_B), "the new grid")
        assert not await opens(GRID_A)
        accounts.change(couch, "worker1", {"disabled": True})
        await until(refused(policy, token), "the lock-out")

    asyncio.run(run())


def test_five_hundred_open_streams_cost_the_store_a_few_questions(counting: Counting, couch: Couch) -> None:
    account = accounts.make("worker2", ["worker"], {}, "a-test-password", grids=[GRID_A])
    accounts.save_all(couch, [account])
    held = [devices.enrol(couch, account, "x")[1] for _ in range(50)]

    async def run() -> None:
        policy = DevicePolicy(counting)
        for token in held:
            await policy.identify(token)
        await asyncio.sleep(known.SURE_S)
        await asyncio.gather(*(policy.identify(token) for token in held))
        before = counting.asked
        until_s = time.monotonic() + 2 * known.SURE_S
        while time.monotonic() < until_s:
            await asyncio.gather(*(policy.identify(token) for token in held * 10))
            await asyncio.sleep(0.2)
        assert counting.asked - before <= 8

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


def test_while_the_store_is_away_nobody_stays_known_for_long(counting: Counting, token: str) -> None:
    async def run() -> None:
        policy = DevicePolicy(counting)
        await policy.identify(token)
        await policy.identify(token)
        counting.is_cut = True
        await asyncio.sleep(known.SURE_S)
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
