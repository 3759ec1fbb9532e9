"""Written requests of police for household data: the officer's page, usable on a phone, and the township's.

The rules are `server/domain/household_requests.py`, the use cases `server/households/requests.py`. An officer is shown no file
and no list of files, and reads what was granted by a POST, which is logged; the township's page looks for the household that the
words mean.
"""

import os
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server.domain import household_requests as rules
from server.domain import ids, permissions, visits
from server.domain.errors import Changed, DomainError, InvalidInput, Missing, TooMany
from server.domain.permissions import Person
from server.households import listing, requests
from server.web import desks, household_list, locale
from server.web.bodies import Form, takes_form
from server.web.errors import Answer
from server.web.home_views import HomeViews
from server.web.request_views import RequestViews
from server.web.services import services_of
from server.web.session_routes import sign_in_again

CANDIDATES_MOST = 20
DONE = ("asked", "approved", "refused", "withdrawn", "ended")
Data = dict[str, Any]


def show_requests(request: Request) -> Response:
    """`GET /requests`: an officer's own requests and the form for a new one; a township's, those that wait first."""
    return _list(request, asker_of(request))


@takes_form
def submit_request(request: Request, form: Form) -> Response:
    """`POST /requests`: asks. What is wrong is said beside the form, with everything that was typed."""
    person, couch = asker_of(request), services_of(request).couch
    try:
        asked = requests.ask(couch, person, asked_of(form), form.get("key") or new_key(), datetime.now(UTC))
    except (InvalidInput, TooMany) as error:
        return _list(request, person, form, error)
    return RedirectResponse(f"{path_of(asked)}?done=asked", 303)


def show_request(request: Request) -> Response:
    """`GET /requests/{id}?q=`: one request; for those who decide, households that the words may mean."""
    services, person = services_of(request), asker_of(request)
    found = requests.find(services.couch, person, _id(request))
    if requests.note_seen(services.couch, person, found, datetime.now(UTC)):
        services.notice_badge.forget(person)
    return _page(request, person, found)


@takes_form
def submit_decision(request: Request, form: Form) -> Response:
    """`POST /requests/{id}/decision`: approves with a household, facts and days, or refuses with a reason."""
    person, services, now = asker_of(request), services_of(request), datetime.now(UTC)
    reason = form.get("reason", "")
    try:
        if form.get("verdict") == "approve":
            after = requests.approve(services.couch, person, _id(request), granted_of(form), reason, now)
        else:
            after = requests.refuse(services.couch, person, _id(request), reason, now)
    except (InvalidInput, Changed) as error:
        return _page(request, person, requests.find(services.couch, person, _id(request)), form=form, error=error)
    return RedirectResponse(f"{path_of(after)}?done={after['state']}", 303)


@takes_form
def submit_withdrawal(request: Request, form: Form) -> Response:
    """`POST /requests/{id}/withdrawal`: the officer needs it no more."""
    return _close(request, form, "withdrawal")


@takes_form
def submit_ending(request: Request, form: Form) -> Response:
    """`POST /requests/{id}/ending`: the township ends an approval before its time, with a reason."""
    return _close(request, form, "ending")


def read_excerpt(request: Request) -> Response:
    """`POST /requests/{id}/reading`: what was granted, as the file says now; logged before it is shown.

    On a phone that others use, too, the page may be open after its officer left: a password given a while ago is asked again.
    """
    services, person = services_of(request), asker_of(request)
    couch = services.couch
    found = requests.find(couch, person, _id(request))
    if not services.sessions.is_fresh(request):
        return sign_in_again(path_of(found))
    try:
        excerpt = requests.read(couch, person, _id(request), datetime.now(UTC))
    except Changed as error:
        return _page(request, person, found, error=error)
    return _page(request, person, found, excerpt=excerpt)


def asker_of(request: Request) -> Person:
    """Who is there, if such requests are theirs to make or decide. Raises Missing."""
    person = services_of(request).sessions.person_of(request)
    if not permissions.has_household_requests(person):
        raise Missing
    return person


def new_key() -> str:
    """A fresh id for a request that is being written."""
    return ids.uuid7(datetime.now(UTC), os.urandom(10))


def path_of(request: rules.Request) -> str:
    """The address of a request's page."""
    return f"/requests/{quote(request['_id'], safe=':')}"


def asked_of(form: Form) -> rules.Asked:
    """What a form asks for. Raises InvalidInput for days that are no number."""
    texts = {name: form.get(name, "") for name in rules.Asked._fields if name not in ("facts", "days")}
    return rules.Asked(**texts, facts=_facts(form), days=_days(form))


def granted_of(form: Form) -> rules.Granted:
    """What a form grants; the file is named `<grid>/<household>`."""
    grid, _, household = form.get("file", "").partition("/")
    return rules.Granted(grid, household, _facts(form), _days(form))


def _facts(form: Form) -> list[str]:
    return [name.partition(":")[2] for name in form if name.startswith("fact:")]


def _days(form: Form) -> int:
    typed = form.get("days", "").strip()
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 4 else 0


def _id(request: Request) -> str:
    return str(request.path_params["id"])


def _close(request: Request, form: Form, how: str) -> Response:
    person, couch = asker_of(request), services_of(request).couch
    try:
        after = requests.STEPS[how](couch, person, _id(request), form.get("reason", ""), datetime.now(UTC))
    except (InvalidInput, Changed) as error:
        return _page(request, person, requests.find(couch, person, _id(request)), form=form, error=error)
    return RedirectResponse(f"{path_of(after)}?done={after['state']}", 303)


def _frame(request: Request, person: Person, form: Form | None, error: DomainError | None) -> Data:
    language, done = locale.language_of(request), request.query_params.get("done", "")
    wrong = getattr(error, "fields", {})
    places = permissions.household_places(person)
    around = household_list.frame(request, person, places[0], household_list.REQUESTS) if places else {"ways": [], "places": []}
    return (
        desks.frame_anywhere(request, person)
        | around
        | {
            "typed": form or {},
            "wrong": {name: locale.text(language, f"requests.wrong.{code}") for name, code in wrong.items()},
            "problem": Answer(error).text(language) if error else None,
            "done": done if done in DONE else None,
            "days_most": rules.DAYS_MOST,
        }
    )


def _list(request: Request, person: Person, form: Form | None = None, error: DomainError | None = None) -> Response:
    services, language = services_of(request), locale.language_of(request)
    own = [code for code in permissions.request_townships(person) if permissions.may_request_households(person, code)]
    views = RequestViews(services.names, language)
    data = _frame(request, person, form, error) | {
        "rows": views.rows(requests.listed(services.couch, person)),
        "townships_asked": [{"code": code, "name": services.names.township(code, language)} for code in own],
        "bases": rules.BASES,
        "facts": list(rules.FACTS),
        "ticked": _facts(form) if form else [],
        "days": form.get("days", "") if form else rules.DAYS_USUAL,
        "today": visits.day_of(datetime.now(UTC)),
        "key": form.get("key", "") if form else new_key(),
    }
    return services.pages.show(request, "requests.html", data, status=Answer(error).status if error else 200)


def _page(
    request: Request,
    person: Person,
    found: rules.Request,
    *,
    form: Form | None = None,
    error: DomainError | None = None,
    **more: Any,
) -> Response:
    services, language = services_of(request), locale.language_of(request)
    excerpt: requests.Excerpt | None = more.get("excerpt")
    views, now = RequestViews(services.names, language), datetime.now(UTC)
    is_deciding = rules.may_decide(person, found) and rules.standing(found, now) == "requested"
    sees_readings = permissions.may_decide_household_requests(person, found["township"])
    q = request.query_params.get("q", found["address"])[: listing.QUERY_LENGTH]
    frame = _frame(request, person, form, error)
    # An address that is loaded again later says no more what was done before.
    is_last = frame["done"] == found["state"] or (frame["done"], found["state"]) == ("asked", "requested")
    data = frame | {
        "done": frame["done"] if is_last else None,
        "asked": views.page(found, person),
        "readings": views.readings(requests.readings(services.couch, found)) if sees_readings else None,
        "excerpt": views.excerpt(excerpt) if excerpt else None,
        "is_deciding": is_deciding,
        "q": q,
        "candidates": _candidates(request, found["township"], q) if is_deciding else [],
        "ticked": _facts(form) if form else found["facts"],
        "days": (form or {}).get("days") or found["days"],
    }
    return services.pages.show(request, "request.html", data, status=Answer(error).status if error else 200)


def _candidates(request: Request, township: str, q: str) -> list[Data]:
    """Households that every word is about; none without words, never a list of all."""
    services = services_of(request)
    if not q.strip():
        return []
    today = visits.day_of(datetime.now(UTC))
    found = listing.households(services.couch, township, listing.Wanted(q=q), today, CANDIDATES_MOST)
    rows = HomeViews(services.couch, services.names, locale.language_of(request)).rows(found.rows)
    return [row | {"file": f"{home['grid']}/{home['household']}"} for row, home in zip(rows, found.rows, strict=True)]
