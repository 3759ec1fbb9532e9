"""Reaching the store for an administrator's work: the one that runs, or else one started for as long as the work takes.

What the work is does not belong here, but for what a restored store asks of everybody else.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from media.partials import Shelf
from server import epochs
from server.erasure import again, marks, register
from server.settings import Settings, kept_secret
from sync.couch import Couch
from sync.databases import DEVICES

_STOP_TIMEOUT_S = 15
_PROBE_TIMEOUT_S = 5


@contextmanager
def reach_store(settings: Settings) -> Iterator[str]:
    """The URL of the store of these settings, with credentials.

    When they name none and no `xunge run` is at work on the data folder, the embedded store is started on it, on a free
    port, until the end of the block. Raises ValueError when it does not start.
    """
    found = settings.couchdb_url or _find_running(settings)
    if found:
        yield found
        return
    admin = f"xunge:{kept_secret(settings.data, 'store')}"
    command = [sys.executable, "-m", "server.cli", "store", "--data", str(settings.data / "couch"), "--port", "0"]
    environment = os.environ | {"XUNGE_STORE_ADMIN": admin}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line.startswith("ready "):
                raise ValueError(f"the store of {settings.data} does not start")
            yield line.split()[-1].replace("http://", f"http://{admin}@")
        finally:
            process.terminate()
            process.wait(_STOP_TIMEOUT_S)


def have_phones_offer_again(couch: Couch, uploads: Path) -> None:
    """After a restore: what came after the backup is on phones only. They send again what the store lacks, photos' files, too."""
    if couch.info_of(DEVICES) is not None:
        epochs.begin(couch)
    for shelf in Shelf.all_in(uploads):
        shelf.forget_finished()


def keep_registers(settings: Settings, couch: Couch, folder: Path) -> None:
    """Beside a backup lies what was erased, of all time: a later backup or an older generation may not know of it."""
    marks.use(settings.secret)
    for each in (settings.data, folder):
        register.agree(couch, register.path_in(each))


def erase_again(settings: Settings, couch: Couch, *folders: Path) -> int:
    """After databases were put back: what was erased since, by all registers there are, is erased again; how many documents."""
    marks.use(settings.secret)
    for each in (settings.data, *folders):
        register.agree(couch, register.path_in(each))
    return again.everywhere(couch, datetime.now(UTC))


def _find_running(settings: Settings) -> str:
    """The store of a running system on the data folder, "" when there is none."""
    path = settings.data / "run.json"
    if not path.exists():
        return ""
    url = str(json.loads(path.read_text())["XUNGE_COUCHDB_URL"])
    return url if Couch(url, timeout_s=_PROBE_TIMEOUT_S).is_up() else ""
