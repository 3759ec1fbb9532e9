"""Who watches a bench: cases as they appear in their townships' databases, and what the system's processes take meanwhile."""

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncIterator, Iterable
from urllib.parse import quote, unquote, urlsplit

import aiohttp
import orjson

from server.load.measures import Measures
from server.load.system import System
from sync.databases import cases_db

SAMPLE_S = 2.0
SETTLE_S = 150.0


@contextlib.asynccontextmanager
async def watching(
    session: aiohttp.ClientSession, system: System, townships: Iterable[str], measures: Measures
) -> AsyncIterator[None]:
    """While the phones are at work."""
    tasks = [asyncio.create_task(_watch(session, system.couchdb_url, township, measures)) for township in townships]
    tasks.append(asyncio.create_task(_sample(system)))
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


async def _watch(session: aiohttp.ClientSession, store: str, township: str, measures: Measures) -> None:
    """Notes each case the moment it is in its township's database, by the database's own feed."""
    parts = urlsplit(store)
    named = base64.b64encode(unquote(f"{parts.username}:{parts.password}").encode()).decode()
    base = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/{cases_db(township)}"
    since = "0"
    while True:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            query = f"feed=longpoll&timeout=20000&since={quote(since, safe='')}"
            async with session.get(f"{base}/_changes?{query}", headers={"authorization": f"Basic {named}"}) as answer:
                if answer.status != 200:
                    await asyncio.sleep(0.1)
                    continue
                page = orjson.loads(await answer.read())
            at_s = time.perf_counter()
            since = str(page["last_seq"])
            for row in page["results"]:
                if row["id"].startswith("case:"):
                    measures.made(row["id"], at_s)


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
