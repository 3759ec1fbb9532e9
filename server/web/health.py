"""Whether the parts answer, asked at most once a second. The handler of `/healthz` is `health_route.py`."""

import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

KEPT_S = 1.0


def our_version() -> str:
    """The installed version, for people who report a fault."""
    try:
        return version("xunge")
    except PackageNotFoundError:
        return "0"


class Health:
    """Asks at most once a second, however often it is asked: the question must not become the load."""

    def __init__(self) -> None:
        self._asked_s = -KEPT_S
        self._body: dict[str, str] = {}

    def read(self, parts: dict[str, Callable[[], bool]]) -> dict[str, str]:
        """`{part: "up" | "down"}`."""
        if time.monotonic() - self._asked_s >= KEPT_S:
            self._body = {name: "up" if ask() else "down" for name, ask in parts.items()}
            self._asked_s = time.monotonic()
        return self._body
