"""View models of notices: what happened in words, where, by when, and the page of what it is about. No HTTP here.

The words are `notice.<what>` in the locales; their slots are filled from the notice's facts, whose codes become names. A notice
of a kind that has no words yet is shown as such, never left out.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from server.domain import notices, times
from server.web import locale, moments
from server.web.names import Names

Notice = Mapping[str, Any]
View = dict[str, Any]

# The pages of what notices are about, by the type in the subject's id.
PAGES = {
    "case": "/cases/{id}",
    "refused": "/quarantine/{uuid}",
    "whistle": "/whistles/{id}",
    "task": "/tasks/{id}",
    "admission": "/handdowns",
    "request": "/requests/{id}",
}
KINDS = ("case", "clock", "whistle", "task", "handdown", "source", "household", "other")
UNKNOWN = "—"


class _Slots(dict[str, str]):
    """Facts by name; one that is not there is shown as unknown."""

    def __missing__(self, name: str) -> str:
        return UNKNOWN


class NoticeViews:
    """Makes view models in one language at one moment."""

    def __init__(self, names: Names, language: str) -> None:
        self._names = names
        self._language = language
        self._now = datetime.now(UTC)

    def days(self, found: Sequence[Notice], *, is_read: bool) -> list[View]:
        """Rows under the day (China's) on which they were noted, in the order given."""
        people = self._names.people({str(one["facts"]["by"]) for one in found if one["facts"].get("by")}, self._language)
        days: list[View] = []
        for one in found:
            day = self._day(one["noted_at"])
            if not days or days[-1]["name"] != day:
                days.append({"name": day, "rows": []})
            days[-1]["rows"].append(self.row(one, people, is_read=is_read))
        return days

    def row(self, notice: Notice, people: Mapping[str, str] | None = None, *, is_read: bool) -> View:
        """One notice as a row shows it."""
        facts = notice["facts"]
        return {
            "id": notice["_id"].partition(":")[2],
            "title": self.title(notice, people),
            "where": self._where(facts, notice["township"]),
            "case_no": facts.get("case_no"),
            "category": self._names.category(facts["category"], self._language) if facts.get("category") else None,
            "due_at": facts.get("due_at"),
            "due": moments.short(facts["due_at"], self._now) if facts.get("due_at") else None,
            "kind": kind_of(notice),
            "urgency": notice["urgency"],
            "at": notice["at"],
            "has_page": page_of(notice) is not None,
            "is_read": is_read,
        }

    def title(self, notice: Notice, people: Mapping[str, str] | None = None) -> str:
        """What happened, in one sentence."""
        what = notice["what"] if locale.has_text(f"notice.{notice['what']}") else "other"
        return locale.text(self._language, f"notice.{what}").format_map(self._slots(notice["facts"], people or {}))

    def _slots(self, facts: Mapping[str, Any], people: Mapping[str, str]) -> _Slots:
        found = _Slots({name: str(value) for name, value in facts.items() if value is not None})
        if facts.get("unit"):
            found["unit"] = self._names.unit(str(facts["unit"]).removeprefix("unit:"), self._language)
        if facts.get("by"):
            found["by"] = people.get(str(facts["by"]), str(facts["by"]))
        for name in ("level", "request"):
            key = f"notice.{name}.{facts.get(name)}"
            if facts.get(name) and locale.has_text(key):
                found[name] = locale.text(self._language, key)
        return found

    def _where(self, facts: Mapping[str, Any], township: str | None) -> str:
        grid = str(facts.get("grid") or "")
        if grid and not grid.endswith("000000"):
            return self._names.grid(grid, self._language)
        return self._names.township(township, self._language) if township else ""

    def _day(self, at: str) -> str:
        day, today = (one.astimezone(moments.CHINA).date() for one in (times.from_text(at), self._now))
        names = {today: "notices.today", today - timedelta(days=1): "notices.yesterday"}
        return locale.text(self._language, names[day]) if day in names else day.isoformat()


def kind_of(notice: Notice) -> str:
    """The kind a notice is listed under."""
    kind = notices.kind_of(notice["what"])
    return kind if kind in KINDS else "other"


def page_of(notice: Notice) -> str | None:
    """The address of what a notice is about, or None when there is no page of it."""
    subject = str(notice["subject"])
    type_, _, uuid = subject.partition(":")
    return PAGES[type_].format(id=quote(subject, safe=":"), uuid=quote(uuid, safe="")) if uuid and type_ in PAGES else None
