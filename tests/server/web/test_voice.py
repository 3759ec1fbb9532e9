"""A reporter's voice note at the desk: the case's page plays it, players may ask for a part of it, and listening is logged."""

from datetime import UTC, datetime

import httpx
import pytest

from media import store
from media.inspect import read_any
from server import audit
from sync import databases
from tests import records
from tests.conftest import GRID_A
from tests.media import recordings
from tests.server.web.site import HTML, Site

SOUND = recordings.webm(sound=bytes(n % 251 for n in range(700)))


@pytest.fixture
def voice(site: Site) -> tuple[str, str]:
    """`(case, voice note)`, its record and its file at the server."""
    photo = records.new_id("photo", datetime.now(UTC))
    case = site.make_case(voice=photo)
    record = records.photo({"sent": "0" * 64}, photo, of=case["reports"][0])
    site.couch.database(case["database"], create=True).put(record)
    facts = read_any(SOUND)
    arrival = store.Arrival(
        photo, "sent", case["database"], "d1", "worker1", "0" * 64, facts.content_type, facts, datetime.now(UTC)
    )
    store.save_upload(site.couch.database(databases.media_db(GRID_A[:9]), create=True), arrival, SOUND)
    return case["_id"], photo


def test_the_cases_page_has_a_player_and_the_note_sounds_as_it_was_recorded(
    site: Site, triage: httpx.Client, voice: tuple[str, str]
) -> None:
    case, photo = voice
    address = f"/api/photos/{photo}/voice"
    assert f'<audio controls preload="none" src="{address}">' in triage.get(f"/cases/{case}", headers=HTML).text
    answer = triage.get(address)
    assert (answer.content, answer.headers["Content-Type"], answer.headers["Accept-Ranges"]) == (SOUND, "audio/webm", "bytes")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    month = databases.month_at(datetime.now(UTC))
    assert [one["by"] for one in audit.read(site.couch, month, 500) if one["subject"] == photo] == ["triage1"]


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-", 206, SOUND),
        ("bytes=10-19", 206, SOUND[10:20]),
        ("bytes=-5", 206, SOUND[-5:]),
        (f"bytes=10-{10**9}", 206, SOUND[10:]),
        (f"bytes={len(SOUND)}-", 416, b""),
        ("bytes=-0", 416, b""),
        ("bytes=5-2", 416, b""),
        ("bytes=0-1,4-5", 200, SOUND),
        ("bytes=-", 200, SOUND),
        ("lines=1-2", 200, SOUND),
    ],
)
def test_a_part_is_answered_as_players_ask_for_it(
    triage: httpx.Client, voice: tuple[str, str], asked: str, status: int, part: bytes
) -> None:
    answer = triage.get(f"/api/photos/{voice[1]}/voice", headers={"Range": asked})
    assert (answer.status_code, answer.content) == (status, part)
    if status == 206:
        start = SOUND.rindex(part)
        assert answer.headers["Content-Range"] == f"bytes {start}-{start + len(part) - 1}/{len(SOUND)}"


def test_who_may_not_see_the_case_does_not_hear_its_voice_note(site: Site, voice: tuple[str, str]) -> None:
    with site.visit("triage2") as stranger:
        assert stranger.get(f"/api/photos/{voice[1]}/voice").status_code == 404
