"""Tells sources what became of their cases, every few seconds. What is told and how often is `server/sources/callbacks`."""

import time
from datetime import UTC, datetime

from server.settings import Settings
from server.sources import callbacks, sending, store
from sync.couch import Couch
from sync.databases import parse
from sync.errors import NotFound

MOST_S = 20.0


class Calls:
    """Remembers, for this process's life, which townships were read to their end, and at which sequence."""

    def __init__(self) -> None:
        self._read: dict[str, str] = {}

    def run(self, couch: Couch, settings: Settings, most_s: float = MOST_S) -> int:
        """Find what is to be told and tell it; how many calls were taken. One request when no source has an address.

        Raises the errors of the store; then the next run does the rest.
        """
        told = {source["id"]: source for source in store.every(couch) if source["callback_url"]}
        if not told:
            return 0
        until_s = time.monotonic() + most_s
        names = [name for name in couch.all_databases() if (parts := parse(name)) is not None and parts.kind == "cases"]
        for name, info in couch.info(names).items():
            if info is not None and self._read.get(name) != str(info["update_seq"]) and time.monotonic() < until_s:
                self._find(couch, name, str(info["update_seq"]), told, until_s)
        sender = sending.Sender(settings.secret, may_loop=settings.demo, hosts=settings.callback_hosts)
        return callbacks.send_due(couch, told, _now, sender, lambda: time.monotonic() >= until_s)

    def _find(self, couch: Couch, name: str, seq: str, told: dict[str, callbacks.Document], until_s: float) -> None:
        more = True
        while more:
            if time.monotonic() >= until_s:
                return
            try:
                more = callbacks.find(couch, couch.database(name), told, _now())
            except NotFound:
                return
        self._read[name] = seq


def _now() -> datetime:
    return datetime.now(UTC)
