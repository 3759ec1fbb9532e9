"""Taking in by hand at the desk: what somebody says at the counter or on the telephone, and files of reports, row by row.

Staff of the township and, for their own grids, of its communities. What a row or form becomes: `server/sources/`.
"""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server import audit
from server.domain import grids, links, permissions, source_fields
from server.domain.errors import Differs, Forbidden, InvalidInput, Missing
from server.domain.permissions import Person
from server.domain.sources import AT_THE_DESK, Item
from server.sources import intake, rows
from server.web import case_views, desks, locale
from server.web.bodies import Form, Upload, takes_form, takes_upload
from server.web.services import Services, services_of

Data = dict[str, Any]
FIELDS = ("how", "category", "urgency", "text", "address", "grid", "links", "caller_name", "caller_phone")
SHOWN_MOST = 100
FORM_ROOM = 64 * 1024


def show_counter(request: Request) -> Response:
    """`GET /township/{code}/intake`: both forms, empty."""
    return _page(request, clerk_of(request))


@takes_form
def register(request: Request, form: Form) -> Response:
    """`POST /township/{code}/intake`: registers what somebody said; 303 to its case, 422 beside what was typed."""
    person, services, township = clerk_of(request), services_of(request), _township(request)
    try:
        item, grid = item_of(form), _grid_of(services, person, township, form)
        how, now = form["how"], datetime.now(UTC)
        taken = intake.register(services.couch, services.nudges, item, grid, by=person["name"], how=how, now=now)
    except (InvalidInput, Differs) as error:
        return _page(request, person, form=form, wrong=error.fields, status=422)
    return RedirectResponse(f"/cases/{taken.case['_id']}", 303)


@takes_upload(rows.FILE_BYTES * 3 + FORM_ROOM)
def take_rows(request: Request, form: Form, upload: Upload | None) -> Response:
    """`POST /township/{code}/intake/rows`: checks a file's rows, and takes them in when asked to and all of them are right."""
    person, services, township = clerk_of(request), services_of(request), _township(request)
    now = datetime.now(UTC)
    try:
        text = rows.decode(upload.content) if upload and upload.content else form.get("rows", "")
    except InvalidInput as error:
        problems = [rows.Problem(0, field, code) for field, code in error.fields.items()]
        return _page(request, person, plan=rows.Plan([], problems), status=422)
    plan = rows.plan(services.couch, township, text, lambda grid: _may_take(services, person, township, grid), now)
    if plan.problems or form.get("do") != "take":
        return _page(request, person, plan=plan, text=text, status=422 if plan.problems else 200)
    taken = rows.take_all(services.couch, services.nudges, township, plan, by=person["name"], now=now)
    count = sum(one.is_new for one in taken)
    audit.note(
        services.couch,
        by=person["name"],
        action="cases.upload",
        subject=f"township:{township}",
        facts={"township": township, "count": count},
    )
    return RedirectResponse(f"/township/{township}/intake?taken={count}", 303)


def clerk_of(request: Request) -> Person:
    """Who asks, if they take in for this township. Raises Missing where they see nothing, Forbidden for other roles."""
    person, township = services_of(request).sessions.person_of(request), _township(request)
    if township not in permissions.townships_seen(person):
        raise Missing
    if not permissions.may_register(person, township):
        raise Forbidden
    return person


def item_of(form: Form) -> Item:
    """A counter's form as an item. Raises InvalidInput that names the form's fields."""
    given = {name: form.get(name, "").strip() for name in FIELDS}
    found: Data = {"number": form.get("key", ""), **{name: given[name] for name in ("category", "text", "urgency")}}
    found |= {"place": {"address": given["address"]}} if given["address"] else {}
    caller = {name: given[f"caller_{name}"] for name in ("name", "phone") if given[f"caller_{name}"]}
    found |= {"caller": caller} if caller else {}
    found |= {"links": given["links"].split()}
    try:
        return source_fields.convert(found, is_strict=True)
    except InvalidInput as error:
        plain = {"caller.name": "caller_name", "caller.phone": "caller_phone", "place.address": "address"}
        wrong = {plain.get(field, field): code for field, code in error.fields.items()}
        raise InvalidInput({field: _code_of(field, code, given) for field, code in wrong.items()}) from error


def _code_of(field: str, code: str, given: Mapping[str, str]) -> str:
    """What is said of a field of the counter's form; only of links it is known what is wrong with them."""
    if field == "links":
        return code
    return "invalid" if given.get(field) else "required"


def _grid_of(services: Services, person: Person, township: str, form: Form) -> str:
    """The grid a form names, or none yet. Raises InvalidInput for one that is not theirs, or nothing said of how it was heard."""
    grid = form.get("grid") or grids.unplaced(township)
    wrong = {} if _may_take(services, person, township, grid) else {"grid": "required"}
    wrong |= {} if form.get("how") in AT_THE_DESK else {"how": "required"}
    if wrong:
        raise InvalidInput(wrong)
    return grid


def _may_take(services: Services, person: Person, township: str, grid: str) -> bool:
    known = services.names.grids(township)
    return permissions.may_register_in(person, township, grid) and (grids.is_unplaced(grid) or grid in known)


def _township(request: Request) -> str:
    return str(request.path_params["code"])


def _page(
    request: Request,
    person: Person,
    *,
    form: Form | None = None,
    wrong: dict[str, str] | None = None,
    plan: rows.Plan | None = None,
    text: str = "",
    status: int = 200,
) -> Response:
    services, language, township = services_of(request), locale.language_of(request), _township(request)
    choices = case_views.grid_choices(services.names, township, language)
    taken = request.query_params.get("taken", "")
    data = desks.frame_of(request, person, township) | {
        "code": township,
        "key": (form or {}).get("key") or secrets.token_hex(16),
        "typed": dict.fromkeys(FIELDS, "") | {name: (form or {}).get(name, "") for name in FIELDS},
        "wrong": {field: _words(language, code) for field, code in (wrong or {}).items()},
        "hows": AT_THE_DESK,
        "categories": case_views.category_choices(services.names, language),
        "grids": [one for one in choices if permissions.may_register_in(person, township, one["code"])],
        "may_be_unplaced": permissions.may_register_in(person, township, grids.unplaced(township)),
        "rows": text,
        "plan": _shown(request, plan) if plan else None,
        "taken": taken if taken.isascii() and taken.isdigit() else None,
    }
    return services.pages.show(request, "intake.html", data, status=status)


def _shown(request: Request, plan: rows.Plan) -> Data:
    """A plan as the page shows it: the problems in words, the rows with the names of their grids."""
    names, language = services_of(request).names, locale.language_of(request)

    return {
        "problems": [
            {"row": one.row, "field": one.field, "text": _words(language, one.code)} for one in plan.problems[:SHOWN_MOST]
        ],
        "reports": [
            {"number": item.number, "text": item.text, "grid": None if grids.is_unplaced(grid) else names.grid(grid, language)}
            for item, grid in plan.items[:SHOWN_MOST]
        ],
        "count": len(plan.items),
        "may_take": not plan.problems,
    }


def _words(language: str, code: str) -> str:
    """What is wrong in words."""
    key = f"intake.wrong.{code}"
    return locale.text(language, key if locale.has_text(key) else "intake.wrong.invalid", most=links.MOST, length=links.LENGTH)
