"""Entries of what was just refused. What was erased for ever (`server/erasure/`) leaves no contents and no id behind, whatever
it was refused for and whichever way it came: pushed, rescued, out of a rescue file.

What belongs to something erased and comes for the first time is marked itself, so that its files are refused, too; those that
came before it are taken out.
"""

import contextlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from server.domain import erasure
from server.domain.grids import township_of
from server.erasure import store, sweeping
from server.erasure.marks import Marks
from server.quarantine import entries
from server.quarantine.entries import Entry, File, Refused, Sender
from sync import databases
from sync.couch import Couch
from sync.errors import NotFound

Document = dict[str, Any]


def entries_of(
    couch: Couch, sender: Sender, refused: Sequence[Refused], now: datetime, allowance: str = entries.PUSHED
) -> list[Entry]:
    """An entry for each, in order. Raises the errors of the store."""
    docs = [one.doc for one in refused if isinstance(one.doc, dict)]
    marks = store.among(couch, [name for doc in docs for name in erasure.names_of(doc)])
    while late := store.followers(docs, marks):
        _go_with(couch, docs, late, marks)
        _drop_files(couch, sender.database, late, marks)
    return [
        entries.of_erased(sender, marks.of(_id_of(one)), _type_of(one), now)
        if isinstance(one.doc, dict) and erasure.is_erased(one.doc, marks)
        else entries.of_document(sender, one, now, allowance)
        for one in refused
    ]


def entry_of_file(couch: Couch, sender: Sender, file: File, now: datetime) -> Entry | None:
    """The entry of an erased photo's file; None for any other."""
    marks = store.among(couch, [file.photo])
    return entries.of_erased(sender, marks.of(file.photo), "photo", now, is_file=True) if marks.has(file.photo) else None


def _go_with(couch: Couch, docs: Sequence[Document], late: dict[str, str], marks: Marks) -> None:
    """Mark what comes late by the erasure it goes with, which is then run once more: something of it may have come before."""
    for doc in docs:
        id = doc.get("_id")
        if isinstance(id, str) and id in late:
            by = next(marks.erasures[mark] for name in erasure.names_of(doc) if (mark := marks.of(name)) in marks.erasures)
            store.add(couch, by, {id: late[id]})
            marks.add([id])
            marks.erasures[marks.of(id)] = by
            with contextlib.suppress(NotFound):
                store.change(couch, by, {"proved_at": None})


def _drop_files(couch: Couch, database: str, late: dict[str, str], marks: Marks) -> None:
    name, photos = databases.parse(database), [id for id, type_ in late.items() if type_ == "photo"]
    if name and name.grid and photos:
        sweeping.look_up(couch, databases.media_db(township_of(name.grid)), photos, marks)


def _id_of(one: Refused) -> str:
    return str(one.doc.get("_id"))


def _type_of(one: Refused) -> str:
    return erasure.type_of(_id_of(one))
