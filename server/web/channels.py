"""Channels out of the house, for administrators: which there are, a new one, one changed or taken away, what was not delivered.

A channel's address holds a secret: it is written once and never shown again. Rules are `server/domain/channels.py`, keeping is
`server/notices/outside.py`.
"""

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server import audit
from server.domain import notices as rules
from server.domain.errors import InvalidInput, Missing
from server.domain.permissions import Person, may_set_channels
from server.notices import outside, store
from server.web import desks, locale
from server.web.bodies import Form, takes_form
from server.web.notice_views import NoticeViews
from server.web.services import services_of
from sync.databases import NOTICES

Data = dict[str, Any]
FIELDS = ("name", "parties", "least", "quiet_from", "quiet_to", "digest_at")


def show_channels(request: Request) -> Response:
    """`GET /channels`: the channels and what could not be delivered; `?edit=<id>` has one of them in the form."""
    person, id = _admin(request), request.query_params.get("edit")
    return _page(request, person, _form_of(outside.channel_of(services_of(request).couch, id)) if id else None, edited=id)


@takes_form
def add_channel(request: Request, form: Form) -> Response:
    """`POST /channels`: a new channel; the page again with what is wrong with it."""
    person, couch, fields = _admin(request), services_of(request).couch, _fields(form)
    try:
        id = outside.add_channel(couch, fields)
    except InvalidInput as error:
        return _page(request, person, form, error)
    facts = {"kind": fields["url"].partition("://")[0], "parties": fields["parties"]}
    audit.note(couch, by=person["name"], action="channel.add", subject=id, facts=facts)
    return RedirectResponse("/channels", 303)


@takes_form
def change_channel(request: Request, form: Form) -> Response:
    """`POST /channels/{id}`: other fields; an empty address leaves the one there is."""
    person, couch, fields = _admin(request), services_of(request).couch, _fields(form)
    id = str(request.path_params["id"])
    try:
        channel = outside.change_channel(couch, id, fields)
    except InvalidInput as error:
        return _page(request, person, form, error, edited=id)
    facts = {"kind": channel["kind"], "parties": channel["parties"], "new_address": bool(fields["url"])}
    audit.note(couch, by=person["name"], action="channel.change", subject=channel["_id"], facts=facts)
    return RedirectResponse("/channels", 303)


@takes_form
def remove_channel(request: Request, _: Form) -> Response:
    """`POST /channels/{id}/removal`: the channel and its secret are gone."""
    person, couch = _admin(request), services_of(request).couch
    channel = outside.remove_channel(couch, str(request.path_params["id"]))
    audit.note(couch, by=person["name"], action="channel.remove", subject=channel["_id"], facts={"kind": channel["kind"]})
    return RedirectResponse("/channels", 303)


@takes_form
def retry_delivery(request: Request, _: Form) -> Response:
    """`POST /channels/deliveries/{id}/retry`: what was given up is tried again, from the beginning."""
    _admin(request)
    services = services_of(request)
    outside.revive(services.couch, str(request.path_params["id"]), datetime.now(UTC))
    services.nudges.nudge(NOTICES)
    return RedirectResponse("/channels", 303)


def _admin(request: Request) -> Person:
    person = services_of(request).sessions.person_of(request)
    if not may_set_channels(person):
        raise Missing
    return person


def _fields(form: Form) -> Data:
    quiet = {"from": form.get("quiet_from", "").strip(), "to": form.get("quiet_to", "").strip()}
    return {
        "name": form.get("name", "").strip(),
        "url": form.get("url", "").strip(),
        "parties": form.get("parties", "").replace(",", " ").split(),
        "least": form.get("least", ""),
        "quiet": quiet if any(quiet.values()) else None,
        "digest_at": form.get("digest_at", "").replace(",", " ").split(),
    }


def _form_of(channel: Data) -> Form:
    """A channel as its form is filled in, without the address."""
    quiet = channel["quiet"] or {"from": "", "to": ""}
    lists = {name: " ".join(channel[name]) for name in ("parties", "digest_at")}
    return {"name": channel["name"], "least": channel["least"], "quiet_from": quiet["from"], "quiet_to": quiet["to"], **lists}


def _page(
    request: Request, person: Person, form: Form | None = None, error: InvalidInput | None = None, edited: str | None = None
) -> Response:
    services = services_of(request)
    found = outside.channels_of(services.couch)
    data = desks.frame_anywhere(request, person) | {
        "channels": [_shown(channel) for channel in found],
        "dead": _dead(request, {channel["_id"]: channel["name"] for channel in found}),
        "urgencies": rules.URGENCIES,
        "typed": {name: (form or {}).get(name, "") for name in FIELDS},
        "wrong": sorted(error.fields) if error else [],
        "edited": edited,
    }
    return services.pages.show(request, "channels.html", data, status=422 if error else 200)


def _shown(channel: Data) -> Data:
    """A channel without its address."""
    names = ("name", "kind", "parties", "least", "quiet", "digest_at")
    return {"id": channel["_id"].partition(":")[2]} | {name: channel[name] for name in names}


def _dead(request: Request, names: dict[str, str]) -> list[Data]:
    services = services_of(request)
    deliveries = outside.dead(services.couch)
    views = NoticeViews(services.names, locale.language_of(request))
    notices = store.many(services.couch, [one["notice"] for one in deliveries])
    return [
        {
            "id": one["_id"].partition(":")[2],
            "channel": names.get(one["channel"], one["channel"]),
            "title": views.title(notices[one["notice"]]) if one["notice"] in notices else "—",
            "at": one["due_at"],
            "tries": one["tries"],
        }
        for one in deliveries
    ]
