"""Refused records for programs and phones: `/api/quarantine` (DESIGN §7). Lists and decisions of the clerk's page, as JSON.

Contents of what is masked at a desk are not handed out here at all; reading them is the page's business, which asks what for.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.domain import adoption
from server.domain.errors import Forbidden, InvalidInput, Missing
from server.domain.permissions import Person, has_refused_desk
from server.quarantine import adopting, dismissing, listing
from server.quarantine.entries import Entry
from server.quarantine.planning import Choice
from server.web.bodies import takes_json
from server.web.devices_api import answer_json, holder_of
from server.web.services import services_of
from sync.databases import parse

FIELDS = ("state", "reason", "fields", "database", "user", "device", "townships", "refused_at", "size_bytes", "sha256", "is_file")
LIMIT = 50
TEXT_MOST = 100


class AdoptionBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /api/quarantine/{id}/adoption`: where to (else where it was sent), and the fields put right."""

    database: Annotated[str, msgspec.Meta(max_length=TEXT_MOST)] | None = None
    corrected: dict[str, Any] | None = None


class DismissalBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /api/quarantine/{id}/dismissal`."""

    reason: str


def list_entries(request: Request) -> Response:
    """`GET /api/quarantine?township=&state=&part=&reason=&user=&limit=&cursor=`: `{entries, next}`, the longest waiting first."""
    services, params = services_of(request), request.query_params
    person = person_of(request)
    scope = scope_of(person, params.get("township"))
    limit, wanted = params.get("limit", str(LIMIT)), {name: params.get(name) or None for name in ("part", "reason", "user")}
    if not (limit.isascii() and limit.isdigit() and len(limit) < 4):
        raise InvalidInput({"limit": "out_of_range"})
    if any(len(value) > TEXT_MOST for value in wanted.values() if value):
        raise InvalidInput({"reason": "too_long"})
    state, cursor = params.get("state") or "waiting", params.get("cursor") or None
    page = listing.page(services.couch, scope, state, **wanted, limit=int(limit), cursor=cursor)
    return answer_json({"entries": [as_json(entry) for entry in page.entries], "next": page.next})


def list_own(request: Request) -> Response:
    """`GET /api/quarantine/mine`, with a device's token: what became of what this user's phones sent, newest first."""
    holder = holder_of(request)
    found = listing.of_user(services_of(request).couch, str(holder.person["name"]), datetime.now(UTC))
    return answer_json({"entries": [_outcome(entry) for entry in found]})


def show_entry(request: Request) -> Response:
    """`GET /api/quarantine/{id}`; the ETag is what `If-Match` of a decision wants."""
    return _answer(listing.find(services_of(request).couch, person_of(request), str(request.path_params["id"])))


@takes_json(AdoptionBody)
def adopt(request: Request, body: AdoptionBody) -> Response:
    """`POST /api/quarantine/{id}/adoption`: 200 with the entry; 409 when somebody decided otherwise meanwhile."""
    services, person = services_of(request), person_of(request)
    choice = Choice(body.database, body.corrected)
    id, now = str(request.path_params["id"]), datetime.now(UTC)
    return _answer(adopting.adopt(services.couch, services.nudges, person, id, choice, now, if_match=version_of(request)))


@takes_json(DismissalBody)
def dismiss(request: Request, body: DismissalBody) -> Response:
    """`POST /api/quarantine/{id}/dismissal` `{reason}`: 200 with the entry; 409 when somebody decided otherwise meanwhile."""
    person, id = person_of(request), str(request.path_params["id"])
    couch, now = services_of(request).couch, datetime.now(UTC)
    return _answer(dismissing.dismiss(couch, person, id, body.reason, now, if_match=version_of(request)))


def reopen(request: Request) -> Response:
    """`DELETE /api/quarantine/{id}/dismissal`: takes it back; 200 with the entry, which waits again."""
    person, id = person_of(request), str(request.path_params["id"])
    couch, now = services_of(request).couch, datetime.now(UTC)
    return _answer(dismissing.reopen(couch, person, id, now, if_match=version_of(request)))


def person_of(request: Request) -> Person:
    """Who is at the desk. Raises NotSignedIn, and Forbidden for a role that decides about nothing refused."""
    person = services_of(request).sessions.person_of(request)
    if not has_refused_desk(person):
        raise Forbidden
    return person


def scope_of(person: Person, township: str | None) -> str:
    """Whose entries are listed: a township's, for administrators everybody's. Raises Missing and InvalidInput."""
    if "admin" in person["roles"]:
        return township or listing.EVERYWHERE
    own = sorted(person.get("townships", ()))
    if township and township not in own:
        raise Missing
    if not township and len(own) != 1:
        raise InvalidInput({"township": "required"})
    return township or own[0]


def as_json(entry: Entry) -> dict[str, Any]:
    """An entry as programs see it; `document` only where a desk shows it to everybody who decides."""
    about, name = entry["about"], parse(entry["database"])
    is_open = adoption.is_open(name.kind if name else None, about["type"])
    decision = {part: value for part, value in (entry["decision"] or {}).items() if part not in {"doc", "asked"}}
    return {
        "id": entry["_id"],
        "version": entry["_rev"],
        "doc_id": about["id"],
        "rev": about["rev"],
        "type": about["type"],
        **{field: entry.get(field) for field in FIELDS},
        "is_masked": not is_open,
        "document": entry.get("document") if is_open else None,
        "decision": decision or None,
        "erased_at": entry["erased_at"],
    }


def version_of(request: Request) -> str | None:
    """The revision in `If-Match`; None when any will do."""
    version = request.headers.get("if-match", "*").strip().removeprefix("W/").strip('"')
    return None if version == "*" else version


def _outcome(entry: Entry) -> dict[str, Any]:
    """What a phone shows: no name of who decided."""
    decision = entry["decision"] or {}
    is_decided = entry["state"] in {"adopted", "dismissed"}
    home = {part: decision.get(part) for part in ("database", "id")}
    return {
        "id": entry["_id"],
        "database": entry["database"],
        "doc_id": entry["about"]["id"],
        "rev": entry["about"]["rev"],
        "reason": entry["reason"],
        "state": entry["state"] if is_decided else "waiting",
        "decided_at": decision.get("at") if is_decided else None,
        "decision_reason": (decision.get("reason") or None) if is_decided else None,
        "adopted_as": home if entry["state"] == "adopted" and home["database"] else None,
    }


def _answer(entry: Entry) -> Response:
    answer = answer_json(as_json(entry))
    answer.headers["ETag"] = f'"{entry["_rev"]}"'
    return answer
