"""Household data for police, only by a written request that the township approves (DESIGN §1, §10): rules and states. Pure.

An officer names an address in words, the basis in law, the purpose, the time the matter is about and which facts; never a person
to be looked for, and there is no list to look in. Somebody else, of the township's triage, picks the household's file and grants
some of these facts for some days, or refuses with a reason. What was granted is read from the file at each reading, each reading
is logged, nothing is copied. Needs, services, remarks and findings of visits are for serving a household and are never given.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from server.domain import home_rows, permissions, times, visits
from server.domain.errors import Changed, Forbidden, InvalidInput, Missing
from server.domain.permissions import Person

BASES = ("criminal_case", "public_order_case", "missing_person", "danger_to_life", "other_law")
STATES = ("requested", "approved", "refused", "withdrawn", "ended", "expired", "lapsed")
ENDINGS = {"withdrawn": ("requested", "approved"), "ended": ("approved",)}
# Days that what was granted can be read at most; and days after which a request nobody decided is over.
DAYS_MOST, DAYS_USUAL = 14, 7
LAPSES = timedelta(days=14)
PERIOD_MOST = timedelta(days=366)
OPEN_MOST = 20
TEXTS = {"document_no": 100, "purpose": 1000, "address": 200}
REASON_LENGTH = 1000

Request = dict[str, Any]
Document = dict[str, Any]


class Asked(NamedTuple):
    """What an officer asks: `address` in words, a period in days (`2026-11-27`), `facts` of FACTS, to be read for `days`."""

    township: str
    basis: str
    document_no: str
    purpose: str
    address: str
    period_from: str
    period_to: str
    facts: Sequence[str]
    days: int


class Granted(NamedTuple):
    """What an approver grants: a household's file (`grid`, `household`), some of the facts asked for, and for how many days."""

    grid: str
    household: str
    facts: Sequence[str]
    days: int


class Sources(NamedTuple):
    """What an excerpt is made of: the household, its members, the visits as the index has them, and the period asked about."""

    household: Document
    members: Sequence[Document]
    visits: Sequence[Document]
    period: tuple[str, str]


Reader = Callable[[Sources], list[str]]


def _each(name: str) -> Reader:
    """One field of each member who lives there, with whose it is; who moved out is none of them."""

    def read(sources: Sources) -> list[str]:
        return [f"{one['name']} {one[name]}" for one in _living(sources) if one.get(name) not in (None, "")]

    return read


def _one(name: str) -> Reader:
    def read(sources: Sources) -> list[str]:
        value = sources.household.get(name)
        return [] if value in (None, "") else [str(value)]

    return read


def _visited(sources: Sources) -> list[str]:
    days = (visits.day_of(times.from_text(visit["at"])) for visit in sources.visits)
    return sorted({day for day in days if sources.period[0] <= day <= sources.period[1]}, reverse=True)


def _members(sources: Sources) -> list[str]:
    return [" ".join(filter(None, [one["name"], one.get("relation")])) for one in _living(sources)]


def _living(sources: Sources) -> list[Document]:
    return [one for one in sources.members if not one.get("moved_out_at")]


# Every fact that can be asked for, in the order of forms and excerpts, and how it is read; no other is ever given.
FACTS: dict[str, Reader] = {
    "address": lambda sources: [home_rows.address_of(sources.household)],
    "contact_name": _one("contact_name"),
    "contact_phone": _one("contact_phone"),
    "residents_count": _one("residents_count"),
    "housing": _one("housing"),
    "members": _members,
    "birth_years": _each("birth_year"),
    "member_phones": _each("phone"),
    "visit_days": _visited,
}


def may_see(person: Person, request: Request) -> bool:
    """True for whoever made the request, and for those who may decide about requests to its township, their own included."""
    return request["requested_by"] == person["name"] or permissions.may_decide_household_requests(person, request["township"])


def may_decide(person: Person, request: Request) -> bool:
    """True for the township's triage, but never for whoever asked."""
    return request["requested_by"] != person["name"] and permissions.may_decide_household_requests(person, request["township"])


def standing(request: Request, now: datetime) -> str:
    """One of STATES: an approval is over at its end, a request that nobody decided is over after two weeks."""
    if request["state"] == "approved" and now >= times.from_text(request["expires_at"]):
        return "expired"
    if request["state"] == "requested" and now >= times.from_text(request["requested_at"]) + LAPSES:
        return "lapsed"
    return str(request["state"])


def asked_for(person: Person, asked: Asked, id: str, now: datetime) -> Request:
    """The request's document. Raises Forbidden and InvalidInput."""
    if not permissions.may_request_households(person, asked.township):
        raise Forbidden
    texts = {name: getattr(asked, name).strip() for name in TEXTS}
    wrong = {name: "required" for name, text in texts.items() if not text}
    wrong |= {name: "too_long" for name, text in texts.items() if len(text) > TEXTS[name]}
    wrong |= {} if asked.basis in BASES else {"basis": "unknown"}
    wrong |= _wrong_facts(asked.facts, FACTS) | _wrong_days(asked.days, DAYS_MOST) | _wrong_period(asked, visits.day_of(now))
    if wrong:
        raise InvalidInput(wrong)
    facts = [name for name in FACTS if name in asked.facts]
    head = {"_id": id, "type": "household_request", "v": 1, "state": "requested", "requested_by": person["name"]}
    return head | {"requested_at": times.to_text(now)} | asked._asdict() | texts | {"facts": facts}


def approved(person: Person, request: Request, granted: Granted, reason: str, now: datetime) -> Request:
    """The request with some of its facts granted. Raises Missing, InvalidInput, and Changed when it waits no more."""
    wrong = _wrong_facts(granted.facts, request["facts"]) | _wrong_days(granted.days, DAYS_MOST)
    wrong |= {} if granted.household else {"household": "required"}
    if granted.household and granted.grid[:9] != request["township"]:
        wrong["household"] = "other_township"
    if wrong:
        _check_decision(person, request, now)
        raise InvalidInput(wrong)
    facts = [name for name in request["facts"] if name in granted.facts]
    given = {"grid": granted.grid, "household": granted.household, "granted": facts, "granted_days": granted.days}
    expires_at = times.to_text(now + timedelta(days=granted.days))
    return _decided(person, request, "approved", reason, now, needs_reason=False) | given | {"expires_at": expires_at}


def refused(person: Person, request: Request, reason: str, now: datetime) -> Request:
    """The request refused, with a reason. Raises Missing, InvalidInput, Changed."""
    return _decided(person, request, "refused", reason, now, needs_reason=True)


def closed(person: Person, request: Request, how: str, reason: str, now: datetime) -> Request:
    """The request `withdrawn` by whoever made it, or `ended` before its time by the township, which says why. Raises as above."""
    may = request["requested_by"] == person["name"] if how == "withdrawn" else may_decide(person, request)
    if not may:
        raise Missing(request=request["_id"])
    if standing(request, now) not in ENDINGS[how]:
        raise Changed("request_over")
    why = _reason(reason, is_needed=how == "ended")
    return request | {"state": how, "closed_by": person["name"], "closed_at": times.to_text(now), "closing_reason": why}


def check_reading(person: Person, request: Request, now: datetime) -> None:
    """Raises Missing for anybody but the officer who asked, Changed unless it is approved and not over."""
    if request["requested_by"] != person["name"]:
        raise Missing(request=request["_id"])
    if standing(request, now) != "approved" or not permissions.may_request_households(person, request["township"]):
        raise Changed("request_over")


def excerpt(request: Request, sources: Sources) -> dict[str, list[str]]:
    """What was granted, and nothing else: `{fact: values}`, empty for what is not recorded."""
    return {name: FACTS[name](sources) for name in request["granted"]}


def _check_decision(person: Person, request: Request, now: datetime) -> None:
    if not may_decide(person, request):
        raise Missing(request=request["_id"])
    if standing(request, now) != "requested":
        raise Changed("request_decided")


def _decided(person: Person, request: Request, state: str, reason: str, now: datetime, *, needs_reason: bool) -> Request:
    _check_decision(person, request, now)
    why = _reason(reason, is_needed=needs_reason)
    return request | {"state": state, "decided_by": person["name"], "decided_at": times.to_text(now), "decision_reason": why}


def _reason(reason: str, *, is_needed: bool) -> str:
    why = reason.strip()
    if (is_needed and not why) or len(why) > REASON_LENGTH:
        raise InvalidInput({"reason": "too_long" if why else "required"})
    return why


def _wrong_facts(facts: Sequence[str], among: Iterable[str]) -> dict[str, str]:
    if not facts:
        return {"facts": "required"}
    return {} if set(facts) <= set(among) else {"facts": "unknown"}


def _wrong_days(days: int, most: int) -> dict[str, str]:
    return {} if 1 <= days <= most else {"days": "out_of_range"}


def _wrong_period(asked: Asked, today: str) -> dict[str, str]:
    wrong = {}
    for name in ("period_from", "period_to"):
        try:
            date.fromisoformat(getattr(asked, name))
        except ValueError:
            wrong[name] = "invalid" if getattr(asked, name) else "required"
    if wrong:
        return wrong
    if not asked.period_from <= asked.period_to <= today:
        return {"period_to": "out_of_range"}
    is_long = date.fromisoformat(asked.period_to) - date.fromisoformat(asked.period_from) > PERIOD_MOST
    return {"period_from": "too_long"} if is_long else {}
