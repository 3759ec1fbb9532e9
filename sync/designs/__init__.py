"""Design documents as files: a folder is a design document, a JavaScript file in it the map of the view of that name.

Reduces are CouchDB's built-in ones, named in `REDUCES`. What the views are asked is the business of whoever asks.
"""

import re
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from sync.database import Database
from sync.errors import Conflict, NotFound

FOLDER = Path(__file__).parent
REDUCES = {
    "cases": {"due": "_count", "facets": "_count", "states": "_count"},
    "homes": {"due": "_count", "errands": "_count", "needs": "_count", "services": "_count"},
    "quarantine": {"listing": "_count", "usage": "_stats"},
}
# How long CouchDB's cache of design documents may lag before whoever asks is left to find out by themselves.
LAG_TRIES, LAG_PAUSE_S = 20, 0.05
COMMENTS_AND_NAME = re.compile(r"\A(?:\s*//[^\n]*\n)*\s*function\s+\w+\s*\(")


@cache
def design(name: str) -> dict[str, Any]:
    """The design document of a folder, without a revision. Raises FileNotFoundError when there is no such folder."""
    reduces = REDUCES.get(name, {})
    views = {}
    for path in sorted((FOLDER / name).iterdir()):
        if path.suffix == ".js":
            # A map must be one function expression: no comment before it and no name, whatever engine compiles it.
            text = COMMENTS_AND_NAME.sub("function (", path.read_text(encoding="utf-8")).strip()
            views[path.stem] = {"map": text} | ({"reduce": reduces[path.stem]} if path.stem in reduces else {})
    return {"_id": f"_design/{name}", "language": "javascript", "views": views}


def install(database: Database, name: str) -> bool:
    """Put a design document into a database unless this very one is there. True when it was written. Two may do so at once.

    The views it brings can be asked as soon as this returns; the first answer of each waits until its index is made.
    """
    wanted = design(name)
    present = database.find(wanted["_id"])
    if present is not None and present.get("views") == wanted["views"]:
        return False
    try:
        database.put(wanted | ({"_rev": present["_rev"]} if present else {}))
    except Conflict:
        # Another process installs at this moment; it has the same files, or newer ones.
        return False
    if present is not None:
        _await_views(database, name, wanted["views"].keys() - present.get("views", {}).keys())
    return True


def _await_views(database: Database, design: str, added: Iterable[str]) -> None:
    """Until CouchDB has noticed that these views are there: a view of a design document that it has in its cache from before is
    one that does not exist. Nothing is indexed by asking so."""
    for view in sorted(added)[:1]:
        for _ in range(LAG_TRIES):
            try:
                database.view(design, view, limit=0, update="false")
            except NotFound:
                time.sleep(LAG_PAUSE_S)
            else:
                return
