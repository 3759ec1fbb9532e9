"""What was erased is refused for ever, whichever phone sends it and by which way, and nothing of it is kept."""

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import quarantine
from server.domain import erasure
from server.erasure import carrying, store
from server.erasure.marks import Marks
from server.quarantine import entries
from sync import databases
from sync.databases import home_db, home_quarter_db, media_db, quarter_at
from tests.conftest import GRID_A, wait_until
from tests.records import new_id, note, photo, with_rev
from tests.server.domain.test_merge import stamp, version
from tests.server.erasure import world as worlds
from tests.server.erasure.world import WORD, World
from tests.server.quarantine.test_photos import jpeg
from tests.server.web.site import Site, bearer, make_people

Document = dict[str, Any]
NOW = datetime.now(UTC)
VISITS = home_quarter_db(GRID_A, quarter_at(NOW))


@pytest.fixture
def erased(site: Site) -> World:
    """A household that was erased."""
    world = worlds.make(site.couch)
    if site.couch.database(databases.PEOPLE).find("user:worker1") is None:
        make_people(site.couch)
    for name in (home_db(GRID_A), VISITS):
        site.couch.create(name, replicated=True)
    worlds.ask(site.couch, world.household, world.household)
    for doc in carrying.due(site.couch, worlds.NOW):
        carrying.carry_out(site.couch, doc, worlds.NOW)
    return world


@pytest.fixture
def phone(site: Site, erased: World) -> Iterator[httpx.Client]:
    with site.visit() as client:
        client.headers.update(bearer(site.enrol("worker1")["token"]))
        # A server hears within two seconds of what another process erased.
        wait_until(
            lambda: push(client, VISITS, visit(erased.household, address="x", findings=""))[0].get("reason") == "erased_id",
            what="the mark",
        )
        yield client


def push(phone: httpx.Client, name: str, *docs: Document) -> list[Document]:
    answer = phone.post(f"/db/{name}/_bulk_docs", json={"docs": docs, "new_edits": False})
    assert answer.status_code == 201, answer.text
    return list(answer.json())


def visit(household: str, **fields: Any) -> Document:
    head = {"_id": new_id("visit", NOW), "type": "visit", "v": 1, "grid": GRID_A, "author": "worker1", "device": "d1"}
    head |= {"captured_at": "2026-11-20T08:00:00.000Z", "clock_offset_ms": 0, "household": household, "address": f"{WORD}家"}
    return with_rev(head | {"kind": "routine", "findings": f"{WORD}在家", "reports": [], "next_at": None, "answers": {}} | fields)


def test_an_edit_made_offline_before_is_refused_as_erased_and_kept_nowhere(
    site: Site, phone: httpx.Client, erased: World
) -> None:
    old = version(_id=erased.household, contact_name=f"{WORD}新", stamps={"contact_name": stamp(60)})
    member = version("member", _id=erased.member, household=erased.household, name=WORD)
    docs = [doc | {"_rev": "2-" + "e" * 32, "_revisions": {"start": 2, "ids": ["e" * 32, "a" * 32]}} for doc in (old, member)]
    answers = push(phone, home_db(GRID_A), *docs)
    assert [(one["error"], one["reason"], one["quarantined"]) for one in answers] == [("forbidden", "erased_id", True)] * 2
    assert worlds.told(site.couch) == []
    assert all(
        leaf.keys() == {"_id", "_rev", "_deleted"} for leaf in worlds.tombstones(site.couch, home_db(GRID_A), [old["_id"]])
    )


def test_a_new_visit_on_it_goes_with_it_and_so_do_its_notes_photos_and_files(
    site: Site, phone: httpx.Client, erased: World
) -> None:
    data = jpeg()
    sha256 = hashlib.sha256(data).hexdigest()
    early, late = new_id("photo", NOW), new_id("photo", NOW)
    assert upload(phone, early, data, sha256).status_code == 204, "a file may come before its record"
    made = visit(erased.household)
    notes = with_rev(note(made["_id"], text=WORD))
    shots = [with_rev(photo({"sent": sha256}, id=id, of=made["_id"])) for id in (early, late)]
    answers = push(phone, VISITS, *shots, notes, made)
    assert {one["reason"] for one in answers if one["id"] == made["_id"]} == {"erased_id"}
    assert {one.get("reason") for one in push(phone, VISITS, *shots, notes)} == {"erased_id"}, "known by now"
    assert upload(phone, late, data, sha256).json()["code"] == "erased_id"
    for doc in carrying.due(site.couch, NOW):
        carrying.carry_out(site.couch, doc, NOW)
    assert site.couch.database(media_db(GRID_A[:9])).find(early) is None
    assert worlds.told(site.couch) == []


def test_a_whole_batch_of_sound_records_is_not_waved_through(phone: httpx.Client, erased: World) -> None:
    other = visit(erased.neighbour, address="2号", findings="")
    answers = push(phone, VISITS, other, visit(erased.household))
    assert [one.get("ok") for one in answers] == [True, None]
    assert answers[1]["reason"] == "erased_id"


@pytest.mark.parametrize("extra", [{"v": 2}, {"note": "x" * 300_000}, {"_deleted": True}, {"type": "access"}, {"grid": "1"}])
def test_whatever_else_is_wrong_with_it_nothing_of_it_is_kept(
    site: Site, phone: httpx.Client, erased: World, extra: Document
) -> None:
    [answer] = push(phone, VISITS, visit(erased.household) | extra)
    assert answer["reason"] == "erased_id"
    assert worlds.told(site.couch) == []


def test_a_reading_made_offline_before_is_still_logged(phone: httpx.Client, erased: World, site: Site) -> None:
    device = phone.get("/api/devices/me").json()["device_id"]
    head = {"_id": new_id("access", NOW), "type": "access", "v": 1, "grid": GRID_A, "author": "worker1", "device": device}
    head |= {"captured_at": "2026-11-20T08:00:00.000Z", "clock_offset_ms": 0}
    name = databases.log_db(device)
    site.couch.create(name, replicated=True)
    [answer] = push(phone, name, with_rev(head | {"of": erased.member, "fields": ["phone"], "purpose": "visit"}))
    assert answer.get("ok"), answer


def test_a_rescued_copy_and_a_rescued_file_leave_nothing(site: Site, nobody: httpx.Client, erased: World) -> None:
    one = site.enrol("worker1")
    headers = bearer(one["token"])
    assert nobody.delete(f"/api/devices/{one['device_id']}", headers=headers).status_code == 204
    docs = [visit(erased.household), version(_id=erased.household, contact_name=WORD) | {"_rev": "1-" + "b" * 32}]
    body = {"documents": [{"database": VISITS, "doc": doc} for doc in docs]}
    assert nobody.post("/api/rescue", json=body, headers=headers).status_code == 200
    file = entries.File(erased.photos[0], "sent", "image/jpeg", "1" * 64, WORD.encode())
    sender = quarantine.sender_of(site.couch, VISITS, "d1", "worker1")
    assert quarantine.keep_file(site.couch, sender, file, "rescued")
    assert worlds.told(site.couch) == []
    kept = site.couch.database(databases.QUARANTINE).range("refused:", "refused:\ufff0", 100)
    assert {entry["reason"] for entry in kept} == {"erased_id"}
    assert {entry["state"] for entry in kept} == {"dismissed"}


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(
    st.sampled_from(["_id", "type", "household", "of", "ids"]) | st.text(), inner)))  # fmt: skip
def test_no_hostile_document_trips_the_question_whether_it_was_erased(doc: Any) -> None:
    marks = Marks()
    marks.add(["visit:1"])
    if isinstance(doc, dict):
        assert erasure.is_erased(doc | {"_id": "visit:1"}, marks)
        assert erasure.is_erased(doc | {"_id": "x", "type": "visit", "household": "visit:1"}, marks)
        assert store.followers([doc], marks) == {} or erasure.is_erased(doc, marks)


def upload(phone: httpx.Client, id: str, data: bytes, sha256: str) -> httpx.Response:
    """A photo's file in one request; 204 stands for its 201."""
    meta = {"photo": id, "role": "sent", "database": VISITS, "sha256": sha256, "filetype": "image/jpeg"}
    text = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in meta.items())
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(data)), "Upload-Metadata": text}
    answer = phone.post("/api/uploads", content=data, headers=headers | {"Content-Type": "application/offset+octet-stream"})
    return httpx.Response(204) if answer.status_code == 201 else answer
