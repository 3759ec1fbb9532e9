"""How quickly the phone answers with 10,000 local documents, 2,000 households among them, on a processor a quarter as fast.

    python tests/bench/phone.py [--docs 10000] [--households 2000] [--rounds 7] [--factor 4] [--strict]

Real Chromium on a running system, all of the browser slowed (`slow_cpu.py`). Five things a worker waits for: the list after the
service worker was stopped, a household's file, a letter typed into the search of households and into that of one's own cases (two
a round; the slower one is told beside), and "saved" after a report with three photos. Medians; what is measured begins at the tap
and ends when the result was painted (of the save, when it was answered); `phone.js`.
"""

import argparse
import os
import signal
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

from server.domain.workflow.showing import phone_copy
from sync.couch import Couch
from tests.bench.first_load import ARRIVED
from tests.browsers import PHONE, PIN, open_profile, set_pin
from tests.phones import SimulatedPhone, first_revision
from tests.running import PASSWORD, RunningSystem

BARS_MS = {
    "open to list": 500,
    "open a household": 300,
    "a letter of the search": 100,
    "a letter among cases": 100,
    "save with 3 photos": 250,
}
BATCH = 1000
GOING = 40
WORKERS = {"worker", "intake", "photos", "photo", "beat"}
NAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
INSIDE = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


def inside(page: Page, call: str) -> float:
    """One of the ways of `phone.js`, in milliseconds."""
    return float(page.evaluate(f"{INSIDE.strip()}.{call}"))


def fill(couch: Couch, phone: SimulatedPhone, docs: int, households: int) -> None:
    """A grid as it is after a quarter: households in their buildings, visits to them, reports and what became of them."""
    homes = [household(phone, n) for n in range(households)]
    visits = [phone.make_visit(home["_id"], home["address"]) for home in homes[: (docs - households) // 4]]
    reports = [phone.make_report(f"第{n}件：楼道堆物")[0] for n in range((docs - households - len(visits)) // 2)]
    cases = [case_of(report, is_going=n + GOING >= len(reports)) for n, report in enumerate(reports)]
    for database, made in {
        phone.database("home"): homes,
        phone.database("home", quarterly=True): visits,
        phone.database("grid"): [*reports, *cases],
    }.items():
        couch.create(database, replicated=True)
        for at in range(0, len(made), BATCH):
            couch.database(database).bulk(made[at : at + BATCH], new_edits=False)


def case_of(report: dict[str, Any], *, is_going: bool) -> dict[str, Any]:
    """The copy of a report's case as the phone gets it: the newest ones go on, the others are closed."""
    moves = ["report", "accept", "dispatch"] if is_going else ["report", "accept", "dispatch", "answer", "close"]
    history = [{"move": move, "at": report["captured_at"], "by": "user:triage1"} for move in moves]
    case = {
        "_id": report["_id"].replace("report:", "case:"),
        "state": "dispatched" if is_going else "closed",
        "case_no": f"6401{report['_id'][-8:]}",
        "grid": report["grid"],
        "level": "township",
        "unit": None,
        "due_at": report["captured_at"],
        "reports": [report["_id"]],
        "category": report["category"],
        "history": history,
        "events": [],
        "updated_at": report["captured_at"],
    }
    copy = phone_copy(case)
    return copy | {"_rev": first_revision(copy)}


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


@contextmanager
def without_workers(data: Path) -> Iterator[RunningSystem]:
    """A system whose store and server run alone: no phone shares its processor with what makes cases of reports."""
    system = RunningSystem.on_given_store(data).start()
    pids = [pid for name, found in system.family().items() if name in WORKERS for pid in found]
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield system
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        system.stop()


def enrol(page: Page, url: str) -> None:
    """Signs in and waits until everything is on the phone."""
    page.add_init_script(f"{INSIDE.strip()}.watchList()")
    page.goto(f"{url}/m/")
    page.fill("#username", "worker1")
    page.fill("#password", PASSWORD)
    page.click("form:has(#password) button")
    set_pin(page)
    page.evaluate(ARRIVED)


def open_to_list(context: BrowserContext, page: Page, url: str) -> float:
    """From the tap on the app's icon, as the page itself sees it (`watchList`): no worker runs, no page is open."""
    page.goto("about:blank")
    session = context.new_cdp_session(page)
    session.send("ServiceWorker.enable")
    session.send("ServiceWorker.stopAllWorkers")
    page.wait_for_timeout(1_000)
    page.goto(f"{url}/m/", wait_until="commit")
    return float(page.evaluate("window.listed"))


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


def type_letters(page: Page, path: str, letters: str) -> list[float]:
    """From each key to the list it leaves. By the app's own links: a page loaded anew would be locked."""
    page.click(f'.bar a[href="{path}"]')
    page.wait_for_selector("input[type=search]")
    took_ms = []
    for letter in letters:
        page.wait_for_timeout(500)
        took_ms.append(inside(page, f"typed('{letter}')"))
    return took_ms


def measure_round(context: BrowserContext, url: str, n: int, only: list[str] | None = None) -> dict[str, list[float]]:
    """Each figure once, by turns; of the searches two."""
    page = context.pages[0]
    ways: dict[str, Callable[[int], list[float]]] = {
        "open to list": lambda _n: [open_to_list(context, page, url)],
        "open a household": lambda _n: [open_household(page, url)],
        "a letter of the search": lambda n: type_letters(page, "/m/homes", NAMES[n % 20] + NAMES[n // 20 % 20]),
        # Every other second letter is one that no case has, so that all are looked at.
        "a letter among cases": lambda n: type_letters(page, "/m/cases", f"1{n // 2 % 10 if n % 2 else 'q'}"),
        "save with 3 photos": lambda _n: [inside(page, "saved()")],
    }
    return {name: way(n) for name, way in ways.items() if not only or name in only}


def tell(found: dict[str, list[list[float]]]) -> bool:
    """Print the medians beside their bars; whether all were held."""
    is_held = True
    for name, rounds in found.items():
        times, slower = [took for one in rounds for took in one], statistics.median(max(one) for one in rounds)
        median, bar = statistics.median(times), BARS_MS[name]
        is_held &= median <= bar
        spread = ", ".join(f"{took:.0f}" for took in sorted(times))
        beside = f", the slower one of two {slower:.0f} ms" if len(times) > len(rounds) else ""
        print(f"{name}: {median:.0f} ms ({spread}){beside}; bar {bar} ms: {'held' if median <= bar else 'NOT held'}")
    print(f"load {os.getloadavg()[0]:.1f}")
    return is_held


def main() -> int:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, default in {"docs": 10_000, "households": 2_000, "rounds": 7, "factor": 4.0}.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    parser.add_argument("--strict", action="store_true", help="end with 1 when a bar is not held")
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as scratch,
        without_workers(Path(scratch) / "var") as system,
        sync_playwright() as playwright,
    ):
        fill(Couch(system.store_url()), SimulatedPhone(system.url, "worker1").enrol(), asked.docs, asked.households)
        profile = Path(scratch) / "profile"
        context = open_profile(playwright, profile, viewport=PHONE, locale="zh-CN")
        context.set_default_timeout(120_000)
        enrol(context.pages[0], system.url)
        with slowed(profile, asked.factor):
            found = [measure_round(context, system.url, n) for n in range(asked.rounds + 1)][1:]  # the first does not count
        context.close()
    return int(not tell({name: [one[name] for one in found] for name in BARS_MS}) and asked.strict)


if __name__ == "__main__":
    sys.exit(main())
