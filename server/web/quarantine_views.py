"""View models of refused records: codes become words, contents readable facts, masked unless opened. No HTTP here.

What is wrong with a field is marked on it; what a clerk may put right comes as form fields with what the record had.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from server.domain import adoption, documents, times
from server.quarantine.entries import Entry
from server.web import locale, moments
from server.web.names import Names
from sync.databases import parse

MASK = "••••••"
VALUE_LENGTH = 4000
OLD_DAYS = 3
# What the page says elsewhere, or what says nothing to a person.
NOT_SHOWN = frozenset(
    {"type", "v", "author", "device", "grid", "captured_at", "clock_offset_ms", "photos", "stamps", "superseded"}
)
WORDS = {"urgency": "urgency", "source": "source", "kind": "quarantine.kind", "outcome": "quarantine.outcome"}
View = dict[str, Any]


class RefusedViews:
    """Makes view models in one language at one moment."""

    def __init__(self, names: Names, language: str) -> None:
        self._names, self.language = names, language
        self._now = datetime.now(UTC)

    def rows(self, entries: list[Entry]) -> list[View]:
        """The list's rows, in the order given."""
        people = self._names.people({entry["user"] for entry in entries}, self.language)
        return [self._row(entry, people) for entry in entries]

    def page(self, entry: Entry, *, is_seen: bool) -> View:
        """Everything the page shows of an entry besides its photos and forms."""
        decision = entry["decision"] or {}
        steps = [step for step in [*entry["history"], *([decision] if decision else [])] if step.get("what")]
        people = self._names.people({entry["user"], *(str(step["by"]) for step in steps)}, self.language)
        return self._row(entry, people) | {
            "version": entry["_rev"],
            "database": entry["database"],
            "device": entry["device"],
            "facts": self.facts(entry, is_seen=is_seen),
            "is_seen": is_seen,
            "is_readable": "document" in entry,
            "raw": (entry.get("text") or entry.get("head") or "")[:VALUE_LENGTH] if is_seen else "",
            "steps": [self._step(step, people) for step in reversed(steps)],
            "erased_at": entry["erased_at"],
            "size_kb": -(-entry["size_bytes"] // 1024),
        }

    def facts(self, entry: Entry, *, is_seen: bool) -> list[View]:
        """The record's own fields as `{name, label, value, is_wrong}`, masked unless it may be seen."""
        document, wrong = entry.get("document"), wrong_fields(entry)
        given = document if isinstance(document, dict) else {}
        said = [name for name in given if not name.startswith("_") and name not in NOT_SHOWN and given[name] is not None]
        shown = [name for name in given if name in said or (name in wrong and not name.startswith("_"))]
        missing = [name for name in wrong if name not in given and not name.startswith("_")]
        return [
            {
                "name": name,
                "label": self._words("quarantine.field", name),
                "value": (self._value(name, given[name]) if is_seen else MASK) if name in given else "",
                "is_wrong": name in wrong,
            }
            for name in [*shown, *missing]
        ]

    def form_fields(self, entry: Entry, typed: Mapping[str, str]) -> list[View]:
        """What a clerk may put right: `{name, label, value, choices, is_wrong}`."""
        type_, document = str(entry["about"]["type"]), entry.get("document")
        given, wrong = document if isinstance(document, dict) else {}, wrong_fields(entry)
        found = []
        for name in adoption.CORRECTABLE.get(type_, ()):
            value, choices = typed.get(name, given.get(name)), adoption.choices(type_, name)
            text = value if isinstance(value, str) else ""
            named = [{"value": one, "label": self._words(WORDS.get(name, name), one)} for one in choices]
            field = {"name": name, "label": self._words("quarantine.field", name), "value": text, "choices": named}
            found.append(field | {"is_wrong": name in wrong, "is_category": name == "category"})
        return found

    def reason(self, code: str) -> str:
        """Why something was refused, in plain words."""
        return self._words("quarantine.reason", code, default="other")

    def quarter(self, quarter: str) -> str:
        """`2026年第4季度`."""
        return locale.text(self.language, "quarantine.quarter", year=quarter[:4], number=quarter[5:])

    def problem(self, fields: Mapping[str, str]) -> list[str]:
        """What stands in the way of a decision, in words."""
        known = {name: code for name, code in fields.items() if locale.has_text(f"quarantine.wrong.{code}")}
        told = [locale.text(self.language, f"quarantine.wrong.{code}") for code in known.values()]
        labels = [self._words("quarantine.field", name.split(".")[0].split("[")[0]) for name in fields if name not in known]
        if labels:
            names = locale.text(self.language, "event.list_join").join(labels)
            told.append(locale.text(self.language, "quarantine.wrong.fields", names=names))
        return list(dict.fromkeys(told))

    def _row(self, entry: Entry, people: Mapping[str, str]) -> View:
        about, name, document = entry["about"], parse(entry["database"]), entry.get("document")
        is_open = adoption.is_open(name.kind if name else None, about["type"])
        given = document if isinstance(document, dict) else {}
        days = (self._now - times.from_text(entry["refused_at"])).days
        return {
            "id": entry["_id"].partition(":")[2],
            "state": "waiting" if entry["state"] == "adopting" else entry["state"],
            "type": self._type(entry),
            "title": self._value("category", given["category"]) if is_open and given.get("category") else self._type(entry),
            "text": str(given.get("text") or "")[:200] if is_open else "",
            "is_masked": not is_open,
            "reason": self.reason(entry["reason"]),
            "grid": self._names.grid(name.grid, self.language) if name and name.grid else None,
            "community": self._names.community(name.grid, self.language) if name and name.grid else entry["database"][:60],
            "worker": people.get(entry["user"], entry["user"]),
            "captured_at": _instant(given),
            "refused_at": entry["refused_at"],
            "days": days if days >= OLD_DAYS and entry["state"] == "waiting" else None,
            "photo_count": len(given["photos"]) if isinstance(given.get("photos"), list) else 0,
            "decided_at": (entry["decision"] or {}).get("at"),
            "decision": (entry["decision"] or {}).get("what"),
            "decision_reason": (entry["decision"] or {}).get("reason"),
        }

    def _type(self, entry: Entry) -> str:
        return self._words("quarantine.type", "file" if entry["is_file"] else str(entry["about"]["type"]), default="other")

    def _step(self, step: Mapping[str, Any], people: Mapping[str, str]) -> View:
        home = parse(str(step.get("database") or ""))
        by = locale.text(self.language, "quarantine.by_server") if step["by"] in {"server", None} else people.get(step["by"], "")
        where = self._names.grid(home.grid, self.language) if home and home.grid else ""
        return {"what": step["what"], "by": by, "at": step["at"], "text": step.get("reason") or "", "where": where}

    def _words(self, prefix: str, code: str, default: str | None = None) -> str:
        key = f"{prefix}.{code}"
        if locale.has_text(key):
            return locale.text(self.language, key)
        return code if default is None else locale.text(self.language, f"{prefix}.{default}")

    def _value(self, name: str, value: Any) -> str:
        if name == "category" and isinstance(value, str):
            return self._names.category(value, self.language)
        if name in WORDS and isinstance(value, str):
            return self._words(WORDS[name], value)
        if name == "place" and isinstance(value, dict):
            return _place(value)
        return self._plain(value)[:VALUE_LENGTH]

    def _plain(self, value: Any) -> str:
        if value is None:
            return "—"
        if isinstance(value, bool):
            return locale.text(self.language, "quarantine.yes" if value else "quarantine.no")
        if isinstance(value, list):
            return "、".join(self._plain(one) for one in value[:100]) or "—"
        if isinstance(value, dict):
            pairs = (
                f"{self._words('quarantine.field', str(name))}：{self._plain(one)}" for name, one in list(value.items())[:100]
            )
            return "；".join(pairs) or "—"
        text = str(value)
        return moments.exact(text) if times.INSTANT.fullmatch(text) and _instant({"captured_at": text}) else text


def wrong_fields(entry: Entry) -> list[str]:
    """The fields that stood in the way: named by the refusal, or of no use in a record of this type."""
    named = [name.split(".")[0].split("[")[0] for name in entry["fields"]]
    is_known = entry["about"]["type"] in documents.TYPES and not entry["is_file"] and "document" in entry
    unsound = adoption.unsound_fields(entry["document"], entry["about"]["type"]) if is_known else []
    return list(dict.fromkeys([*named, *unsound]))


def _instant(document: Mapping[str, Any]) -> str | None:
    """When a document says it was captured, by the server's clock; None when it says nothing usable."""
    try:
        return times.to_text(times.corrected(document["captured_at"], document.get("clock_offset_ms")))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _place(place: Mapping[str, Any]) -> str:
    point = ", ".join(f"{place[axis]:.5f}" for axis in ("lat", "lon") if isinstance(place.get(axis), int | float))
    return " · ".join(part for part in (str(place.get("address") or ""), point) if part) or "—"
