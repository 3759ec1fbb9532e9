"""The upload protocol as a well-behaved phone sees it, and what it is told when something is wrong."""

import base64
import hashlib
import os
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

from media.sweep import sweep_expired
from media.uploads import Limits
from tests.media.photographs import as_bytes, scene
from tests.media.upload_site import BASE, CHUNK, TUS, Phone, metadata, serving


def kept(folder: Path) -> set[str]:
    """Hashes of what has been kept."""
    return {path.name for path in (folder / "kept").glob("*")}


def sha256(data: bytes) -> str:
    """As in the metadata."""
    return hashlib.sha256(data).hexdigest()


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, object]:
    """problem+json with the code the phone translates."""
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= set(answer.json())
    assert answer.headers["tus-resumable"] == "1.0.0"
    return dict(answer.json())


def test_options_tells_what_is_spoken(phone: Phone) -> None:
    answer = httpx.options(phone.url + BASE)
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert answer.headers["tus-extension"] == "creation,creation-with-upload,checksum,expiration,termination"
    assert answer.headers["tus-max-size"] == str(25 * 2**20)
    assert answer.headers["tus-checksum-algorithm"] == "sha1,sha256"


def test_a_small_photo_is_one_request(phone: Phone, photo_bytes: bytes, folder: Path) -> None:
    answer = phone.create(photo_bytes, body=photo_bytes)
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, str(len(photo_bytes)))
    assert kept(folder) == {sha256(photo_bytes)}
    assert not list(folder.glob("partial/*/*.part"))


def test_a_photo_in_chunks_is_kept_before_its_last_byte_is_answered(phone: Phone, photo_bytes: bytes, folder: Path) -> None:
    location = phone.create(photo_bytes).headers["location"]
    half = len(photo_bytes) // 2
    first = phone.send(location, 0, photo_bytes[:half])
    assert (first.status_code, first.headers["upload-offset"]) == (204, str(half))
    assert phone.offset(location) == half
    assert not kept(folder)
    assert phone.send(location, half, photo_bytes[half:]).status_code == 204
    assert kept(folder) == {sha256(photo_bytes)}
    assert phone.offset(location) == len(photo_bytes)


def test_head_repeats_length_and_metadata_and_is_not_cached(phone: Phone, photo_bytes: bytes) -> None:
    location = phone.create(photo_bytes, filetype="image/jpeg").headers["location"]
    answer = phone.http.head(location, headers=TUS)
    assert answer.headers["upload-length"] == str(len(photo_bytes))
    assert set(answer.headers["upload-metadata"].split(",")) == set(metadata(photo_bytes, filetype="image/jpeg").split(","))
    assert answer.headers["cache-control"] == "no-store"


def test_an_upload_says_when_it_expires(phone: Phone, photo_bytes: bytes) -> None:
    expires = parsedate_to_datetime(phone.create(photo_bytes).headers["upload-expires"])
    assert timedelta(days=6, hours=23) < expires - datetime.now(UTC) < timedelta(days=7, minutes=1)


def test_the_same_file_again_is_the_same_upload(phone: Phone, photo_bytes: bytes) -> None:
    first = phone.create(photo_bytes, body=photo_bytes[:1000])
    again = phone.create(photo_bytes)
    assert again.status_code == 201
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["upload-offset"] == "1000"


def test_sending_from_the_start_again_skips_what_is_there(phone: Phone, photo_bytes: bytes, folder: Path) -> None:
    phone.create(photo_bytes, body=photo_bytes[:1000])
    answer = phone.create(photo_bytes, body=photo_bytes)
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, str(len(photo_bytes)))
    assert kept(folder) == {sha256(photo_bytes)}


def test_a_finished_upload_is_finished_for_good(phone: Phone, photo_bytes: bytes, folder: Path) -> None:
    location = phone.create(photo_bytes, body=photo_bytes).headers["location"]
    again = phone.create(photo_bytes, body=photo_bytes)
    assert (again.status_code, again.headers["upload-offset"]) == (201, str(len(photo_bytes)))
    assert phone.send(location, len(photo_bytes), b"").status_code == 204
    assert len((folder / "finished.log").read_text().splitlines()) == 1


def test_two_devices_may_send_the_same_photo(phone: Phone, photo_bytes: bytes, folder: Path) -> None:
    other = Phone(phone.url, device="d2")
    first, second = phone.create(photo_bytes), other.create(photo_bytes)
    assert first.headers["location"] != second.headers["location"]
    assert phone.send(first.headers["location"], 0, photo_bytes).status_code == 204
    assert other.send(second.headers["location"], 0, photo_bytes).status_code == 204
    assert kept(folder) == {sha256(photo_bytes)}
    other.http.close()


def test_another_devices_upload_is_not_there(phone: Phone, photo_bytes: bytes) -> None:
    location = phone.create(photo_bytes).headers["location"]
    other = Phone(phone.url, device="d2")
    assert_problem(other.send(location, 0, b"x"), 404, "no_such_upload")
    assert other.http.head(location, headers=TUS).status_code == 404
    assert other.http.delete(location, headers=TUS).status_code == 404
    other.http.close()


def test_a_wrong_offset_is_refused_and_the_right_one_told(phone: Phone, photo_bytes: bytes) -> None:
    location = phone.create(photo_bytes, body=photo_bytes[:10]).headers["location"]
    for wrong in (0, 9, 11, len(photo_bytes)):
        answer = phone.send(location, wrong, photo_bytes[wrong:])
        assert_problem(answer, 409, "offset_mismatch")
        assert answer.headers["upload-offset"] == "10"
    assert phone.offset(location) == 10


def test_another_protocol_version_is_refused(phone: Phone) -> None:
    for lines in ({}, {"Tus-Resumable": "0.2.2"}):
        answer = phone.http.post(BASE, headers=lines)
        assert_problem(answer, 412, "tus_version")
        assert answer.headers["tus-version"] == "1.0.0"


def test_without_a_known_token_nothing_is_taken(phone: Phone, photo_bytes: bytes) -> None:
    phone.http.headers["Authorization"] = "Bearer nobody"
    answer = phone.create(photo_bytes)
    assert_problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_the_policys_reason_is_the_answer(phone: Phone, photo_bytes: bytes) -> None:
    assert_problem(phone.create(photo_bytes, database="grid-640105002001009-2026q4"), 403, "not_grid_holder")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("photo", "photo:../../etc/passwd"),
        ("photo", None),
        ("role", "screen"),
        ("database", "../cases"),
        ("database", None),
        ("sha256", "ABC"),
        ("sha256", None),
        ("filetype", "x" * 101),
    ],
)
def test_wrong_metadata_is_named(phone: Phone, photo_bytes: bytes, name: str, value: str | None) -> None:
    problem = assert_problem(phone.create(photo_bytes, **{name: value}), 400, "invalid_metadata")
    assert problem["fields"] == [name]


@pytest.mark.parametrize("text", ["photo !!!", "photo /w==", "x" * 5000, ""])
def test_malformed_metadata_is_refused(phone: Phone, text: str) -> None:
    lines = {**TUS, "Upload-Length": "10", "Upload-Metadata": text}
    assert_problem(phone.http.post(BASE, headers=lines), 400, "invalid_metadata")


@pytest.mark.parametrize(("length", "status", "code"), [(25 * 2**20 + 1, 413, "too_large"), (0, 400, "empty")])
def test_a_length_out_of_bounds_is_refused(phone: Phone, length: int, status: int, code: str) -> None:
    assert_problem(phone.create(b"x", length=length), status, code)


@pytest.mark.parametrize("text", ["-1", "1e3", "", "99999999999999999999"])
def test_a_length_that_is_no_number_is_refused(phone: Phone, text: str) -> None:
    lines = {**TUS, "Upload-Length": text, "Upload-Metadata": metadata(b"x")}
    assert_problem(phone.http.post(BASE, headers=lines), 400, "bad_header")


def test_a_body_longer_than_announced_is_refused(phone: Phone, photo_bytes: bytes) -> None:
    location = phone.create(photo_bytes, body=photo_bytes[:100]).headers["location"]
    too_much = photo_bytes[100:] + b"more"
    assert_problem(phone.send(location, 100, too_much), 413, "too_large")
    pieces = iter([too_much])  # without a content length
    lines = {**CHUNK, "Upload-Offset": "100"}
    assert_problem(phone.http.patch(location, headers=lines, content=pieces), 413, "too_large")
    assert phone.offset(location) == 100


def test_a_chunk_of_another_type_is_refused(phone: Phone, photo_bytes: bytes) -> None:
    location = phone.create(photo_bytes).headers["location"]
    lines = {**TUS, "Upload-Offset": "0", "Content-Type": "image/jpeg"}
    assert_problem(phone.http.patch(location, headers=lines, content=b"x"), 415, "content_type")


def test_other_methods_are_refused(phone: Phone, photo_bytes: bytes) -> None:
    location = phone.create(photo_bytes).headers["location"]
    assert_problem(phone.http.get(BASE, headers=TUS), 405, "method")
    assert_problem(phone.http.get(location, headers=TUS), 405, "method")
    assert_problem(phone.http.put(location, headers=TUS), 405, "method")


def test_a_method_may_be_overridden_where_patch_is_blocked(phone: Phone, photo_bytes: bytes) -> None:
    location = phone.create(photo_bytes).headers["location"]
    lines = {**CHUNK, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert phone.http.post(location, headers=lines, content=photo_bytes).status_code == 204


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_chunk_with_its_checksum_is_taken(phone: Phone, photo_bytes: bytes, algorithm: str) -> None:
    location = phone.create(photo_bytes).headers["location"]
    right = base64.b64encode(hashlib.new(algorithm, photo_bytes[:500]).digest()).decode()
    assert phone.send(location, 0, photo_bytes[:500], **{"Upload-Checksum": f"{algorithm} {right}"}).status_code == 204
    wrong = phone.send(location, 500, photo_bytes[500:900], **{"Upload-Checksum": f"{algorithm} {right}"})
    assert_problem(wrong, 460, "checksum_mismatch")
    assert phone.offset(location) == 500


def test_an_unknown_checksum_is_refused(phone: Phone, photo_bytes: bytes) -> None:
    location = phone.create(photo_bytes).headers["location"]
    for line in ("md5 AAAA", "sha1 %%%", "sha1"):
        answer = phone.send(location, 0, b"x", **{"Upload-Checksum": line})
        assert answer.status_code in {400, 460}
    assert phone.offset(location) == 0


def test_a_file_whose_hash_differs_starts_anew(phone: Phone, photo_bytes: bytes, folder: Path) -> None:
    damaged = b"\xff\xd8\xff" + bytes(1) + photo_bytes[4:]
    location = phone.create(photo_bytes).headers["location"]
    problem = assert_problem(phone.send(location, 0, damaged), 422, "hash_mismatch")
    assert problem["quarantined"] is False
    assert not kept(folder)
    assert not (folder / "quarantine").exists()
    assert phone.create(photo_bytes).headers["upload-offset"] == "0"
    assert phone.send(location, 0, photo_bytes).status_code == 204


def test_text_called_jpg_is_kept_in_quarantine_and_said_so(phone: Phone, folder: Path) -> None:
    text = "今天的巡查记录".encode() * 20
    problem = assert_problem(phone.create(text, body=text, filetype="image/jpeg"), 422, "not_an_image")
    assert problem["quarantined"] is True
    assert (folder / "quarantine" / sha256(text)).read_bytes() == text


def test_a_truncated_photo_is_kept_in_quarantine(phone: Phone, photo_bytes: bytes, folder: Path) -> None:
    part = photo_bytes[: len(photo_bytes) // 2]
    problem = assert_problem(phone.create(part, body=part), 422, "image_truncated")
    assert problem["quarantined"] is True
    assert (folder / "quarantine" / sha256(part)).read_bytes() == part


def test_a_quarantined_file_is_answered_the_same_every_time(phone: Phone, folder: Path) -> None:
    text = b"no picture"
    first = phone.create(text, body=text)
    assert_problem(phone.create(text, body=text), 422, "not_an_image")
    location = first.headers["location"]
    assert_problem(phone.send(location, len(text), b""), 422, "not_an_image")
    assert phone.http.head(location, headers=TUS).status_code == 410
    assert len((folder / "finished.log").read_text().splitlines()) == 1


def test_a_refusal_by_the_receiver_is_answered_with_its_code(phone: Phone, photo_bytes: bytes, folder: Path) -> None:
    (folder / "trouble").write_text("refused")
    problem = assert_problem(phone.create(photo_bytes, body=photo_bytes), 422, "archived_database")
    assert problem["quarantined"] is True


@pytest.mark.parametrize("trouble", ["unavailable", "storage_full"])
def test_a_database_away_loses_nothing_and_is_never_told_as_finished(
    phone: Phone, photo_bytes: bytes, folder: Path, trouble: str
) -> None:
    (folder / "trouble").write_text(trouble)
    answer = phone.create(photo_bytes, body=photo_bytes)
    assert_problem(answer, 503, trouble)
    location = answer.headers["location"]
    assert phone.http.head(location, headers=TUS).status_code == 503
    assert_problem(phone.send(location, len(photo_bytes), b""), 503, trouble)
    (folder / "trouble").unlink()
    assert phone.send(location, len(photo_bytes), b"").status_code == 204
    assert kept(folder) == {sha256(photo_bytes)}


def test_asking_for_the_offset_finishes_what_only_waited_for_the_database(phone: Phone, photo_bytes: bytes, folder: Path) -> None:
    (folder / "trouble").write_text("unavailable")
    location = phone.create(photo_bytes, body=photo_bytes).headers["location"]
    (folder / "trouble").unlink()
    assert phone.offset(location) == len(photo_bytes)
    assert kept(folder) == {sha256(photo_bytes)}


def test_an_unfinished_upload_can_be_terminated_and_a_finished_one_not(phone: Phone, photo_bytes: bytes) -> None:
    location = phone.create(photo_bytes, body=photo_bytes[:10]).headers["location"]
    assert phone.http.delete(location, headers=TUS).status_code == 204
    assert phone.http.head(location, headers=TUS).status_code == 404
    phone.create(photo_bytes, body=photo_bytes)
    assert_problem(phone.http.delete(location, headers=TUS), 403, "upload_finished")


def test_a_device_may_leave_only_so_many_uploads_unfinished(tmp_path: Path) -> None:
    with serving(tmp_path, Limits(max_unfinished=3, max_unfinished_bytes=10_000)) as url:
        phone = Phone(url)
        assert_problem(phone.create(b"big", length=10_001), 429, "quota")
        for number in range(3):
            assert phone.create(f"{number}".encode(), length=100).status_code == 201
        assert phone.create(b"0", length=100).status_code == 201
        answer = phone.create(b"4", length=100)
        assert_problem(answer, 429, "quota")
        assert answer.headers["retry-after"]
        phone.http.close()


def test_a_sweep_removes_what_nobody_finished_and_nothing_else(phone: Phone, photo_bytes: bytes, folder: Path) -> None:
    partial, now = folder / "partial", datetime.now(UTC)
    old = phone.create(photo_bytes, body=photo_bytes[:10]).headers["location"]
    fresh_bytes = as_bytes(scene(64, 48), "PNG")
    fresh = phone.create(fresh_bytes, body=fresh_bytes[:10]).headers["location"]
    part = next(partial.rglob(f"{old.rpartition('/')[2]}.part"))
    os.utime(part, (0, now.timestamp() - 8 * 86400))
    assert sweep_expired(partial, now) == 1
    assert phone.http.head(old, headers=TUS).status_code == 404
    assert phone.offset(fresh) == 10
    assert sweep_expired(partial, now + timedelta(days=8)) == 1
    assert not [path for path in partial.rglob("*") if path.is_file()]
    assert sweep_expired(folder / "nowhere", now) == 0
