"""Once a day: databases of which more than half is waste are compacted, so that no disk fills with what nobody can read.

CouchDB decides that by itself too, and then finds nothing left to do; the embedded node is told here. Only sizes from the
database's own description and `_compact` are used.
"""

import logging
from typing import Any

from sync.couch import Couch
from sync.errors import NotFound, Refused

LEAST_WASTE_BYTES = 1 << 20
MOST_WASTE = 0.5
LOG = logging.getLogger(__name__)


def compact_wasteful(couch: Couch) -> list[str]:
    """Ask the store to compact what is worth it; the names. Raises the errors of the store."""
    names = [name for name in couch.all_databases() if not name.startswith("_")]
    asked = []
    for name, info in couch.info(names).items():
        if info is None or not is_wasteful(info):
            continue
        try:
            couch.send("POST", [name, "_compact"], body={}, accept_quorum_missed=True)
        except (NotFound, Refused) as error:
            LOG.warning("%s was not compacted: %s", name, error)
            continue
        asked.append(name)
    return asked


def is_wasteful(info: dict[str, Any]) -> bool:
    """Whether more than half of a database's file, and not just a little, could be given back."""
    sizes = info.get("sizes") or {}
    file_bytes, active_bytes = int(sizes.get("file") or 0), int(sizes.get("active") or 0)
    waste_bytes = file_bytes - active_bytes
    return waste_bytes >= LEAST_WASTE_BYTES and waste_bytes > file_bytes * MOST_WASTE and not info.get("compact_running")
