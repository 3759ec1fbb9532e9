"""What a phone is told that asked for too much, and who is counted at all; the real policy on a real store."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.limits import Allowance, Meter
from server.people import accounts, devices
from server.people.policy import DevicePolicy
from server.web import locale, phone_guard
from server.web.phone_guard import PhoneGuard
from sync.couch import Couch
from tests.conftest import GRID_A

FEW = Allowance(requests=3, received_bytes=5_000, sent_bytes=5_000)
NOON_S = 1_700_000_010.0


class Asking:
    """Requests by token through the guard to an application that identifies whoever asks, as the gateway does."""

    def __init__(self, couch: Couch, most: Allowance) -> None:
        policy = DevicePolicy(couch)

        async def app(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
            request = Request(scope, receive)
            await policy.identify(request.headers["authorization"].partition(" ")[2])
            size_bytes = len(await request.body()) or 10
            await Response(b"x" * size_bytes)(scope, receive, send)

        self.app = PhoneGuard(app, policy, Meter("", most, most, now_s=lambda: NOON_S))

    def __call__(self, token: str, times: int, body: bytes = b"", language: str = "en") -> list[httpx.Response]:
        async def run() -> list[httpx.Response]:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
                headers = {"authorization": f"Bearer {token}"}
                return [
                    await client.post("/db/x", content=body, headers=headers, params={"lang": language}) for _ in range(times)
                ]

        return asyncio.run(run())


@pytest.fixture
def token(couch: Couch) -> Iterator[str]:
    account = accounts.make("worker1", ["worker"], {}, "a-test-password", grids=[GRID_A])
    accounts.save_all(couch, [account])
    yield devices.enrol(couch, account, "x")[1]


def test_a_phone_that_asks_too_much_is_told_when_to_come_again_in_both_languages(couch: Couch, token: str) -> None:
    ask = Asking(couch, FEW)
    # The first is not counted: nobody knew yet whose it was.
    assert [answer.status_code for answer in ask(token, 4)] == [200] * 4
    for language in locale.LANGUAGES:
        [answer] = ask(token, 1, language=language)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert (problem["code"], problem["retry_after_s"]) == ("too_many_requests", 30)
        assert problem["detail"] == locale.text(language, "error.too_many_requests", wait_min=1)


def test_what_was_sent_counts_too(couch: Couch, token: str) -> None:
    ask = Asking(couch, FEW._replace(requests=100))
    assert [answer.status_code for answer in ask(token, 4, b"y" * 3_000)] == [200, 200, 200, 429]


def test_a_stranger_with_a_phones_name_uses_up_nothing_of_its_share(couch: Couch, token: str) -> None:
    ask = Asking(couch, FEW)
    ask(token, 1)
    stranger = token.partition(".")[0] + ".guessed"
    for _ in range(20):
        with pytest.raises(Exception, match="token_unknown"):
            ask(stranger, 1)
    assert [answer.status_code for answer in ask(token, 3)] == [200] * 3


def test_what_was_let_in_just_before_its_token_ended_is_ended_though_another_request_heard_of_it_first(
    couch: Couch, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch sees this request for the first time after the token was forgotten: that it was good must not be forgotten."""
    monkeypatch.setattr(phone_guard, "WATCH_EVERY_S", 0.3)
    policy = DevicePolicy(couch)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await policy.identify(token)
        ending = asyncio.create_task(end(couch, policy, token))
        while (await receive())["type"] != "http.disconnect":
            pass
        await ending

    sent = asyncio.run(through_the_guard(app, policy, token, {}))
    assert [message["status"] for message in sent if message["type"] == "http.response.start"] == [401]


def test_a_stream_that_ends_just_as_its_connection_is_dropped_ends_whole(
    couch: Couch, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server logs an error of ours for an answer whose last word it never got."""
    monkeypatch.setattr(phone_guard, "WATCH_EVERY_S", 0.3)
    policy = DevicePolicy(couch)
    dropped = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await policy.identify(token)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await end(couch, policy, token)
        await dropped.wait()
        await send({"type": "http.response.body", "body": b""})

    sent = asyncio.run(through_the_guard(app, policy, token, {phone_guard.DROP: dropped.set}))
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]


async def end(couch: Couch, policy: DevicePolicy, token: str) -> None:
    """The token is revoked, and another request has heard of it."""
    await asyncio.to_thread(devices.revoke, couch, token.partition(".")[0], by=accounts.find(couch, "worker1"))
    policy.forget(token)


async def through_the_guard(app: ASGIApp, policy: DevicePolicy, token: str, extensions: dict[str, Any]) -> list[Message]:
    """One upload of this token through the guard to `app`, whose body comes as long as answers do; what was answered."""
    sent: list[Message] = []
    body: asyncio.Queue[Message] = asyncio.Queue()

    async def send(message: Message) -> None:
        sent.append(message)
        await body.put({"type": "http.request", "body": b"x", "more_body": True})

    scope = {
        "type": "http",
        "method": "PATCH",
        "path": "/",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {token}".encode())],
        "extensions": extensions,
    }
    guard = PhoneGuard(app, policy, Meter("", FEW, FEW, now_s=lambda: NOON_S))
    async with asyncio.timeout(60):
        await guard(scope, body.get, send)
    return sent
