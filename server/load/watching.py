"""Who watches a bench: cases as they appear in their townships' databases, and what the system's processes take meanwhile."""

import asyncio
import base64
import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from urllib.parse import quote, unquote, urlsplit

import aiohttp
import orjson

from server.load.measures import Measures
from server.load.system import System
from sync.databases import cases_db

SAMPLE_S = 2.0
LOOK_S = 0.1
SETTLE_S = 150.0


@contextlib.asynccontextmanager
async def watching(
    session: aiohttp.ClientSession, system: System, townships: Iterable[str], measures: Measures
) -> AsyncIterator[None]:
    """While the phones are at work."""
    are_there = {cases_db(township): asyncio.Event() for township in townships}
    tasks = [
        asyncio.create_task(_watch(session, system.couchdb_url, name, measures, is_there)) for name, is_there in are_there.items()
    ]
    tasks += [asyncio.create_task(_look(session, system.couchdb_url, are_there)), asyncio.create_task(_sample(system))]
    try:
        yield
        await _see_all(measures)
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _look(session: aiohttp.ClientSession, store: str, are_there: Mapping[str, asyncio.Event]) -> None:
    """Says of each township's database when it is there: one question for all of them, so that asking is no load of its own."""
    base, headers = _address_of(store)
    span = f"startkey={quote(json.dumps(min(are_there)))}&endkey={quote(json.dumps(max(are_there)))}"
    while not all(is_there.is_set() for is_there in are_there.values()):
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with session.get(f"{base}/_all_dbs?{span}", headers=headers) as answer:
                for name in are_there.keys() & set(await answer.json()):
                    are_there[name].set()
        await asyncio.sleep(LOOK_S)


async def _watch(session: aiohttp.ClientSession, store: str, name: str, measures: Measures, is_there: asyncio.Event) -> None:
    """Notes each case the moment it is in its township's database, by the database's own feed."""
    await is_there.wait()
    base, headers = _address_of(store)
    since = "0"
    while True:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            query = f"feed=longpoll&timeout=20000&since={quote(since, safe='')}"
            async with session.get(f"{base}/{name}/_changes?{query}", headers=headers) as answer:
                if answer.status != 200:
                    await asyncio.sleep(LOOK_S)
                    continue
                page = orjson.loads(await answer.read())
            at_s = time.perf_counter()
            since = str(page["last_seq"])
            for row in page["results"]:
                if row["id"].startswith("case:"):
                    measures.made(row["id"], at_s)


def _address_of(store: str) -> tuple[str, dict[str, str]]:
    """The store's address without what is secret in it, and the header that says it."""
    parts = urlsplit(store)
    named = base64.b64encode(unquote(f"{parts.username}:{parts.password}").encode()).decode()
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", {"authorization": f"Basic {named}"}


async def _see_all(measures: Measures) -> None:
    """Until every acknowledged report is a case, or nothing has come for longer than a sweep takes to find what is left."""
    seen, deadline_s = measures.cases, time.monotonic() + SETTLE_S
    while measures.cases < measures.acknowledged and time.monotonic() < deadline_s:
        if measures.cases != seen:
            seen, deadline_s = measures.cases, time.monotonic() + SETTLE_S
        await asyncio.sleep(0.1)


async def _sample(system: System) -> None:
    while True:
        await asyncio.to_thread(system.sample)
        await asyncio.sleep(SAMPLE_S)
