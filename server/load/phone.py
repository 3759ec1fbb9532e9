"""One simulated phone: what the app asks of the server, in the app's order, each step timed.

It opens its databases, loads them, listens to its one stream, pushes what it recorded, sends the photos, and pulls what it is
told of, until the copies of all its cases came back.
"""

import asyncio
import base64
import hashlib
import json
import random
import time
from collections.abc import Sequence
from typing import Any

import aiohttp
import orjson

from server.load.measures import Measures
from server.load.population import Enrolled
from server.load.records import Document, Picture

PAGE_DOCS = 1000
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
JSON = {"content-type": "application/json"}


class Phone:
    """A phone and what became of its records. `session` is shared by all phones; each opens connections of its own."""

    def __init__(self, session: aiohttp.ClientSession, url: str, enrolled: Enrolled, measures: Measures) -> None:
        self._session = session
        self._url = url
        self._headers = {"authorization": f"Bearer {enrolled.token}"}
        self._measures = measures
        self._since: dict[str, str] = {}
        self._listening: asyncio.Task[None] | None = None
        self._waiting: dict[str, float] = {}
        self._told = asyncio.Event()
        self.enrolled = enrolled
        self.target = ""

    async def learn(self) -> list[str]:
        """Ask which databases it may open, and so where its reports go; the names of those to load."""
        with self._measures.timing("own databases asked"):
            about = orjson.loads(await self._ask("GET", "/api/devices/me"))
        self.target = next(one["name"] for one in about["databases"] if one["name"].startswith(f"grid-{self.enrolled.grid}"))
        return [one["name"] for one in about["databases"] if one["pull"]]

    async def open(self) -> None:
        """Learn what it may open, load it, and begin to listen."""
        names = await self.learn()
        with self._measures.timing("first load, all databases"):
            for name in names:
                await self._pull(name)
        self._listening = asyncio.create_task(self._listen())

    async def work(self, docs: Sequence[Document], files: Sequence[Picture]) -> None:
        """Push the batch, then the photos; returns when the copies of all its cases are on the phone."""
        reports = [doc["_id"] for doc in docs if doc["type"] == "report"]
        self._waiting = dict.fromkeys(("case:" + id.partition(":")[2] for id in reports), time.perf_counter())
        self._told.clear()
        await self.push(docs)
        for file in reversed(files):
            with self._measures.timing("upload of a photo"):
                await self._upload(file)
        await self._told.wait()

    async def push(self, docs: Sequence[Document]) -> None:
        """Push a batch until the server has answered for each."""
        reports = [doc["_id"] for doc in docs if doc["type"] == "report"]
        self._measures.pushed(reports, time.perf_counter())
        with self._measures.timing("push of a batch"):
            body = {"new_edits": False, "docs": list(docs)}
            rows = orjson.loads(await self._ask("POST", f"/db/{self.target}/_bulk_docs", body))
        self._measures.acknowledged += sum(1 for row in rows if row.get("ok") and row["id"].startswith("report:"))
        self._measures.refused += sum(1 for row in rows if not row.get("ok"))

    async def close(self) -> None:
        """End the stream."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    async def _listen(self) -> None:
        """Pulls what the stream names. A stream that ends is opened again, as the app does."""
        while True:
            try:
                timeout = aiohttp.ClientTimeout(total=None, sock_read=60)
                address = f"{self._url}/api/poke"
                async with self._session.get(address, headers=self._headers, timeout=timeout) as stream:
                    async for line in stream.content:
                        if line.startswith(b"data: "):
                            for name in json.loads(line[6:])["databases"]:
                                await self._pull(name)
            except (aiohttp.ClientError, TimeoutError):
                self._measures.retries += 1
                await asyncio.sleep(random.uniform(0.5, 2.0))

    async def _pull(self, name: str) -> None:
        while True:
            query = f"since={self._since.get(name, '0')}&limit={PAGE_DOCS}&include_docs=true&style=all_docs"
            with self._measures.timing("pull of a page"):
                page: dict[str, Any] = orjson.loads(await self._ask("GET", f"/db/{name}/_changes?{query}"))
            self._since[name] = str(page["last_seq"])
            for row in page["results"]:
                pushed_s = self._waiting.pop(row["id"], None)
                if pushed_s is not None:
                    self._measures.took("report until its case is on the phone", time.perf_counter() - pushed_s)
            if not self._waiting:
                self._told.set()
            if not page.get("pending"):
                return

    async def _upload(self, file: Picture) -> None:
        """One request, as for every photo that a link takes in one go."""
        digest = hashlib.sha256(file.data).hexdigest()
        facts = {"photo": file.photo, "role": "sent", "database": self.target, "sha256": digest, "filetype": "image/jpeg"}
        named = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in facts.items())
        headers = {
            "tus-resumable": "1.0.0",
            "upload-length": str(len(file.data)),
            "upload-metadata": named,
            "content-type": "application/offset+octet-stream",
        }
        await self._ask("POST", "/api/uploads", file.data, headers)
        self._measures.photos += 1

    async def _ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> bytes:
        """The answer's bytes; a busy or absent server is asked again after a while, as the app does."""
        data = body if isinstance(body, bytes) or body is None else orjson.dumps(body)
        wait_s = FIRST_WAIT_S
        while True:
            asked_s = wait_s
            try:
                everything = {**self._headers, **(headers or JSON)}
                async with self._session.request(method, self._url + path, data=data, headers=everything) as answer:
                    content = await answer.read()
                    if answer.status < 300:
                        return content
                    if answer.status not in (429, 503, 507):
                        raise RuntimeError(f"{method} {path}: {answer.status} {content[:300]!r}")
                    asked_s = float(answer.headers.get("retry-after", wait_s))
            except (aiohttp.ClientError, TimeoutError):
                pass
            self._measures.retries += 1
            await asyncio.sleep(asked_s * random.uniform(0.75, 1.25))
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)
