"""A household 李秀英 with all that ever comes of one, and a neighbour's beside it that nothing may happen to.

Everything that says anything of the person holds the word `WORD`, so that a test can look for it wherever it might lie.
"""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from server import quarantine
from server.cases import intake
from server.domain import times
from server.erasure import asking
from server.households import files, indexing
from server.quarantine import entries
from sync import conflicts, databases
from sync.couch import Couch
from sync.databases import home_db, home_quarter_db, media_db
from tests.conftest import COMMUNITY, GRID_A, GRID_B, person
from tests.records import new_id, note, receipt, with_rev
from tests.server.domain.test_merge import stamp, version

Document = dict[str, Any]
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HOME, THIS, LAST = home_db(GRID_A), home_quarter_db(GRID_A, "2026q4"), home_quarter_db(GRID_A, "2026q3")
OTHER_GRID = home_db(GRID_B)
WORD = "李秀英"
PHONE = "13800004711"
# What only an erasure's own documents may be found by.
KEPT = frozenset({databases.ERASURES})
CLERK = person("community1", "community", "孙洁", "Sun Jie", communities=[COMMUNITY])


class World(NamedTuple):
    """Ids of what there is."""

    household: str
    member: str
    errand: str
    visits: list[str]
    photos: list[str]
    neighbour: str
    refused: list[str]


def make(couch: Couch) -> World:
    """Build all of it, taken in and indexed."""
    for name in couch.all_databases():
        if not name.startswith("_") and name not in {databases.PEOPLE, databases.DEVICES}:
            couch.delete(name)
    couch.create(databases.PEOPLE, replicated=False)
    for name in (HOME, THIS, LAST, OTHER_GRID):
        couch.create(name, replicated=True)
    home = couch.database(HOME)
    world = World(*(new_id(type_) for type_ in ("household", "member", "errand")), [], [], new_id("household"), [])
    _file(couch, world)
    for name in (THIS, LAST):
        add_visit(couch, name, world)
    photos = [_photo(couch, THIS, world.errand, world) for _ in range(2)]
    home.put(_errand(world, photos))
    world.photos.extend(photos)
    home.put(version(_id=world.neighbour, address="同心北街 2 号", contact_name="王芳"))
    _refuse(couch, world)
    take_in(couch)
    return world


def take_in(couch: Couch) -> None:
    """What the worker does with what came."""
    for name in (HOME, THIS, LAST):
        while indexing.run(couch, name).more:
            pass
        while name != HOME and intake.run(couch, name, NOW).more:
            pass


def ask(couch: Couch, of: str, household: str, key: str = "01936b00-0000-7000-8000-000000000001") -> str:
    """community1 has it erased; the erasure's id."""
    file = files.read(couch, GRID_A, household)
    name = asking.preview(CLERK, file, of).name
    return asking.ask(couch, CLERK, file, asking.Asked(of, "asked_for", "", name, key), NOW)


def _file(couch: Couch, world: World) -> None:
    """The household in conflict with itself, a replaced value in it and another beside it; its member with a longer history."""
    home = couch.database(HOME)
    lost = {"field": "contact_name", "stamp": stamp(1, "d1"), "value": f"{WORD}（曾用名）"}
    facts: Document = {
        "_id": world.household,
        "address": f"{WORD}家",
        "contact_name": WORD,
        "contact_phone": PHONE,
        "room": "501",
    }
    one = version(**facts, stamps={"contact_name": stamp(5), "contact_phone": stamp(5)}, superseded=[lost])
    other = one | {"remark": f"{WORD}怕狗", "device": "d2"}
    home.bulk([with_rev(one), with_rev(other, "b" * 32)], new_edits=False)
    spilled = {
        "_id": f"superseded:{world.household}:{'c' * 32}",
        "type": "superseded",
        "v": 1,
        "grid": GRID_A,
        "of": world.household,
    }
    home.put(spilled | {"field": "contact_name", "stamp": stamp(0), "value": WORD, "author": "server", "device": "server"})
    member = version("member", _id=world.member, household=world.household, name=f"{WORD}旧", phone=PHONE, needs=["disability"])
    rev = home.put(member)
    home.put(member | {"_rev": rev, "name": WORD})


def add_visit(couch: Couch, name: str, world: World) -> None:
    head = {"_id": new_id("visit"), "type": "visit", "v": 1, "grid": GRID_A, "author": "worker1", "device": "d1"}
    head |= {
        "captured_at": times.to_text(NOW),
        "clock_offset_ms": 0,
        "household": world.household,
        "kind": "elderly",
        "reports": [],
    }
    doc = with_rev(head | {"address": f"{WORD}家", "findings": f"{WORD}一切都好", "next_at": None, "answers": {}})
    said = with_rev(note(doc["_id"], text=f"{WORD}来电"))
    couch.database(name).bulk([doc, said, with_rev(receipt([doc["_id"], said["_id"]], NOW))], new_edits=False)
    world.visits.append(doc["_id"])
    world.photos.append(_photo(couch, name, said["_id"], world))


def _photo(couch: Couch, name: str, of: str, world: World) -> str:
    photo = new_id("photo")
    head = {"_id": photo, "type": "photo", "v": 1, "grid": GRID_A, "author": "worker1", "device": "d1", "of": of}
    file = {"role": "sent", "sha256": "a" * 64, "size_bytes": 3, "content_type": "image/jpeg", "width_px": 1, "height_px": 1}
    doc = with_rev(
        head | {"captured_at": times.to_text(NOW), "clock_offset_ms": 0, "files": [file], "taken_at": None, "place": None}
    )
    couch.database(name).bulk([doc], new_edits=False)
    media = couch.database(media_db(GRID_A[:9]), create=True)
    data = base64.b64encode(f"{WORD} picture".encode()).decode()
    kept = {"_id": photo, "type": "media", "photo": photo, "database": name, "device": "d1", "author": "worker1", "derived": True}
    media.put(kept | {"files": {}, "_attachments": {"sent": {"content_type": "image/jpeg", "data": data}}})
    return photo


def _errand(world: World, photos: list[str]) -> Document:
    paper = {"key": "p1", "name": "身份证明", "state": "there", "photos": photos[:1], "remark": f"{WORD}的"}
    fields: Document = {"item": "高龄津贴", "materials": [paper], "signature": photos[1]}
    return version("errand", _id=world.errand, household=world.household, **fields)


def _refuse(couch: Couch, world: World) -> None:
    """A visit that was refused for another reason, and a photo's file of one of its visits."""
    doc = with_rev({"_id": new_id("visit"), "type": "visit", "household": world.household, "findings": f"{WORD}不在家"})
    about = {"database": THIS, "device": "d1", "user": "worker1"}
    world.refused.append(quarantine.keep(couch, doc=doc, reason="schema", fields={}, **about))
    photo = with_rev({"_id": new_id("photo"), "type": "photo", "of": doc["_id"], "text": WORD})
    world.refused.append(quarantine.keep(couch, doc=photo, reason="schema", fields={}, **about))
    file = entries.File(photo["_id"], "sent", "image/jpeg", "f" * 64, f"{WORD} file".encode())
    quarantine.keep_file(couch, quarantine.sender_of(couch, THIS, "d1", "worker1"), file, "not_an_image")


def told(couch: Couch, word: str = WORD) -> list[str]:
    """Where a word is found: in every leaf of every document of every database, and in every attachment."""
    found = []
    for name in couch.all_databases():
        if name.startswith("_") or name in KEPT:
            continue
        for doc in every_leaf(couch, name):
            files = [couch.database(name).attachment(doc["_id"], one) for one in doc.get("_attachments", {})]
            if word in orjson.dumps(doc).decode() or any(word.encode() in data for data in files):
                found.append(f"{name}/{doc['_id']}")
    return found


def every_leaf(couch: Couch, name: str) -> Iterator[Document]:
    """All leaves of all documents, deleted ones included."""
    since, more = None, True
    while more:
        page = couch.database(name).changes(since, 500, style="all_docs")
        keys = [(row["id"], leaf["rev"]) for row in page.results for leaf in row["changes"]]
        yield from couch.database(name).leaves(keys)
        since, more = page.last_seq, page.pending > 0


def tombstones(couch: Couch, name: str, ids: list[str]) -> list[Document]:
    """The leaves of these documents, without the history that a replication asks for."""
    return [{k: v for k, v in leaf.items() if k != "_revisions"} for leaf in every_leaf(couch, name) if leaf["_id"] in ids]


def neighbours(couch: Couch, world: World) -> Document:
    """The neighbour's document."""
    return conflicts.content_of(couch.database(HOME).get(world.neighbour))
