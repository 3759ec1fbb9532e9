"""A copy of what is kept of a household or a member, given to those it is about: as JSON, or as a page to print. Logged."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import orjson
from starlette.requests import Request
from starlette.responses import Response

from server.domain.errors import InvalidInput
from server.households import exporting
from server.web import household_file, locale
from server.web.audit_log import action_name
from server.web.bodies import Form, takes_form
from server.web.home_views import HomeViews, flag_name
from server.web.services import services_of

Data = dict[str, Any]
# Names of fields that are shown by other words than their own, or not at all on paper.
LEFT_OUT = frozenset(
    {"id", "replaced", "grid", "author", "captured_at", "household", "basis", "case_no", "materials", "item_key"}
)


@takes_form
def export(request: Request, form: Form) -> Response:
    """`POST /households/{grid}/{id}/export`: the copy (`of` the household or a member, `as` json or html) for a `purpose`."""
    person, file = household_file.found(request)
    of, kind, couch = form.get("of", ""), form.get("as", ""), services_of(request).couch
    try:
        copy = exporting.make(couch, person, file, of, as_=kind, purpose=form.get("purpose", ""), now=datetime.now(UTC))
    except InvalidInput as error:
        return household_file.page(request, person, file, error=error)
    if kind == "json":
        raw = orjson.dumps(copy, option=orjson.OPT_INDENT_2)
        headers = {"Content-Disposition": f'attachment; filename="{quote(of, safe="")}.json"', "Cache-Control": "no-store"}
        return Response(raw, headers=headers, media_type="application/json")
    return services_of(request).pages.show(request, "household_export.html", _paper(request, file, copy))


def _paper(request: Request, file: Any, copy: Data) -> Data:
    services, language = services_of(request), locale.language_of(request)
    view = HomeViews(services.couch, services.names, language).file(file)
    people = {copy["made_by"], *(entry["by"] for entry in copy["readings"])}
    names = services.names.people(people, language)
    whole = copy["household"] if "id" in copy["household"] else None
    return {
        "copy": copy,
        "address": view["address"],
        "path": view["path"],
        "basis": view["basis"] if whole else None,
        "made_by": names[copy["made_by"]],
        "facts": _facts(whole, "household", language) if whole else [],
        "members": [{"name": one["name"], "facts": _facts(one, "member", language)} for one in copy["members"]],
        "errands": view["errands"] if whole else [],
        "visits": view["visits"] if whole else [],
        "readings": [
            entry | {"by": names[entry["by"]], "action": action_name(entry["action"], language)} for entry in copy["readings"]
        ],
    }


def _facts(doc: Mapping[str, Any], type_: str, language: str) -> list[Data]:
    """Each fact that is kept, in words, and each value that was replaced and is still kept."""
    shown = [(name, value) for name, value in doc.items() if name not in LEFT_OUT and value not in (None, "", [])]
    rows = [
        {"label": f"field.{type_}.{name}", "text": _text(name, value, language), "is_replaced": False} for name, value in shown
    ]
    for one in doc["replaced"]:
        name = one["field"].partition("/")[0]
        rows.append({"label": f"field.{type_}.{name}", "text": _text(name, one["value"], language), "is_replaced": True})
    return [row for row in rows if locale.has_text(str(row["label"]))]


def _text(name: str, value: Any, language: str) -> str:
    if name == "housing" and value:
        return locale.text(language, f"housing.{value}")
    if name == "basis" and isinstance(value, dict):
        return f"{value['purpose']} · {locale.text(language, 'how.' + value['how'])}"
    if isinstance(value, list):
        kind = "service" if name == "services" else "need"
        return "、".join(flag_name(kind, str(one), language) for one in value)
    return "—" if value is None else str(value)
