"""Which page a person's work begins on, what stands above every page, and the plain page of those who have no list."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from server.domain.permissions import (
    Person,
    has_audit_desk,
    has_campaigns,
    has_household_desk,
    has_household_requests,
    has_whistle_board,
    may_keep_calendar,
    may_manage_sources,
    may_read_lists,
    may_register,
    may_set_channels,
    may_use_desk,
    may_use_phone,
    sees_handdowns,
    townships_seen,
)
from server.web import locale, scopes
from server.web.names import Names
from server.web.services import services_of

# Pages besides the list of cases that the bar leads to: address, words, and whose they are.
PAGES: tuple[tuple[str, str, Callable[[Person], bool]], ...] = (
    ("/households", "homes.link", has_household_desk),
    # Who reads household files finds it among their pages.
    ("/requests", "requests.title", lambda person: has_household_requests(person) and not has_household_desk(person)),
    ("/whistles", "whistles.title", has_whistle_board),
    ("/lists", "lists.link", may_read_lists),
    ("/calendar", "calendar.title", may_keep_calendar),
    ("/audit", "audit.title", has_audit_desk),
    ("/campaigns", "campaigns.title", has_campaigns),
    ("/handdowns", "handdowns.link", sees_handdowns),
    ("/channels", "channels.title", may_set_channels),
    ("/sources", "sources.title", may_manage_sources),
)


def desk_of(person: Person) -> str:
    """The path where the person's work begins: what waits for them, the list of those for whom nothing does, or the phone app."""
    if may_use_desk(person) and scopes.turns_of(person):
        return scopes.TURN
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
    """What the bar above every desk page shows: who, where, the person's pages, and the way to their other townships."""
    services, language = services_of(request), locale.language_of(request)
    return {
        "person": person,
        "desk": desk_of(person),
        "where": services.names.township(township, language) if township else _where(person, services.names, language),
        "refused": services.badge.of(person, township) if township else None,
        "unread": services.notice_badge.of(person),
        "turn": services.turns.of(person),
        "pages": _pages(request, person),
        "townships": [{"code": code, "name": services.names.township(code, language)} for code in sorted(townships_seen(person))],
    }


def _pages(request: Request, person: Person) -> list[dict[str, Any]]:
    """The bar's links, the person's own list first; `is_here` for the page one is on."""
    home, path = scopes.home(services_of(request).couch, person), request.url.path
    own = [(home.path, "list.title")] if home is not None else []
    counter = [
        (f"/township/{code}/intake", "intake.link") for code in sorted(townships_seen(person)) if may_register(person, code)
    ]
    coverage = [
        (f"/township/{code}/coverage", "coverage.title") for code in sorted(townships_seen(person)) if may_use_desk(person)
    ]
    found = [*own, *counter[:1], *coverage[:1], *((url, words) for url, words, is_theirs in PAGES if is_theirs(person))]
    return [{"url": url, "words": words, "is_here": path == url} for url, words in found]


def _where(person: Person, names: Names, language: str) -> str:
    """What stands where a township's name would: the person's units, or that it is about all their townships."""
    if len(townships_seen(person)) > 1:
        return locale.text(language, "bar.all_townships")
    units = [names.unit(unit, language) for unit in person.get("units", ())] if "department" in person["roles"] else []
    return " · ".join(units[:2])


def frame_anywhere(request: Request, person: Person) -> dict[str, Any]:
    """The same for a page that belongs to no township: what it counts are those of the person's first one, when they have any."""
    seen, services = townships_seen(person), services_of(request)
    frame = frame_of(request, person, min(seen, default=""))
    return frame | {"where": _where(person, services.names, locale.language_of(request))} if len(seen) > 1 else frame
