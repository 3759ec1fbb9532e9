"""The adoption form of a refused record: which homes it offers and preselects, and what a submitted one chose."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from server.domain import adoption, grids
from server.domain.errors import InvalidInput
from server.domain.permissions import Person
from server.quarantine import homes
from server.quarantine.entries import Entry
from server.quarantine.planning import Choice
from server.web import case_views
from server.web.quarantine_views import RefusedViews
from server.web.services import Services
from sync import databases
from sync.couch import Couch
from sync.databases import quarter_at

QUARTERS_OFFERED = 2
View = dict[str, Any]


def township_of(person: Person, entry: Entry) -> str:
    """The township on whose behalf this person looks at an entry."""
    own = [code for code in entry["townships"] if code in person.get("townships", ())]
    held = sorted(person.get("townships", ()))
    return str(next(iter([*own, *entry["townships"], *held]), ""))


def adoption_form(services: Services, entry: Entry, person: Person, views: RefusedViews, typed: Mapping[str, str]) -> View | None:
    """The choices of homes and the fields to put right; None when nobody can give this a home."""
    if entry["state"] != "waiting":
        return None
    language = views.language
    now, author = datetime.now(UTC), homes.author_of(services.couch, entry)
    if entry["is_file"]:
        nothing: View = {"grid": None, "own_grids": [], "grids": [], "quarter": None, "quarters": [], "fields": []}
        return nothing | {"is_file": True, "can_keep": True, "can_correct": False, "categories": []}
    kind = homes.kind_of(entry, author)
    if kind is None or "document" not in entry or entry["reason"] in adoption.NEVER:
        return None
    suggested, quarter = suggest(entry, author, now)
    has_grid = kind not in {"track", "log"}
    quarters = list(dict.fromkeys([quarter, *homes.quarters(now)[:QUARTERS_OFFERED]]))
    township = suggested[:9] if suggested else township_of(person, entry)
    choices = case_views.grid_choices(services.names, township, language) if has_grid else []
    own = [choice for choice in choices if choice["code"] in author.get("grids", ())]
    return {
        "is_file": False,
        "grid": typed.get("grid") or suggested,
        "own_grids": own,
        "grids": choices,
        "quarter": typed.get("quarter") or quarter,
        "quarters": [{"code": one, "name": views.quarter(one)} for one in quarters] if kind in homes.BY_GRID_AND_QUARTER else [],
        "fields": views.form_fields(entry, {name[2:]: value for name, value in typed.items() if name.startswith("f_")}),
        "can_keep": _can_keep(entry, author, kind),
        "can_correct": entry["about"]["type"] in adoption.CORRECTABLE and entry["about"]["type"] != "photo",
        "categories": case_views.category_choices(services.names, language) if entry["about"]["type"] == "report" else [],
    }


def suggest(entry: Entry, author: Person, now: datetime) -> tuple[str | None, str]:
    """The grid and quarter most likely meant: where it was sent, but for somebody who has moved on to one grid, that one."""
    grid, quarter = homes.suggested(entry, now)
    own = list(author.get("grids", ()))
    if entry["reason"] == "not_grid_holder" and len(own) == 1 and grid not in own:
        return own[0], quarter_at(now)
    return grid, quarter


def read_choice(couch: Couch, entry: Entry, form: Mapping[str, str], now: datetime) -> Choice:
    """What a submitted form chose. Raises InvalidInput when it names no home."""
    if entry["is_file"]:
        return Choice()
    kind = homes.kind_of(entry, homes.author_of(couch, entry))
    grid, quarter = form.get("grid", ""), form.get("quarter") or quarter_at(now)
    if kind is None:
        raise InvalidInput({"database": "type_not_allowed"})
    if kind not in {"track", "log"} and not grids.is_grid(grid):
        raise InvalidInput({"grid": "required"})
    database = homes.name_of(entry, kind, grid, quarter)
    return Choice(database, _changes(entry, form) if form.get("what") == "correct" else None)


def _changes(entry: Entry, form: Mapping[str, str]) -> dict[str, Any]:
    """The fields a clerk put right. One left empty that had nothing before stays as it is."""
    names = adoption.CORRECTABLE.get(str(entry["about"]["type"]), ())
    document = entry["document"] if isinstance(entry["document"], dict) else {}
    given = {name: form[f"f_{name}"].strip().replace("\r\n", "\n") for name in names if f"f_{name}" in form}
    return {name: value for name, value in given.items() if value != document.get(name)}


def _can_keep(entry: Entry, author: Person, kind: str) -> bool:
    """True when nothing but the home stands in the way: it could be adopted unchanged into its own grid."""
    document = entry["document"]
    grid = document.get("grid") if isinstance(document, dict) else None
    target = homes.target_of(databases.DatabaseName(kind, grid if grids.is_grid(grid) else None))
    return adoption.check(document, len(orjson.dumps(document)), target, author) is None
