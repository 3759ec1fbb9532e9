"""Real Chromium for tests: a phone on a profile that can be killed and started again, and a desk.

Debian's browser, driven by Playwright. What a page must show is the tests' business.
"""

import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Error, Page, Playwright, Worker, expect

from tests.running import PASSWORD, RunningSystem, until

FLAGS = [
    *("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"),
    # The list below the address bar is pages of their own, a second of processor time at each start; nobody types there.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup",
]
PHONE = {"width": 360, "height": 740}
PIN = "240815"
DESK = {"width": 1440, "height": 900}
# How long a condition may take to come true. A disk that other tests keep busy holds up a browser's own writes for many seconds.
PATIENCE_S = 60
expect.set_options(timeout=PATIENCE_S * 1000)
SCREENSHOTS = Path(__file__).parent / "screenshots"

MAIN_SAYS = "text => document.querySelector('main').innerText.includes(text)"
CATALOGUE_IS_THERE = "fetch('/m/report').then(answer => answer.text()).then(text => text.includes('value=\"1101\"'))"

# What a page says when the browser is between two of them, or has only the beginning of the next one.
UNDER_WAY = ("context was destroyed", "properties of null")
# Has the live parts draw themselves anew, and waits until one has.
REDRAW = """() => new Promise((resolve) => {
  document.addEventListener('htmx:finally:request', () => resolve(true), {once: true});
  document.body.dispatchEvent(new CustomEvent('xunge:changed', {bubbles: true}));
})"""

# Holds back, and counts as `held`, the answers of whose address and text (the lines after it) a pattern is true, until `letGo`.
HOLD_BACK = """(pattern) => {
  const ask = window.fetch;
  window.held = 0;
  const gate = new Promise((resolve) => { window.letGo = resolve; });
  window.fetch = async (url, options) => {
    const answer = await ask(url, options);
    const text = await answer.clone().text();
    if (new RegExp(pattern).test(`${url}\n${text}`)) { window.held += 1; await gate; }
    return answer;
  };
}"""
EVERYTHING = ""
NOTHING_TYPED = r"^(?!.*[?&]q=[^&\s])"


def start_chromium(playwright: Playwright) -> Browser:
    """The browser, with nothing on its disk: for desks, and phones that are never killed."""
    return playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)


def open_profile(playwright: Playwright, profile: Path, flags: Sequence[str] = (), **options: Any) -> BrowserContext:
    """A browser on a profile that outlives it. `flags` are for the browser besides the usual ones."""
    path = shutil.which("chromium")
    return playwright.chromium.launch_persistent_context(str(profile), executable_path=path, args=[*FLAGS, *flags], **options)


class Phone:
    """One browser profile on disk: it can be killed and started again. `flags` are for the browser besides the usual ones."""

    def __init__(self, playwright: Any, profile: Path, system: RunningSystem, flags: Sequence[str] = (), **options: Any) -> None:
        self._playwright, self.profile, self.system, self._options = playwright, profile, system, options
        self._flags = flags
        self.context, self.page = self._launch()

    def _launch(self) -> tuple[BrowserContext, Page]:
        context = open_profile(self._playwright, self.profile, self._flags, **self._options)
        context.set_default_timeout(PATIENCE_S * 1000)
        return context, context.pages[0]

    def enrol(self, username: str) -> None:
        """Signs in and waits for the reference data."""
        self.page.goto(f"{self.system.url}/m/")
        self.page.fill("#username", username)
        self.page.fill("#password", PASSWORD)
        self.page.click("form:has(#password) button")
        set_pin(self.page)
        wait_for(self.page, CATALOGUE_IS_THERE)

    def unlock(self) -> None:
        """Opens households and visits."""
        self.open("/m/lock")
        self.page.fill("#pin", PIN)
        self.page.click("form:has(#pin) button")
        self.page.wait_for_selector("main:not(:has(#pin))")

    def open(self, path: str) -> None:
        """A page of the app."""
        self.page.goto(self.system.url + path)
        self.page.wait_for_selector("main")

    def kill(self, meanwhile: Callable[[Path], None] = lambda _profile: None) -> None:
        """`kill -9` of the browser, and a new one on the same profile; what is done to that `meanwhile`."""
        for pid in self.pids():
            os.kill(pid, signal.SIGKILL)
        # Its helpers end by themselves, and until then one of them may hold what the next browser opens.
        until(lambda: not self.pids(of_helpers=True), "the browser is gone", PATIENCE_S)
        (self.profile / "SingletonLock").unlink(missing_ok=True)
        with contextlib.suppress(Exception):  # it was killed: whatever it says to that
            self.context.close()
        meanwhile(self.profile)
        self.context, self.page = self._launch()

    def pids(self, *, of_helpers: bool = False) -> list[int]:
        """The browser's main process, and perhaps its helpers."""
        mark = f"user-data-dir={self.profile}"
        commands = {int(folder.name): _command(folder) for folder in Path("/proc").iterdir() if folder.name.isdigit()}
        return [pid for pid, command in commands.items() if mark in command and (of_helpers or "--type=" not in command)]

    def worker(self) -> Worker:
        """The service worker, awake."""
        self.page.evaluate("fetch('/m/sync-chip').then(answer => answer.text())")
        found = until(lambda: [one for one in self.context.service_workers if "/m/sw.js" in one.url], "a service worker")
        assert isinstance(found, list)
        worker: Worker = found[-1]
        return worker


def sign_in(page: Page, system: RunningSystem, username: str) -> None:
    """Somebody at a desk's browser, up to the page where their work begins."""
    page.goto(system.url)
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    page.click("form button.primary")
    page.wait_for_url("**/turn")


def set_pin(page: Page) -> None:
    """Gives a phone that was just enrolled its PIN, where its user needs one."""
    page.wait_for_selector(".bar")
    if page.query_selector("#again"):
        page.fill("#pin", PIN)
        page.fill("#again", PIN)
        page.click(".action button")
        page.wait_for_selector(".bar:has([href='/m/'][aria-current])")


def wait_for(page: Page, expression: str, argument: object = None) -> None:
    """Until an expression is true, asked from outside: the pages' own policy forbids them to evaluate text."""

    def ask() -> object:
        try:
            return page.evaluate(expression, argument)
        except Error as error:
            assert any(words in str(error) for words in UNDER_WAY), error
            return False

    try:
        until(ask, expression, PATIENCE_S)
    except AssertionError as error:
        raise AssertionError(f"{error}; {page.url} says: {page.inner_text('body')}") from None


def picture(page: Page, name: str, full_page: bool = False) -> None:
    """Writes a screenshot of a page; the test run's pictures are for people to look at."""
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=full_page)


def _command(folder: Path) -> str:
    try:
        return (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
