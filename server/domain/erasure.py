"""Erasure of one person's data (个人信息保护法 Art. 47, DESIGN §10): what belongs to a member or a household and goes with it,
and what stays without what leads to it. Pure.

A document goes when its own id is erased, or the household or record that it belongs to. Which ids those are nobody keeps: only
marks (`server/erasure/marks.py`), so everything here asks by `Marked`.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from server.domain import hlc, merge

Document = dict[str, Any]

HOUSEHOLD, MEMBER, CALLER = "household", "member", "caller"
# Grounds of Art. 47, in its order; whoever erases names one.
BASES = ("purpose_fulfilled", "service_ended", "retention_ended", "consent_withdrawn", "unlawful", "asked_for")
NOTE_LENGTH = 500
# What names a household or a record and stays all the same: who read what is evidence, cases and what they send down are the
# public record of what was done, receipts say that something arrived.
STAYS = frozenset({"access", "task", "taskreply", "case", "receipt"})
# What of a household's own facts may be a member's: who to ask for, and their telephone.
CONTACT = {"contact_name": "name", "contact_phone": "phone"}
# What people write freely on a case, in an event or in the report and the place that its first event holds.
WRITTEN = ("text", "reason", "result", "authority", "address")
HELD = ("report", "place", "solved")
# How a telephone is written: with blanks and signs between its digits, with the country in front.
SIGNS, COUNTRY = re.compile(r"[\s()+#-]"), re.compile(r"^(\+|00)86")


class Marked(Protocol):
    """Knows erased things by their marks."""

    def has(self, name: str) -> bool:
        """True when this id, or this value as `value_name` writes it, was erased."""

    def of(self, name: str) -> str:
        """The mark of an id or value."""


class Value(NamedTuple):
    """A value of a household's field that is about an erased member."""

    household: str
    field: str
    value: Any


def names_of(doc: Document) -> list[str]:
    """The ids with which a document goes: its own, its household's, and that of the record it is about."""
    id, type_ = doc.get("_id"), doc.get("type")
    # Hostile documents come here, too: what says of itself that it stays must be called so.
    stays = isinstance(type_, str) and type_ in STAYS and isinstance(id, str) and type_of(id) == type_
    fields = ("_id",) if stays else ("_id", "household", "of")
    return [doc[field] for field in fields if isinstance(doc.get(field), str)]


def is_erased(doc: Document, marked: Marked) -> bool:
    """True for what must not be kept any more."""
    return any(map(marked.has, names_of(doc)))


def type_of(id: str) -> str:
    """The type that an id says."""
    return id.partition(":")[0]


def value_name(value: Value) -> str:
    """What a value is marked by: it counts for this household's field alone."""
    return f"value\n{value.household}\n{value.field}\n{merge.canonical(value.value)}"


def contact_values(household: Document, versions: list[Document]) -> Iterator[Value]:
    """Values of a household's contact that are a member's own, replaced ones included, in any of the member's `versions`."""
    for field, own in CONTACT.items():
        known = {
            merge.canonical(edit.value) for doc in versions for edit in merge.edits_of(doc) if edit.field == own and edit.value
        }
        for edit in merge.edits_of(household):
            if edit.field == field and edit.value and merge.canonical(edit.value) in known:
                yield Value(household["_id"], field, edit.value)


def without_values(doc: Document, has: Callable[[Value], bool]) -> Document:
    """A household's document without erased values, replaced ones included; the same object when it has none.

    A field that is emptied keeps its stamp, so that this is a function of the document alone.
    """
    if doc.get("type") != HOUSEHOLD:
        return doc
    gone = {field for field in CONTACT if doc.get(field) and has(Value(doc["_id"], field, doc[field]))}
    lost = merge.superseded(doc)
    kept = [
        edit for edit in lost if not (edit.field in CONTACT and edit.value and has(Value(doc["_id"], edit.field, edit.value)))
    ]
    if not gone and len(kept) == len(lost):
        return doc
    facts = {name: value for name, value in doc.items() if name not in gone}
    return facts | {"superseded": [edit._asdict() for edit in kept]}


def cut(doc: Document, marked: Marked, stamp: Callable[..., str]) -> Document:
    """A document that stays, without what leads to what was erased; the same object when nothing does.

    `stamp(*seen)` makes a stamp for a field that is emptied here and now.
    """
    if doc.get("type") == "receipt":
        ids = [f"erased:{marked.of(id)}" if marked.has(id) else id for id in doc.get("ids", [])]
        return doc if ids == doc.get("ids", []) else doc | {"ids": ids}
    if doc.get("type") == "task" and isinstance(doc.get("household"), str) and marked.has(doc["household"]):
        return doc | {"household": None}
    clean = without_values(doc, lambda value: marked.has(value_name(value)))
    emptied = [field for field in CONTACT if field in doc and field not in clean]
    if not emptied:
        return clean
    made = stamp(merge.latest_stamp(doc))
    return clean | {"stamps": clean.get("stamps", {}) | dict.fromkeys(emptied, made)}


def texts_of(events: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Everything that people wrote on a case, text by text."""
    for event in events:
        yield from (event[name] for name in WRITTEN if isinstance(event.get(name), str))
        yield from texts_of(event[name] for name in HELD if isinstance(event.get(name), Mapping))


def telling(texts: Iterable[str], *named: str | None) -> int:
    """How many of these texts tell one of these names or telephones, however blanks and signs stand in them."""
    words = [word for one in named if one and (word := _bare(COUNTRY.sub("", one.strip())))]
    return sum(any(word in text for word in words) for text in map(_bare, texts))


def _bare(text: str) -> str:
    return SIGNS.sub("", unicodedata.normalize("NFKC", text))


def spilled_value(doc: Document) -> Value | None:
    """What a replaced value that lies in a document of its own says of a household's contact, else None."""
    if doc.get("type") != "superseded" or doc.get("field") not in CONTACT or not doc.get("value"):
        return None
    of = doc.get("of")
    return Value(of, doc["field"], doc["value"]) if isinstance(of, str) and type_of(of) == HOUSEHOLD else None


def server_stamp(now: Any) -> Callable[..., str]:
    """Stamps of the server's own, later than those it is shown."""
    return lambda *seen: hlc.tick(now, "server", *seen)
