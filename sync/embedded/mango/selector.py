"""A selector ready for use: checked, normalised and compiled. How one with `$regex` is contained is in `sieves`."""

from typing import Any

from sync.embedded.mango.matching import compile_test
from sync.embedded.mango.normal import has_patterns, normalize
from sync.embedded.refusals import Refusal


class Selector:
    """What a client calls a selector. `is_costly`: it has a `$regex`, so that only a mapper process may run it."""

    def __init__(self, selector: object) -> None:
        """Raises 400 in CouchDB's words."""
        self.normal = normalize(selector)
        self.is_costly = has_patterns(self.normal)
        self._test = compile_test(self.normal)

    def matches(self, document: dict[str, Any]) -> bool:
        """Whether the document fits. Raises 500 for a document nested beyond measure."""
        try:
            return self._test(document)
        except RecursionError:
            raise Refusal(500, "internal_error", "A document is nested too deeply to be compared.") from None
