"""A message to a push service: only its phone can read it, this server signs it, and it goes to public https addresses only."""

import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from http_ece import ECEException
from py_vapid import Vapid02

from server.domain.errors import InvalidInput
from server.push import keys, subscriptions
from server.push.sending import Sender, public_only
from server.settings import Settings
from server.sources import sending as posting
from server.sources.addresses import Address
from tests.server.push.push_service import PushService, Subscriber, b64, push_service

SETTINGS = Settings(secret="only for tests", public_url="https://xunge.example")
SAID = {"what": "task", "title": "你有新任务", "path": "/m/"}


@pytest.fixture
def service() -> Iterator[PushService]:
    with push_service() as found:
        yield found


def test_a_message_is_read_by_its_phone_alone_and_signed_by_this_server(service: PushService) -> None:
    phone = Subscriber()
    assert Sender(SETTINGS, service.check)(phone.kept, SAID) is None
    [(path, headers, body)] = service.heard
    assert phone.opened(body) == SAID
    assert "任务".encode() not in body
    with pytest.raises(ECEException):
        Subscriber().opened(body)
    assert (path, headers["Host"].split(":")[0], headers["Content-Encoding"]) == ("/send/1", "push.example", "aes128gcm")
    assert Vapid02.verify(headers["Authorization"])
    assert f"k={keys.public_key(SETTINGS.secret)}" in headers["Authorization"]
    assert int(headers["TTL"]) > 0 and headers["Topic"]


def test_every_process_with_the_secret_has_the_same_key_and_no_other(service: PushService) -> None:
    assert keys.public_key("a") == keys.public_key("a") != keys.public_key("b")
    assert len(keys.public_key("a")) == 87


@pytest.mark.parametrize(("status", "code"), [(404, "gone"), (410, "gone"), (403, "gone"), (429, "http_429"), (500, "http_500")])
def test_what_a_push_service_refuses_is_said_in_a_word(service: PushService, status: int, code: str) -> None:
    service.status = status
    assert Sender(SETTINGS, service.check)(Subscriber().kept, SAID) == code


def test_a_redirect_is_not_followed(service: PushService) -> None:
    service.status = 307
    assert Sender(SETTINGS, service.check)(Subscriber().kept, SAID) == "http_307"
    assert len(service.heard) == 1


def test_a_service_that_says_nothing_is_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    patience = posting.TIMEOUT
    assert max(patience.connect or 0, patience.read or 0, patience.write or 0, patience.pool or 0) <= 5
    monkeypatch.setattr(posting, "TIMEOUT", httpx.Timeout(0.2))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = Address("http", "127.0.0.1", silent.getsockname()[1], "push.example", "/")
        assert Sender(SETTINGS, lambda _: address)(Subscriber().kept, SAID) == "timeout"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "10.0.0.5", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "198.18.0.1",
        "224.0.0.1",        "[::1]", "[fe80::1]", "[fc00::1]", "[::ffff:10.0.0.1]", "[2002:0a00:0001::1]", "[64:ff9b::a00:1]",
        "localhost",
    ],
)  # fmt: skip
def test_an_address_inside_a_network_is_never_asked(host: str) -> None:
    assert public_only(f"https://{host}/push") in {"not_allowed", "unknown_host"}


def test_a_name_that_leads_inside_is_never_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolved(*addresses: str) -> Any:
        return lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolved("8.8.8.8", "10.0.0.1"))
    assert public_only("https://push.example/x") == "not_allowed"
    monkeypatch.setattr(socket, "getaddrinfo", resolved("8.8.8.8"))
    found = public_only("https://push.example/x?y=1")
    assert isinstance(found, Address) and (found.ip, found.port, found.host, found.path) == (
        "8.8.8.8",
        443,
        "push.example",
        "/x?y=1",
    )


def test_only_https_is_asked() -> None:
    assert public_only("http://8.8.8.8/") == "not_https"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"endpoint": "http://push.example/1"}, "endpoint"),
        ({"endpoint": "file:///etc/passwd"}, "endpoint"),
        ({"endpoint": "https://user:word@push.example/"}, "endpoint"),
        ({"endpoint": "https://push.example/" + "x" * 2000}, "endpoint"),
        ({"endpoint": ""}, "endpoint"),
        ({"p256dh": b64(b"\x04" + bytes(64))}, "p256dh"),
        ({"p256dh": "!!"}, "p256dh"),
        ({"auth": b64(bytes(15))}, "auth"),
        ({"auth": "密钥"}, "auth"),
    ],
)
def test_what_is_no_subscription_is_not_kept(change: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        subscriptions.checked(**(Subscriber().kept | change))
    assert set(refused.value.fields) == {field}


def test_a_browsers_subscription_is_kept_as_it_is() -> None:
    phone = Subscriber("https://fcm.googleapis.com/fcm/send/" + "x" * 300)
    assert subscriptions.checked(**phone.kept) == phone.kept
