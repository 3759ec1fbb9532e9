"""Phones at the server: enrolment, the poke stream, photos for those who may see them, files of the app."""

import contextlib
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from server.care import have_phones_offer_again
from server.people import accounts
from sync.couch import Couch
from sync.databases import audit_db, beat_db, grid_db, media_db, month_at, quarter_at
from tests.conftest import GRID_A, wait_until
from tests.records import new_id
from tests.server.web.locked_phone import LockedPhone
from tests.server.web.site import HTML, PASSWORD, Site, bearer

QUARTER = quarter_at(datetime.now(UTC))


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(buffer, "JPEG")
    return buffer.getvalue()


def put_photo(couch: Couch, database: str) -> str:
    """A photo with its sizes, as worker and upload leave it."""
    photo, media = new_id("photo"), couch.database(media_db(GRID_A[:9]), create=True)
    doc = {
        "_id": photo,
        "type": "media",
        "photo": photo,
        "database": database,
        "device": "d1",
        "author": "worker1",
        "derived": True,
    }
    rev = media.put(doc)
    for name in ("sent", "screen", "thumb"):
        rev = media.attach(photo, rev, name, jpeg(), "image/jpeg")
    return photo


def test_enrolment_answers_what_the_phone_needs(site: Site) -> None:
    answer = site.enrol("worker1")
    assert set(answer) == {"device_id", "token", "user", "grids", "databases", "server_time", "seal_key", "before"}
    assert answer["user"] == {"id": "worker1", "name": "马晓燕", "roles": ["worker"]}
    assert {"name": grid_db(GRID_A, QUARTER), "pull": True, "push": True} in answer["databases"]
    assert answer["token"].startswith(answer["device_id"] + ".")


def test_a_desks_session_in_the_same_browser_ends_with_an_enrolment(nobody: httpx.Client) -> None:
    nobody.post("/api/session", json={"username": "police1", "password": "correct horse"})
    assert nobody.get("/requests").status_code == 200
    body = {"username": "worker1", "password": "correct horse", "name": ""}
    assert nobody.post("/api/devices", json=body).status_code == 201
    assert nobody.get("/requests").status_code == 401


def test_desk_staff_get_no_phone(nobody: httpx.Client) -> None:
    answer = nobody.post("/api/devices", json={"username": "triage1", "password": "correct horse", "name": ""})
    assert (answer.status_code, answer.json()["code"]) == (403, "no_phone_role")


def test_a_phone_asks_about_itself_reports_and_is_revoked(site: Site, nobody: httpx.Client) -> None:
    phone = site.enrol("worker2")
    headers = bearer(phone["token"])
    own = nobody.get("/api/devices/me", headers=headers).json()
    assert own["wipe"] is False
    assert "token" not in own
    assert nobody.post("/api/devices/me", json={"records": 3}, headers=headers).status_code == 204
    assert nobody.post("/api/devices/me", json={"records": -1}, headers=headers).status_code == 422
    assert nobody.delete(f"/api/devices/{phone['device_id']}", headers=headers).status_code == 204
    after = nobody.get("/api/devices/me", headers=headers)
    assert (after.status_code, after.json()["code"]) == (401, "token_revoked")


def test_who_forgot_the_pin_gets_the_data_key_by_password_on_a_phone_that_is_theirs(site: Site, nobody: httpx.Client) -> None:
    phone = site.enrol("worker2")
    vault = LockedPhone(phone["seal_key"]["point"], "worker2")
    foreign = LockedPhone(phone["seal_key"]["point"], "worker1")

    def ask(password: str, sealed: str) -> tuple[int, dict[str, Any]]:
        body = {"password": password, "sealed": sealed}
        answer = nobody.post("/api/devices/me/data-key", json=body, headers=bearer(phone["token"]))
        return answer.status_code, answer.json()

    assert ask(PASSWORD, vault.data_key) == (200, {"key": vault.key})
    entries = site.couch.database(audit_db(month_at(datetime.now(UTC)))).range("entry:", "entry:\ufff0", 1000)
    assert [(one["by"], one["subject"]) for one in entries if one["action"] == "device.unlock"] == [
        ("worker2", f"device:{phone['device_id']}")
    ]
    assert [
        ask(password, sealed)[0]
        for password, sealed in ((PASSWORD, foreign.data_key), (PASSWORD, "%"), ("wrong", vault.data_key))
    ] == [
        422,
        422,
        403,
    ]
    nobody.delete(f"/api/devices/{phone['device_id']}", headers=bearer(phone["token"]))
    assert ask(PASSWORD, vault.data_key)[0] == 401, "a phone that was revoked is opened to nobody"


def test_a_restored_store_is_told_by_its_epoch(site: Site, nobody: httpx.Client, tmp_path: Path) -> None:
    def epoch() -> str:
        return str(nobody.get("/api/devices/me", headers=headers).json()["epoch"])

    headers = bearer(site.enrol("worker2")["token"])
    before = epoch()
    assert before
    assert epoch() == before
    kept = tmp_path / "device" / "upload.done"
    kept.parent.mkdir()
    kept.touch()
    have_phones_offer_again(site.couch, tmp_path)
    assert epoch() not in ("", before)
    assert not kept.exists(), "a file that is sent again is taken again"


def test_nobody_revokes_the_phone_of_another(site: Site, nobody: httpx.Client) -> None:
    first, second = site.enrol("worker1"), site.enrol("worker2")
    answer = nobody.delete(f"/api/devices/{first['device_id']}", headers=bearer(second["token"]))
    assert (answer.status_code, answer.json()["code"]) == (403, "not_your_device")


@pytest.fixture
def photo(site: Site) -> str:
    return put_photo(site.couch, grid_db(GRID_A, QUARTER))


def test_a_photo_is_shown_to_its_grid_and_township_and_to_nobody_else(site: Site, nobody: httpx.Client, photo: str) -> None:
    path = f"/api/photos/{photo}/thumb"
    for name, status in (("triage1", 200), ("community1", 200), ("triage2", 404), ("district1", 404)):
        with site.visit(name) as client:
            assert client.get(path).status_code == status, name
    assert nobody.get(path, headers=bearer(site.enrol("worker1")["token"])).status_code == 200
    assert nobody.get(path, headers=bearer(site.enrol("worker2")["token"])).status_code == 404
    assert nobody.get(path).status_code == 401


def test_a_police_photo_is_not_shown_to_a_grid_worker_or_a_desk(site: Site, nobody: httpx.Client, triage: httpx.Client) -> None:
    path = f"/api/photos/{put_photo(site.couch, beat_db(GRID_A, QUARTER))}/screen"
    assert nobody.get(path, headers=bearer(site.enrol("police1")["token"])).status_code == 200
    assert nobody.get(path, headers=bearer(site.enrol("worker1")["token"])).status_code == 404
    assert triage.get(path).status_code == 404


def test_a_photo_is_kept_by_the_browser_and_asked_for_by_its_tag(triage: httpx.Client, photo: str) -> None:
    first = triage.get(f"/api/photos/{photo}/screen")
    assert first.headers["cache-control"].startswith("private")
    assert first.headers["content-type"] == "image/jpeg"
    again = triage.get(f"/api/photos/{photo}/screen", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert triage.get(f"/api/photos/{photo}/huge").status_code == 404


def pokes(stream: httpx.Response) -> Iterator[list[str]]:
    return (json.loads(line[6:])["databases"] for line in stream.iter_lines() if line.startswith("data: "))


def test_a_poke_names_all_databases_first_and_then_the_one_that_changed(site: Site, nobody: httpx.Client) -> None:
    phone, name = site.enrol("worker1"), grid_db(GRID_A, QUARTER)
    site.couch.create(name, replicated=True)
    with nobody.stream("GET", "/api/poke", headers=bearer(phone["token"])) as stream:
        told = pokes(stream)
        # In another order while a new quarter is about to begin.
        assert sorted(next(told)) == sorted(one["name"] for one in phone["databases"] if one["pull"])
        site.couch.database(name).put({"_id": new_id("case"), "type": "case"})
        assert next(told) == [name]


def test_a_poke_says_that_a_grid_was_given_and_taken(site: Site, nobody: httpx.Client) -> None:
    phone, another = site.enrol("worker1"), f"{GRID_A[:9]}009009"
    with nobody.stream("GET", "/api/poke", headers=bearer(phone["token"])) as stream:
        events = (json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: "))
        assert "rights_changed" not in next(events)
        accounts.move(site.couch, "worker1", [GRID_A, another], datetime.now(UTC))
        given = next(events)
        assert given["rights_changed"]
        assert grid_db(another, QUARTER) in given["databases"]
        accounts.move(site.couch, "worker1", [GRID_A], datetime.now(UTC))
        assert next(events) == {"databases": [], "rights_changed": True}


def test_what_a_phone_is_told_it_may_open_it_may_open_at_once(site: Site, nobody: httpx.Client) -> None:
    phone, another = site.enrol("worker1"), f"{GRID_A[:9]}009009"
    headers, closed = bearer(phone["token"]), f"/db/{grid_db(another, QUARTER)}/_changes"
    for _ in range(3):
        assert nobody.get(closed, headers=headers).status_code == 403, "and now the server remembers"
        accounts.move(site.couch, "worker1", [GRID_A, another], datetime.now(UTC))
        assert another in nobody.get("/api/devices/me", headers=headers).json()["grids"]
        assert nobody.get(closed, headers=headers).status_code != 403
        accounts.move(site.couch, "worker1", [GRID_A], datetime.now(UTC))
        assert another not in nobody.get("/api/devices/me", headers=headers).json()["grids"]


def test_a_poke_stream_ends_within_seconds_of_the_tokens_revocation(site: Site, nobody: httpx.Client) -> None:
    phone = site.enrol("worker1")
    with nobody.stream("GET", "/api/poke", headers=bearer(phone["token"])) as stream, site.visit() as other:
        lines = stream.iter_lines()
        next(lines)
        assert other.delete(f"/api/devices/{phone['device_id']}", headers=bearer(phone["token"])).status_code == 204
        # Whoever notices first: the stream says no more, or the guard breaks the connection off.
        with contextlib.suppress(httpx.RemoteProtocolError, httpx.ReadError):
            for line in lines:
                assert not line, "still open when the heartbeat of fifteen seconds came"


def test_any_page_of_the_phone_is_the_start_page_and_its_worker_may_serve_all(nobody: httpx.Client) -> None:
    for path in ("/m/", "/m/report/new", "/m/cases/case:1"):
        page = nobody.get(path)
        assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
        assert "start" in page.text
    worker = nobody.get("/m/sw.js")
    assert worker.headers["service-worker-allowed"] == "/m/"
    assert worker.headers["cache-control"] == "no-cache"
    assert nobody.get("/m/missing.js").status_code == 404
    assert nobody.get("/m/..%2f..%2fpyproject.toml").status_code == 404


def test_a_form_that_reaches_the_server_is_handed_back_whole(nobody: httpx.Client) -> None:
    fields = {"text": '</textarea><script>alert("x")</script>' + "长" * 80, "id": 'report:"1"'}
    answer = nobody.post("/m/report", data=fields, files={"photo": ("门口.jpg", jpeg(), "image/jpeg")}, headers=HTML)
    assert answer.status_code == 503
    assert "&lt;/textarea&gt;&lt;script&gt;" in answer.text
    assert "<script>alert" not in answer.text
    assert "report:&#34;1&#34;" in answer.text
    assert "门口.jpg" in answer.text
    assert 'action="/m/report"' in answer.text


def test_files_asked_for_by_their_hash_are_kept_for_ever(nobody: httpx.Client) -> None:
    page = nobody.get("/", headers=HTML).text
    address = page.split('<link rel="stylesheet" href="')[1].split('"')[0]
    assert "immutable" in nobody.get(address).headers["cache-control"]
    assert nobody.get("/static/desk.css").headers["cache-control"] == "no-cache"


def test_health_says_which_part_does_not_answer(nobody: httpx.Client) -> None:
    wait_until(lambda: nobody.get("/healthz").status_code in {200, 503}, what="an answer")
    answer = nobody.get("/healthz")
    assert answer.status_code == 503
    assert answer.json() | {"version": ""} == {
        "status": "failing",
        "store": "up",
        "broker": "up",
        "worker": "down",
        "version": "",
    }
