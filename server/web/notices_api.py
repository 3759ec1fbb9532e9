"""Notices for programs and phones: `/api/notices`. The same list and readings as the desk's page, as JSON: codes, no words."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.domain.errors import InvalidInput
from server.domain.permissions import Person
from server.notices import listing, reading
from server.web.bodies import takes_json
from server.web.devices_api import answer_json, holder_of
from server.web.notice_views import kind_of
from server.web.notices import instant_of, recount, wanted_of
from server.web.services import services_of
from server.web.sessions import bearer_of

LIMIT = 50
FIELDS = ("what", "subject", "township", "urgency", "facts", "at", "noted_at")


class UptoBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /api/notices/reading`: the `noted_at` of the newest notice that was seen."""

    upto: str


def list_notices(request: Request) -> Response:
    """`GET /api/notices?kind=&urgency=&unread=&limit=&cursor=`: `{notices, unread, next}`, unread ones first, newest first.

    `unread` is how many are unread of the newest thousand. `next` is the cursor of what follows.
    """
    params, limit = request.query_params, request.query_params.get("limit", str(LIMIT))
    if not (limit.isascii() and limit.isdigit() and len(limit) < 4):
        raise InvalidInput({"limit": "out_of_range"})
    couch, now = services_of(request).couch, datetime.now(UTC)
    page = listing.page(couch, _asker(request), now, wanted_of(request), int(limit), params.get("cursor") or None)
    found = [_as_json(one, is_read=False) for one in page.unread] + [_as_json(one, is_read=True) for one in page.read]
    return answer_json({"notices": found, "unread": page.unread_count, "next": page.next})


def read_notice(request: Request) -> Response:
    """`POST /api/notices/{id}/reading`: 204; the asker has read it, once is enough."""
    person = _asker(request)
    reading.mark_read(services_of(request).couch, person, str(request.path_params["id"]), datetime.now(UTC))
    recount(request, person)
    return Response(status_code=204)


def unread_notice(request: Request) -> Response:
    """`DELETE /api/notices/{id}/reading`: 204; it is unread again."""
    person = _asker(request)
    reading.mark_unread(services_of(request).couch, person, str(request.path_params["id"]))
    recount(request, person)
    return Response(status_code=204)


@takes_json(UptoBody)
def read_all(request: Request, body: UptoBody) -> Response:
    """`POST /api/notices/reading`: 200 with `{ids}`, the notices that were unread until then and are read now."""
    person = _asker(request)
    ids = reading.mark_all_read(services_of(request).couch, person, instant_of(body.upto), datetime.now(UTC))
    recount(request, person)
    return answer_json({"ids": [id.partition(":")[2] for id in ids]})


def _asker(request: Request) -> Person:
    """Who asks: a phone by its token, else a desk by its session."""
    return holder_of(request).person if bearer_of(request) else services_of(request).sessions.person_of(request)


def _as_json(notice: dict[str, Any], *, is_read: bool) -> dict[str, Any]:
    head = {"id": notice["_id"].partition(":")[2], "kind": kind_of(notice), "is_read": is_read}
    return head | {name: notice[name] for name in FIELDS}
