"""Real Firefox for tests, driven by WebDriver BiDi over its own socket: Debian's browser needs no driver beside it.

No more than the main flow needs: open an address, run a piece of JavaScript in the page, wait until one answers something true.
"""

import base64
import itertools
import json
import re
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

from tests.running import until

LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
# The app's frames and workers as on a phone; no first-run pages, nothing asked of the network by the browser itself.
PREFERENCES = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.enabled": False,
    "intl.accept_languages": "zh-CN, en",
}


def is_installed() -> bool:
    """Whether this machine has Debian's Firefox."""
    return shutil.which("firefox-esr") is not None


class Firefox:
    """One Firefox with one page. `close` ends it."""

    def __init__(self, profile: Path) -> None:
        profile.mkdir()
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()]
        (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
        self._log = profile.parent / f"{profile.name}.log"
        command = ["firefox-esr", "--headless", "--remote-debugging-port", "0", "--profile", str(profile), "--width", "360"]
        with self._log.open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        self._ending = ExitStack()
        self._ending.callback(end, process)
        self._numbers = itertools.count(1)
        try:
            found = until(lambda: LISTENING.search(self._log.read_text(errors="replace")), "Firefox listens", 90)
            assert isinstance(found, re.Match)
            self._socket = self._ending.enter_context(connect(f"{found[1]}/session", max_size=None))
            self._ask("session.new", capabilities={})
            self._page = self._ask("browsingContext.getTree")["contexts"][0]["context"]
        except BaseException:
            self.close()
            raise

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv(timeout=90))
            if answer.get("id") == number:
                assert answer["type"] == "success", answer
                return dict(answer["result"])

    def open(self, url: str) -> None:
        """Goes to an address and waits until it is loaded."""
        self._ask("browsingContext.navigate", context=self._page, url=url, wait="complete")

    def run(self, code: str) -> Any:
        """The value of an expression in the page, a promise's when it is settled: text, number, truth or nothing."""
        target = {"context": self._page}
        answer = self._ask("script.evaluate", expression=code, target=target, awaitPromise=True)
        assert answer["type"] == "success", answer["exceptionDetails"]["text"]
        return answer["result"].get("value")

    def wait(self, code: str, timeout_s: float = 60) -> None:
        """Until an expression is true; a page that is going on to another one is asked again."""

        def ask() -> object:
            try:
                return self.run(code)
            except AssertionError:
                return None

        until(ask, code, timeout_s)

    def photograph(self, path: Path) -> None:
        """What the page shows, as a PNG."""
        data = self._ask("browsingContext.captureScreenshot", context=self._page)["data"]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(base64.b64decode(data))

    def close(self) -> None:
        """Ends the browser."""
        self._ending.close()


def end(process: subprocess.Popen[bytes]) -> None:
    """Asks a browser to end, and waits until it has."""
    process.terminate()
    process.wait(timeout=30)
