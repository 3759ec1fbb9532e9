"""What a design document says about its views: which functions to run, which views read them, and how to reduce.

Views with the same map share rows. The signature names an index: it changes exactly when the rows could. Whether the
JavaScript works is found out elsewhere.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson
import quickjs

from sync.embedded.refusals import Refusal, missing, not_implemented
from sync.embedded.views.protocol import Kind

BUILT_IN_REDUCES = ("_sum", "_count", "_stats", "_approx_count_distinct")
_INDEX_FORMAT = 1  # raise it when sort keys or tables change: every index is then built anew
_COMPILE_LIMIT_S = 1.0


@dataclass(frozen=True)
class View:
    """One view: the number of its map function among `Definition.functions`, and its reduce (source, built-in or None)."""

    name: str
    function: int
    reduce: str | None


@dataclass(frozen=True)
class Definition:
    """A design document's views, ready to be indexed."""

    id: str
    functions: tuple[str, ...]
    views: dict[str, View]
    lib: dict[str, Any]
    includes_design: bool
    has_local_seq: bool
    kind: Kind = "map"

    @property
    def signature(self) -> str:
        """32 hex digits, the same for the same rows."""
        seen = [_INDEX_FORMAT, self.functions, self.lib, self.includes_design, self.has_local_seq]
        if self.kind != "map":
            seen.append(self.kind)
        return hashlib.sha256(orjson.dumps(seen)).hexdigest()[:32]

    @property
    def wants_conflicts(self) -> bool:
        """Whether a map looks at `_conflicts`, which costs a look at the revision tree."""
        return any("_conflicts" in function for function in self.functions)

    def view(self, name: str) -> View:
        """The view of that name; 404 as CouchDB words it when there is none."""
        if name not in self.views:
            raise missing("missing_named_view")
        return self.views[name]


def define(design_doc: dict[str, Any]) -> Definition:
    """Read a design document. Views that are not `{"map": text}` (of query indexes: an object) are left out; 501 for
    languages other than JavaScript and `query`."""
    language = design_doc.get("language", "javascript")
    if language not in ("javascript", "query"):
        raise not_implemented(f"The view language {language!r}")
    is_query = language == "query"
    parts = design_doc.get("views")
    parts = parts if isinstance(parts, dict) else {}
    functions: dict[str, int] = {}
    views = {}
    for name, part in parts.items():
        if (name == "lib" and not is_query) or not isinstance(part, dict):
            continue
        map_, reduce = part.get("map"), part.get("reduce")
        if not isinstance(map_, dict if is_query else str):
            continue
        source = map_ if isinstance(map_, str) else orjson.dumps(map_).decode()
        views[name] = View(
            name, functions.setdefault(source, len(functions)), reduce.strip() if isinstance(reduce, str) else None
        )
    options = design_doc.get("options")
    options = options if isinstance(options, dict) else {}
    lib = parts.get("lib")
    return Definition(
        id=str(design_doc["_id"]),
        functions=tuple(functions),
        views=views,
        lib=lib if isinstance(lib, dict) else {},
        includes_design=options.get("include_design") is True,
        has_local_seq=options.get("local_seq") is True,
        kind="index" if is_query else "map",
    )


def check_design(design_doc: dict[str, Any]) -> str | None:
    """Say why a design document must not be saved, or None. Compiles its functions without running anything."""
    if design_doc.get("language", "javascript") != "javascript":
        return None
    parts = design_doc.get("views", {})
    if not isinstance(parts, dict):
        return "`views` field must have object type"
    for name, part in parts.items():
        reason = None if name == "lib" else _check_view(name, part)
        if reason:
            return reason
    return None


def _check_view(name: str, part: object) -> str | None:
    if not isinstance(part, dict):
        return f"`views.{name}` must have object type"
    for kind in ("map", "reduce"):
        source = part.get(kind)
        if source is None:
            continue
        if not isinstance(source, str):
            return f"`views.{name}.{kind}` must be text"
        if kind == "reduce" and source.strip().startswith("_"):
            if source.strip() not in BUILT_IN_REDUCES:
                return f"`{source.strip()}` is not a supported reducer function."
        elif problem := _find_syntax_error(source):
            return f"Compilation of the {kind} function in the '{name}' view failed: {problem}"
    return None


def _find_syntax_error(source: str) -> str | None:
    context = quickjs.Context()
    context.set_time_limit(_COMPILE_LIMIT_S)
    context.set_memory_limit(32 << 20)
    compile_only = context.eval("(function (source) { new Function('return (' + source + '\\n)'); })")
    try:
        compile_only(source.strip().rstrip(";"))
    except (quickjs.JSException, MemoryError) as error:
        return str(error).strip().split("\n", 1)[0][:300]
    return None


def refuse_broken(reason: str) -> Refusal:
    """The answer to a query of a view whose functions cannot be used."""
    return Refusal(500, "compilation_error", reason)
