"""A clerk takes a phone's rescue file in: everything of it into quarantine, once, logged; any other file gets a clear answer."""

import base64
import hashlib
import json
import secrets
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from server import sealing
from server.quarantine import allowances, entries
from server.quarantine.allowances import Allowance
from sync.databases import QUARANTINE, audit_db, grid_db, home_db, media_db, month_at, quarter_at
from tests.conftest import GRID_A
from tests.records import new_id, report, with_rev
from tests.rescue_files import pieces_of, seal
from tests.server.quarantine.test_photos import jpeg
from tests.server.web.locked_phone import LockedPhone
from tests.server.web.site import HTML, Site, bearer

NOW = datetime.now(UTC)
GRID_DB = grid_db(GRID_A, quarter_at(NOW))
Document = dict[str, Any]


def made(**fields: Any) -> Document:
    return {"database": GRID_DB, "doc": with_rev(report(at=NOW, **fields))}


def whose(phone: Document, author: str = "worker1") -> Document:
    return {"author": author, "device": phone["device_id"], "proof": phone["seal_key"]["proof"]}


def point(phone: Document) -> bytes:
    return base64.b64decode(phone["seal_key"]["point"])


def take_in(clerk: httpx.Client, file: bytes, **fields: str) -> httpx.Response:
    return clerk.post("/rescue?lang=en", files={"file": ("a.xunge", file)}, data=fields, headers=HTML)


def entries_of(site: Site, device: str) -> list[Document]:
    found = site.couch.database(QUARANTINE).range("refused:", "refused:\ufff0", 1000)
    return [entry for entry in found if entry["device"] == device]


def log_of(site: Site, device: str) -> list[Document]:
    found = site.couch.database(audit_db(month_at(datetime.now(UTC)))).range("entry:", "entry:\ufff0", 1000)
    return [entry for entry in found if entry["subject"] == f"device:{device}"]


def test_a_file_comes_in_whole_once_and_logged_with_a_large_photo_in_pieces(site: Site, triage: httpx.Client) -> None:
    phone, photo, large = site.enrol("worker1"), new_id("photo"), jpeg() + secrets.token_bytes(3 << 20)
    files = [({"photo": photo, "database": GRID_DB}, large), ({"photo": new_id("photo"), "database": GRID_DB}, jpeg("blue"))]
    file = seal(point(phone), pieces_of(whose(phone), [made(), made(text="二")], files))
    for _ in range(2):
        answer = take_in(triage, file)
        assert answer.status_code == 200
        assert "records 2, photo files 2" in answer.text
    kept = entries_of(site, phone["device_id"])
    assert sorted((entry["is_file"], entry["user"], entry["reason"]) for entry in kept) == [
        (False, "worker1", "rescue_file"),
        (False, "worker1", "rescue_file"),
        (True, "worker1", "rescue_file"),
        (True, "worker1", "rescue_file"),
    ]
    [entry] = [entry for entry in kept if entry["about"]["id"] == photo]
    assert site.couch.database(QUARANTINE).attachment(entry["_id"], "file") == large
    first = log_of(site, phone["device_id"])[0]
    assert (first["action"], first["by"], first["facts"]["records"]) == ("rescue.import", "triage1", 2)
    assert first["facts"]["sha256"] == hashlib.sha256(file).hexdigest()


def test_with_scripts_the_progress_is_told_and_the_last_event_is_the_result(site: Site, triage: httpx.Client) -> None:
    phone = site.enrol("worker1")
    file = seal(point(phone), pieces_of(whose(phone), [made()]))
    answer = triage.post("/rescue", files={"file": ("a.xunge", file)}, headers={"Accept": "text/event-stream"})
    events = [json.loads(line.removeprefix("data: ")) for line in answer.text.split("\n\n") if line]
    assert events[-2] == {"percent": 100}
    assert phone["device_id"] in events[-1]["html"]


def test_what_the_server_holds_already_is_not_kept_twice(site: Site, triage: httpx.Client, nobody: httpx.Client) -> None:
    phone, photo, held = site.enrol("worker1"), new_id("photo"), made()
    site.couch.create(GRID_DB, replicated=True)
    site.couch.database(GRID_DB).bulk([held["doc"]], new_edits=False)
    home = {"database": home_db(GRID_A), "doc": with_rev({**made()["doc"], "_id": new_id("household"), "type": "household"})}
    site.couch.create(home["database"], replicated=True)
    site.couch.database(home["database"]).bulk([home["doc"]], new_edits=False)
    upload = {
        "Upload-Length": str(len(jpeg())),
        "Upload-Metadata": ",".join(
            f"{name} {base64.b64encode(value.encode()).decode()}"
            for name, value in {
                "photo": photo,
                "role": "sent",
                "database": GRID_DB,
                "sha256": hashlib.sha256(jpeg()).hexdigest(),
            }.items()
        ),
        "Tus-Resumable": "1.0.0",
        "Content-Type": "application/offset+octet-stream",
    }
    sent = nobody.post("/api/uploads", content=jpeg(), headers=bearer(phone["token"]) | upload)
    assert sent.status_code == 201
    assert site.couch.database(media_db(GRID_A[:9])).find(photo)
    answer = take_in(
        triage, seal(point(phone), pieces_of(whose(phone), [held, home], [({"photo": photo, "database": GRID_DB}, jpeg())]))
    )
    assert "not kept twice: records 2, photo files 1" in answer.text
    assert entries_of(site, phone["device_id"]) == []


def test_a_file_that_breaks_off_says_so_and_its_whole_part_comes_in_when_asked(site: Site, triage: httpx.Client) -> None:
    phone = site.enrol("worker1")
    photo = ({"photo": new_id("photo"), "database": GRID_DB}, jpeg() + secrets.token_bytes(2 << 20))
    file = seal(point(phone), pieces_of(whose(phone), [made(), made(text="二")], [photo]))
    for cut in (file[:-40], file[: -(1 << 20)], file + b"more"):
        refused = take_in(triage, cut)
        assert refused.status_code == 422
        assert "damaged or incomplete" in refused.text
    assert entries_of(site, phone["device_id"]) == []
    assert "Whole at its beginning: records 2, photo files 0" in take_in(triage, file[: -(1 << 20)]).text
    partly = take_in(triage, file[: -(1 << 20)], partial="1")
    assert "only the whole part" in partly.text
    assert len(entries_of(site, phone["device_id"])) == 2
    assert take_in(triage, file).status_code == 200
    assert len(entries_of(site, phone["device_id"])) == 3


def test_a_file_cut_between_two_pieces_is_found_out_and_loses_none_of_them(site: Site, triage: httpx.Client) -> None:
    phone = site.enrol("worker1")
    file = seal(point(phone), pieces_of(whose(phone), [made()]))
    last_bytes = 4 + 3 + 16
    refused = take_in(triage, file[:-last_bytes])
    assert "Whole at its beginning: records 1, photo files 0" in refused.text
    unended = seal(point(phone), pieces_of(whose(phone), [made()]), is_ended=False)
    assert "damaged or incomplete" in take_in(triage, unended).text


def test_changed_bytes_are_found_wherever_they_are(site: Site, triage: httpx.Client) -> None:
    phone = site.enrol("worker1")
    file = seal(point(phone), pieces_of(whose(phone), [made()]))
    for at in (20, 90, len(file) // 2, len(file) - 1):
        changed = bytearray(file)
        changed[at] ^= 1
        assert take_in(triage, bytes(changed)).status_code == 422
    assert entries_of(site, phone["device_id"]) == []


def test_files_that_are_none_of_ours_are_told_apart(site: Site, triage: httpx.Client) -> None:
    phone, other = site.enrol("worker1"), site.enrol("worker2")
    stranger = base64.b64decode(sealing.key_of("another system's").point)
    borrowed = whose(phone) | {"device": other["device_id"]}
    cases = {
        "no rescue file": jpeg(),
        "sealed to another system": seal(stranger, pieces_of(whose(phone), [made()])),
        "was not given to this phone": seal(point(phone), pieces_of(borrowed, [made()])),
        "no rescue file of": seal(point(phone), [b'D{"documents": []}']),
        "damaged": seal(point(phone), [*pieces_of(whose(phone), []), b"D[["]),
    }
    for said, file in cases.items():
        answer = take_in(triage, file)
        assert (answer.status_code, said in answer.text) == (422, True), said
    assert entries_of(site, phone["device_id"]) == []


def test_a_phone_may_not_bring_in_records_in_anothers_name(site: Site, triage: httpx.Client) -> None:
    phone = site.enrol("worker1")
    answer = take_in(triage, seal(point(phone), pieces_of(whose(phone, author="worker2"), [made()])))
    assert "was not given to this phone" in answer.text


def test_what_finds_no_room_is_counted(site: Site, triage: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(allowances.ALLOWANCES, entries.RESCUED, Allowance(1, 1 << 20))
    phone = site.enrol("worker1")
    answer = take_in(triage, seal(point(phone), pieces_of(whose(phone), [made(), made(text="二")])))
    assert "Without room: 1" in answer.text


def test_a_revoked_phones_file_is_taken_in_and_others_than_clerks_take_none(
    site: Site, triage: httpx.Client, nobody: httpx.Client
) -> None:
    phone = site.enrol("worker1")
    nobody.delete(f"/api/devices/{phone['device_id']}", headers=bearer(phone["token"]))
    file = seal(point(phone), pieces_of(whose(phone), [made()]))
    with site.visit("worker2") as desk:
        assert desk.post("/rescue", files={"file": ("a", file)}).status_code == 403
    assert take_in(triage, file).status_code == 200
    assert len(entries_of(site, phone["device_id"])) == 1


def test_what_a_locked_phone_sealed_is_opened_by_the_server_and_what_nothing_opens_is_counted(
    site: Site, triage: httpx.Client
) -> None:
    phone = site.enrol("worker1")
    vault = LockedPhone(phone["seal_key"]["point"], "worker1")
    plain, photo = made(text="锁着的"), new_id("photo")
    sealed = {"database": GRID_DB, "doc": vault.seal_document(GRID_DB, plain["doc"])}
    lost = {"database": GRID_DB, "doc": vault.seal_document("elsewhere", made()["doc"])}
    described = {"photo": photo, "database": GRID_DB, "filetype": "application/x-xunge-sealed"}
    pieces = pieces_of(whose(phone), [sealed, lost], [(described, vault.seal_file(f"{photo}|sent", jpeg()))], vault.data_key)
    answer = take_in(triage, seal(point(phone), pieces))
    assert "not to be opened here: 1" in answer.text
    kept = entries_of(site, phone["device_id"])
    assert sorted((entry["is_file"], entry["reason"]) for entry in kept) == [(False, "rescue_file"), (True, "rescue_file")]
    assert next(entry["document"] for entry in kept if not entry["is_file"]) == plain["doc"]


def test_a_phones_proof_is_its_own(site: Site) -> None:
    first, second = site.enrol("worker1"), site.enrol("worker1")
    assert first["seal_key"]["point"] == second["seal_key"]["point"]
    assert first["seal_key"]["proof"] != second["seal_key"]["proof"]
    with site.visit() as phone:
        assert phone.get("/api/devices/me", headers=bearer(first["token"])).json()["seal_key"] == first["seal_key"]
