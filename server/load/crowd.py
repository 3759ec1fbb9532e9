"""`xunge bench phones`: a crowd of phones that load, listen, push and upload, and what that takes."""

import asyncio
import random
import resource
import time
from collections.abc import Sequence

import aiohttp
import click

from server.load import population, records
from server.load.measures import Measures, print_processes
from server.load.phone import Phone
from server.load.system import System, running
from server.load.watching import watching

PICTURES = 6
OPENING_AT_ONCE = 40
TIMEOUT_S = 120
CASE_BAR_S, BURST_BAR_S, MEMORY_BAR_BYTES = 5.0, 60.0, 1.5 * 2**30
HELD = {True: "held", False: "NOT held"}


def run(count: int, reports: int, photos: int, over_s: float) -> bool:
    """Measures and prints; True when nothing is lost or doubled and the bars hold."""
    with running() as system:
        try:
            enrolled = population.make(system.couch, count)
            measures = asyncio.run(_run(system, enrolled, (reports, photos), over_s))
            measures.print_steps()
            print_processes(system.peaks)
            own = resource.getrusage(resource.RUSAGE_SELF)
            click.echo(f"the phones themselves: {own.ru_utime + own.ru_stime:.1f} s of processor time on the same machine")
            return _judge(measures, system, count * reports, over_s)
        finally:
            population.remove(system.couch)


async def _run(system: System, phones: Sequence[population.Enrolled], counts: tuple[int, int], over_s: float) -> Measures:
    """All phones open their databases; then each pushes `counts` (reports, photos of each) at its moment within `over_s`."""
    measures = Measures()
    pictures = [records.make_picture(seed) for seed in range(PICTURES)] if counts[1] else []
    connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        crowd = [Phone(session, system.url, phone, measures) for phone in phones]
        try:
            async with watching(session, system, population.townships_of(len(phones)), measures):
                await _open_all(crowd)
                click.echo(f"{len(crowd)} phones have loaded their databases and listen; now they push")
                began_s = time.perf_counter()
                await asyncio.gather(*(_work(phone, counts, pictures, over_s) for phone in crowd))
                click.echo(f"{time.perf_counter() - began_s:.1f} s until the last phone had its last case")
        finally:
            await asyncio.gather(*(phone.close() for phone in crowd))
    return measures


async def _open_all(crowd: Sequence[Phone]) -> None:
    turns = asyncio.Semaphore(OPENING_AT_ONCE)

    async def open_one(phone: Phone) -> None:
        async with turns:
            await phone.open()

    await asyncio.gather(*(open_one(phone) for phone in crowd))


async def _work(phone: Phone, counts: tuple[int, int], pictures: Sequence[bytes], over_s: float) -> None:
    await asyncio.sleep(random.uniform(0, over_s))
    docs, files = records.make_batch(phone.enrolled, *counts, pictures)
    await phone.work(docs, files)


def _judge(measures: Measures, system: System, wanted: int, over_s: float) -> bool:
    step = "report until it is a case"
    p95_s, last_s = measures.percentile(step, 95), measures.percentile(step, 100)
    is_whole = measures.acknowledged == measures.cases == wanted and not measures.doubled
    bar_s, figure_s, named = (CASE_BAR_S, p95_s, "p95") if over_s else (BURST_BAR_S, last_s, "last of all")
    memory_bytes = system.peaks["all"][0]
    click.echo(measures.summary(wanted))
    click.echo(f"every report is one case: {HELD[is_whole]}")
    click.echo(f"report until it is a case, {named}: {figure_s:.2f} s (bar {bar_s:.0f} s: {HELD[figure_s <= bar_s]})")
    click.echo(f"memory in all: {memory_bytes / 2**30:.2f} GiB (bar 1.5 GiB: {HELD[memory_bytes <= MEMORY_BAR_BYTES]})")
    return is_whole and figure_s <= bar_s and memory_bytes <= MEMORY_BAR_BYTES
