"""The hub: an announcement means "look", the store decides; a dead broker or store costs time and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from server.web.live import Hub, Listener
from sync.errors import Unreachable

NAME, OTHER = "cases-640105002", "cases-640105003"


class Store:
    """Update sequences that a test moves by hand."""

    def __init__(self) -> None:
        self.sequences: dict[str, str] = {NAME: "1", OTHER: "1"}
        self.is_down = False

    def look(self, names: list[str]) -> dict[str, dict[str, Any] | None]:
        if self.is_down:
            raise Unreachable("down")
        return {name: {"update_seq": self.sequences[name]} for name in names}


async def silence() -> AsyncIterator[set[str]]:
    """A broker that never says anything."""
    await asyncio.Event().wait()
    yield set()


async def heard(listener: Listener) -> set[str]:
    return await listener.wait(0.01)


def test_a_change_is_told_once_however_often_it_is_announced() -> None:
    async def check() -> None:
        store = Store()
        hub = Hub(store.look, silence)
        await hub.note([NAME])
        with hub.listening([NAME]) as listener:
            await hub.look_at({NAME})
            assert await heard(listener) == set()
            store.sequences[NAME] = "2"
            for _ in range(3):
                await hub.look_at({NAME, OTHER})
            assert await heard(listener) == {NAME}
            await hub.look_at({NAME})
            assert await heard(listener) == set()

    asyncio.run(check())


def test_nobody_hears_of_what_they_do_not_listen_to() -> None:
    async def check() -> None:
        store = Store()
        hub = Hub(store.look, silence)
        await hub.note([NAME, OTHER])
        with hub.listening([NAME]) as listener, hub.listening([OTHER]) as neighbour:
            store.sequences[NAME] = "2"
            await hub.look_at({NAME, OTHER})
            assert await heard(listener) == {NAME}
            assert await heard(neighbour) == set()

    asyncio.run(check())


def test_without_a_broker_the_look_every_few_seconds_finds_the_change() -> None:
    async def check() -> None:
        store = Store()
        hub = Hub(store.look, silence, poll_s=0.02)
        running = asyncio.create_task(hub.run())
        await hub.note([NAME])
        with hub.listening([NAME]) as listener:
            store.sequences[NAME] = "2"
            assert await listener.wait(5) == {NAME}
        running.cancel()

    asyncio.run(check())


def test_a_database_that_could_not_be_read_at_first_counts_as_changed_later() -> None:
    async def check() -> None:
        store = Store()
        store.is_down = True
        hub = Hub(store.look, silence)
        await hub.note([NAME])
        with hub.listening([NAME]) as listener:
            await hub.look_at({NAME})
            assert await heard(listener) == set()
            store.is_down = False
            await hub.look_at({NAME})
            assert await heard(listener) == {NAME}

    asyncio.run(check())
