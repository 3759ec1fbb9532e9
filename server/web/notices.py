"""A person's notices at the desk: the list, one or all marked as read, and that undone. No page here decides anything else.

What is kept is `server/notices/`, words are `notice_views.py`, the number in the bar is `notice_badge.py`.
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server.domain import notices as rules
from server.domain import times
from server.domain.errors import InvalidInput
from server.domain.permissions import Person, townships_seen
from server.notices import listing, reading
from server.web import desks, locale
from server.web.bodies import Form, takes_form
from server.web.notice_views import KINDS, NoticeViews, page_of
from server.web.pages import wants_fragment
from server.web.services import services_of
from sync import databases

LIMIT = 50
Data = dict[str, Any]


def show_notices(request: Request) -> Response:
    """`GET /notices?kind=&urgency=&unread=&cursor=`: the unread ones first, then those read, by day; to htmx what follows."""
    person = services_of(request).sessions.person_of(request)
    is_more = bool(request.query_params.get("cursor")) and wants_fragment(request)
    template = "_notice_days.html" if is_more else "_notice_list.html"
    return services_of(request).pages.show(request, "notices.html", _page(request, person), fragment=template)


def open_notice(request: Request) -> Response:
    """`POST /notices/{id}/opening`: it is read, and on to what it is about."""
    person = services_of(request).sessions.person_of(request)
    notice = _mark(request, person)
    return RedirectResponse(page_of(notice) or "/notices", 303)


def read_notice(request: Request) -> Response:
    """`POST /notices/{id}/reading`: this person has read it."""
    person = services_of(request).sessions.person_of(request)
    return _row(request, _mark(request, person), is_read=True)


def unread_notice(request: Request) -> Response:
    """`POST /notices/{id}/reading/undoing`: it is unread again."""
    services, id = services_of(request), str(request.path_params["id"])
    person = services.sessions.person_of(request)
    notice = reading.find(services.couch, person, id)
    reading.mark_unread(services.couch, person, id)
    recount(request, person)
    return _row(request, notice, is_read=False)


@takes_form
def read_all(request: Request, form: Form) -> Response:
    """`POST /notices/reading`: everything unread until the newest that was shown (`upto`) is read."""
    services = services_of(request)
    person = services.sessions.person_of(request)
    ids = reading.mark_all_read(services.couch, person, instant_of(form.get("upto", "")), datetime.now(UTC))
    recount(request, person)
    undo = ",".join(id.partition(":")[2] for id in ids)
    return _list(request, person, {"done": len(ids), "undo": undo})


@takes_form
def unread_all(request: Request, form: Form) -> Response:
    """`POST /notices/reading/undoing`: those named (`ids`) are unread again."""
    services = services_of(request)
    person = services.sessions.person_of(request)
    reading.mark_many_unread(services.couch, person, [f"notice:{id}" for id in form.get("ids", "").split(",") if id])
    recount(request, person)
    return _list(request, person, {})


def wanted_of(request: Request) -> listing.Wanted:
    """Which notices an address asks for. Raises InvalidInput."""
    params = request.query_params
    kind, urgency = params.get("kind") or None, params.get("urgency") or None
    if kind not in (None, *KINDS) or urgency not in (None, *rules.URGENCIES):
        raise InvalidInput({"kind" if kind not in (None, *KINDS) else "urgency": "unknown"})
    return listing.Wanted(kind, urgency, is_unread_only=params.get("unread") == "1")


def instant_of(text: str) -> str:
    """The instant a form gives. Raises InvalidInput."""
    try:
        return times.to_text(times.from_text(text))
    except ValueError:
        raise InvalidInput({"upto": "invalid"}) from None


def recount(request: Request, person: Person) -> None:
    """Somebody read something: the bars of all their open pages count anew."""
    services = services_of(request)
    services.notice_badge.forget(person)
    services.nudges.announce([databases.NOTICES])


def _mark(request: Request, person: Person) -> Data:
    services, id = services_of(request), str(request.path_params["id"])
    notice = reading.find(services.couch, person, id)
    reading.mark_read(services.couch, person, id, datetime.now(UTC))
    recount(request, person)
    return notice


def _row(request: Request, notice: Data, *, is_read: bool) -> Response:
    services, language = services_of(request), locale.language_of(request)
    if not wants_fragment(request):
        return RedirectResponse("/notices", 303)
    people = services.names.people({str(notice["facts"].get("by") or "")}, language)
    row = NoticeViews(services.names, language).row(notice, people, is_read=is_read)
    return services.pages.show(request, "_notice.html", {"row": row})


def _list(request: Request, person: Person, more: Data) -> Response:
    data = _page(request, person) | more
    return services_of(request).pages.show(request, "notices.html", data, fragment="_notice_list.html")


def _page(request: Request, person: Person) -> Data:
    services, wanted = services_of(request), wanted_of(request)
    is_asked = request.method == "GET"
    cursor = request.query_params.get("cursor") if is_asked else None
    page = listing.page(services.couch, person, datetime.now(UTC), wanted, LIMIT, cursor or None)
    views = NoticeViews(services.names, locale.language_of(request))
    chosen = {"kind": wanted.kind or "", "urgency": wanted.urgency or "", "unread": "1" if wanted.is_unread_only else ""}
    kept = {name: value for name, value in chosen.items() if value}
    return desks.frame_of(request, person, min(townships_seen(person), default="")) | {
        "fresh": views.days(page.unread, is_read=False),
        "days": views.days(page.read, is_read=True),
        "unread_count": page.unread_count,
        "is_cut": page.is_more_unread or page.unread_count > listing.UNREAD_SHOWN,
        "shown_most": listing.UNREAD_SHOWN,
        "newest": page.newest,
        "chosen": chosen,
        "here": f"/notices?{urlencode(kept)}",
        "kinds": KINDS,
        "urgencies": rules.URGENCIES,
        "is_filtered": bool(wanted.kind or wanted.urgency),
        "more_url": f"/notices?{urlencode(kept | {'cursor': page.next})}" if page.next else None,
        "done": 0,
        "undo": "",
    }
