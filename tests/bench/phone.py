"""How quickly the phone answers with 10,000 local documents, 2,000 households among them, on a processor a quarter as fast.

    python tests/bench/phone.py [--docs 10000] [--households 2000] [--rounds 7] [--factor 4] [--strict]

Real Chromium on a whole running system, all of the browser slowed (`slow_cpu.py`). Four things a worker waits for: the list after
the service worker was stopped, a household's file, a letter typed into the search, and "saved" after a report with three photos.
Medians; what is measured begins at the tap and ends when the result was painted (of the save, when it was answered); `phone.js`.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.sync_api import BrowserContext, Page, sync_playwright

from sync.couch import Couch
from tests.bench.first_load import LOADED
from tests.browsers import FLAGS, PIN, set_pin
from tests.phones import SimulatedPhone
from tests.running import PASSWORD, RunningSystem, until

BARS_MS = {"open to list": 500, "open a household": 300, "a letter of the search": 100, "save with 3 photos": 250}
BATCH = 1000
NAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
INSIDE = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


def inside(page: Page, call: str) -> float:
    """One of the ways of `phone.js`, in milliseconds."""
    return float(page.evaluate(f"{INSIDE.strip()}.{call}"))


def fill(couch: Couch, phone: SimulatedPhone, docs: int, households: int) -> None:
    """A grid as it is after a quarter: households in their buildings, visits to them, reports."""
    homes = [household(phone, n) for n in range(households)]
    visits = [phone.make_visit(home["_id"], home["address"]) for home in homes[: (docs - households) // 4]]
    reports = [phone.make_report(f"第{n}件：楼道堆物")[0] for n in range(docs - households - len(visits))]
    for database, made in {
        phone.database("home"): homes,
        phone.database("home", quarterly=True): visits,
        phone.database("grid"): reports,
    }.items():
        couch.create(database, replicated=True)
        for at in range(0, len(made), BATCH):
            couch.database(database).bulk(made[at : at + BATCH], new_edits=False)


def household(phone: SimulatedPhone, n: int) -> dict[str, Any]:
    """The nth flat: twenty buildings of four units, with a name each."""
    building, unit, room = n // 100 + 1, n // 25 % 4 + 1, f"{n // 5 % 5 + 1}0{n % 5 + 1}"
    facts = {
        "address": f"同心北街 {building} 号楼 {unit} 单元 {room}",
        "building": str(building),
        "unit": str(unit),
        "room": room,
        "contact_name": f"{NAMES[n % 20]}{NAMES[n // 20 % 20]}华",
    }
    doc = phone.make_household(facts["address"]) | facts
    stamp = next(iter(doc["stamps"].values()))
    return doc | {"stamps": dict.fromkeys([*facts, "basis", "residents_count"], stamp)}


@contextmanager
def slowed(profile: Path, factor: float) -> Iterator[None]:
    """The browser on this profile at a fraction of its speed."""
    command = [sys.executable, str(Path(__file__).with_name("slow_cpu.py")), str(profile), str(factor)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as slowing:
        assert slowing.stdin and slowing.stdout
        slowing.stdout.readline()
        yield
        slowing.stdin.close()


def enrol(page: Page, url: str) -> None:
    """Signs in and waits until everything is on the phone."""
    page.goto(f"{url}/m/")
    page.fill("#username", "worker1")
    page.fill("#password", PASSWORD)
    page.click("form:has(#password) button")
    set_pin(page)
    until(lambda: page.evaluate(LOADED)["is_loaded"], "everything on the phone", 300, pause_s=0.5)


def open_to_list(context: BrowserContext, page: Page, url: str) -> float:
    """From the tap on the app's icon: no worker runs, no page is open."""
    page.goto("about:blank")
    session = context.new_cdp_session(page)
    session.send("ServiceWorker.enable")
    session.send("ServiceWorker.stopAllWorkers")
    page.wait_for_timeout(1_000)
    page.goto(f"{url}/m/", wait_until="commit")
    return inside(page, "listed()")


def unlock(page: Page, url: str) -> None:
    """The app was closed meanwhile, which locks what is sealed."""
    page.goto(f"{url}/m/homes")
    page.wait_for_selector("#pin, input[type=search]")
    if page.query_selector("#pin"):
        page.fill("#pin", PIN)
        page.click("form:has(#pin) button")
        page.wait_for_selector("input[type=search]")


def open_household(page: Page, url: str) -> float:
    """From the tap on a row to the file."""
    unlock(page, url)
    inside(page, "typed('1')")
    page.wait_for_selector('.rows a[href*="household:"]')
    page.wait_for_timeout(500)
    return inside(page, "opened()")


def type_letter(page: Page, n: int) -> float:
    """From a key to the list it leaves. By the app's own links: to load the page anew would close what is sealed."""
    page.click('.bar a[href="/m/homes"]')
    page.wait_for_selector("input[type=search]")
    page.wait_for_timeout(500)
    inside(page, f"typed('{NAMES[n % 20]}')")  # the first one reads what the others have
    page.wait_for_timeout(500)
    return inside(page, f"typed('{NAMES[n // 20 % 20]}')")


def measure(context: BrowserContext, url: str, rounds: int) -> dict[str, list[float]]:
    """Each so many times, by turns, after one round that does not count."""
    page = context.pages[0]
    found: dict[str, list[float]] = {name: [] for name in BARS_MS}
    ways: dict[str, Callable[[int], float]] = {
        "open to list": lambda _n: open_to_list(context, page, url),
        "open a household": lambda _n: open_household(page, url),
        "a letter of the search": lambda n: type_letter(page, n),
        "save with 3 photos": lambda _n: inside(page, "saved()"),
    }
    for n in range(rounds + 1):
        for name, way in ways.items():
            took_ms = way(n)
            if n:
                found[name].append(took_ms)
    return found


def tell(found: dict[str, list[float]]) -> bool:
    """Print the medians beside their bars; whether all were held."""
    is_held = True
    for name, times in found.items():
        median, bar = statistics.median(times), BARS_MS[name]
        is_held &= median <= bar
        spread = ", ".join(f"{took:.0f}" for took in sorted(times))
        print(f"{name}: {median:.0f} ms ({spread}); bar {bar} ms: {'held' if median <= bar else 'NOT held'}")
    print(f"load {os.getloadavg()[0]:.1f}")
    return is_held


def main() -> int:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, default in {"docs": 10_000, "households": 2_000, "rounds": 7, "factor": 4.0}.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    parser.add_argument("--strict", action="store_true", help="end with 1 when a bar is not held")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        system = RunningSystem(Path(scratch) / "var").start()
        try:
            fill(Couch(system.store_url()), SimulatedPhone(system.url, "worker1").enrol(), asked.docs, asked.households)
            profile = Path(scratch) / "profile"
            context = playwright.chromium.launch_persistent_context(
                str(profile),
                executable_path=shutil.which("chromium"),
                args=FLAGS,
                viewport={"width": 360, "height": 740},
                locale="zh-CN",
            )
            context.set_default_timeout(120_000)
            enrol(context.pages[0], system.url)
            with slowed(profile, asked.factor):
                found = measure(context, system.url, asked.rounds)
            context.close()
        finally:
            system.stop()
    return int(not tell(found) and asked.strict)


if __name__ == "__main__":
    sys.exit(main())
