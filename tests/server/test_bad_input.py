"""What people and phones get wrong, through the whole server on a real store and broker: status, code, words in both languages.

The server's full disk has a store of its own on a file system that is really full. What the phone does with these answers is
tested with the phone.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from media import errors
from server.web import locale
from sync.couch import Couch
from sync.databases import DEVICES, QUARANTINE, media_db
from tests.conftest import GRID_A, wait_until
from tests.media.photographs import camera_jpeg
from tests.pwa.pages.twins import texts
from tests.records import new_id, report, with_rev
from tests.server.web.site import HTML, PASSWORD, Site, bearer, make_people, running_site
from tests.sync.embedded.running_node import RunningNode
from tests.sync.embedded.test_full_disk import mount_small

TUS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
# What the phone shows for an answer, where it has words of its own: `/db` speaks a protocol that knows no languages.
SHOWN_BY_PHONE = {
    "wrong_credentials": "signin.wrong",
    "too_many": "signin.locked",
    "token_expired": "signin.expired",
    "token_revoked": "signin.revoked",
    "storage_full": "me.state_server_full",
    "image_truncated": "upload.image_truncated",
    "not_an_image": "upload.not_an_image",
    "hash_mismatch": "upload.hash_mismatch",
    "photo_conflict": "upload.photo_conflict",
}
Ask = Callable[[dict[str, str]], httpx.Response]


@pytest.fixture(scope="module")
def phone(site: Site) -> dict[str, Any]:
    return site.enrol("worker1")


@pytest.fixture(scope="module")
def jpeg(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return camera_jpeg(tmp_path_factory.mktemp("photos") / "a.jpg", width=1200, height=900).read_bytes()


def check_words(ask: Ask, status: int, code: str) -> httpx.Response:
    """Ask once a language: a problem with this status and code, whose detail is the catalogue's text."""
    for language in locale.LANGUAGES:
        answer = ask({"lang": language})
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
        problem = answer.json()
        assert (problem["status"], problem["code"], problem["type"]) == (status, code, f"urn:xunge:problem:{code}")
        words = locale.CATALOGUES[language][f"error.{code}"]
        assert re.fullmatch(re.sub(r"\\{\w+\\}", r"\\d+", re.escape(words)), problem["detail"]), problem["detail"]
        assert problem["title"] == locale.text(language, f"error.status_{status // 100}xx.title")
        assert "Traceback" not in answer.text
    check_phone_words(code)
    return answer


def check_phone_words(code: str) -> None:
    for language in locale.LANGUAGES:
        words = texts(language)
        assert code not in SHOWN_BY_PHONE or words[SHOWN_BY_PHONE[code]]


def sign_in(client: httpx.Client, name: str, password: str, path: str = "/api/session") -> Ask:
    body = {"username": name, "password": password, "name": ""}
    return lambda language: client.post(path, json=body, params=language)


def read(client: httpx.Client, path: str, headers: dict[str, str]) -> Ask:
    return lambda language: client.get(path, headers=headers, params=language)


@pytest.mark.parametrize("path", ["/api/session", "/api/devices"])
def test_a_wrong_password(nobody: httpx.Client, path: str) -> None:
    answer = check_words(sign_in(nobody, "worker1", "wrong", path), 401, "wrong_credentials")
    assert "set-cookie" not in answer.headers
    assert nobody.post(path, json={"username": "worker1", "password": PASSWORD, "name": ""}).is_success


def test_a_wrong_password_at_the_page(nobody: httpx.Client) -> None:
    for language in locale.LANGUAGES:
        page = nobody.post("/", data={"username": "triage2", "password": "wrong"}, params={"lang": language}, headers=HTML)
        assert (page.status_code, locale.text(language, "error.wrong_credentials") in page.text) == (401, True)


@pytest.mark.parametrize(("name", "path"), [("district1", "/api/session"), ("police1", "/api/devices")])
def test_a_locked_out_sign_in(nobody: httpx.Client, name: str, path: str) -> None:
    for _ in range(5):
        assert sign_in(nobody, name, "wrong", path)({}).status_code == 401
    answer = check_words(sign_in(nobody, name, PASSWORD, path), 429, "too_many")
    assert 0 < int(answer.headers["retry-after"]) <= 900
    page = nobody.post("/?lang=en", data={"username": name, "password": PASSWORD}, headers=HTML)
    assert (page.status_code, "Too many attempts. Try again in" in page.text) == (429, True)


def spoil(site: Site, device_id: str, code: str) -> None:
    """Make a device's token expired or revoked."""
    fields = {
        "token_expired": {"expires_at": "2026-01-01T00:00:00.000Z"},
        "token_revoked": {"revoked_at": "2026-11-23T08:00:00.000Z"},
    }
    devices = site.couch.database(DEVICES)
    devices.put(devices.get(f"device:{device_id}") | fields[code])


@pytest.mark.parametrize("code", ["token_expired", "token_revoked"])
def test_a_token_that_is_no_longer_good(site: Site, nobody: httpx.Client, jpeg: bytes, code: str) -> None:
    bad = site.enrol("worker2")
    spoil(site, bad["device_id"], code)
    headers = bearer(bad["token"])
    for path in ("/api/devices/me", "/api/poke", f"/api/photos/{new_id('photo')}/thumb"):
        check_words(read(nobody, path, headers), 401, code)
    check_words(lambda language: upload(nobody, bad, jpeg, language=language), 401, code)
    push = nobody.post(f"/db/{database_of(bad)}/_bulk_docs", json={"docs": [], "new_edits": False}, headers=headers)
    assert (push.status_code, push.json()) == (401, {"error": "unauthorized", "reason": code})


@pytest.mark.parametrize("path", ["/api/session", "/api/devices", "/api/devices/me"])
@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"x": ' + b"[" * 60_000, b"{'a': 1}"])
def test_malformed_json(nobody: httpx.Client, phone: dict[str, Any], path: str, body: bytes) -> None:
    headers = {"Content-Type": "application/json", **bearer(phone["token"])}
    check_words(lambda language: nobody.post(path, content=body, headers=headers, params=language), 400, "malformed_json")


@pytest.mark.parametrize("body", [b"", b"{", b'{"docs": "all"}', b"[" * 60_000])
def test_a_malformed_push_stores_nothing(nobody: httpx.Client, phone: dict[str, Any], body: bytes) -> None:
    answer = nobody.post(f"/db/{database_of(phone)}/_bulk_docs", content=body, headers=bearer(phone["token"]))
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_request")


def database_of(phone: dict[str, Any]) -> str:
    """Its first grid's database of this quarter."""
    return str(next(one["name"] for one in phone["databases"] if one["name"].startswith("grid-")))


def upload(
    client: httpx.Client,
    phone: dict[str, Any],
    data: bytes,
    photo: str = "",
    *,
    sha256: str = "",
    language: dict[str, str] | None = None,
) -> httpx.Response:
    """One request that carries the whole file, as a phone sends a small photo."""
    meta = {
        "photo": photo or new_id("photo"),
        "role": "sent",
        "database": database_of(phone),
        "sha256": sha256 or hashlib.sha256(data).hexdigest(),
        "filetype": "image/jpeg",
    }
    pairs = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in meta.items())
    headers = {**TUS, **bearer(phone["token"]), "Upload-Length": str(len(data)), "Upload-Metadata": pairs}
    return client.post("/api/uploads", content=data, headers=headers, params=language)


@pytest.mark.parametrize("code", ["image_truncated", "not_an_image"])
def test_a_file_that_is_no_whole_photo_is_kept_for_a_clerk(
    site: Site, nobody: httpx.Client, phone: dict[str, Any], jpeg: bytes, code: str
) -> None:
    photo, data = new_id("photo"), jpeg[: len(jpeg) // 2] if code == "image_truncated" else "这不是照片\n".encode() * 50
    answer = check_words(lambda language: upload(nobody, phone, data, photo, language=language), 422, code)
    assert answer.json()["quarantined"] is True
    rows = site.couch.database(QUARANTINE).range("refused:", "refused:\ufff0", 500)
    [entry] = [row for row in rows if row.get("document", {}).get("_id") == photo]
    assert (entry["reason"], entry["user"]) == (code, "worker1")
    assert site.couch.database(QUARANTINE).attachment(entry["_id"], "file") == data


def test_a_photo_whose_hash_differs_is_dropped_and_taken_when_sent_whole(
    site: Site, nobody: httpx.Client, phone: dict[str, Any], jpeg: bytes
) -> None:
    photo, sha256 = new_id("photo"), hashlib.sha256(jpeg).hexdigest()
    damaged = jpeg[:5000] + bytes([jpeg[5000] ^ 1]) + jpeg[5001:]
    answer = check_words(
        lambda language: upload(nobody, phone, damaged, photo, sha256=sha256, language=language), 422, "hash_mismatch"
    )
    assert answer.json()["quarantined"] is False
    assert upload(nobody, phone, jpeg, photo).status_code == 201
    assert site.couch.database(media_db(GRID_A[:9])).attachment(photo, "sent") == jpeg


def test_another_file_for_the_same_photo(nobody: httpx.Client, phone: dict[str, Any], jpeg: bytes, tmp_path: Path) -> None:
    photo = new_id("photo")
    assert upload(nobody, phone, jpeg, photo).status_code == 201
    other = camera_jpeg(tmp_path / "b.jpg", width=40, height=30).read_bytes()
    check_words(lambda language: upload(nobody, phone, other, photo, language=language), 422, "photo_conflict")


def test_everything_that_can_be_wrong_with_a_photo_has_words() -> None:
    kinds = [errors.MediaError]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        assert "code" not in vars(kind) or kind is errors.MediaError or locale.has_text(f"error.{kind.code}"), kind


@pytest.fixture
def small_node(tmp_path: Path) -> Iterator[RunningNode]:
    """A store on a file system of a few megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    node = RunningNode(folder / "data", wrapper=mount_small(folder))
    yield node
    node.stop()


def fill(node: RunningNode) -> None:
    """Ballast until not even a small document fits any more."""
    node.ask("PUT", "/ballast")
    for size in (200_000, 20_000, 1_000):
        for _ in range(500):
            if node.ask("POST", "/ballast", {"text": "x" * size})[0] != 201:
                break


def heavy_report(phone: dict[str, Any], text: str = "满" * 4000) -> dict[str, Any]:
    return with_rev(report(device=phone["device_id"], text=text))


def test_with_the_servers_disk_full_the_phone_keeps_everything_and_sends_it_later(
    small_node: RunningNode, broker_url: str, tmp_path: Path, jpeg: bytes
) -> None:
    url = f"http://admin:secret@{small_node.address}"
    with running_site(url, broker_url, tmp_path) as site, site.visit() as client:
        make_people(site.couch)
        redis.Redis.from_url(broker_url).flushall()
        phone = site.enrol("worker1")
        headers, address = bearer(phone["token"]), f"/db/{database_of(phone)}"

        def push(docs: list[dict[str, Any]]) -> httpx.Response:
            return client.post(f"{address}/_bulk_docs", json={"docs": docs, "new_edits": False}, headers=headers)

        first = heavy_report(phone, "满之前")
        assert push([first]).json()[0]["ok"] is True
        fill(small_node)

        docs, photo = [heavy_report(phone) for _ in range(80)], new_id("photo")
        foreign = [heavy_report(phone) | {"author": "worker2"} for _ in range(80)]
        for refused in (push(docs), push(foreign)):
            assert (refused.status_code, refused.json()["reason"]) == (503, "storage_full")
            assert int(refused.headers["retry-after"]) > 0
        waiting = check_words(lambda language: upload(client, phone, jpeg, photo, language=language), 503, "storage_full")
        assert int(waiting.headers["retry-after"]) > 0
        check_a_person_is_told(client)
        # What is there can be read, at the latest when the enrolments that were turned down have let go of the store.
        address_of_first = f"{address}/{first['_id']}"
        wait_until(lambda: client.get(address_of_first, headers=headers).status_code == 200, what="the store's answer")
        assert client.get(address_of_first, headers=headers).json()["text"] == "满之前"

        assert small_node.ask("DELETE", "/ballast")[0] == 200
        assert all(entry["ok"] for entry in push(docs[:20]).json())
        held = client.head(waiting.headers["location"], headers=TUS | headers)
        assert (held.status_code, held.headers["upload-offset"]) == (200, str(len(jpeg)))
        assert Couch(url).database(media_db(GRID_A[:9])).attachment(photo, "sent") == jpeg


def check_a_person_is_told(client: httpx.Client) -> None:
    """Somebody enrols a phone just then: one small document may find a gap, but before long none does."""
    enrol = sign_in(client, "worker2", PASSWORD, "/api/devices")

    def enrol_often(language: dict[str, str]) -> httpx.Response:
        answers = (enrol(language) for _ in range(40))
        return next(answer for answer in answers if answer.status_code != 201)

    check_words(enrol_often, 503, "storage_full")
