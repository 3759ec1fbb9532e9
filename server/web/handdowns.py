"""The desk's page of hand-downs: departments hand down and ask to be admitted, townships decide, all see the counts by unit.

The rules are `server/cases/handdowns.py` and `admissions.py`.
"""

import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server.cases import admissions, handdowns, reach
from server.domain import permissions
from server.domain.errors import Changed, DomainError, Forbidden, InvalidInput, Missing
from server.domain.list_versions import day_of
from server.domain.lists import Admission, Power
from server.domain.permissions import Person
from server.lists.proposals import book_of
from server.web import case_views, desks, locale
from server.web.bodies import Form, takes_form
from server.web.errors import Answer
from server.web.services import services_of

Data = dict[str, Any]
Scope = tuple[list[str] | None, list[str] | None]
DONE = ("made", "asked", "decided")
BETWEEN_CODES = re.compile(r"[、,，;；\s]+")


def show_handdowns(request: Request) -> Response:
    """`GET /handdowns`: what one's units may hand down, requests for admission, and how often what was refused."""
    return _page(request, viewer_of(request))


@takes_form
def submit_handdown(request: Request, form: Form) -> Response:
    """`POST /handdowns`: hands a task down; refused with the rule's name when nothing covers it."""
    services, person = services_of(request), viewer_of(request)
    unit, township, category, text = (form.get(name, "").strip() for name in ("unit", "township", "category", "text"))
    urgency, address = form.get("urgency", "normal"), form.get("address", "").strip() or None
    task = handdowns.Task(unit, township, category, text, urgency=urgency, address=address)
    key = form.get("key") or secrets.token_hex(16)
    try:
        made = handdowns.hand_down(services.couch, services.nudges, person, task, key=key, now=datetime.now(UTC))
    except (Forbidden, InvalidInput) as error:
        return _page(request, person, typed=form, error=error, of="make")
    return RedirectResponse(f"/handdowns?done=made&no={made.case['case_no']}&entry={made.entry}", 303)


@takes_form
def submit_request(request: Request, form: Form) -> Response:
    """`POST /admissions`: asks a township to admit tasks of some categories for a while."""
    person = viewer_of(request)
    codes = [code for code in BETWEEN_CODES.split(form.get("categories", "").strip()) if code]
    texts = {name: form.get(name, "").strip() for name in ("unit", "township", "item", "reason", "valid_from", "valid_to")}
    try:
        admissions.ask(services_of(request).couch, person, admissions.Wanted(categories=codes, **texts), datetime.now(UTC))
    except (Forbidden, InvalidInput) as error:
        return _page(request, person, typed=form, error=error, of="ask")
    return RedirectResponse("/handdowns?done=asked", 303)


@takes_form
def submit_decision(request: Request, form: Form) -> Response:
    """`POST /admissions/{id}/decision`: the township approves or refuses, with a reason."""
    person, id = viewer_of(request), str(request.path_params["id"])
    is_approved, reason = form.get("verdict") == "approve", form.get("reason", "")
    try:
        couch, now = services_of(request).couch, datetime.now(UTC)
        admissions.decide(couch, person, id, is_approved=is_approved, reason=reason, now=now)
    except (InvalidInput, Changed) as error:
        return _page(request, person, typed=form, error=error, of=id)
    return RedirectResponse("/handdowns?done=decided", 303)


def viewer_of(request: Request) -> Person:
    """Who asks, if hand-downs are theirs to see. Raises Missing."""
    person = services_of(request).sessions.person_of(request)
    if not permissions.sees_handdowns(person):
        raise Missing
    return person


def scope_of(person: Person) -> Scope:
    """The units and townships this person's counts and requests are kept to: own units, own townships, or any (None)."""
    roles = set(person["roles"])
    if "admin" in roles:
        return None, None
    if roles & {"triage", "district", "city"}:
        return None, list(person.get("townships", ()))
    return list(person.get("units", ())), None


def _page(
    request: Request, person: Person, *, typed: Form | None = None, error: DomainError | None = None, of: str = ""
) -> Response:
    services, language = services_of(request), locale.language_of(request)
    names, couch = services.names, services.couch
    units, townships = scope_of(person)
    own = [unit for unit in person.get("units", ()) if permissions.may_hand_down(person, unit)]
    places = [{"code": code, "name": names.township(code, language)} for code in reach.all_townships(couch)]
    answer, done = Answer(error) if error else None, request.query_params.get("done", "")
    data = desks.frame_anywhere(request, person) | {
        "own": [{"id": unit, "name": names.unit(unit, language)} for unit in own],
        "places": places,
        "categories": case_views.category_choices(names, language),
        "covered": _covered(request, own),
        "counts": [
            {"unit": names.unit(unit, language), **numbers} for unit, numbers in handdowns.counts(couch, units, townships).items()
        ],
        "refused_lately": [_shown(request, doc) for doc in handdowns.refused_lately(couch, units, townships)],
        "requests": [_request(request, person, doc) for doc in admissions.listed(couch, units, townships)],
        "key": secrets.token_hex(16),
        "today": day_of(datetime.now(UTC)),
        "typed": typed or {},
        "wrong": {name: locale.text(language, f"handdowns.wrong.{code}") for name, code in getattr(error, "fields", {}).items()},
        "text": answer.text(language) if answer else None,
        "of": of,
        "done": done if done in DONE else None,
        "made": {name: request.query_params.get(name, "")[:80] for name in ("no", "entry")},
    }
    return services.pages.show(request, "handdowns.html", data, status=answer.status if answer else 200)


def _covered(request: Request, own: Iterable[str]) -> list[Data]:
    """What the person's units may hand down today, by entry."""
    names, language = services_of(request).names, locale.language_of(request)
    book, day, units = book_of(services_of(request).couch), day_of(datetime.now(UTC)), set(own)
    found = []
    for version in [*book.at("admission", day).values(), *book.at("powers", day).values()]:
        body = version.body
        unit = body.from_unit if isinstance(body, Admission) else body.competent if isinstance(body, Power) else ""
        if unit in units and isinstance(body, Admission | Power):
            codes = _called(request, body.categories)
            place = names.township(body.area, language)
            found.append({"id": version.id, "item": body.item, "categories": codes, "area": place, "until": version.valid_to})
    return found


def _called(request: Request, codes: Iterable[str]) -> str:
    """What categories and classes are called, in a row."""
    names, language = services_of(request).names, locale.language_of(request)
    classes = {str(doc.get("class")): doc.get("class_name") for doc in names.categories().values()}
    return "、".join(locale.named(classes.get(code), language, names.category(code, language)) for code in codes)


def _shown(request: Request, doc: Data) -> Data:
    names, language = services_of(request).names, locale.language_of(request)
    return {
        "unit": names.unit(doc["unit"], language),
        "township": names.township(doc["township"], language),
        "category": names.category(doc["category"], language),
        "at": doc["at"],
    }


def _request(request: Request, person: Person, doc: Data) -> Data:
    names, language = services_of(request).names, locale.language_of(request)
    may = doc["state"] == "requested" and permissions.may_decide_admission(person, doc["township"])
    return doc | {
        "id": doc["_id"],
        "unit": names.unit(doc["unit"], language),
        "place": names.township(doc["township"], language),
        "codes": _called(request, doc["categories"]),
        "may_decide": may,
        "decision_reason": doc.get("decision_reason", ""),
    }
