"""The gateway as an ASGI app: who asks, which endpoint, may they, then hand over. Mounted at `/db` (DESIGN §7).

Everything about one request is decided here and nowhere else; what an endpoint does is in the module named after it.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import aiohttp

from sync.gateway.answers import Stop, StoreDown, send_json, send_stop, send_text
from sync.gateway.checkpoints import BODY_BYTES as CHECKPOINT_BYTES
from sync.gateway.checkpoints import Names, name_in, parse_checkpoint, read_checkpoint, write_checkpoint
from sync.gateway.endpoints import CHECKPOINT, DOCUMENT, ENDPOINTS, PUSH, ROOT, Endpoint, bound_changes, pick_params
from sync.gateway.policy import Holder, NotAdmitted, Policy, Rights, Stored, Unavailable
from sync.gateway.push import push_batch
from sync.gateway.queries import check_params, rewrite_body
from sync.gateway.relay import relay_answer, watch_over
from sync.gateway.upstream import DatabaseMissing, Upstream
from sync.gateway.wire import Disconnected, Inbound, Malformed, Receive, Scope, Send, Sending, TooLarge

log = logging.getLogger(__name__)

PUSH_BYTES = 8 * 1024 * 1024
QUERY_BODY_BYTES = 1024 * 1024
NUDGE_EVERY_S = 0.05
WELCOME = {"couchdb": "Welcome", "vendor": {"name": "Xunge"}, "version": "3.5.0", "features": []}
NO_RIGHTS = Rights(pull=False, push=False)
NO_CHANGES = {"results": [], "last_seq": "0", "pending": 0}


class Asked(NamedTuple):
    """A request whose token and database are in order. `rest` are the path's segments after the database."""

    inbound: Inbound
    token: str
    holder: Holder
    rights: Rights
    database: str
    rest: list[str]


async def _tell_nobody(database: str) -> None:
    """The default hook: nobody wants to know."""


def create_gateway(store_url: str, policy: Policy, stored: Stored = _tell_nobody) -> "Gateway":
    """The gateway before a store. `stored(database)` is told after a push stored something; it can neither delay nor fail it."""
    return Gateway(Upstream(store_url), policy, stored)


class Gateway:
    """An ASGI app. `close()` it when the app around it ends."""

    def __init__(self, upstream: Upstream, policy: Policy, stored: Stored) -> None:
        self._upstream = upstream
        self._policy = policy
        self._stored = stored
        self._nudges: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._names = Names()

    async def close(self) -> None:
        """Wait for the nudges under way and close the connections to the store."""
        while self._nudges:
            await asyncio.gather(*self._nudges.values(), return_exceptions=True)
        await self._upstream.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; every way it can go wrong becomes a small JSON answer."""
        if scope["type"] != "http":
            raise RuntimeError("the gateway speaks HTTP only")
        sending = Sending(send)
        try:
            await self._answer(Inbound(scope, receive), sending)
        except Disconnected:
            return
        except (Stop, NotAdmitted, Unavailable, Malformed, TooLarge) as error:
            # An answer that has begun cannot be taken back: it is left incomplete, and the client sees it break off.
            if not sending.has_begun:
                await send_stop(send, _stop_of(error))

    async def _answer(self, inbound: Inbound, send: Send) -> None:
        token = inbound.token()
        if token is None:
            raise NotAdmitted("token_required")
        holder = await self._policy.identify(token)
        segments = inbound.segments()
        if not segments:
            _require_method(inbound, ROOT.methods)
            await send_json(send, 200, WELCOME)
            return
        rights = holder.databases.get(segments[0], NO_RIGHTS)
        is_push = segments[1:] == ["_bulk_docs"]
        if rights == NO_RIGHTS and not (is_push and self._policy.answers_each(segments[0])):
            raise Stop(403, "forbidden", "database_not_allowed")
        asked = Asked(inbound, token, holder, rights, segments[0], segments[1:])
        name = name_in(asked.rest)
        if name is not None:
            await self._checkpoint(asked, name, send)
        elif is_push:
            await self._push(asked, send)
        else:
            await self._pass(asked, send)

    async def _checkpoint(self, asked: Asked, name: str, send: Send) -> None:
        _require_method(asked.inbound, CHECKPOINT.methods)
        device, database = asked.holder.device, asked.database
        if asked.inbound.method == "GET":
            answer = await read_checkpoint(self._upstream, device, database, name)
        else:
            doc = parse_checkpoint(await asked.inbound.body(CHECKPOINT_BYTES))
            await self._names.enter(self._upstream, device, database, name)
            answer = await write_checkpoint(self._upstream, device, database, name, doc)
        await send_json(send, *answer)

    async def _push(self, asked: Asked, send: Send) -> None:
        _require_method(asked.inbound, PUSH.methods)
        if not self._policy.answers_each(asked.database):
            _require_right(asked.rights, "push")
        body = await asked.inbound.body(PUSH_BYTES)
        pushed = await push_batch(self._upstream, self._policy, asked.holder, asked.database, body)
        await send_text(send, 201, pushed.text)
        if pushed.has_stored:
            self._nudge(asked.database)

    def _nudge(self, database: str) -> None:
        """Tell the hook at once. Pushes that come while it is told, or just after, become one more telling."""
        if database in self._nudges:
            self._again.add(database)
        else:
            self._nudges[database] = asyncio.create_task(self._tell(database))

    async def _tell(self, database: str) -> None:
        # The outermost loop of a nudge: whatever the hook does, the push stands.
        try:
            await self._stored(database)
            await asyncio.sleep(NUDGE_EVERY_S)
        except Exception:
            log.warning("nobody could be told of new records in %s", database, exc_info=True)
        finally:
            del self._nudges[database]
        if database in self._again:
            self._again.discard(database)
            self._nudge(database)

    async def _pass(self, asked: Asked, send: Send) -> None:
        endpoint = _find_endpoint(asked.rest)
        _require_method(asked.inbound, endpoint.methods)
        _require_right(asked.rights, endpoint.right)
        params = pick_params(endpoint, asked.inbound.params())
        if asked.rest == ["_changes"]:
            params = bound_changes(params)
        check_params(params)
        body = None
        if asked.inbound.method == "POST":
            body = rewrite_body(asked.rest[0], await asked.inbound.body(QUERY_BODY_BYTES))
        work = self._relay(asked, params, body, send)
        if params.get("feed") != "longpoll":
            await work
        elif not await watch_over(work, asked.inbound.receive, lambda: self._may_still_pull(asked)):
            raise NotAdmitted("token_revoked")

    async def _may_still_pull(self, asked: Asked) -> bool:
        try:
            holder = await self._policy.identify(asked.token)
        except NotAdmitted:
            return False
        return holder.databases.get(asked.database, NO_RIGHTS).pull

    async def _relay(self, asked: Asked, params: dict[str, str], body: bytes | None, send: Send) -> None:
        path = [asked.database, *asked.rest]
        # A page of nothing needs no database: phones look at all of theirs, and most quarters of most grids stay empty for long.
        is_page = asked.rest == ["_changes"] and params.get("feed", "normal") == "normal"
        try:
            async with self._upstream.asking(asked.inbound.method, path, params, body, makes=not is_page) as answer:
                if not await _is_of_another_store(answer, asked.rest, params):
                    await relay_answer(answer, send)
                    return
            async with self._upstream.asking(asked.inbound.method, path, {**params, "since": "0"}, body) as answer:
                await relay_answer(answer, send)
        except DatabaseMissing:
            await send_json(send, 200, NO_CHANGES)


async def _is_of_another_store(answer: aiohttp.ClientResponse, rest: Sequence[str], params: Mapping[str, str]) -> bool:
    """True when the store cannot read a phone's sequence, which is then another store's: of an embedded node whose databases were
    brought over to CouchDB, say. The phone begins anew there; of what it has it writes nothing twice."""
    is_asked_since = rest == ["_changes"] and params.get("since", "0") not in ("0", "now")
    return is_asked_since and answer.status == 400 and b"since" in await answer.read()


def _stop_of(error: Exception) -> Stop:
    if isinstance(error, Stop):
        return error
    if isinstance(error, NotAdmitted):
        return Stop(401, "unauthorized", error.reason)
    if isinstance(error, Unavailable):
        return StoreDown(error.reason)
    if isinstance(error, TooLarge):
        return Stop(413, "too_large", "body_too_large")
    return Stop(400, "bad_request", str(error))


def _find_endpoint(rest: list[str]) -> Endpoint:
    if len(rest) == 1 and not rest[0].startswith("_"):
        return DOCUMENT
    endpoint = ENDPOINTS.get("/".join(rest)) if len(rest) <= 1 else None
    if endpoint is None:
        raise Stop(404, "not_found", "endpoint_not_offered")
    return endpoint


def _require_method(inbound: Inbound, methods: frozenset[str]) -> None:
    if inbound.method not in methods:
        raise Stop(405, "method_not_allowed", "Only " + ",".join(sorted(methods)) + " allowed")


def _require_right(rights: Rights, right: str) -> None:
    if right != "either" and not getattr(rights, right):
        raise Stop(403, "forbidden", f"{right}_not_allowed")
