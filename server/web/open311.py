"""Open311 GeoReport v2 (wiki.open311.org/GeoReport_v2) for citizens' apps: what can be reported, reporting it, how far it is.

Reading needs no key and shows no person (`server/sources/citizens.py`); reporting needs the `api_key` of a source of this kind.
"""

import hmac
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from server.cases.moves import KEY
from server.domain import ids, source_fields
from server.domain.errors import Forbidden, InvalidInput, Missing
from server.domain.sources import Item
from server.sources import citizens, intake, signing, store
from server.web import locale
from server.web.open311_answers import Row, answer_list, answer_one, speaks, speaks_with_form
from server.web.services import services_of

LONGEST = timedelta(days=90)
ASKED_MOST, FORM_FIELDS = 100, 100
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)


@speaks
def list_services(request: Request) -> Response:
    """`GET /open311/v2/services.{format}`: what can be reported."""
    language = locale.language_of(request)
    rows = [_service(code, doc, language) for code, doc in citizens.services(services_of(request).couch).items()]
    return answer_list(request, "services", "service", rows)


@speaks
def show_service(request: Request) -> Response:
    """`GET /open311/v2/services/{code}.{format}`: what a report of this kind must say besides: nothing."""
    code = str(request.path_params["code"])
    if code not in citizens.services(services_of(request).couch):
        raise Missing("service_unknown")
    return answer_one(request, "service_definition", {"service_code": code, "attributes": []})


@speaks
def list_requests(request: Request) -> Response:
    """`GET /open311/v2/requests.{format}?service_request_id=&service_code=&status=&start_date=&end_date=`: what was reported."""
    couch, query = services_of(request).couch, request.query_params
    asked = _several(query.get("service_request_id"))
    if asked:
        found = citizens.find(couch, asked[:ASKED_MOST])
    else:
        start, end = _span(query.get("start_date"), query.get("end_date"))
        found = citizens.search(couch, start, end, _several(query.get("service_code")), _is_open(_several(query.get("status"))))
    return answer_list(request, "service_requests", "request", [_request(request, one) for one in found])


@speaks
def show_request(request: Request) -> Response:
    """`GET /open311/v2/requests/{id}.{format}`: how far one report is."""
    found = citizens.find(services_of(request).couch, [str(request.path_params["id"])])
    if not found:
        raise Missing("request_unknown")
    return answer_list(request, "service_requests", "request", [_request(request, one) for one in found])


@speaks_with_form
def add_request(request: Request, body: bytes) -> Response:
    """`POST /open311/v2/requests.{format}`: reports something; 201 with its number. The form carries the source's `api_key`.

    A `media_url` (http or https) is kept as a link for the staff who handle the case. It is not fetched, and not shown in public.
    """
    services, form = services_of(request), _form(body)
    source = _source_of(request, form.get("api_key", ""))
    code = form.get("service_code", "").strip()
    if not code:
        raise InvalidInput({"service_code": "required"})
    offered = citizens.services(services.couch)
    if code not in offered:
        raise Missing("service_unknown")
    name = locale.named(offered[code].get("name"), locale.LANGUAGES[0], code)
    item = _item(_fields(form, code, name, request))
    taken = intake.take(services.couch, services.nudges, source, item, datetime.now(UTC))
    row = {"service_request_id": ids.uuid_of(taken.case["_id"]), "service_notice": taken.case["case_no"], "account_id": None}
    return answer_list(request, "service_requests", "request", [row], 201 if taken.is_new else 200)


def _source_of(request: Request, api_key: str) -> dict[str, Any]:
    """The source whose key this is. Raises Forbidden."""
    services = services_of(request)
    try:
        source = store.find(services.couch, api_key.partition(".")[0])
    except Missing:
        raise Forbidden("bad_api_key") from None
    right = signing.api_key_of(services.settings.secret, source["id"], source["salt"])
    if not hmac.compare_digest(right.encode(), api_key.encode()) or source["is_disabled"] or source["kind"] != "open311":
        raise Forbidden("bad_api_key")
    return source


def _form(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FORM_FIELDS, errors="strict"))
    except ValueError:
        raise InvalidInput({"body": "invalid"}) from None


def _item(fields: dict[str, Any]) -> Item:
    """Raises InvalidInput; a bad link is named as the form does."""
    try:
        return source_fields.convert(fields, is_strict=False)
    except InvalidInput as error:
        raise InvalidInput({"media_url" if name == "links" else name: wrong for name, wrong in error.fields.items()}) from error


def _fields(form: dict[str, str], code: str, name: str, request: Request) -> dict[str, Any]:
    """A form as an item; address, device and account ids of citizens are not kept. Raises InvalidInput."""
    given = {field: value.strip() for field, value in form.items() if value.strip()}
    place = {
        ours: given[theirs]
        for ours, theirs in (("lat", "lat"), ("lon", "long"), ("address", "address_string"))
        if theirs in given
    }
    if ("lat" in place) != ("lon" in place) or not place:
        raise InvalidInput({"lat, long or address_string": "required"})
    key = request.headers.get("idempotency-key", "").strip('"')
    if key and not KEY.fullmatch(key):
        raise InvalidInput({"Idempotency-Key": "invalid"})
    caller = {
        "name": " ".join(given[part] for part in ("last_name", "first_name") if part in given),
        "phone": given.get("phone", ""),
    }
    caller = {field: value for field, value in caller.items() if value}
    found = {"number": key or intake.fresh_number(), "category": code, "text": given.get("description", name), "place": place}
    found |= {"links": [given["media_url"]]} if "media_url" in given else {}
    return found | ({"caller": caller} if caller else {})


def _service(code: str, doc: dict[str, Any], language: str) -> Row:
    zh, en = citizens.group_name(code)
    name = locale.named(doc.get("name"), language, code)
    head = {"service_code": code, "service_name": name, "description": name, "metadata": False, "type": "realtime"}
    return head | {"keywords": "", "group": locale.named({"zh-CN": zh, "en": en}, language, code[:2])}


def _request(request: Request, shown: citizens.Shown) -> Row:
    services, language, case = services_of(request), locale.language_of(request), shown.case
    couch, names = services.couch, services.names
    community = locale.named(citizens.community_of(couch, case), language, "")
    return {
        "service_request_id": ids.uuid_of(case["_id"]),
        "status": "open" if shown.is_open else "closed",
        "status_notes": locale.text(language, f"state.{case['state']}"),
        "service_name": names.category(case["category"], language),
        "service_code": case["category"],
        "description": None,
        "agency_responsible": names.unit(case["unit"], language) if case["unit"] else None,
        "service_notice": case["case_no"],
        "requested_datetime": case["received_at"],
        "updated_datetime": case["history"][-1]["at"],
        "expected_datetime": case["due_at"],
        "address": " ".join(part for part in (names.township(case["grid"][:9], language), community) if part),
        "address_id": None,
        "zipcode": None,
        "lat": shown.lat,
        "long": shown.lon,
        # What citizens say and show is not public; staff follow the link at the desk.
        "media_url": None,
    }


def _several(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def _is_open(wanted: list[str]) -> bool | None:
    if not set(wanted) <= {"open", "closed"}:
        raise InvalidInput({"status": "unknown"})
    return None if len(set(wanted)) != 1 else wanted[0] == "open"


def _span(start: str | None, end: str | None) -> tuple[datetime, datetime]:
    """The span asked for, at most 90 days; the last 90 when nothing is said. Raises InvalidInput."""
    until = _instant("end_date", end) if end else None
    since = _instant("start_date", start) if start else None
    until = until or (min(since + LONGEST, datetime.now(UTC)) if since else datetime.now(UTC))
    since = since or until - LONGEST
    if until - since > LONGEST:
        raise InvalidInput({"start_date": "span_too_long"})
    return since, until


def _instant(name: str, text: str) -> datetime:
    try:
        # A plus sign in a query is a blank.
        at = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise InvalidInput({name: "invalid"}) from None
    if at.tzinfo is None or not OLDEST <= at <= datetime.now(UTC) + timedelta(days=36500):
        raise InvalidInput({name: "invalid"})
    return at.astimezone(UTC)
