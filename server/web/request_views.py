"""View models of requests for household data: rows, one request as each side sees it, its excerpt, who read it. No HTTP."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from server.domain import household_requests as rules
from server.domain import permissions
from server.domain.permissions import Person
from server.households.requests import Excerpt
from server.web import home_views, locale
from server.web.names import Names

View = dict[str, Any]


class RequestViews:
    """Makes view models in one language, as of now."""

    def __init__(self, names: Names, language: str) -> None:
        self._names = names
        self._language = language
        self._now = datetime.now(UTC)

    def rows(self, found: Sequence[rules.Request]) -> list[View]:
        """One row a request."""
        people = self._names.people({one["requested_by"] for one in found}, self._language)
        return [
            {
                "path": f"/requests/{one['_id']}",
                "address": one["address"],
                "basis": one["basis"],
                "document_no": one["document_no"],
                "by": people[one["requested_by"]],
                "at": one["requested_at"],
                "township": self._names.township(one["township"], self._language),
                "standing": rules.standing(one, self._now),
                "expires_at": one.get("expires_at"),
            }
            for one in found
        ]

    def page(self, one: rules.Request, person: Person) -> View:
        """A request; which household it is about is told to those who decide, an officer reads the excerpt."""
        by = {str(one[name]) for name in ("requested_by", "decided_by", "closed_by") if one.get(name)}
        people = self._names.people(by, self._language)
        standing = rules.standing(one, self._now)
        decides = permissions.may_decide_household_requests(person, one["township"])
        is_own = one["requested_by"] == person["name"]
        return self.rows([one])[0] | {
            "purpose": one["purpose"],
            "period": (one["period_from"], one["period_to"]),
            "facts": one["facts"],
            "granted": one.get("granted"),
            "days": one["days"],
            "decided": self._step(one, "decided_by", "decided_at", "decision_reason", people),
            "closed": self._step(one, "closed_by", "closed_at", "closing_reason", people),
            "file_path": home_views.path_of(one["grid"], one["household"]) if decides and one.get("household") else None,
            "is_own": is_own,
            "may_read": is_own and standing == "approved",
            "may_withdraw": is_own and standing in rules.ENDINGS["withdrawn"],
            "may_end": rules.may_decide(person, one) and standing in rules.ENDINGS["ended"],
        }

    def excerpt(self, excerpt: Excerpt) -> list[View]:
        """What was granted, each fact in words."""
        return [{"fact": name, "said": [self._value(name, value) for value in values]} for name, values in excerpt.facts.items()]

    def readings(self, entries: Sequence[View]) -> list[View]:
        """Who read it and when."""
        people = self._names.people({entry["by"] for entry in entries}, self._language)
        return [{"by": people[entry["by"]], "at": entry["at"]} for entry in entries]

    def _value(self, fact: str, value: str) -> str:
        return locale.text(self._language, f"housing.{value}") if fact == "housing" else value

    def _step(self, one: rules.Request, by: str, at: str, why: str, people: dict[str, str]) -> View | None:
        return {"by": people[one[by]], "at": one[at], "reason": one[why]} if one.get(by) else None
