"""Written requests of police for household data: asked, decided, withdrawn, ended, read. Rules: `domain/household_requests.py`.

They are documents `request:<township>:<uuid>` of the server's database `requests`. Each step and each reading is in the access
log before it happens, with its purpose; the parties are told by notices that say nothing of the household.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from server import audit, notices
from server.audit import searching
from server.domain import household_requests as rules
from server.domain import ids, permissions, times
from server.domain import notices as notice_rules
from server.domain.errors import Changed, InvalidInput, Missing, TooMany
from server.domain.household_requests import Asked, Granted, Request
from server.domain.permissions import Person
from server.households import files
from server.notices import reading
from sync import databases
from sync.couch import Couch
from sync.errors import Conflict, NotFound

READING = "request.read"
# What the officer who asked is told of by the township.
ANSWERS = ("approved", "refused", "ended")
LISTED_MOST, READINGS_MOST = 300, 100
Document = dict[str, Any]


class Excerpt(NamedTuple):
    """What an officer reads: `{fact: values}`, and until when."""

    facts: dict[str, list[str]]
    expires_at: str


def ask(couch: Couch, person: Person, asked: Asked, key: str, now: datetime) -> Request:
    """Make a request; the same `key` (a uuid) again is the same request. Raises Forbidden, InvalidInput, TooMany."""
    id = f"request:{asked.township}:{key}"
    if not ids.is_record_id(f"request:{key}", "request"):
        raise InvalidInput({"key": "invalid"})
    request = rules.asked_for(person, asked, id, now)
    present = _load(couch, id)
    if present is not None and present["requested_by"] == person["name"]:
        return present
    waiting = [one for one in listed(couch, person) if rules.standing(one, now) == "requested"]
    if len(waiting) >= rules.OPEN_MOST:
        raise TooMany("requests_waiting", retry_after_s=3600)
    _log(couch, person, request, "request.ask", request["purpose"], now)
    couch.create(databases.REQUESTS, replicated=False)
    try:
        couch.database(databases.REQUESTS).put(request)
    except Conflict:
        return find(couch, person, id)
    urgency = "urgent" if request["basis"] == "danger_to_life" else "normal"
    _tell(couch, request, [f"township:{request['township']}"], "asked", person, now, urgency=urgency)
    return request


def approve(couch: Couch, person: Person, id: str, granted: Granted, reason: str, now: datetime) -> Request:  # noqa: PLR0917
    """Grant some of what was asked for. Raises Missing, InvalidInput, and Changed when somebody decided before."""
    request = rules.approved(person, find(couch, person, id), granted, reason, now)
    try:
        files.find(couch, person, granted.grid, granted.household)
    except Missing:
        raise InvalidInput({"household": "unknown"}) from None
    return _change(couch, person, request, "approved", reason, now, to=[f"user:{request['requested_by']}"])


def refuse(couch: Couch, person: Person, id: str, reason: str, now: datetime) -> Request:
    """Refuse a request with a reason. Raises Missing, InvalidInput, Changed."""
    request = rules.refused(person, find(couch, person, id), reason, now)
    return _change(couch, person, request, "refused", reason, now, to=[f"user:{request['requested_by']}"])


def withdraw(couch: Couch, person: Person, id: str, reason: str, now: datetime) -> Request:
    """The officer needs it no more: nothing can be read from now on. Raises Missing, InvalidInput, Changed."""
    request = rules.closed(person, find(couch, person, id), "withdrawn", reason, now)
    return _change(couch, person, request, "withdrawn", reason, now, to=[f"township:{request['township']}"])


def end(couch: Couch, person: Person, id: str, reason: str, now: datetime) -> Request:
    """The township ends an approval before its time, and says why. Raises Missing, InvalidInput, Changed."""
    request = rules.closed(person, find(couch, person, id), "ended", reason, now)
    return _change(couch, person, request, "ended", reason, now, to=[f"user:{request['requested_by']}"])


def read(couch: Couch, person: Person, id: str, now: datetime) -> Excerpt:
    """What was granted, as the file says now; logged before it is shown. Raises Missing, Changed when it is over."""
    request = find(couch, person, id)
    rules.check_reading(person, request, now)
    file = files.read(couch, request["grid"], request["household"])
    facts = {"request": id, "grid": request["grid"], "fields": request["granted"]}
    about: Document = {"subject": request["household"], "why": request["purpose"], "facts": facts, "at": now}
    audit.note(couch, by=person["name"], action=READING, **about)
    period = (request["period_from"], request["period_to"])
    sources = rules.Sources(file.household, file.members, [visit.known for visit in file.visits], period)
    return Excerpt(rules.excerpt(request, sources), request["expires_at"])


def readings(couch: Couch, request: Request) -> list[Document]:
    """Who read what was granted, and when: entries of the access log, the newest first."""
    if "granted" not in request:
        return []
    months = {databases.month_at(times.from_text(request[name])) for name in ("decided_at", "expires_at")}
    wanted = searching.Wanted(subject=request["household"], action=READING)
    found: list[Document] = []
    for month in sorted(months, reverse=True):
        page = searching.page(couch, month, request["township"], wanted, READINGS_MOST)
        found += [entry for entry in page.entries if entry["facts"].get("request") == request["_id"]]
    return found


def find(couch: Couch, person: Person, id: str) -> Request:
    """A request for somebody who may see it. Raises Missing."""
    request = _load(couch, id)
    if request is None or not rules.may_see(person, request):
        raise Missing(request=id)
    return request


def listed(couch: Couch, person: Person) -> list[Request]:
    """The officer's own requests, or those to the townships a person decides for; those that wait first, then the newest."""
    townships = permissions.request_townships(person)
    found: list[Request] = []
    for township in townships:
        try:
            prefix = f"request:{township}:"
            found += couch.database(databases.REQUESTS).range(prefix + "\ufff0", prefix, LISTED_MOST, descending=True)
        except NotFound:
            return []
    mine = [one for one in found if rules.may_see(person, one)]
    newest = sorted(mine, key=lambda one: str(one["requested_at"]), reverse=True)
    return sorted(newest, key=lambda one: one["state"] != "requested")


def unseen(couch: Couch, person: Person, now: datetime) -> int:
    """How many of an officer's own requests were answered since they looked: those whose notice is unread."""
    if not any(permissions.may_request_households(person, code) for code in permissions.request_townships(person)):
        return 0
    own = [one for one in listed(couch, person) if one["requested_by"] == person["name"] and one["state"] in ANSWERS]
    told = {_notice_of(one, one["state"]) for one in own}
    return len(told.intersection(id for _, id in reading.unread(couch, person, now).places)) if told else 0


def note_seen(couch: Couch, person: Person, request: Request, now: datetime) -> bool:
    """The officer who asked looks at the answer: its notices are read; whether one was not."""
    if request["requested_by"] != person["name"] or request["state"] not in ANSWERS:
        return False
    told = {_notice_of(request, what) for what in ANSWERS}
    fresh = told.intersection(id for _, id in reading.unread(couch, person, now).places)
    for id in fresh:
        reading.mark_read(couch, person, id, now)
    return bool(fresh)


def _change(  # noqa: PLR0917 - what, by whom, what became of it and why
    couch: Couch, person: Person, request: Request, what: str, reason: str, now: datetime, *, to: list[str]
) -> Request:
    _log(couch, person, request, f"request.{what}", reason, now)
    try:
        couch.database(databases.REQUESTS).put(request)
    except Conflict:
        raise Changed("request_decided") from None
    _tell(couch, request, to, what, person, now)
    return request


def _log(couch: Couch, person: Person, request: Request, action: str, why: str, now: datetime) -> None:  # noqa: PLR0917
    names = ("basis", "document_no", "facts", "granted", "household", "granted_days")
    facts = {"township": request["township"]} | {name: request[name] for name in names if name in request}
    audit.note(couch, by=person["name"], action=action, subject=request["_id"], why=why.strip(), facts=facts, at=now)


def _tell(  # noqa: PLR0917 - of what, whom, what, by whom, when
    couch: Couch, request: Request, to: list[str], what: str, person: Person, now: datetime, urgency: str = "normal"
) -> None:
    about: Document = {"subject": request["_id"], "township": request["township"], "facts": {"by": person["name"]}}
    notices.notify(couch, to=to, what=f"household.{what}", key=_key_of(request, what), at=now, urgency=urgency, **about)


def _key_of(request: Request, what: str) -> str:
    return f"{request['_id']}:{what}"


def _notice_of(request: Request, what: str) -> str:
    return notice_rules.notice_id(_key_of(request, what))


def _load(couch: Couch, id: str) -> Request | None:
    return couch.database(databases.REQUESTS).find(id) if id.startswith("request:") else None


Step = Callable[[Couch, Person, str, str, datetime], Request]
STEPS: dict[str, Step] = {"refusal": refuse, "withdrawal": withdraw, "ending": end}
