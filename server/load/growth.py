"""`xunge bench growth`: the same records for each grid, with ever more grids. What a record costs must not grow with them."""

import asyncio
import time
from collections.abc import Sequence

import aiohttp
import click

from server.load import population, records
from server.load.crowd import HELD, TIMEOUT_S
from server.load.measures import Measures
from server.load.phone import Phone
from server.load.system import System, running
from server.load.watching import watching

AT_ONCE = 16
GROWTH_BAR = 1.10


def run(sizes: Sequence[int], reports: int) -> bool:
    """Measures each size on a system of its own and prints; True when a record costs the most grids no more than the bar."""
    costs = [_measure(size, reports) for size in sizes]
    factor = costs[-1] / costs[0]
    click.echo(
        f"per record at {sizes[-1]} grids against {sizes[0]}: {factor:.2f} (bar {GROWTH_BAR:.2f}: {HELD[factor <= GROWTH_BAR]})"
    )
    return factor <= GROWTH_BAR


def _measure(grids: int, reports: int) -> float:
    """Milliseconds a record takes from push to case, with all grids pushing by turns."""
    with running() as system:
        try:
            enrolled = population.make(system.couch, grids)
            measures, took_s = asyncio.run(_run(system, enrolled, reports))
        finally:
            population.remove(system.couch)
    if measures.cases != grids * reports or measures.doubled:
        raise RuntimeError(measures.summary(grids * reports))
    cost_ms = took_s * 1000 / measures.cases
    cpu = ", ".join(f"{name} {system.peaks[name][2] * 1000 / measures.cases:.1f}" for name in ("server", "store", "intake"))
    memory = system.peaks["all"]
    click.echo(
        f"{grids} grids, {measures.cases} records: {cost_ms:.2f} ms a record from push to case (processor ms: {cpu}); "
        f"{memory[0] / 2**30:.2f} GiB, {memory[1]} open files"
    )
    return cost_ms


async def _run(system: System, phones: Sequence[population.Enrolled], reports: int) -> tuple[Measures, float]:
    measures, turns = Measures(), asyncio.Semaphore(AT_ONCE)
    connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=TIMEOUT_S)

    async def push(phone: Phone) -> None:
        async with turns:
            await phone.learn()
            docs, _ = records.make_batch(phone.enrolled, reports, 0, ())
            await phone.push(docs)

    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        began_s = time.perf_counter()
        async with watching(session, system, population.townships_of(len(phones)), measures):
            await asyncio.gather(*(push(Phone(session, system.url, phone, measures)) for phone in phones))
        return measures, time.perf_counter() - began_s
