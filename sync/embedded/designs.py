"""What is checked when a design document is saved: the shape of its members, and that the functions of its views compile.

CouchDB compiles maps and reduces only; a filter that does not compile is found out when it is used. The answers are its own.
"""

from typing import Any

from sync.embedded.codec import parse
from sync.embedded.documents import Draft
from sync.embedded.node import has_views, load_views
from sync.embedded.refusals import Refusal, not_implemented

_TYPES: dict[str, tuple[type, ...]] = {"object": (dict,), "string": (str,), "boolean": (bool,), "array": (list,)}
_MEMBERS = {
    "filters": ("object",),
    "language": ("string",),
    "lists": ("object",),
    "options": ("object",),
    "rewrites": ("string", "array"),
    "shows": ("object",),
    "updates": ("object",),
    "validate_doc_update": ("string",),
    "views": ("object",),
}
_OF_FUNCTIONS = ("filters", "lists", "shows", "updates")
_OPTIONS = ("include_design", "local_seq", "partitioned")


def check_design(draft: Draft) -> None:
    """Raises 400 for a design document CouchDB would refuse, 501 for one this node would not obey; other documents pass."""
    if not draft.id.startswith("_design/") or draft.is_deleted:
        return
    design = parse(draft.body)
    for name, kinds in _MEMBERS.items():
        _need_type(design, name, kinds, name)
    for name in _OPTIONS:
        _need_type(design.get("options", {}), name, ("boolean",), f"options.{name}")
    for name in _OF_FUNCTIONS:
        for part in design.get(name, {}):
            _need_type(design[name], part, ("object", "string"), f"{name}.{part}")
    if "validate_doc_update" in design:  # to keep it and not to ask it would let in what it is there to keep out
        raise not_implemented("validate_doc_update")
    _check_views(design.get("views", {}), design.get("language", "javascript"))
    reason = load_views().check_design({"_id": draft.id, **design}) if has_views() else None
    if reason is not None:
        raise Refusal(400, "compilation_error", reason)


def _check_views(views: dict[str, Any], language: str) -> None:
    kind = "object" if language == "query" else "string"
    for name, view in views.items():
        _need_type(views, name, ("object",), f"views.{name}")
        if name == "lib" and language != "query":
            continue
        if "map" not in view:
            raise _invalid(f"View `{name}` must contain map function")
        _need_type(view, "map", (kind,), f"views.{name}.map")
        _need_type(view, "reduce", ("string",), f"views.{name}.reduce")
        reduce = view.get("reduce", "").strip()
        if reduce.startswith("_") and reduce not in load_views().BUILT_IN_REDUCES:
            raise _invalid(f"`{reduce}` is not a supported reducer function.")


def _need_type(members: dict[str, Any], name: str, kinds: tuple[str, ...], shown: str) -> None:
    if name in members and not any(isinstance(members[name], _TYPES[kind]) for kind in kinds):
        raise _invalid(f"`{shown}` field must have {' or '.join(kinds)} type")


def _invalid(reason: str) -> Refusal:
    return Refusal(400, "invalid_design_doc", reason)
