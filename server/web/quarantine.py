"""The clerk's pages of refused records: the list of a township (or of all), one record, and the decisions as small forms.

Deciding is `server/quarantine/`, words and facts are `quarantine_views.py`, pictures `quarantine_photos.py`. What is masked is
opened with a purpose, which is logged, and stays open for half an hour by a signed mark in the page's forms.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server import audit
from server.domain import adoption
from server.domain.errors import Changed, DomainError, Forbidden, InvalidInput
from server.domain.permissions import Person
from server.quarantine import adopting, dismissing, listing
from server.quarantine.entries import Entry
from server.web import desks, locale, quarantine_forms, quarantine_photos
from server.web.bodies import Form, takes_form
from server.web.errors import Answer
from server.web.pages import wants_fragment
from server.web.quarantine_api import person_of, scope_of
from server.web.quarantine_views import RefusedViews
from server.web.services import services_of
from sync.databases import parse

SEEN_S = 30 * 60
LIMIT = 30
PURPOSE_LENGTH = 200
TABS: dict[str, tuple[str, str | None]] = {
    "waiting": ("waiting", "records"),
    "photos": ("waiting", "photos"),
    "adopted": ("adopted", None),
    "dismissed": ("dismissed", None),
}


def show_list(request: Request) -> Response:
    """`GET /township/{code}/quarantine` and, for administrators, `/quarantine`: the list, or to htmx its next rows."""
    services, person = services_of(request), person_of(request)
    scope, params = scope_of(person, request.path_params.get("code")), request.query_params
    tab = params.get("tab") if params.get("tab") in TABS else "waiting"
    state, part = TABS[str(tab)]
    chosen = {name: params.get(name, "")[:100] for name in ("reason", "user")}
    filters = {name: value or None for name, value in chosen.items()}
    page = listing.page(services.couch, scope, state, part=part, **filters, limit=LIMIT, cursor=params.get("cursor") or None)
    views, path = RefusedViews(services.names, locale.language_of(request)), request.url.path
    kept = {"tab": str(tab), **{name: value for name, value in chosen.items() if value}}
    data: dict[str, Any] = {
        "rows": views.rows(page.entries),
        "more_url": f"{path}?{urlencode(kept | {'cursor': page.next})}" if page.next else None,
        "tab": tab,
    }
    is_more = bool(params.get("cursor")) and wants_fragment(request)
    if not is_more:
        data |= desks.frame_of(request, person, scope) | _frame(request, scope, str(tab), chosen)
    return services.pages.show(request, "quarantine.html", data, fragment="_quarantine_rows.html" if is_more else None)


def show_entry(request: Request) -> Response:
    """`GET /quarantine/{id}`."""
    person = person_of(request)
    return _page(request, person, _find(request, person), request.query_params)


def show_photo(request: Request) -> Response:
    """`GET /quarantine/{id}/photos/{photo}`: the picture of a photo that belongs to an entry."""
    person = person_of(request)
    entry = _find(request, person)
    if not _is_seen(request, person, entry, request.query_params.get("seen", "")):
        raise Forbidden
    return quarantine_photos.answer_picture(request, entry, str(request.path_params["photo"]))


@takes_form
def submit_adoption(request: Request, form: Form) -> Response:
    """`POST /quarantine/{id}/adoption`: unchanged, or with what was put right."""
    services, person = services_of(request), person_of(request)
    entry = _find(request, person)

    def decide() -> Entry:
        choice = quarantine_forms.read_choice(services.couch, entry, form, datetime.now(UTC))
        return adopting.adopt(
            services.couch, services.nudges, person, entry["_id"], choice, datetime.now(UTC), if_match=form.get("version")
        )

    return _decided(request, person, form, decide)


@takes_form
def submit_dismissal(request: Request, form: Form) -> Response:
    """`POST /quarantine/{id}/dismissal`."""
    couch, person, id = services_of(request).couch, person_of(request), str(request.path_params["id"])
    reason, version = form.get("reason"), form.get("version")
    return _decided(
        request, person, form, lambda: dismissing.dismiss(couch, person, id, reason, datetime.now(UTC), if_match=version)
    )


@takes_form
def submit_reopening(request: Request, form: Form) -> Response:
    """`POST /quarantine/{id}/reopening`."""
    couch, person, id = services_of(request).couch, person_of(request), str(request.path_params["id"])
    version = form.get("version")
    return _decided(request, person, form, lambda: dismissing.reopen(couch, person, id, datetime.now(UTC), if_match=version))


@takes_form
def submit_opening(request: Request, form: Form) -> Response:
    """`POST /quarantine/{id}/opening`: shows what is masked to whoever may and says what for; logged before it is shown."""
    services, person = services_of(request), person_of(request)
    entry, purpose = _find(request, person), form.get("purpose", "").strip()
    if not _may_read(person, entry):
        raise Forbidden
    if not purpose or len(purpose) > PURPOSE_LENGTH:
        return _page(request, person, entry, form, error=InvalidInput({"purpose": "required" if not purpose else "too_long"}))
    facts = {"user": entry["user"], "record": entry["about"]["id"], "type": entry["about"]["type"]}
    audit.note(services.couch, by=person["name"], action="refused.open", subject=entry["_id"], why=purpose, facts=facts)
    return _page(request, person, entry, {**form, "seen": _signer(request).dumps([person["name"], entry["_id"]])})


def _decided(request: Request, person: Person, form: Form, decide: Any) -> Response:
    try:
        entry = decide()
    except (Changed, InvalidInput) as error:
        return _page(request, person, _find(request, person), form, error=error)
    services_of(request).badge.forget()
    if not wants_fragment(request):
        return RedirectResponse(f"/quarantine/{entry['_id'].partition(':')[2]}", 303)
    return _page(request, person, _find(request, person), {"seen": form.get("seen", "")}, is_done=True)


def _page(
    request: Request,
    person: Person,
    entry: Entry,
    form: Mapping[str, str],
    *,
    error: DomainError | None = None,
    is_done: bool = False,
) -> Response:
    services, language = services_of(request), locale.language_of(request)
    views = RefusedViews(services.names, language)
    is_seen = _is_seen(request, person, entry, form.get("seen", ""))
    township = quarantine_forms.township_of(person, entry)
    answer = Answer(error) if error else None
    frame = desks.frame_of(request, person, township)
    data = frame | {
        "entry": views.page(entry, is_seen=is_seen),
        "photos": quarantine_photos.photos_of(services.couch, entry) if is_seen else [],
        "seen": form.get("seen", "") if is_seen else "",
        "may_read": _may_read(person, entry),
        "form": quarantine_forms.adoption_form(services, entry, person, views, form),
        "typed": form,
        "problems": views.problem(getattr(error, "fields", {})) if isinstance(error, InvalidInput) else [],
        "changed": answer.text(language) if answer and isinstance(error, Changed) else "",
        "is_done": is_done,
        "list_url": (frame["refused"] or {"url": "/desk"})["url"],
    }
    return services.pages.show(request, "refused.html", data, fragment="_refused.html", status=answer.status if answer else 200)


def _frame(request: Request, scope: str, tab: str, chosen: dict[str, str]) -> dict[str, Any]:
    services, language, path = services_of(request), locale.language_of(request), request.url.path
    counts, (state, part) = listing.counts(services.couch, scope), TABS[tab]
    name = f"{state}/{part}" if part else state
    reasons = listing.facets(services.couch, scope, name, "reason")
    users = listing.facets(services.couch, scope, name, "user")
    people, views = services.names.people(users.keys(), language), RefusedViews(services.names, language)
    listed = {key: f"{state}/{part}" if part else state for key, (state, part) in TABS.items()}
    return {
        "tabs": [{"name": key, "url": f"{path}?tab={key}", "count": counts[listed[key]]} for key in TABS],
        "chosen": chosen,
        "clear_url": f"{path}?tab={tab}",
        "reasons": [{"code": code, "name": views.reason(code), "count": number} for code, number in reasons.items()],
        "users": [{"code": user, "name": people.get(user, user), "count": number} for user, number in users.items()],
    }


def _find(request: Request, person: Person) -> Entry:
    return listing.find(services_of(request).couch, person, str(request.path_params["id"]))


def _kinds(entry: Entry) -> tuple[str | None, str | None]:
    name = parse(entry["database"])
    return (name.kind if name else None), entry["about"]["type"]


def _may_read(person: Person, entry: Entry) -> bool:
    return not adoption.readers(*_kinds(entry)).isdisjoint(person["roles"])


def _is_seen(request: Request, person: Person, entry: Entry, seen: str) -> bool:
    """True for what every clerk sees, and for what this person opened with a purpose lately."""
    if adoption.is_open(*_kinds(entry)):
        return True
    try:
        opened = _signer(request).loads(seen, max_age=SEEN_S) if seen else None
    except BadSignature:
        return False
    return bool(opened == [person["name"], entry["_id"]]) and _may_read(person, entry)


def _signer(request: Request) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(services_of(request).settings.secret or "unset", salt="refused-seen")
