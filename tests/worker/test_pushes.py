"""Phones that asked for it are pushed to: tasks for their grid, their own returned reports, by day; nothing depends on it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.domain import notices as rules
from server.notices import notify_all, outside, store
from server.people import accounts, devices
from server.push.sending import Sender
from server.settings import Settings
from sync.couch import Couch
from sync.databases import DEVICES, NOTICES, PEOPLE
from tests.conftest import GRID_A, GRID_B
from tests.server.push.push_service import PushService, Subscriber, push_service
from worker import notices, pushes

# Half past eleven at night, and ten in the morning in China.
NIGHT = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
DAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
SETTINGS = Settings(secret="only for tests")


@pytest.fixture
def service() -> Iterator[PushService]:
    with push_service() as found:
        yield found


@pytest.fixture(autouse=True)
def people(couch: Couch) -> None:
    for name in (NOTICES, DEVICES, PEOPLE):
        couch.delete(name)
    made = [
        accounts.make("worker1", ["worker"], {}, "a-test-password", grids=[GRID_A, GRID_B]),
        accounts.make("worker2", ["worker"], {}, "a-test-password", grids=[GRID_B]),
        accounts.make("police1", ["police"], {}, "a-test-password", grids=[GRID_A]),
    ]
    accounts.save_all(couch, made)


def subscribed(couch: Couch, name: str, phone: Subscriber) -> str:
    """A phone of this person's that wants to be pushed to; its document's id."""
    device, _ = devices.enrol(couch, accounts.find(couch, name), "x", DAY)
    devices.subscribe(couch, str(device["_id"]), phone.kept)
    return str(device["_id"])


def tell(couch: Couch, to: str, what: str = "task.sent", key: str = "1", at: datetime = DAY, **more: Any) -> None:
    facts = {"case_no": "002-261123-AAAAAA", "task": f"task:{key}"} | more.pop("facts", {})
    made = rules.notice(to=[to], what=what, subject="case:1", township=None, facts=facts, key=key, at=at, noted_at=at, **more)
    notify_all(couch, [made])


def run(couch: Couch, service: PushService, at: datetime = DAY) -> int:
    notices.run(couch, now=lambda: at)
    return pushes.run(couch, lambda: at, Sender(SETTINGS, service.check))


def states(couch: Couch) -> list[str]:
    return sorted(doc["state"] for doc in couch.database(NOTICES).range("delivery:", "delivery:\ufff0", 100))


def test_a_task_is_pushed_to_the_phones_of_its_grid_once_and_says_nothing_of_it(couch: Couch, service: PushService) -> None:
    first, other = Subscriber("https://push.example/1"), Subscriber("https://push.example/2", b"b")
    subscribed(couch, "worker1", first)
    subscribed(couch, "worker2", other)
    tell(couch, f"grid:{GRID_A}")
    assert (run(couch, service), run(couch, service)) == (1, 0)
    [(path, _, body)] = service.heard
    assert path == "/1"
    assert first.opened(body) == {"what": "task", "title": "你有新任务", "path": "/m/tasks/task:1"}


def test_several_that_are_due_together_are_one_message(couch: Couch, service: PushService) -> None:
    phone = Subscriber()
    subscribed(couch, "worker1", phone)
    for key in "123":
        tell(couch, f"grid:{GRID_A}", key=key)
    assert run(couch, service) == 3
    [(_, _, body)] = service.heard
    assert phone.opened(body)["path"] == "/m/"


def test_a_returned_report_is_told_to_its_author_alone(couch: Couch, service: PushService) -> None:
    phone = Subscriber("https://push.example/1")
    subscribed(couch, "worker1", phone)
    subscribed(couch, "worker2", Subscriber("https://push.example/2"))
    tell(couch, "user:worker1", "case.returned")
    run(couch, service)
    [(_, _, body)] = service.heard
    assert phone.opened(body) == {"what": "returned", "title": "有上报被退回，请改好重发", "path": "/m/"}


@pytest.mark.parametrize(
    ("told", "what", "path"),
    [
        (["household.approved"], "request", "/m/me"),
        (["household.refused", "household.ended"], "request", "/m/me"),
        (["case.main_closed"], "record", "/m/"),
        (["household.approved", "case.returned"], "returned", "/m/"),
        (["case.returned", "task.sent"], "task", "/m/"),
    ],
)
def test_a_message_says_which_kind_of_thing_waits_and_of_several_the_first_to_do(
    couch: Couch, service: PushService, told: list[str], what: str, path: str
) -> None:
    phone = Subscriber()
    subscribed(couch, "police1", phone)
    for key, one in enumerate(told):
        tell(couch, "user:police1", one, key=str(key))
    run(couch, service)
    [(_, _, body)] = service.heard
    said = phone.opened(body)
    assert (said["what"], said["path"]) == (what, path)


def test_what_a_household_asked_for_is_not_told_to_police(couch: Couch, service: PushService) -> None:
    subscribed(couch, "police1", Subscriber("https://push.example/police"))
    subscribed(couch, "worker1", Subscriber("https://push.example/worker"))
    tell(couch, f"home:{GRID_A}")
    run(couch, service)
    assert [path for path, *_ in service.heard] == ["/worker"]


def test_nobody_is_woken_at_night(couch: Couch, service: PushService) -> None:
    subscribed(couch, "worker1", Subscriber())
    tell(couch, f"grid:{GRID_A}", at=NIGHT)
    assert run(couch, service, NIGHT) == 0
    assert run(couch, service, NIGHT + timedelta(hours=7)) == 0
    assert run(couch, service, NIGHT + timedelta(hours=7, minutes=31)) == 1


@pytest.mark.parametrize("status", [404, 410, 403])
def test_a_dead_subscription_is_forgotten(couch: Couch, service: PushService, status: int) -> None:
    device = subscribed(couch, "worker1", Subscriber())
    service.status = status
    tell(couch, f"grid:{GRID_A}")
    run(couch, service)
    assert couch.database(DEVICES).get(device)["push"] is None
    tell(couch, f"grid:{GRID_A}", key="2")
    run(couch, service)
    assert len(service.heard) == 1 and states(couch) == ["sent"]


def test_a_newer_subscription_outlives_the_death_of_the_old_one(couch: Couch, service: PushService) -> None:
    old, new = Subscriber("https://push.example/old"), Subscriber("https://push.example/new")
    device = subscribed(couch, "worker1", old)

    def renew_meanwhile(push: dict[str, str], *_: Any, **__: Any) -> str:
        devices.subscribe(couch, device, new.kept)
        return "gone"

    tell(couch, f"grid:{GRID_A}")
    notices.run(couch, now=lambda: DAY)
    pushes.run(couch, lambda: DAY, renew_meanwhile)
    assert couch.database(DEVICES).get(device)["push"] == new.kept


@pytest.mark.parametrize("end", ["revoke", "sign_out", "disable"])
def test_who_left_is_pushed_to_no_more(couch: Couch, service: PushService, end: str) -> None:
    device = subscribed(couch, "worker1", Subscriber())
    tell(couch, f"grid:{GRID_A}")
    notices.run(couch, now=lambda: DAY)
    if end == "revoke":
        devices.revoke(couch, device.partition(":")[2], by=accounts.find(couch, "worker1"))
    elif end == "sign_out":
        devices.unsubscribe(couch, device)
    else:
        accounts.change(couch, "worker1", {"disabled": True})
    run(couch, service)
    assert service.heard == [] and states(couch) == ["sent"]


def test_a_push_service_that_is_away_is_asked_once_a_run_and_given_up_quietly(couch: Couch) -> None:
    for name, salt in (("worker1", b"a"), ("worker2", b"b")):
        subscribed(couch, name, Subscriber(f"https://push.example/{name}", salt))
    tell(couch, f"grid:{GRID_B}")
    asked: list[str] = []

    def unreachable(push: dict[str, str], *_: Any, **__: Any) -> str:
        asked.append(push["endpoint"])
        return "timeout"

    at = DAY
    for number in range(1, 5):
        notices.run(couch, now=lambda at=at: at)
        assert pushes.run(couch, lambda at=at: at, unreachable) == 0
        assert len(asked) == number
        at += timedelta(hours=1, seconds=1)
    assert states(couch) == ["dropped", "dropped"]
    assert outside.dead(couch) == [], "nothing for an administrator to look at"


def test_phones_that_cannot_be_reached_do_not_hold_up_a_channel(couch: Couch, monkeypatch: pytest.MonkeyPatch) -> None:
    subscribed(couch, "worker1", Subscriber())
    outside.add_channel(couch, {"name": "群", "url": "json://x/", "parties": ["user:worker1"], "least": "normal", "quiet": None})
    monkeypatch.setattr(outside, "DUE_MOST", 3)
    for key in range(5):
        tell(couch, f"grid:{GRID_A}", key=str(key))
    notices.run(couch, now=lambda: DAY)
    tell(couch, "user:worker1", "case.returned", key="last")
    sent: list[str] = []

    def hear(_: str, __: str, body: str) -> bool:
        sent.append(body)
        return True

    assert notices.run(couch, now=lambda: DAY, by=hear) == 1
    assert len(sent) == 1


def test_a_system_without_subscribed_phones_makes_no_deliveries(couch: Couch, service: PushService) -> None:
    devices.enrol(couch, accounts.find(couch, "worker1"), "x", DAY)
    tell(couch, f"grid:{GRID_A}")
    assert run(couch, service) == 0
    assert states(couch) == []
    assert store.many(couch, [rules.notice_id("1")])
