"""Household files at the desk: how many are due and overdue in each grid, the list with its filters, and errands 代办.

A list by need says of each household what is masked elsewhere: it is the answer to a stated purpose, and logged. The lists are
`server/households/listing.py`; one file is `household_file.py`, what was superseded in them `household_reviews.py`.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from server.domain import households as words
from server.domain import permissions, visits
from server.domain.errors import InvalidInput, Missing
from server.domain.grids import township_of
from server.domain.permissions import Person
from server.households import files, listing
from server.households.listing import Found, Wanted
from server.web import case_views, desks, locale
from server.web.bodies import Form, takes_form
from server.web.errors import Answer
from server.web.home_views import HomeViews, flag_name
from server.web.pages import wants_fragment
from server.web.services import services_of

LIST, ERRANDS, REVIEWS, REQUESTS = "/households", "/households/errands", "/households/reviews", "/requests"
ERASURES = "/erasures"
LIMIT = 50
Data = dict[str, Any]


def show_households(request: Request) -> Response:
    """`GET /households?place=&grid=&standing=&service=&q=&cursor=`: the page; to htmx with a cursor the rows that follow."""
    asked = request.query_params
    person, place = reader_of(request, asked.get("place", ""))
    plain = {name: asked.get(name, "").strip() for name in ("standing", "service", "q")}
    wanted = Wanted(grid=_grid(place, asked.get("grid", "")), **plain)
    couch, today = services_of(request).couch, visits.day_of(datetime.now(UTC))
    found = listing.households(couch, place, wanted, today, LIMIT, asked.get("cursor") or None)
    if asked.get("cursor") and wants_fragment(request):
        return services_of(request).pages.show(request, "_household_rows.html", _rows(request, place, wanted, found))
    return _page(request, person, place, wanted, found)


@takes_form
def show_by_need(request: Request, form: Form) -> Response:
    """`POST /households/needs`: households with a need, for a stated purpose; logged. Paged by the same form with a cursor."""
    person, place = reader_of(request, form.get("place", ""))
    need, purpose = form.get("need", "").strip(), form.get("purpose", "")
    wanted = Wanted(grid=_grid(place, form.get("grid", "")), need=need)
    couch, today = services_of(request).couch, visits.day_of(datetime.now(UTC))
    try:
        files.list_by_need(couch, person, place, need, purpose)
    except InvalidInput as error:
        return _page(request, person, place, Wanted(grid=wanted.grid), Found([], None), problem=error)
    found = listing.households(couch, place, wanted, today, LIMIT, form.get("cursor") or None)
    if form.get("cursor") and wants_fragment(request):
        return services_of(request).pages.show(request, "_household_rows.html", _rows(request, place, wanted, found, purpose))
    return _page(request, person, place, wanted, found, purpose=purpose)


def show_errands(request: Request) -> Response:
    """`GET /households/errands?place=&state=&cursor=`: errands with their materials and the cases they became."""
    asked, services = request.query_params, services_of(request)
    person, place = reader_of(request, asked.get("place", ""))
    state = asked.get("state", "") or listing.ERRAND_STATES[0]
    found = listing.errands(services.couch, place, state, LIMIT, asked.get("cursor") or None)
    counted = listing.errand_counts(services.couch, place)
    views = HomeViews(services.couch, services.names, locale.language_of(request))
    data = frame(request, person, place, ERRANDS) | {
        "errands": views.errands(place, found.rows),
        "tabs": [
            {"name": one, "count": counted[one], "url": _url(ERRANDS, place, state=one), "is_here": one == state}
            for one in listing.ERRAND_STATES
        ],
        "more_url": _url(ERRANDS, place, state=state, cursor=found.next) if found.next else None,
    }
    return services.pages.show(request, "household_errands.html", data)


def reader_of(request: Request, place: str) -> tuple[Person, str]:
    """Who asks, and for which of the places that are theirs: the first without a word. Raises Missing."""
    person = services_of(request).sessions.person_of(request)
    places = permissions.household_places(person)
    if not places or (place and place not in places):
        raise Missing(place=place)
    return person, place or places[0]


def frame(request: Request, person: Person, place: str, here: str) -> Data:
    """What stands above every page of household files: where one is, the other pages, the person's other places."""
    language, names = locale.language_of(request), services_of(request).names
    pages = [(LIST, "homes.title"), (ERRANDS, "homes.errands")]
    pages += [(REVIEWS, "homes.reviews")] if permissions.has_household_reviews(person) else []
    pages += [(ERASURES, "erasure.list")] if permissions.has_household_reviews(person) else []
    pages += [(REQUESTS, "requests.link")] if permissions.has_household_requests(person) else []

    def name_of(code: str) -> str:
        return names.township(code, language) if code == township_of(code) else names.party(f"community:{code}", language)

    places = permissions.household_places(person)
    return desks.frame_of(request, person, township_of(place)) | {
        "place": place,
        "ways": [
            {"url": url if url in {REQUESTS, ERASURES} else _url(url, place), "words": words, "is_here": url == here}
            for url, words in pages
        ],
        "places": [{"url": _url(here, one), "name": name_of(one), "is_here": one == place} for one in places],
    }


def _page(  # noqa: PLR0917 - who, where, what, and what was found
    request: Request,
    person: Person,
    place: str,
    wanted: Wanted,
    found: Found,
    problem: InvalidInput | None = None,
    purpose: str = "",
) -> Response:
    services, language = services_of(request), locale.language_of(request)
    counts = listing.counts(services.couch, place, visits.day_of(datetime.now(UTC)))
    grids = [
        one for one in case_views.grid_choices(services.names, township_of(place), language) if one["code"].startswith(place)
    ]
    data = frame(request, person, place, LIST) | _rows(request, place, wanted, found, purpose)
    data |= {
        "wanted": wanted,
        "grids": grids,
        "counts": HomeViews(services.couch, services.names, language).grids(grids, counts, place),
        "tabs": _tabs(place, wanted, counts),
        "needs": _flags("need", (need for count in counts.values() for need in count.needs), language),
        "services": _flags("service", (one for count in counts.values() for one in count.services), language),
        "need_name": flag_name("need", wanted.need, language),
        "is_known": listing.is_known(services.couch, place),
        "is_filtered": wanted != Wanted(),
        "clear_url": _url(LIST, place),
        "problem": Answer(problem).text(language) if problem else None,
        "soon_days": visits.SOON_DAYS,
    }
    return services.pages.show(request, "household_list.html", data, status=Answer(problem).status if problem else 200)


def _rows(request: Request, place: str, wanted: Wanted, found: Found, purpose: str = "") -> Data:
    services, language = services_of(request), locale.language_of(request)
    kept = {"grid": wanted.grid, "standing": wanted.standing, "service": wanted.service, "q": wanted.q}
    next_url = _url(LIST, place, **kept, cursor=found.next) if found.next and not wanted.need else None
    asked_again = {"place": place, "grid": wanted.grid, "need": wanted.need, "purpose": purpose, "cursor": found.next or ""}
    return {
        "rows": HomeViews(services.couch, services.names, language).rows(found.rows),
        "more_url": next_url,
        "more_form": asked_again if found.next and wanted.need else None,
    }


def _tabs(place: str, wanted: Wanted, counts: dict[str, listing.Count]) -> list[Data]:
    """All and each standing, of the chosen grid when one is chosen. Without an index their numbers are not known."""
    shown = [count for grid, count in counts.items() if grid.startswith(wanted.grid)]
    numbers = {"": sum(count.total for count in shown)}
    numbers |= {name: sum(count.standings[name] for count in shown) for name in visits.STANDINGS}
    return [
        {
            "name": name or "all",
            "count": number if counts else None,
            "url": _url(LIST, place, grid=wanted.grid, service=wanted.service, standing=name),
            "is_here": not wanted.need and name == wanted.standing,
        }
        for name, number in numbers.items()
    ]


def _flags(kind: str, codes: Iterable[str], language: str) -> list[Data]:
    """Needs or services as a choice, ours first, then a place's own words."""
    known = {"need": words.NEEDS, "service": words.SERVICES}[kind]
    ordered = sorted(set(codes), key=lambda code: (known.index(code) if code in known else len(known), code))
    return [{"code": code, "name": flag_name(kind, code, language)} for code in ordered]


def _grid(place: str, grid: str) -> str:
    """A grid of this place, or none. Raises Missing for another place's."""
    if grid and not grid.startswith(place):
        raise Missing(grid=grid)
    return grid


def _url(path: str, place: str, **kept: str | None) -> str:
    return f"{path}?{urlencode({'place': place} | {name: value for name, value in kept.items() if value})}"
