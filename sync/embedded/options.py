"""Query parameters of the protocol: from text (or the JSON of a POST body) to checked values."""

from typing import Any

from sync.embedded.codec import parse
from sync.embedded.refusals import bad_parameter

MOST = 1 << 62  # no count is larger; SQLite takes 63 bits

_ABSENT: Any = object()


class Options:
    """Parameters by name. Text from the query string is read as the asked type; values of a body are taken as they are.

    A body's value goes before the query's of the same name.
    """

    def __init__(self, query: dict[str, str], body: dict[str, Any] | None = None) -> None:
        self.query = query
        self.body = body or {}

    def has(self, name: str) -> bool:
        """Whether it was given at all."""
        return name in self.body or name in self.query

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean. Raises 400."""
        value = self._get(name, default)
        if isinstance(value, bool):
            return value
        if value in ("true", "false"):
            return bool(value == "true")
        raise bad_parameter(f'Invalid boolean parameter: "{value}"')

    def count(self, name: str, default: int) -> int:
        """An integer from 0. Raises 400."""
        value = self._get(name, default)
        if isinstance(value, str):
            try:
                value = int(value)
            except ValueError:
                raise bad_parameter(f'Invalid value for integer: "{value}"') from None
        if not isinstance(value, int) or isinstance(value, bool):
            raise bad_parameter(f'Invalid value for integer: "{value}"')
        if value < 0:
            raise bad_parameter(f'Invalid value for positive integer: "{value}"')
        return min(value, MOST)

    def text(self, name: str, default: str = "") -> str:
        """Text as it is."""
        value = self._get(name, default)
        return value if isinstance(value, str) else str(value)

    def json(self, *names: str, default: Any = None) -> Any:
        """A JSON value under the first of the names (aliases) that was given. Raises 400."""
        for name in names:
            if name in self.body:
                return self.body[name]
            if name in self.query:
                return parse(self.query[name].encode())
        return default

    def _get(self, name: str, default: Any) -> Any:
        value = self.body.get(name, _ABSENT)
        return self.query.get(name, default) if value is _ABSENT else value
