"""Possible duplicates at the desk and for programs: list, merge, dismiss, take a merge back.

The panel's contents are `twin_views.py`; what a merge does is `server/cases/merging.py`, a dismissal `server/cases/twins.py`.
"""

import secrets
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server.cases import moves, twins
from server.domain import case_rights
from server.domain.errors import Changed, Forbidden, IllegalMove, InvalidInput, Missing
from server.domain.permissions import Person
from server.web import twin_views
from server.web.bodies import Form, takes_form, takes_json
from server.web.case import find_seen, show_refusal
from server.web.devices_api import answer_json
from server.web.services import services_of

Document = dict[str, Any]


class TwinDismissalBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /api/cases/{id}/twins/{other}/dismissal`: why the two are of two problems; may be left out."""

    why: str = ""


def list_twins(request: Request) -> Response:
    """`GET /api/cases/{id}/twins`: `{twins, merged_into, absorbed}`, the likeliest first, each with its reasons as codes."""
    person, case = _seen(request)
    found = twin_views.seen_twins(services_of(request).couch, person, case)
    rows = [
        {
            "id": one.other["_id"],
            "case_no": one.other["case_no"],
            "state": one.other["state"],
            "odds": one.odds,
            "reasons": one.reasons,
        }
        for one in found
    ]
    return answer_json({"twins": rows, "merged_into": case["merged_into"], "absorbed": case["absorbed"]})


@takes_json(TwinDismissalBody)
def dismiss(request: Request, body: TwinDismissalBody) -> Response:
    """`POST /api/cases/{id}/twins/{other}/dismissal`: 200 with the decision, the first one when there was one already."""
    decision = _dismiss(request, body.why)
    return answer_json({name: value for name, value in decision.items() if not name.startswith("_")})


@takes_form
def submit_dismissal(request: Request, form: Form) -> Response:
    """`POST /cases/{id}/twins/{other}/dismissal`: not the same problem; back to the case, also when it is proposed no more."""
    _seen(request)
    with suppress(Missing):
        _dismiss(request, form.get("why", ""))
    return _back(request)


@takes_form
def submit_merger(request: Request, form: Form) -> Response:
    """`POST /cases/{id}/twins/{other}/merger`: the later one becomes part of the earlier one; back to the case."""
    services = services_of(request)
    person, case = _seen(request)
    other = moves.open_case(services.couch, person, str(request.path_params["other"])).case
    main, duplicate = twin_views.main_of(case, other)
    return _move(request, duplicate["_id"], "merge", {"into": main["_id"]}, form)


@takes_form
def submit_separation(request: Request, form: Form) -> Response:
    """`POST /cases/{id}/twins/{other}/separation`: what was merged into this case is a case of its own again."""
    _seen(request)
    return _move(request, str(request.path_params["other"]), "unmerge", {"reason": form.get("reason", "")}, form)


def _move(request: Request, case: str, name: str, fields: dict[str, Any], form: Form) -> Response:
    """Back to the case of the page; when nothing came of the move, that page with the reason in the panel."""
    services, key = services_of(request), form.get("key") or secrets.token_hex(16)
    version, now, person = form.get("version") or None, datetime.now(UTC), services.sessions.person_of(request)
    try:
        moves.move(services.couch, services.nudges, person, case, name, fields, if_match=version, key=key, now=now)
    except (Changed, IllegalMove, InvalidInput) as error:
        return show_refusal(request, form, error, part="twins", moved=case)
    return _back(request)


def _dismiss(request: Request, why: str) -> Document:
    person, case = _seen(request)
    if not case_rights.may_move(person, "merge", case):
        raise Forbidden(move="dismiss")
    couch, other = services_of(request).couch, str(request.path_params["other"])
    return twins.dismiss(couch, case, other, by=person["name"], why=why, now=datetime.now(UTC))


def _seen(request: Request) -> tuple[Person, Document]:
    person = services_of(request).sessions.person_of(request)
    return person, find_seen(request, person).case


def _back(request: Request) -> Response:
    return RedirectResponse(f"/cases/{request.path_params['id']}", 303)
