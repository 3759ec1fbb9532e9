"""The store is away, full, slow to agree or picky: the phone is told to keep everything, and nothing is half answered."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import orjson
import pytest

from sync.gateway import Holder, Rejected, Rejection, Rights, Unavailable, Whole
from sync.gateway.app import create_gateway
from sync.gateway.pipes import Pipes
from tests.conftest import GRID_A, free_port
from tests.sync.gateway.conftest import make_report, serving

DATABASE = f"grid-{GRID_A}-2026q4"
Answer = Callable[[str, bytes], tuple[int, bytes]]


class Everything:
    """A policy that lets all in, but refuses documents by the author `nobody`."""

    def __init__(self, quarantine_fails: bool = False) -> None:
        self.kept: list[Rejected] = []
        self.quarantine_fails = quarantine_fails

    async def identify(self, token: str) -> Holder:
        return Holder("dev1", "worker1", {DATABASE: Rights(pull=True, push=True)})

    def answers_each(self, database: str) -> bool:
        return True

    def read_whole(self, holder: Holder, database: str, body: bytes) -> Whole | None:
        docs = orjson.loads(body)["docs"]
        if any(self.check_all(holder, database, docs, [])):
            return None
        return Whole(orjson.dumps(docs)[1:-1], [(doc["_id"], doc["_rev"]) for doc in docs])

    def check_all(self, holder: Holder, database: str, docs: Sequence[Any], sizes_bytes: Sequence[int]) -> list[Rejection | None]:
        return [Rejection("author_mismatch") if doc["author"] == "nobody" else None for doc in docs]

    async def quarantine(self, holder: Holder, database: str, rejected: Sequence[Rejected]) -> list[bool]:
        if self.quarantine_fails:
            raise Unavailable
        self.kept += rejected
        return [True] * len(rejected)


class PretendStore:
    """Answers like a store in trouble, which a healthy one cannot be made to; counts what it was asked."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[tuple[str, bytes]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while True:
                kind = (await receive())["type"]
                await send({"type": f"{kind}.complete"})
                if kind == "lifespan.shutdown":
                    return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message.get("more_body", False)
        self.asked.append((f"{scope['method']} {scope['path']}", body))
        status, text = self.answer(f"{scope['method']} {scope['path']}", body)
        headers = [(b"content-length", str(len(text)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": text})


def push(store_url: str, docs: list[Any], policy: Everything | None = None) -> httpx.Response:
    """Push through a gateway before this store, in a loop of its own."""
    return asyncio.run(_push(store_url, docs, policy or Everything()))


async def _push(store_url: str, docs: list[Any], policy: Everything) -> httpx.Response:
    gateway = create_gateway(store_url, policy)
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway), base_url="http://gate") as client:
            body = {"docs": docs, "new_edits": False}
            return await client.post(f"/{DATABASE}/_bulk_docs", json=body, headers={"authorization": "Bearer x"})
    finally:
        await gateway.close()


def report(**fields: Any) -> dict[str, Any]:
    return make_report("worker1", "dev1", **fields)


def test_a_store_that_is_not_there_is_a_503_that_asks_to_come_again() -> None:
    answer = push(f"http://127.0.0.1:{free_port()}", [report()])
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json() == {"error": "service_unavailable", "reason": "store_unreachable"}


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (202, b"[]", "quorum_missed"),
        (500, b'{"error":"internal_server_error"}', "store_unreachable"),
        (507, b"{}", "storage_full"),
        (503, b'{"error":"insufficient_storage"}', "storage_full"),
        (401, b'{"error":"unauthorized"}', "store_unreachable"),
        (412, b'{"error":"nodedown","reason":"progress not possible"}', "store_unreachable"),
        (429, b'{"error":"too_many_requests"}', "store_unreachable"),
        (404, b'{"error":"not_found","reason":"no_db_file"}', "store_unreachable"),
        (301, b"", "store_unreachable"),
    ],
)
def test_a_store_in_trouble_is_a_503_with_a_reason_and_nothing_goes_to_quarantine(status: int, body: bytes, reason: str) -> None:
    policy = Everything()
    with serving(PretendStore(lambda _asked, _body: (status, body))) as url:
        answer = push(url, [report(), report()], policy)
    assert (answer.status_code, answer.json()["reason"]) == (503, reason)
    assert policy.kept == []


def test_when_quarantine_fails_nothing_is_stored_and_nothing_answered() -> None:
    store = PretendStore(lambda _asked, _body: (201, b"[]"))
    with serving(store) as url:
        answer = push(url, [report(), report(author="nobody")], Everything(quarantine_fails=True))
    assert answer.status_code == 503
    assert store.asked == []


def test_one_document_the_store_cannot_stomach_holds_up_nobody() -> None:
    bad = report(text="poison")
    store = PretendStore(lambda _asked, body: (400, b'{"error":"bad_request"}') if b"poison" in body else (201, b"[]"))
    policy = Everything()
    with serving(store) as url:
        entries = push(url, [report(), report(), bad, report(), report()], policy).json()
    assert [entry.get("ok") for entry in entries] == [True, True, None, True, True]
    assert entries[2]["quarantined"] is True
    assert [rejected.doc["_id"] for rejected in policy.kept] == [bad["_id"]]
    stored = [body for _, body in store.asked if b"poison" not in body]
    acknowledged = [id for body in stored for doc in orjson.loads(body)["docs"] for id in doc.get("ids", [])]
    assert sorted(acknowledged) == sorted(entry["id"] for entry in entries if entry.get("ok"))


def test_a_batch_stored_in_part_takes_its_receipt_back_and_is_not_acknowledged() -> None:
    doc = report()
    failed = orjson.dumps([{"id": doc["_id"], "rev": doc["_rev"], "error": "forbidden"}])
    store = PretendStore(lambda _asked, body: (201, b"[]" if b"_deleted" in body else failed))
    with serving(store) as url:
        answer = push(url, [doc])
    assert (answer.status_code, answer.json()["reason"]) == (503, "stored_in_part")
    first, second = (orjson.loads(body)["docs"] for _, body in store.asked)
    assert second[0]["_id"] == first[-1]["_id"]
    assert second[0]["_revisions"]["ids"][1] == first[-1]["_rev"][2:]


def test_a_missing_database_is_made_with_one_shard_and_the_push_repeated() -> None:
    made = []

    def answer(asked: str, _body: bytes) -> tuple[int, bytes]:
        if asked.startswith("PUT"):
            made.append(asked)
            return 201, b'{"ok":true}'
        return (201, b"[]") if made else (404, b'{"error":"not_found","reason":"Database does not exist."}')

    with serving(PretendStore(answer)) as url:
        assert push(url, [report()]).json()[0]["ok"] is True
    assert made == [f"PUT /{DATABASE}"]


def test_a_kept_connection_that_the_store_closed_is_opened_anew() -> None:
    served: list[Any] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.current_task())
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]")
        await writer.drain()
        # Closed without having said so: the next request on it meets silence.
        await reader.read(1)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async def ask_twice() -> list[tuple[int, bytes]]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        pipes = Pipes(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", {})
        try:
            return [await pipes.ask("GET", "/", None, 5) for _ in range(2)]
        finally:
            pipes.close()
            server.close()
            await asyncio.gather(*served)

    assert asyncio.run(ask_twice()) == [(200, b"[]"), (200, b"[]")]
    assert len(served) == 2
