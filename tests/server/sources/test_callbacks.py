"""Sources hear what became of their cases: in order, at least once, nobody's name, however long they were away."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from server.cases import moves
from server.domain.errors import Missing
from server.domain.sources import Caller
from server.nudges import Nudges
from server.sources import addresses, callbacks, sending, signing, store
from server.sources import intake as sources
from sync.couch import Couch
from tests.records import AT
from tests.server.sources.conftest import SERVER_SECRET, Document, make_source
from tests.server.sources.receiver import Receiver, receiving
from tests.server.sources.test_intake import CASES, TRIAGE, item, person

UNIT = "unit:water"
SENDER = sending.Sender(SERVER_SECRET, may_loop=True)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def source(places: Couch, receiver: Receiver) -> Document:
    database = places.database("ref")
    if database.find(UNIT) is None:
        database.put({"_id": UNIT, "type": "unit", "v": 1, "name": "水务", "level": "township", "area": ""})
    return make_source(places, callback_url=f"{receiver.url}/status?x=1")[0]


def told(couch: Couch) -> dict[str, Document]:
    return {one["id"]: one for one in store.every(couch)}


def run(couch: Couch, at: datetime = AT, send: callbacks.Send = SENDER) -> int:
    while callbacks.find(couch, couch.database(CASES), told(couch), at):
        pass
    return callbacks.send_due(couch, told(couch), lambda: at, send, lambda: False)


def move(couch: Couch, quiet: Nudges, case: str, name: str, by: Document = TRIAGE, **fields: Any) -> None:
    moves.move(couch, quiet, by, case, name, fields, if_match=None, key=f"move-{name}-01", now=AT + timedelta(minutes=5))


def worked(couch: Couch, quiet: Nudges, source: Document, **fields: Any) -> str:
    """A case that was dispatched and answered."""
    case = str(sources.take(couch, quiet, source, item(caller=Caller(name="王建国"), **fields), AT).case["_id"])
    move(couch, quiet, case, "accept")
    move(couch, quiet, case, "dispatch", unit=UNIT, reason="管井归水务")
    move(couch, quiet, case, "answer", person("department", units=[UNIT]), result="已换新井盖")
    return case


def test_a_source_hears_each_step_of_its_case_in_order_and_signed(
    places: Couch, quiet: Nudges, source: Document, receiver: Receiver
) -> None:
    worked(places, quiet, source)
    assert run(places) == 4
    assert receiver.statuses() == ["received", "accepted", "dispatched", "answered"]
    assert [one["number"] for one in receiver.heard] == ["W-1"] * 4
    assert receiver.heard[3]["details"] == {"result": "已换新井盖"}
    headers, body = receiver.raw[0]
    secret = store.secret_of(SERVER_SECRET, source)
    assert headers[signing.SIGNATURE] == signing.sign(secret, headers[signing.TIMESTAMP], body)
    assert headers["Idempotency-Key"] == receiver.heard[0]["event_id"]


def test_what_is_inside_stays_inside(places: Couch, quiet: Nudges, source: Document, receiver: Receiver) -> None:
    worked(places, quiet, source, links=["https://12345.example.cn/a.jpg"])
    run(places)
    for private in ("王建国", "triage1", "department1", "管井归水务", UNIT, "12345.example.cn"):
        assert private not in str(receiver.raw)


def test_nothing_is_said_twice_and_what_is_new_is_said_next(
    places: Couch, quiet: Nudges, source: Document, receiver: Receiver
) -> None:
    case = worked(places, quiet, source)
    run(places)
    assert run(places) == 0
    move(places, quiet, case, "close", result="已核实")
    assert run(places) == 1
    assert receiver.statuses()[-1] == "closed"


def test_a_source_that_is_away_is_tried_later_and_loses_nothing(
    places: Couch, quiet: Nudges, source: Document, receiver: Receiver
) -> None:
    worked(places, quiet, source)
    receiver.answers = [200, 500]
    assert run(places) == 1
    assert run(places) == 0
    assert run(places, AT + timedelta(seconds=11)) == 3
    assert receiver.statuses() == ["received", "accepted", "dispatched", "answered"]


def test_pauses_grow_and_what_is_given_up_is_seen_tried_again_or_passed_over(
    places: Couch, quiet: Nudges, source: Document, receiver: Receiver
) -> None:
    case, at, tries = worked(places, quiet, source), AT, 0
    receiver.answers = [503] * callbacks.TRIES_MOST
    while not callbacks.given_up(places):
        run(places, at)
        tries, at = tries + 1, at + timedelta(hours=1)
    assert tries == callbacks.TRIES_MOST
    [dead] = callbacks.given_up(places)
    assert (dead["number"], dead["last"]["outcome"], dead["sent"]) == ("W-1", "http_503", 0)
    assert run(places, at + timedelta(days=9)) == 0
    callbacks.try_again(places, case, at, is_passed_over=True)
    assert run(places, at) == 3
    assert receiver.statuses() == ["accepted", "dispatched", "answered"]
    with pytest.raises(Missing):
        callbacks.try_again(places, case, at)


@pytest.mark.parametrize("killed", ["before the checkpoint", "after the other side took it"])
def test_killed_in_between_it_goes_on_and_says_each_at_least_once(  # noqa: PLR0917 - fixtures
    places: Couch, quiet: Nudges, source: Document, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, killed: str
) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    worked(places, quiet, source)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(*((callbacks.feed, "finish") if killed.startswith("before") else (callbacks, "_update")), die)
        run(places)
    run(places, AT + timedelta(minutes=2))
    heard = list(dict.fromkeys(receiver.statuses()))
    assert heard == ["received", "accepted", "dispatched", "answered"]


def test_a_move_made_while_its_source_is_being_told_is_told_too(
    places: Couch, quiet: Nudges, source: Document, receiver: Receiver
) -> None:
    case = worked(places, quiet, source)

    def send(to: Document, what: Document) -> str | None:
        if what["status"] == "answered":
            move(places, quiet, case, "rework", reason="没修好")
            callbacks.find(places, places.database(CASES), told(places), AT)
        return SENDER(to, what)

    run(places, send=send)
    run(places)
    assert receiver.statuses()[-1] == "rework"


def test_a_silent_source_holds_up_no_other_however_much_waits_for_it(
    places: Couch, quiet: Nudges, source: Document, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked(places, quiet, source)
    dead, _ = make_source(places, "away", callback_url="http://127.0.0.1:9/")
    monkeypatch.setattr(callbacks, "DUE_MOST", 2)
    for n in range(3):
        sources.take(places, quiet, dead, item(f"D-{n}"), AT - timedelta(hours=1))
    asked: list[str] = []

    def send(to: Document, what: Document) -> str | None:
        asked.append(to["id"])
        return SENDER(to, what)

    assert run(places, send=send) == 4
    assert asked.count("away") == 1


def test_the_source_of_a_merged_case_hears_how_the_main_case_ended(
    places: Couch, quiet: Nudges, source: Document, receiver: Receiver
) -> None:
    main = worked(places, quiet, source)
    double = str(sources.take(places, quiet, source, item("W-2"), AT).case["_id"])
    move(places, quiet, double, "merge", into=main, reason="同一井盖")
    run(places)
    receiver.heard.clear()
    move(places, quiet, main, "close", result="已核实")
    assert run(places) == 2
    assert run(places) == 0
    assert {(one["number"], one["status"], one["details"]["result"]) for one in receiver.heard} == {
        ("W-1", "closed", "已核实"),
        ("W-2", "closed", "已核实"),
    }
    assert len({one["event_id"] for one in receiver.heard}) == 2


def test_a_disabled_source_is_told_nothing_and_all_of_it_once_it_is_back(
    places: Couch, quiet: Nudges, source: Document, receiver: Receiver
) -> None:
    worked(places, quiet, source)
    store.set_disabled(places, source["id"], True)
    assert run(places) == 0
    assert receiver.raw == []
    store.set_disabled(places, source["id"], False)
    assert run(places, AT + timedelta(hours=2)) == 4


def test_a_redirect_is_no_answer(places: Couch, quiet: Nudges, source: Document, receiver: Receiver) -> None:
    receiver.answers = [302]
    assert SENDER(source, {"event_id": "event:x"}) == "http_302"
    assert len(receiver.raw) == 1


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:9/", "not_allowed"),
        ("http://localhost/", "not_allowed"),
        ("http://[::1]/", "not_allowed"),
        ("http://[::ffff:127.0.0.1]/", "not_allowed"),
        ("http://2130706433/", "not_allowed"),
        ("http://0.0.0.0/", "not_allowed"),
        ("http://169.254.169.254/latest/meta-data", "not_allowed"),
        ("http://[fe80::1]/", "not_allowed"),
        ("ftp://10.0.0.1/", "not_http"),
        ("file:///etc/passwd", "not_http"),
        ("http://", "not_http"),
        ("http://user:pass@10.0.0.1/", "no_credentials"),
        ("http://10.0.0.1\\@127.0.0.1/", "invalid"),
        ("http://10.0.0.1:99999/", "invalid"),
        ("http://10.0.0.1/ x", "invalid"),
    ],
)
def test_this_machine_and_its_cloud_are_out_of_reach(url: str, reason: str) -> None:
    assert addresses.resolve(url, may_loop=False) == reason


def test_the_address_that_was_checked_is_the_one_that_is_asked() -> None:
    found = addresses.resolve("https://10.1.2.3:8443/a?b=1", may_loop=False)
    assert isinstance(found, addresses.Address)
    assert (found.url, found.host_header) == ("https://10.1.2.3:8443/a?b=1", "10.1.2.3:8443")
    assert addresses.resolve("https://10.1.2.3/", may_loop=False, hosts={"other.example"}) == "not_allowed"
