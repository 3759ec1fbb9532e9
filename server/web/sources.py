"""Sources at the desk, for administrators: add one, change it, new keys, let it in no more; call-backs that were given up.

Keys are shown in the answer that makes them and never again. What a source is: `server/sources/store.py`.
"""

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server import audit
from server.domain import permissions
from server.domain.errors import Changed, InvalidInput, Missing
from server.domain.permissions import Person
from server.domain.sources import KINDS
from server.sources import callbacks, store
from server.web import desks, locale
from server.web.bodies import Form, takes_form
from server.web.errors import Answer
from server.web.services import services_of

Data = dict[str, Any]
FIELDS = ("id", "kind", "name", "areas", "fallback", "callback_url", "categories", "fields")
LINES_MOST = 1000


def show_sources(request: Request) -> Response:
    """`GET /sources`: every source, and the calls that were given up."""
    return _list(request, manager_of(request))


def show_source(request: Request) -> Response:
    """`GET /sources/{id}`: one source with its settings."""
    person = manager_of(request)
    return _one(request, person, store.find(services_of(request).couch, str(request.path_params["id"])))


@takes_form
def add_source(request: Request, form: Form) -> Response:
    """`POST /sources`: a new source; the answer shows its keys, once."""
    person, services = manager_of(request), services_of(request)
    id, fields = form.get("id", "").strip(), fields_of(form)
    try:
        source, keys = store.add(services.couch, services.settings.secret, id, fields, by=person["name"], now=datetime.now(UTC))
    except InvalidInput as error:
        return _list(request, person, form=form, wrong=error.fields, status=422)
    _note(request, person, "sources.add", id)
    return _one(request, person, source, keys=keys)


@takes_form
def save_source(request: Request, form: Form) -> Response:
    """`POST /sources/{id}`: other settings."""
    person, id = manager_of(request), str(request.path_params["id"])
    try:
        store.change(services_of(request).couch, id, fields_of(form))
    except InvalidInput as error:
        source = store.find(services_of(request).couch, id)
        return _one(request, person, source, form=form, wrong=error.fields, status=422)
    except Changed as error:
        text = Answer(error).text(locale.language_of(request))
        return _one(request, person, store.find(services_of(request).couch, id), text=text, status=409)
    _note(request, person, "sources.change", id)
    return RedirectResponse(f"/sources/{id}?done=saved", 303)


def renew_keys(request: Request) -> Response:
    """`POST /sources/{id}/keys`: new keys, shown once; the old ones are good no more."""
    person, services, id = manager_of(request), services_of(request), str(request.path_params["id"])
    source, keys = store.renew_keys(services.couch, services.settings.secret, id)
    _note(request, person, "sources.keys", id)
    return _one(request, person, source, keys=keys)


def shut_out(request: Request) -> Response:
    """`POST /sources/{id}/disabling`: lets the source in no more."""
    return _set_disabled(request, True)


def let_in(request: Request) -> Response:
    """`POST /sources/{id}/enabling`: lets it in again."""
    return _set_disabled(request, False)


def try_again(request: Request) -> Response:
    """`POST /sources/calls/{case}/retry`: sends a call that was given up once more."""
    return _again(request, is_passed_over=False)


def pass_over(request: Request) -> Response:
    """`POST /sources/calls/{case}/passing`: goes on with the case's next call."""
    return _again(request, is_passed_over=True)


def manager_of(request: Request) -> Person:
    """Who asks, if sources are theirs to manage. Raises Missing."""
    person = services_of(request).sessions.person_of(request)
    if not permissions.may_manage_sources(person):
        raise Missing
    return person


def fields_of(form: Form) -> Data:
    """A form's settings as the store takes them: areas apart by blanks or commas, tables a pair a line (`theirs = ours`)."""
    areas = form.get("areas", "").replace(",", " ").replace("，", " ").split()
    plain = {name: form.get(name, "").strip() for name in ("kind", "name", "fallback", "callback_url")}
    return plain | {"areas": areas, "categories": pairs(form.get("categories", "")), "fields": pairs(form.get("fields", ""))}


def pairs(text: str) -> dict[str, str]:
    """`a = b` a line; a line without a sign has no right side and is refused by the store."""
    lines = [line for line in text.splitlines()[:LINES_MOST] if line.strip()]
    split = [line.partition("=") for line in lines]
    return {left.strip(): right.strip() for left, _, right in split}


def _set_disabled(request: Request, is_disabled: bool) -> Response:
    person, id = manager_of(request), str(request.path_params["id"])
    store.set_disabled(services_of(request).couch, id, is_disabled)
    _note(request, person, "sources.disable" if is_disabled else "sources.enable", id)
    return RedirectResponse(f"/sources/{id}", 303)


def _again(request: Request, *, is_passed_over: bool) -> Response:
    person, case = manager_of(request), str(request.path_params["case"])
    callbacks.try_again(services_of(request).couch, case, datetime.now(UTC), is_passed_over=is_passed_over)
    _note(request, person, "sources.pass" if is_passed_over else "sources.retry", case)
    return RedirectResponse("/sources#calls", 303)


def _list(
    request: Request, person: Person, *, form: Form | None = None, wrong: dict[str, str] | None = None, status: int = 200
) -> Response:
    services = services_of(request)
    waiting = callbacks.waiting(services.couch)
    rows = [
        {name: doc[name] for name in ("id", "name", "kind", "areas", "callback_url", "is_disabled")}
        | {"waiting": waiting.get(doc["id"], 0), "has_lost_keys": store.has_lost_keys(services.settings.secret, doc)}
        for doc in store.every(services.couch)
    ]
    data = desks.frame_anywhere(request, person) | {
        "sources": rows,
        "given_up": callbacks.given_up(services.couch),
        "source": dict.fromkeys(FIELDS, "") | {name: (form or {}).get(name, "") for name in FIELDS},
        "kinds": list(KINDS),
        "is_new": True,
        "wrong": wrong or {},
    }
    return services.pages.show(request, "sources.html", data, status=status)


def _one(
    request: Request,
    person: Person,
    doc: Data,
    *,
    keys: store.Keys | None = None,
    form: Form | None = None,
    wrong: dict[str, str] | None = None,
    text: str | None = None,
    status: int = 200,
) -> Response:
    services = services_of(request)
    shown = {name: doc[name] or "" for name in ("id", "kind", "name", "fallback", "callback_url")}
    shown |= {"areas": " ".join(doc["areas"])}
    shown |= {name: "\n".join(f"{left} = {right}" for left, right in doc[name].items()) for name in ("categories", "fields")}
    typed = {name: (form or {})[name] for name in FIELDS if name in (form or {}) and name not in ("id", "kind")}
    data = desks.frame_anywhere(request, person) | {
        "source": shown | typed,
        "is_disabled": doc["is_disabled"],
        "has_lost_keys": store.has_lost_keys(services.settings.secret, doc),
        "keys": keys._asdict() if keys else None,
        "address": (services.settings.public_url or str(request.base_url).rstrip("/")) + f"/api/ingest/{doc['id']}",
        "is_new": False,
        "wrong": wrong or {},
        "text": text,
        "done": request.query_params.get("done") == "saved",
    }
    return services.pages.show(request, "source.html", data, status=status)


def _note(request: Request, person: Person, action: str, subject: str) -> None:
    audit.note(services_of(request).couch, by=person["name"], action=action, subject=subject)
