"""How a token is renewed, ended, and good for a rescue after its end."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from server.domain.errors import NotSignedIn
from server.domain.permissions import Person
from server.people import accounts, devices, tokens
from sync import databases
from sync.couch import Couch
from tests.conftest import GRID_A

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
LATE = NOW + timedelta(days=91)


@pytest.fixture(scope="module")
def worker(couch: Couch) -> Person:
    account = accounts.make("worker1", ["worker"], {}, "a-test-password", grids=[GRID_A])
    accounts.save_all(couch, [account, accounts.make("admin", ["admin"], {}, "a-test-password")])
    return account


@pytest.fixture
def token(couch: Couch, worker: Person) -> Iterator[str]:
    yield devices.enrol(couch, worker, "x", NOW)[1]
    accounts.change(couch, "worker1", {"disabled": False})


def ask_me(couch: Couch, token: str, now: datetime) -> str | None:
    """What `me` answers as the token to use from now on."""
    return devices.renew(couch, devices.find(couch, token, now), token, now)


def refusal(couch: Couch, token: str, now: datetime) -> str:
    with pytest.raises(NotSignedIn) as refused:
        devices.find(couch, token, now)
    return refused.value.code


def test_a_token_is_not_renewed_in_the_first_half_of_its_life(couch: Couch, token: str) -> None:
    assert ask_me(couch, token, NOW + timedelta(days=89)) is None
    assert "renewal" not in devices.find(couch, token, NOW).device


def test_a_lost_answer_locks_no_phone_out(couch: Couch, token: str) -> None:
    first, second = ask_me(couch, token, LATE), ask_me(couch, token, LATE + timedelta(days=3))
    assert first == second != token
    assert ask_me(couch, token, NOW + timedelta(days=179)) == first
    assert devices.find(couch, str(first), NOW + timedelta(days=200)).person["name"] == "worker1"


def test_two_that_ask_at_once_are_given_the_same_token(couch: Couch, token: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        given = {future.result() for future in [pool.submit(ask_me, couch, token, LATE) for _ in range(6)]}
    assert len(given) == 1
    assert devices.find(couch, str(given.pop()), LATE).device["renewal"] is None


def test_the_old_token_ends_soon_after_the_new_one_was_used(couch: Couch, token: str) -> None:
    new = str(ask_me(couch, token, LATE))
    devices.find(couch, token, LATE + timedelta(days=5))
    devices.find(couch, new, LATE + timedelta(days=5))
    used_at = LATE + timedelta(days=5)
    assert ask_me(couch, token, used_at + timedelta(minutes=1)) == new
    assert refusal(couch, token, used_at + tokens.OVERLAP) == "token_expired"
    assert ask_me(couch, new, used_at + timedelta(days=1)) is None
    read = couch.database(databases.DEVICES).get(f"device:{new.partition('.')[0]}")
    assert read["replaced"]["salt"] == ""


def test_a_renewed_token_lasts_its_own_time_and_is_renewed_in_turn(couch: Couch, token: str) -> None:
    second = str(ask_me(couch, token, LATE))
    devices.find(couch, second, LATE)
    third = str(ask_me(couch, second, LATE + timedelta(days=91)))
    assert len({token, second, third}) == 3
    assert refusal(couch, second, LATE + timedelta(days=180)) == "token_expired"
    assert devices.find(couch, third, LATE + timedelta(days=260)).person["name"] == "worker1"


def test_the_store_holds_no_secret_of_any_token(couch: Couch, token: str) -> None:
    new = str(ask_me(couch, token, LATE))
    kept = str(couch.database(databases.DEVICES).get(f"device:{token.partition('.')[0]}"))
    assert token.partition(".")[2] not in kept
    assert new.partition(".")[2] not in kept


def test_revoking_ends_every_token_of_the_device(couch: Couch, token: str) -> None:
    new = str(ask_me(couch, token, LATE))
    devices.revoke(couch, token.partition(".")[0], by=accounts.find(couch, "admin"), now=LATE)
    for one in (token, new):
        assert refusal(couch, one, LATE) == "token_revoked"


def test_a_revoked_phone_is_told_to_wipe_and_until_when_it_may_rescue(couch: Couch, token: str) -> None:
    devices.revoke(couch, token.partition(".")[0], by=accounts.find(couch, "admin"), now=NOW)
    with pytest.raises(NotSignedIn) as refused:
        devices.find(couch, token, NOW)
    assert refused.value.facts == {"wipe": True, "rescue_until": "2027-02-21T08:00:00.000Z"}
    assert devices.find_for_rescue(couch, token, NOW + timedelta(days=89)).person["grids"] == [GRID_A]
    with pytest.raises(NotSignedIn, match="token_revoked"):
        devices.find_for_rescue(couch, token, NOW + timedelta(days=90))


def test_an_expired_token_rescues_for_ninety_days_and_wipes_nothing(couch: Couch, token: str) -> None:
    expired = NOW + timedelta(days=180)
    with pytest.raises(NotSignedIn) as refused:
        devices.find(couch, token, expired)
    assert (refused.value.code, refused.value.facts["wipe"]) == ("token_expired", False)
    assert devices.find_for_rescue(couch, token, expired + timedelta(days=89)).device_id == token.partition(".")[0]
    with pytest.raises(NotSignedIn, match="token_expired"):
        devices.find_for_rescue(couch, token, expired + timedelta(days=90))


def test_the_phone_of_a_locked_out_account_hands_in_what_it_holds(couch: Couch, token: str) -> None:
    accounts.change(couch, "worker1", {"disabled": True})
    assert refusal(couch, token, NOW) == "token_revoked"
    assert devices.find_for_rescue(couch, token, NOW).person["name"] == "worker1"


def test_a_good_token_rescues_and_a_made_up_one_does_not(couch: Couch, token: str) -> None:
    assert devices.find_for_rescue(couch, token, NOW).person["name"] == "worker1"
    for bad in ("", "x", token + "x", f"{token.partition('.')[0]}."):
        with pytest.raises(NotSignedIn, match="token_unknown"):
            devices.find_for_rescue(couch, bad, NOW)
