"""Notices go out to a webhook on loopback: at once, in quiet hours only emergencies, later together; a failure loses nothing."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from server.domain import channels
from server.domain import notices as rules
from server.domain.errors import InvalidInput
from server.notices import notify_all, outside
from sync.couch import Couch
from sync.databases import NOTICES
from worker import notices

# Half past eleven at night in China.
NIGHT = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
DAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
TRIAGE = "township:640105002"


class Hook:
    """A webhook that keeps what it is told, and refuses while it is asked to."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.is_refusing = False
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if not hook.is_refusing:
                    hook.heard.append(json.loads(body))
                self.send_response(503 if hook.is_refusing else 200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"json://127.0.0.1:{self.server.server_port}/hook-secret"

    def texts(self) -> list[str]:
        return [one["title"] + "\n" + one["message"] for one in self.heard]


@pytest.fixture
def hook() -> Iterator[Hook]:
    found = Hook()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture(autouse=True)
def empty(couch: Couch) -> None:
    couch.delete(NOTICES)


def connect(couch: Couch, hook: Hook, **fields: Any) -> str:
    given = {"name": "值班群", "url": hook.url, "parties": [TRIAGE], "least": "normal", "quiet": None, "digest_at": []}
    return outside.add_channel(couch, given | fields)


def tell(couch: Couch, key: str, urgency: str = "normal", to: str = TRIAGE, at: datetime = DAY) -> None:
    facts = {"case_no": f"002-261123-{key}"}
    made = rules.notice(
        to=[to], what="case.urged", subject="case:1", township=None, facts=facts, key=key, at=at, noted_at=at, urgency=urgency
    )
    notify_all(couch, [made])


def run(couch: Couch, at: datetime, by: notices.Send = notices.send) -> int:
    return notices.run(couch, "https://xunge.example", lambda: at, by)


def test_a_notice_goes_to_the_channels_of_its_party_once(couch: Couch, hook: Hook) -> None:
    connect(couch, hook)
    tell(couch, "AAAAAA")
    tell(couch, "BBBBBB", to="unit:other")
    assert (run(couch, DAY), run(couch, DAY)) == (1, 0)
    [text] = hook.texts()
    assert "催办" in text and "002-261123-AAAAAA" in text and "https://xunge.example/cases/case:1" in text


def test_quiet_hours_hold_everything_but_emergencies_and_it_goes_together_afterwards(couch: Couch, hook: Hook) -> None:
    connect(couch, hook, quiet={"from": "22:00", "to": "07:00"})
    for key, urgency in (("AAAAAA", "normal"), ("BBBBBB", "urgent"), ("CCCCCC", "emergency")):
        tell(couch, key, urgency, at=NIGHT)
    assert run(couch, NIGHT) == 1
    assert "CCCCCC" in hook.texts()[0] and len(hook.heard) == 1
    assert run(couch, NIGHT + timedelta(hours=7)) == 0
    assert run(couch, NIGHT + timedelta(hours=7, minutes=31)) == 2
    assert "AAAAAA" in hook.texts()[1] and "BBBBBB" in hook.texts()[1] and len(hook.heard) == 2


def test_what_is_not_urgent_waits_for_the_digest(couch: Couch, hook: Hook) -> None:
    connect(couch, hook, digest_at=["12:00", "18:00"])
    tell(couch, "AAAAAA")
    tell(couch, "BBBBBB", "urgent")
    assert run(couch, DAY) == 1
    assert run(couch, DAY + timedelta(hours=2)) == 1
    assert ["AAAAAA" in text for text in hook.texts()] == [False, True]


def test_a_refused_message_is_tried_later_and_later_then_dead_then_revived(couch: Couch, hook: Hook) -> None:
    connect(couch, hook)
    tell(couch, "AAAAAA")
    hook.is_refusing, at = True, DAY
    for _ in range(8):
        assert run(couch, at) == 0
        assert run(couch, at) == 0
        at += timedelta(hours=1, seconds=1)
    [dead] = outside.dead(couch)
    assert (dead["tries"], dead["error"]) == (8, "not_taken")
    hook.is_refusing = False
    assert run(couch, at) == 0
    outside.revive(couch, dead["_id"].partition(":")[2], at)
    assert run(couch, at) == 1
    assert outside.dead(couch) == []


def test_a_sender_killed_after_it_claimed_loses_nothing_and_says_the_same_number(couch: Couch, hook: Hook) -> None:
    connect(couch, hook)
    tell(couch, "AAAAAA")

    def send_and_die(url: str, title: str, body: str) -> bool:
        notices.send(url, title, body)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(couch, DAY, send_and_die)
    assert run(couch, DAY + timedelta(seconds=30)) == 0
    assert run(couch, DAY + timedelta(minutes=3)) == 1
    numbers = {text.rpartition("编号 ")[2] for text in hook.texts()}
    assert len(hook.heard) == 2 and len(numbers) == 1


def test_two_senders_at_once_send_it_once(couch: Couch, hook: Hook) -> None:
    connect(couch, hook)
    for n in range(10):
        tell(couch, f"{n:06d}")
    outside.plan(couch, DAY)
    barrier = threading.Barrier(2)

    def go() -> None:
        barrier.wait()
        run(couch, DAY)

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everything = "".join(hook.texts())
    assert [everything.count(f"002-261123-{n:06d}") for n in range(10)] == [1] * 10


def test_nothing_of_an_address_is_logged(couch: Couch, hook: Hook, caplog: pytest.LogCaptureFixture) -> None:
    connect(couch, hook)
    hook.is_refusing = True
    tell(couch, "AAAAAA")
    with caplog.at_level("DEBUG"):
        run(couch, DAY)
    assert "did not take" in caplog.text
    assert "hook-secret" not in "".join(
        record.getMessage() for record in caplog.records if record.name != "urllib3.connectionpool"
    )


def test_every_kind_that_is_accepted_has_a_sender() -> None:
    assert notices.SENDERS.keys() == channels.KINDS
    assert notices.send("dingtalk://", "title", "body") is False


@pytest.mark.parametrize("url", ["file:///etc/passwd", "mailto://a@b", "", "javascript:alert(1)"])
def test_other_kinds_of_addresses_are_not_accepted(couch: Couch, hook: Hook, url: str) -> None:
    with pytest.raises(InvalidInput):
        connect(couch, hook, url=url)
