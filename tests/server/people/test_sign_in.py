"""Signing in: who gets in, who is told nothing, and who has to wait."""

import time
from collections.abc import Callable
from typing import Any

import pytest
import redis
from redis.connection import AbstractConnection

from server.domain.errors import InvalidInput, Missing, NotSignedIn, TooMany
from server.people import accounts, passwords
from server.people.sign_in import SignInLimits, create_limits, sign_in
from sync.couch import Couch
from tests.conftest import free_port

PASSWORD = "好的-password"


@pytest.fixture(scope="module", autouse=True)
def worker(couch: Couch) -> dict[str, Any]:
    account = accounts.make("worker1", ["worker"], {"zh-CN": "马晓燕", "en": "Ma Xiaoyan"}, PASSWORD, grids=["640105002001001"])
    accounts.save_all(couch, [account])
    return account


@pytest.fixture
def counted(broker_url: str) -> SignInLimits:
    redis.Redis.from_url(broker_url).flushall()
    return create_limits(broker_url)


def try_often(limits: Callable[[], SignInLimits], couch: Couch, name: str, password: str = "wrong", times: int = 5) -> None:
    for _ in range(times):
        with pytest.raises(NotSignedIn):
            sign_in(couch, limits(), name, password, "10.0.0.1")


def test_the_right_password_signs_in(couch: Couch, counted: SignInLimits) -> None:
    assert sign_in(couch, counted, "worker1", PASSWORD, "10.0.0.1")["roles"] == ["worker"]


@pytest.mark.parametrize(
    ("name", "password"), [("worker1", "wrong"), ("nobody", PASSWORD), ("../admin", "x"), ("", ""), ("工人", "x")]
)
def test_a_wrong_password_and_an_unknown_name_are_told_the_same(
    name: str, password: str, couch: Couch, counted: SignInLimits
) -> None:
    with pytest.raises(NotSignedIn) as refused:
        sign_in(couch, counted, name, password, "10.0.0.1")
    assert refused.value.code == "wrong_credentials"


def test_an_unknown_name_takes_as_long_as_a_wrong_password() -> None:
    kept = passwords.make_hash("something")

    def took(hash: str | None) -> float:
        times = []
        for _ in range(5):
            begun = time.process_time()
            passwords.is_right(hash, "a guess")
            times.append(time.process_time() - begun)
        return min(times)

    took(None)
    assert took(None) > took(kept) / 2


def test_the_sixth_try_within_a_quarter_of_an_hour_has_to_wait_even_with_the_right_password(
    couch: Couch, counted: SignInLimits
) -> None:
    try_often(lambda: counted, couch, "worker1")
    with pytest.raises(TooMany) as refused:
        sign_in(couch, counted, "worker1", PASSWORD, "10.0.0.2")
    assert 0 < int(str(refused.value.facts["retry_after_s"])) <= 15 * 60


def test_another_server_process_counts_on_and_another_name_is_free(couch: Couch, broker_url: str, counted: SignInLimits) -> None:
    try_often(lambda: create_limits(broker_url), couch, "worker1")
    with pytest.raises(TooMany):
        sign_in(couch, counted, "WORKER1", PASSWORD, "10.0.0.2")
    with pytest.raises(NotSignedIn):
        sign_in(couch, counted, "worker2", "x", "10.0.0.2")


def test_signing_in_gives_the_tries_back(couch: Couch, counted: SignInLimits) -> None:
    for _ in range(3):
        try_often(lambda: counted, couch, "worker1", times=4)
        sign_in(couch, counted, "worker1", PASSWORD, "10.0.0.1")


def test_fifty_failures_from_one_address_lock_the_address(couch: Couch, counted: SignInLimits) -> None:
    for _ in range(50):
        counted.note_failure("10.9.9.9")
    with pytest.raises(TooMany):
        sign_in(couch, counted, "worker1", PASSWORD, "10.9.9.9")
    assert sign_in(couch, counted, "worker1", PASSWORD, "10.0.0.1")["name"] == "worker1"


def test_without_a_broker_the_process_counts_by_itself_at_once(couch: Couch, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = create_limits(f"redis://127.0.0.1:{free_port()}/0")
    tried: list[object] = []
    connect = AbstractConnection.connect
    monkeypatch.setattr(AbstractConnection, "connect", lambda self: tried.append(self) or connect(self))
    try_often(lambda: limits, couch, "worker1")
    with pytest.raises(TooMany):
        sign_in(couch, limits, "worker1", PASSWORD, "10.0.0.1")
    # It is looked for once at each count (three a try), and never again and again with pauses between.
    assert 0 < len(tried) <= 3 * 6


def test_a_disabled_account_is_like_an_unknown_one(couch: Couch, counted: SignInLimits) -> None:
    accounts.change(couch, "worker1", {"disabled": True})
    try:
        with pytest.raises(NotSignedIn):
            sign_in(couch, counted, "worker1", PASSWORD, "10.0.0.1")
        with pytest.raises(Missing):
            accounts.find(couch, "worker1")
    finally:
        accounts.change(couch, "worker1", {"disabled": False})


def test_an_old_hash_is_made_anew_at_sign_in(couch: Couch, counted: SignInLimits) -> None:
    from argon2 import PasswordHasher

    old = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    accounts.change(couch, "worker1", {"password_hash": old})
    person = sign_in(couch, counted, "worker1", PASSWORD, "10.0.0.1")
    assert person["password_hash"] != old
    assert accounts.find(couch, "worker1")["password_hash"] == person["password_hash"]


@pytest.mark.parametrize(
    ("name", "roles", "password", "grids", "field"),
    [
        ("Worker", ["worker"], PASSWORD, [], "name"),
        ("a/b", ["worker"], PASSWORD, [], "name"),
        ("worker9", ["king"], PASSWORD, [], "roles"),
        ("worker9", [], PASSWORD, [], "roles"),
        ("worker9", ["worker"], "short", [], "password"),
        ("worker9", ["worker"], PASSWORD, ["123"], "grids"),
    ],
)
def test_an_account_that_cannot_be_is_refused(name: str, roles: list[str], password: str, grids: list[str], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        accounts.make(name, roles, {}, password, grids=grids)
    assert list(refused.value.fields) == [field]
