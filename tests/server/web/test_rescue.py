"""`/api/rescue`: a revoked phone hands in what it holds, into quarantine and nowhere else; with that token nothing else opens."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from server.quarantine import allowances, entries
from server.quarantine.allowances import Allowance
from server.rescue.seals import FILE_TYPE
from sync.databases import QUARANTINE, grid_db, media_db, quarter_at
from tests.conftest import GRID_A, GRID_B
from tests.records import new_id, report, with_rev
from tests.server.quarantine.test_photos import jpeg
from tests.server.web.locked_phone import LockedPhone
from tests.server.web.site import Site, bearer

NOW = datetime.now(UTC)
GRID_DB = grid_db(GRID_A, quarter_at(NOW))
Document = dict[str, Any]


@pytest.fixture
def revoked(site: Site, nobody: httpx.Client) -> dict[str, str]:
    """The header of a revoked phone of worker1."""
    phone = site.enrol("worker1")
    headers = bearer(phone["token"])
    assert nobody.delete(f"/api/devices/{phone['device_id']}", headers=headers).status_code == 204
    return headers


def made(**fields: Any) -> Document:
    return with_rev(report(at=NOW, **fields))


def rescue(client: httpx.Client, headers: dict[str, str], *docs: Any, database: str = GRID_DB) -> httpx.Response:
    body = json.dumps({"documents": [{"database": database, "doc": doc} for doc in docs]})
    return client.post("/api/rescue", content=body, headers=headers | {"Content-Type": "application/json"})


def entries_of(site: Site, id: str) -> list[Document]:
    found = site.couch.database(QUARANTINE).range("refused:", "refused:\ufff0", 1000)
    return [entry for entry in found if entry["about"]["id"] == id]


def test_what_a_revoked_phone_holds_is_kept_and_a_second_time_too(
    site: Site, nobody: httpx.Client, revoked: dict[str, str]
) -> None:
    docs = [made(), made(text="x" * 10)]
    for _ in range(2):
        answer = rescue(nobody, revoked, *docs)
        assert answer.status_code == 200
        assert answer.json()["kept"] == [{"database": GRID_DB, "id": doc["_id"], "rev": doc["_rev"], "ok": True} for doc in docs]
    for doc in docs:
        [entry] = entries_of(site, doc["_id"])
        assert (entry["reason"], entry["user"], entry["document"]) == ("rescued", "worker1", doc)


def test_what_the_server_holds_already_makes_no_entry(site: Site, nobody: httpx.Client, revoked: dict[str, str]) -> None:
    doc, foreign = made(), made(author="worker2")
    site.couch.create(GRID_DB, replicated=True)
    site.couch.database(GRID_DB).bulk([doc, foreign], new_edits=False)
    assert all(row["ok"] for row in rescue(nobody, revoked, doc, foreign).json()["kept"])
    assert entries_of(site, doc["_id"]) == []
    assert len(entries_of(site, foreign["_id"])) == 1


def test_a_rescued_record_becomes_a_case_when_a_clerk_adopts_it(
    site: Site, nobody: httpx.Client, triage: httpx.Client, revoked: dict[str, str]
) -> None:
    doc = made()
    rescue(nobody, revoked, doc)
    [entry] = entries_of(site, doc["_id"])
    assert triage.post(f"/api/quarantine/{entry['_id']}/adoption", json={}).status_code == 200
    assert site.couch.database(GRID_DB).get(doc["_id"])["_rev"] == doc["_rev"]


@pytest.mark.parametrize(
    "doc", [None, 5, "text", [], {}, {"_id": "_design/x"}, {"_id": 5}, {"_id": "a\ud800"}, {"a": float("nan")}]
)
def test_anything_at_all_is_kept(site: Site, nobody: httpx.Client, revoked: dict[str, str], doc: Any) -> None:
    answer = rescue(nobody, revoked, doc, database="no-database-of-ours")
    assert (answer.status_code, [row["ok"] for row in answer.json()["kept"]]) == (200, [True])
    assert "no-database-of-ours" not in site.couch.all_databases()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"documents": [{"doc": {}}]}', 422),
        (b'{"documents": [{"database": "", "doc": {}}]}', 422),
        (b'{"documents": [{"database": "x\\u0000", "doc": {}}]}', 422),
        (b'{"documents": [' + b",".join([b'{"database":"x","doc":{}}'] * 1001) + b"]}", 422),
        (b" " * (8 * 1024 * 1024 + 1), 413),
    ],
)
def test_a_body_that_is_none_is_refused(nobody: httpx.Client, revoked: dict[str, str], body: bytes, status: int) -> None:
    assert nobody.post("/api/rescue", content=body, headers=revoked).status_code == status


def test_a_revoked_token_opens_nothing_else(nobody: httpx.Client, revoked: dict[str, str]) -> None:
    for method, path in (
        ("GET", "/api/devices/me"),
        ("GET", "/api/quarantine/mine"),
        ("GET", f"/db/{GRID_DB}/_changes"),
        ("POST", f"/db/{GRID_DB}/_bulk_docs"),
    ):
        answer = nobody.request(method, path, headers=revoked, json={"docs": [], "new_edits": False})
        assert answer.status_code == 401, path


def test_nobody_rescues_without_a_token(nobody: httpx.Client) -> None:
    for headers in ({}, bearer("0123456789abcdef.x"), bearer("x")):
        assert rescue(nobody, headers, made()).status_code == 401
        assert nobody.post("/api/rescue/uploads", headers=headers | {"Tus-Resumable": "1.0.0"}).status_code == 401


def test_a_device_fills_no_disk_by_rescue(
    site: Site, nobody: httpx.Client, revoked: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(allowances.ALLOWANCES, entries.RESCUED, Allowance(2, 10_000))
    docs = [made() for _ in range(3)]
    rows = rescue(nobody, revoked, *docs).json()["kept"]
    assert [row["ok"] for row in rows] == [True, True, False]
    assert rows[2]["reason"] == "quota"
    assert [row["ok"] for row in rescue(nobody, revoked, *docs[:2]).json()["kept"]] == [True, True]


def upload(
    client: httpx.Client,
    headers: dict[str, str],
    photo: str,
    data: bytes,
    *,
    path: str = "/api/rescue/uploads",
    filetype: str = "image/jpeg",
) -> httpx.Response:
    facts = {
        "photo": photo,
        "role": "sent",
        "database": GRID_DB,
        "sha256": hashlib.sha256(data).hexdigest(),
        "filetype": filetype,
    }
    metadata = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in facts.items())
    tus = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(data)), "Upload-Metadata": metadata}
    return client.post(path, content=data, headers=headers | tus | {"Content-Type": "application/offset+octet-stream"})


def test_a_rescued_photo_waits_in_quarantine_and_goes_with_its_record(
    site: Site, nobody: httpx.Client, triage: httpx.Client, revoked: dict[str, str]
) -> None:
    photo, data = new_id("photo"), jpeg()
    answer = upload(nobody, revoked, photo, data)
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, str(len(data))), answer.text
    assert upload(nobody, revoked, photo, data, path="/api/uploads").status_code == 401
    [file] = entries_of(site, photo)
    assert (file["reason"], file["allowance"]) == ("rescued", entries.RESCUED_FILES)
    doc = made(photos=[photo])
    named = [{"role": "sent", "sha256": file["sha256"], "size_bytes": len(data), "content_type": "image/jpeg"}]
    head = {part: doc[part] for part in ("v", "grid", "author", "device", "captured_at", "clock_offset_ms")}
    record = with_rev({"_id": photo, "type": "photo", **head, "of": doc["_id"], "files": named})
    rescue(nobody, revoked, doc, record)
    [entry] = entries_of(site, doc["_id"])
    home = grid_db(GRID_B, quarter_at(NOW))
    adopted = triage.post(f"/api/quarantine/{entry['_id']}/adoption", json={"database": home}).json()
    [moved] = site.couch.database(home).get(adopted["decision"]["id"])["photos"]
    assert site.couch.database(media_db(GRID_A[:9])).attachment(moved, "sent") == data


def test_a_file_that_is_no_picture_is_rescued_too(site: Site, nobody: httpx.Client, revoked: dict[str, str]) -> None:
    photo = new_id("photo")
    answer = upload(nobody, revoked, photo, b"no picture")
    assert (answer.status_code, answer.json()["code"], answer.json()["quarantined"]) == (422, "not_an_image", True)
    assert len(entries_of(site, photo)) == 1


@pytest.fixture
def locked(site: Site) -> LockedPhone:
    """The vault of a phone of worker1."""
    return LockedPhone(site.enrol("worker1")["seal_key"]["point"], "worker1")


def test_what_a_locked_phone_holds_is_opened_by_the_server(
    site: Site, nobody: httpx.Client, revoked: dict[str, str], locked: LockedPhone
) -> None:
    docs = [made(text="王家"), made()]
    sealed = [locked.seal_document(GRID_DB, docs[0]), docs[1]]
    body = {"documents": [{"database": GRID_DB, "doc": doc} for doc in sealed], "data_key": locked.data_key}
    answer = nobody.post("/api/rescue", json=body, headers=revoked)
    assert answer.json()["kept"] == [{"database": GRID_DB, "id": doc["_id"], "rev": doc["_rev"], "ok": True} for doc in docs]
    assert [entries_of(site, doc["_id"])[0]["document"] for doc in docs] == docs


@pytest.mark.parametrize("what", ["no key", "another's key", "another database", "no base64"])
def test_what_cannot_be_opened_stays_on_the_phone(
    site: Site, nobody: httpx.Client, revoked: dict[str, str], locked: LockedPhone, what: str
) -> None:
    doc, other = made(), made()
    sealed = locked.seal_document("home-x" if what == "another database" else GRID_DB, doc)
    if what == "no base64":
        sealed["sealed"] = "%"
    foreign = LockedPhone(site.enrol("worker1")["seal_key"]["point"], "worker2")
    data_key = {"no key": None, "another's key": foreign.data_key}.get(what, locked.data_key)
    body = {"documents": [{"database": GRID_DB, "doc": one} for one in (sealed, other)], "data_key": data_key}
    rows = nobody.post("/api/rescue", json=body, headers=revoked).json()["kept"]
    assert [(row["ok"], row.get("reason")) for row in rows] == [(False, "unreadable"), (True, None)]
    assert entries_of(site, doc["_id"]) == []


def test_a_locked_phones_photo_is_opened_by_the_server(
    site: Site, nobody: httpx.Client, revoked: dict[str, str], locked: LockedPhone
) -> None:
    photo, data = new_id("photo"), jpeg()
    answer = upload(nobody, revoked, photo, locked.seal_file(f"{photo}|sent", data), filetype=FILE_TYPE)
    assert (answer.status_code, answer.json()["code"], answer.json()["quarantined"]) == (422, "rescued", True)
    [entry] = entries_of(site, photo)
    assert entry["sha256"] == hashlib.sha256(data).hexdigest()
    assert site.couch.database(QUARANTINE).attachment(entry["_id"], "file") == data
    refused = upload(nobody, revoked, new_id("photo"), locked.seal_file("photo:other|sent", data), filetype=FILE_TYPE)
    assert (refused.status_code, refused.json()["quarantined"]) == (422, False)
