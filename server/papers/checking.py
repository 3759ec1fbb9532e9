"""Verifying a made paper: as it was sealed? Does the case still say the same? Are its photos still the files that were sent?

A paper tells of a moment: what happened to the case afterwards makes it older, not wrong. Names are looked up anew, so a unit
that is called otherwise by now is shown as a difference, too.
"""

from typing import Any, NamedTuple

from server.cases.store import Loaded
from server.domain.errors import Missing
from server.papers import contents, evidence, making, seal
from sync.couch import Couch

Document = dict[str, Any]


class Check(NamedTuple):
    """`is_sealed`: what is kept has the seal it is kept under. `differs`: names of facts that the case states otherwise by now.
    `photos`: `{photo: same | changed | missing}` of those that have a hash, read anew. `later`: moves made since."""

    is_sealed: bool
    differs: list[str]
    photos: dict[str, str]
    later: int

    @property
    def agrees(self) -> bool:
        """True when nothing speaks against the paper."""
        return self.is_sealed and not self.differs and set(self.photos.values()) <= {"same"}


def check(couch: Couch, names: contents.Names, kept: Document, loaded: Loaded) -> Check:
    """Compare a kept paper with its case. Reads the file of every photo it names."""
    stated = kept["statement"]
    asked = making.Asked(stated["kind"], stated["language"], stated["last_event"])
    try:
        now: dict[str, Any] = making.state(couch, names, loaded, asked)
    except Missing:
        now = {}
    photos = {one["photo"]: one["sha256"] for one in stated["photos"] if one["sha256"]}
    return Check(
        is_sealed=seal.seal_of(stated) == kept["seal"] == kept["_id"].partition(":")[2],
        differs=_differences(stated, now),
        photos={photo: _compared(sha256, evidence.sha256_of_file(couch, loaded.case, photo)) for photo, sha256 in photos.items()},
        later=max(0, loaded.case["events"] - stated["covers"]),
    )


def _differences(stated: Document, now: Document) -> list[str]:
    """Names of facts, and of the statement's other parts, that are not the same."""
    facts, others = stated["facts"], set(stated) - {"facts"}
    found = [name for name in facts if facts[name] != now.get("facts", {}).get(name)]
    return found + sorted(name for name in others if stated[name] != now.get(name))


def _compared(sha256: str, found: str | None) -> str:
    if found is None:
        return "missing"
    return "same" if found == sha256 else "changed"
