"""Unfinished uploads on disk: what is told is durable, what is locked is locked, what is broken is absent."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from media import partials
from media.partials import Busy, Shelf, Ticket, upload_id
from media.sweep import sweep_expired
from tests.media.upload_site import Phone

UPLOAD = "u" * 40
TICKET = Ticket(UPLOAD, "d1", "worker1", "photo:1", "sent", "grid-1-2026q4", "a" * 64, "image/jpeg", 100)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """A shelf with one upload just begun."""
    one = Shelf(tmp_path, "d1")
    held = one.hold(UPLOAD, create=True)
    assert held
    one.write_ticket(TICKET)
    held.close()
    return one


def test_an_upload_is_named_by_what_it_is() -> None:
    first = upload_id("photo:1", "sent", "a" * 64, "d1")
    assert first == upload_id("photo:1", "sent", "a" * 64, "d1")
    others = [("photo:2", "sent", "a" * 64, "d1"), ("photo:1", "original", "a" * 64, "d1"), ("photo:1", "sent", "a" * 64, "d2")]
    assert first not in {upload_id(*one) for one in others}


def test_no_offset_is_told_before_it_is_durable(phone: Phone, photo_bytes: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    durable: list[int] = []
    sync = os.fsync

    def note(descriptor: int) -> None:
        sync(descriptor)
        durable.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr(os, "fsync", note)
    location = phone.create(photo_bytes, body=photo_bytes[:1111]).headers["location"]
    assert 1111 in durable
    phone.send(location, 1111, photo_bytes[1111:3333])
    assert 3333 in durable
    durable.clear()
    assert phone.offset(location) in durable


def test_a_held_upload_is_busy_for_everybody_else(shelf: Shelf) -> None:
    held = shelf.hold(UPLOAD)
    assert held
    with pytest.raises(Busy):
        shelf.hold(UPLOAD)
    held.close()
    again = shelf.hold(UPLOAD)
    assert again
    again.close()


def test_a_sweep_leaves_an_upload_alone_that_is_being_written_to(shelf: Shelf, tmp_path: Path) -> None:
    held = shelf.hold(UPLOAD)
    assert held
    next_month = datetime.now(UTC) + timedelta(days=30)
    assert sweep_expired(tmp_path, next_month) == 0
    held.close()
    assert sweep_expired(tmp_path, next_month) == 1
    assert shelf.read(UPLOAD) is None


def test_a_lock_on_a_file_removed_meanwhile_is_no_lock(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = partials._lock

    def lose_race(descriptor: int) -> None:
        shelf.part(UPLOAD).unlink(missing_ok=True)
        monkeypatch.setattr(partials, "_lock", lock)
        lock(descriptor)

    monkeypatch.setattr(partials, "_lock", lose_race)
    assert shelf.hold(UPLOAD) is None


def test_a_ticket_without_its_data_is_absent(shelf: Shelf) -> None:
    assert shelf.read(UPLOAD) == TICKET
    shelf.part(UPLOAD).unlink()
    assert shelf.read(UPLOAD) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"upload": 1}'])
def test_a_damaged_ticket_is_absent(shelf: Shelf, text: str) -> None:
    shelf.part(UPLOAD).with_suffix(".json").write_text(text)
    assert shelf.read(UPLOAD) is None


def test_a_kill_between_finishing_and_clearing_up_leaves_it_finished(shelf: Shelf) -> None:
    held = shelf.hold(UPLOAD)
    assert held
    shelf.write_ticket(Ticket(**{**vars(TICKET), "outcome": "stored"}))
    held.close()
    found = shelf.read(UPLOAD)
    assert found
    assert found.outcome == "stored"
