"""The rows of a township's index of household files (`homes-<9>`): what lists and searches need of a household, its members and
errands, and of the visits on it. Pure functions of the replicated documents, so that the index can be made again at will.

    {"_id": "home:<uuid>", "type": "home", "household", "grid", "address", "contact", "needs", "words", "place", "visits", …}
    {"_id": "member:<uuid>" or "errand:<uuid>", "type": "home_part", "part", "household", "grid", …}

A row of which only visits came so far has no `place` and is on no list. No telephone, no birth year, no findings are in it.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from server.domain import ids, times, visits

Document = dict[str, Any]
# Of each household the latest visits are named; the rest is in the quarters' databases.
VISITS_KEPT = 24
WORDS_MOST, WORD_LENGTH = 48, 12
PARTS = frozenset({"member", "errand"})
ADDRESS = ("address", "building", "unit", "room")
RUNS = re.compile(r"[\u3400-\u9fff]+|[0-9a-z]+(?:-[0-9a-z]+)*")
NUMBERS = re.compile(r"\d+")


def row_id(source_id: str) -> str:
    """The id of the row of a household, member or errand."""
    return f"home:{ids.uuid_of(source_id)}" if source_id.startswith("household:") else source_id


def household_row(doc: Document, present: Document | None) -> Document:
    """A household's row; of the one that is there the visits stay."""
    address = address_of(doc)
    contact = str(doc.get("contact_name") or "")
    facts = {
        "_id": row_id(doc["_id"]),
        "type": "home",
        "v": 1,
        "household": doc["_id"],
        "grid": doc["grid"],
        "address": address,
        "contact": contact,
        "housing": doc.get("housing"),
        "needs": list(doc.get("needs") or ()),
        "services": list(doc.get("services") or ()),
        "place": sort_key(address) or "?",
        "words": _words(doc, address, contact),
    }
    return _with_day(facts | {"visits": (present or {}).get("visits", [])})


def part_row(doc: Document) -> Document:
    """A member's or an errand's row."""
    head = {"_id": doc["_id"], "type": "home_part", "v": 1, "part": doc["type"], "household": doc["household"]}
    head["grid"] = doc["grid"]
    if doc["type"] == "member":
        # Who moved out is in the file, and found by name no more.
        return head | {"name": doc["name"], "words": [] if doc.get("moved_out_at") else words_of([doc["name"]])}
    state, at = doc.get("state", "open"), times.to_text(ids.minted_at(doc["_id"]))
    return head | {"item": doc["item"], "state": state, "at": at, "words": []}


def visited_row(household: str, grid: str, made: Iterable[tuple[str, Document]], present: Document | None) -> Document:
    """A household's row with these visits besides, each with its database's name. Order and repetition do not matter."""
    head = {"_id": row_id(household), "type": "home", "v": 1, "household": household, "grid": grid}
    row: Document = {name: value for name, value in (present or head).items() if name != "_rev"}
    known = {one["id"]: one for one in row.get("visits", [])} | {doc["_id"]: visit_of(name, doc) for name, doc in made}
    newest = sorted(known.values(), key=lambda one: (one["at"], one["id"]), reverse=True)
    return _with_day(row | {"visits": newest[:VISITS_KEPT]})


def visit_of(database: str, doc: Document) -> Document:
    """What the index says of a visit: no findings."""
    offset_ms, next_at = doc.get("clock_offset_ms"), doc.get("next_at")
    return {
        "id": doc["_id"],
        "database": database,
        "at": times.to_text(times.corrected(doc["captured_at"], offset_ms)),
        "kind": doc["kind"],
        "reports": len(doc.get("reports") or ()),
        # Counted by the phone from its own now: as wrong as its clock.
        "next_at": times.to_text(times.corrected(next_at, offset_ms)) if next_at else None,
    }


def address_of(doc: Document) -> str:
    """A household's address in one line: the street's, then building, unit and room as they are written on doors."""
    parts = [str(doc.get(name) or "").strip() for name in ADDRESS]
    rooms = "-".join(part for part in parts[1:] if part)
    return " ".join(part for part in (parts[0], rooms) if part)


def words_of(texts: Iterable[str]) -> list[str]:
    """The words that texts are found by: each run of Chinese and every end of it, each run of letters and digits, each room."""
    found: dict[str, None] = {}
    for text in texts:
        for run in runs_of(text):
            if "-" in run:
                starts = [0, *(place + 1 for place, letter in enumerate(run) if letter == "-")]
            else:
                starts = list(range(len(run))) if not run.isascii() else [0]
            found |= dict.fromkeys(run[start : start + WORD_LENGTH] for start in starts)
    return list(found)[:WORDS_MOST]


def runs_of(text: str) -> list[str]:
    """What is looked for, word by word: in small letters, full-width ones made plain, in the order typed."""
    return RUNS.findall(unicodedata.normalize("NFKC", text).casefold())


def is_about(words: Iterable[str], wanted: str) -> bool:
    """True when one of a row's words begins with what is wanted."""
    return any(word.startswith(wanted[:WORD_LENGTH]) for word in words)


def sort_key(address: str) -> str:
    """A text that puts addresses in the order people walk them: 2 before 10."""
    return NUMBERS.sub(lambda number: number[0].zfill(6), unicodedata.normalize("NFKC", address).casefold())[:160]


def _words(doc: Document, address: str, contact: str) -> list[str]:
    """The words of a household: its room and contact first, and none of them lost to an address of many words."""
    own, place = words_of([_room_of(doc), contact]), words_of([address, str(doc.get("compound") or "")])
    return list(dict.fromkeys([*own, *place]))


def _room_of(doc: Document) -> str:
    return "-".join(part for name in ADDRESS[1:] if (part := str(doc.get(name) or "").strip()))


def _with_day(row: Document) -> Document:
    last = row["visits"][0] if row["visits"] else None
    last_at = times.from_text(last["at"]) if last else None
    next_at = times.from_text(last["next_at"]) if last and last["next_at"] else None
    return row | {"due_on": visits.due_on([*row.get("needs", ()), *row.get("services", ())], last_at, next_at)}
