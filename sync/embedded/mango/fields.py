"""Paths into documents such as `addr.city` or `tags.0`, and cutting documents down to some fields. Pure."""

import re
from collections.abc import Iterable
from typing import Any, Final

from sync.embedded.refusals import Refusal

_DOT = re.compile(r"(?<!\\)\.")


class Nothing:
    """What is found where nothing is."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


# CouchDB tells a member that is not there from a path that leads through something without members:
# `$exists: false` is true only of the former.
ABSENT: Final = Nothing("ABSENT")
BLOCKED: Final = Nothing("BLOCKED")


def read_path(field: str) -> list[str]:
    """The parts of a field's name; `\\.` is a dot within a part. Raises 400 for an empty part."""
    parts = [part.replace("\\.", ".") for part in _DOT.split(field)] if "\\" in field else field.split(".")
    if not all(parts):
        raise Refusal(400, "invalid_field_name", f"Invalid field name: {field}")
    return parts


def look_up(value: Any, path: Iterable[str]) -> Any:
    """What lies at the path: a value, `ABSENT`, or `BLOCKED`."""
    for part in path:
        if isinstance(value, dict):
            if part not in value:
                return ABSENT
            value = value[part]
        elif isinstance(value, list):
            if not part.isascii() or not part.isdecimal():
                return BLOCKED
            at = int(part[:18])
            if at >= len(value):
                return ABSENT
            value = value[at]
        else:
            return BLOCKED
    return value


class Projection:
    """The members of a document that a client asked for; none named means all."""

    def __init__(self, fields: object) -> None:
        """Raises 400 unless `fields` is a list of text."""
        if not isinstance(fields, list):
            raise Refusal(400, "invalid_fields", "Fields must be an array of strings")
        if not all(isinstance(field, str) and field for field in fields):
            raise Refusal(400, "invalid_field", "Invalid JSON for field spec")
        self.fields: list[str] = fields
        self._paths = [read_path(field) for field in fields]

    def cut(self, document: dict[str, Any]) -> dict[str, Any]:
        """The document with nothing but those members, nested as they were."""
        if not self._paths:
            return document
        cut: dict[str, Any] = {}
        for path in self._paths:
            value = look_up(document, path)
            if value is not ABSENT and value is not BLOCKED:
                _put(cut, path, value)
        return cut


def _put(target: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        inner = target.get(part)
        if not isinstance(inner, dict):
            inner = target[part] = {}
        target = inner
    target[path[-1]] = value
