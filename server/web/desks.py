"""Which page a person's work begins on, and the plain page of those whose desk is not built yet."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from server.domain.permissions import (
    Person,
    has_audit_desk,
    has_household_desk,
    has_whistle_board,
    may_keep_calendar,
    may_read_lists,
    may_set_channels,
    may_use_desk,
    may_use_phone,
    sees_handdowns,
    townships_seen,
)
from server.web import locale
from server.web.services import services_of

# Pages besides the list of cases that the bar leads to: address, words, and whose they are.
PAGES: tuple[tuple[str, str, Callable[[Person], bool]], ...] = (
    ("/whistles", "whistles.title", has_whistle_board),
    ("/lists", "lists.link", may_read_lists),
    ("/calendar", "calendar.title", may_keep_calendar),
    ("/audit", "audit.title", has_audit_desk),
    ("/handdowns", "handdowns.link", sees_handdowns),
    ("/channels", "channels.title", may_set_channels),
)


def desk_of(person: Person) -> str:
    """The path of the person's desk: the township's list, the phone app, or a page that says what there is for them."""
    townships = sorted(townships_seen(person))
    if may_use_desk(person) and townships:
        return f"/township/{townships[0]}"
    return "/m/" if may_use_phone(person) and not may_use_desk(person) else "/desk"


def plain_desk(request: Request) -> Response:
    """`GET /desk`: who one is, and that there is no list for this role."""
    services = services_of(request)
    person = services.sessions.person_of(request)
    unread = services.notice_badge.of(person)
    data = {"person": person, "desk": "/desk", "is_phone": may_use_phone(person), "unread": unread}
    return services.pages.show(request, "desk.html", data)


def frame_of(request: Request, person: Person, township: str) -> dict[str, Any]:
    """What the bar above every desk page shows: who, where, and the way to the person's other townships."""
    names, language = services_of(request).names, locale.language_of(request)
    return {
        "person": person,
        "desk": desk_of(person),
        "where": names.township(township, language),
        "refused": services_of(request).badge.of(person, township),
        "has_households": has_household_desk(person),
        "unread": services_of(request).notice_badge.of(person),
        "pages": [{"url": url, "words": words} for url, words, is_theirs in PAGES if is_theirs(person)],
        "townships": [{"code": code, "name": names.township(code, language)} for code in sorted(townships_seen(person))],
    }


def frame_anywhere(request: Request, person: Person) -> dict[str, Any]:
    """The same for a page that belongs to no township: under the person's first one, when they have any."""
    return frame_of(request, person, min(townships_seen(person), default=""))
