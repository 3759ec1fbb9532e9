"""What is checked when a design document is saved: the shape of its `views`, and that their functions compile."""

from typing import Any

from sync.embedded.codec import parse
from sync.embedded.documents import Draft
from sync.embedded.node import has_views, load_views
from sync.embedded.refusals import Refusal


def check_design(draft: Draft) -> None:
    """Raises 400 for a design document CouchDB would refuse; other documents pass."""
    if not draft.id.startswith("_design/") or draft.is_deleted:
        return
    design = parse(draft.body)
    _check_views(design.get("views", {}))
    reason = load_views().check_design({"_id": draft.id, **design}) if has_views() else None
    if reason is not None:
        raise Refusal(400, "compilation_error", reason)


def _check_views(views: Any) -> None:
    _need(isinstance(views, dict), "`views` field must have object type")
    for name, view in views.items():
        _need(isinstance(view, dict) or name == "lib", f"`views.{name}` field must have object type")
        if name == "lib":
            continue
        _need("map" in view, f"View `{name}` must contain map function")
        # A query index of CouchDB keeps an object here; plain views keep text.
        _need(isinstance(view["map"], str | dict), f"`views.{name}.map` field must have string type")
        _need(isinstance(view.get("reduce", ""), str), f"`views.{name}.reduce` field must have string type")


def _need(is_right: bool, reason: str) -> None:
    if not is_right:
        raise Refusal(400, "invalid_design_doc", reason)
