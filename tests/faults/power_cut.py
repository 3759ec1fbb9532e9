"""What a disk holds after the power went at some moment of a record made by `recording.py`.

Certain is only what was synced. Of every later write any part may have made it, in sectors, in any order; of a folder's changes
since it was last synced, the first few. A file's own sync does not make its name durable.
"""

import pickle
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SECTOR_BYTES = 512

Event = tuple[Any, ...]


def read_record(path: Path) -> list[Event]:
    """All events, in order."""
    events: list[Event] = []
    with path.open("rb") as file:
        while True:
            try:
                events.append(pickle.load(file))
            except EOFError:
                return events


@dataclass
class Disk:
    """The durable state, and what is on its way there: (place in the record, event)."""

    contents: dict[int, bytearray] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    pending: dict[int, list[tuple[int, Event]]] = field(default_factory=dict)
    pending_names: dict[str, list[tuple[int, Event]]] = field(default_factory=dict)

    def apply(self, at: int, event: Event) -> None:
        """The event at this place of the record happens."""
        kind = event[0]
        if kind in ("write", "truncate"):
            self.pending.setdefault(event[1], []).append((at, event))
        elif kind == "sync":
            number, before = event[1:]
            queue = self.pending.get(number, [])
            for place, change in queue:
                if place < before:
                    change_content(self.contents.setdefault(number, bytearray()), change)
            self.pending[number] = [pair for pair in queue if pair[0] >= before]
        elif kind in ("create", "rename", "unlink"):
            self.pending_names.setdefault(str(Path(event[1]).parent), []).append((at, event))
        elif kind == "folder":
            folder, before = event[1:]
            queue = self.pending_names.get(folder, [])
            for place, change in queue:
                if place < before:
                    change_names(self.names, change)
            self.pending_names[folder] = [pair for pair in queue if pair[0] >= before]

    def cut(self, dice: random.Random, survives: float) -> dict[str, bytes]:
        """Name → content of the files found afterwards; each unsynced change survives with this probability."""
        names = dict(self.names)
        for queue in self.pending_names.values():
            for _, change in queue[: sum(dice.random() < survives for _ in queue)]:
                change_names(names, change)
        found: dict[str, bytes] = {}
        for name, number in names.items():
            content = bytearray(self.contents.get(number, b""))
            for _, change in self.pending.get(number, []):
                if dice.random() < survives:
                    change_content(content, change)
                elif survives and change[0] == "write" and dice.random() < 0.5:
                    for part in tear(change, dice):
                        change_content(content, part)
            found[name] = bytes(content)
        return found


def change_content(content: bytearray, change: Event) -> None:
    """A write or a truncation reaches the file."""
    if change[0] == "truncate":
        size = change[2]
        del content[size:]
        content.extend(bytes(size - len(content)))
        return
    offset, data = change[2:]
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def change_names(names: dict[str, int], change: Event) -> None:
    """A folder's entry comes, goes or gets another name."""
    if change[0] == "create":
        names[change[1]] = change[2]
    elif change[0] == "rename" and change[1] in names:
        names[change[2]] = names.pop(change[1])
    elif change[0] == "unlink":
        names.pop(change[1], None)


def tear(change: Event, dice: random.Random) -> Iterator[Event]:
    """Some of the sectors of a write."""
    _, number, offset, data = change
    at = 0
    while at < len(data):
        size = SECTOR_BYTES - (offset + at) % SECTOR_BYTES
        if dice.random() < 0.5:
            yield ("write", number, offset + at, data[at : at + size])
        at += size
