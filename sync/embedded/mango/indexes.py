"""Query indexes: how they lie in design documents, how they are listed, made and removed. Pure.

An index is a view of a design document in the language `query`: its `map` holds the definition, and its rows are
`[values of the fields]` of every document that has all of them.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from sync.embedded.codec import dump_sorted
from sync.embedded.mango.fields import read_path
from sync.embedded.mango.normal import Normal, normalize
from sync.embedded.refusals import Refusal, missing

LANGUAGE = "query"
_MOST_FIELDS = 32


@dataclass(frozen=True)
class JsonIndex:
    """One index. `design` is None for the primary index of ids, which every database has."""

    design: str | None
    name: str
    fields: tuple[tuple[str, str], ...]
    partial: Normal = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """The names of its fields."""
        return [name for name, _ in self.fields]

    @property
    def kind(self) -> str:
        """What CouchDB calls its type."""
        return "special" if self.design is None else "json"

    def describe(self) -> dict[str, Any]:
        """The index as `_index` and `_explain` show it."""
        definition: dict[str, Any] = {"fields": [{name: direction} for name, direction in self.fields]}
        if self.partial:
            definition["partial_filter_selector"] = self.partial
        shown = {"ddoc": self.design, "name": self.name, "type": self.kind}
        return shown | ({} if self.design is None else {"partitioned": False}) | {"def": definition}


PRIMARY = JsonIndex(None, "_all_docs", (("_id", "asc"),))


def list_indexes(designs: list[dict[str, Any]]) -> list[JsonIndex]:
    """The primary index and those of the design documents, in the order of design documents and names."""
    found = [PRIMARY]
    for design in sorted(designs, key=lambda each: str(each["_id"])):
        views = design.get("views")
        if design.get("language") != LANGUAGE or not isinstance(views, dict):
            continue
        found += [index for name in sorted(views) if (index := _read_index(design["_id"], name, views[name])) is not None]
    return found


def read_sort(sort: object) -> tuple[tuple[str, str], ...]:
    """Fields with directions, from `["a", {"b": "desc"}]`. Raises 400."""
    if not isinstance(sort, list):
        raise Refusal(400, "invalid_sort_json", "Sort must be an array of sort specs")
    if len(sort) > _MOST_FIELDS:
        raise Refusal(400, "invalid_sort_json", f"More than {_MOST_FIELDS} fields are not supported.")
    fields = tuple(_read_sort_field(each) for each in sort)
    if len({direction for _, direction in fields}) > 1:
        raise Refusal(400, "unsupported_mixed_sort", "Sorts currently only support a single direction for all fields.")
    return fields


def read_new_index(body: dict[str, Any]) -> tuple[JsonIndex, dict[str, Any]]:
    """The index that a POST to `_index` wants, and the view that holds it. Raises 400, 503."""
    _check_new(body)
    definition = body["index"]
    if not isinstance(definition, dict):
        raise Refusal(400, "invalid_index", "JSON indexes must be an object")
    for key in definition:
        if key not in ("fields", "partial_filter_selector"):
            raise Refusal(400, "invalid_key", f"Invalid key {key} for this request.")
    if "fields" not in definition:
        raise Refusal(400, "missing_required_key", "Missing required key: fields")
    fields = read_sort(definition["fields"])
    if not fields:
        raise Refusal(400, "invalid_index", "An index needs a field.")
    partial = normalize(definition.get("partial_filter_selector", {}))
    made_up = hashlib.sha1(dump_sorted(definition), usedforsecurity=False).hexdigest()
    design = body.get("ddoc", made_up).removeprefix("_design/")
    view = {
        "map": {"fields": dict(fields), "partial_filter_selector": partial},
        "reduce": "_count",
        "options": {"def": definition},
    }
    return JsonIndex(f"_design/{design}", body.get("name", made_up), fields, partial), view


def put_view(design: dict[str, Any], name: str, view: dict[str, Any]) -> dict[str, Any] | None:
    """The design document with the view in it; None when it is there already. Raises 400 for another language."""
    if design.get("language", LANGUAGE) != LANGUAGE:
        raise Refusal(400, "invalid_ddoc_lang", f"Existing design doc has an invalid language: {design['language']}")
    views = design.get("views", {})
    return None if views.get(name) == view else design | {"language": LANGUAGE, "views": views | {name: view}}


def drop_view(design: dict[str, Any], name: str) -> dict[str, Any]:
    """The design document without the view; `_deleted` when nothing is left of it. Raises 404."""
    views = dict(design.get("views", {}))
    if name not in views:
        raise missing()
    del views[name]
    rest = {key: value for key, value in design.items() if key != "views"} | ({"views": views} if views else {})
    is_bare = {key for key in rest if not key.startswith("_")} <= {"language"}
    return {key: design[key] for key in ("_id", "_rev")} | {"_deleted": True} if is_bare else rest


def _check_new(body: dict[str, Any]) -> None:
    for key in body:
        if key not in ("index", "type", "name", "ddoc", "w", "partitioned"):
            raise Refusal(400, "invalid_key", f"Invalid key {key} for this request.")
    if "index" not in body:
        raise Refusal(400, "missing_required_key", "Missing required key: index")
    for key in ("type", "name", "ddoc"):
        if not isinstance(body.get(key, ""), str) or body.get(key, "x") == "":
            raise Refusal(400, "invalid_string", f"Invalid string for {key}")
    kind = body.get("type", "json")
    if kind in ("text", "nouveau"):  # what a CouchDB says that has no search engine beside it
        raise Refusal(503, "required index service unavailable", kind)
    if kind != "json":
        raise Refusal(400, "invalid_index", f"Invalid type for index: {kind}")


def _read_sort_field(spec: object) -> tuple[str, str]:
    if isinstance(spec, str) and spec:
        return spec, "asc"
    if isinstance(spec, dict) and len(spec) == 1:
        ((name, direction),) = spec.items()
        if name and direction in ("asc", "desc"):
            return name, direction
        raise Refusal(400, "invalid_sort_dir", f"Invalid sort direction: {direction}")
    raise Refusal(400, "invalid_sort_field", f"Invalid sort field: {spec}")


def _read_index(design: str, name: str, view: object) -> JsonIndex | None:
    """The index of a view, None when it holds none that can be used."""
    definition = view.get("map") if isinstance(view, dict) else None
    fields = definition.get("fields") if isinstance(definition, dict) else None
    if not isinstance(fields, dict) or not fields:
        return None
    try:
        for column in fields:
            read_path(column)
        partial = normalize(definition.get("partial_filter_selector", {}))  # type: ignore[union-attr]
    except Refusal:
        return None
    return JsonIndex(design, name, tuple((column, str(way)) for column, way in fields.items()), partial)
