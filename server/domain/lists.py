"""The lists a district works by, as shapes: what one entry of each list says (DOMAIN "The district of the demo", "Categories").

An entry has a key, unique in its list, and versions with the days they are valid (`list_versions.py`). How entries become Excel
sheets is `server/lists/columns.py`, how they choose a unit is `routing.py`. Codes of places are prefixes: six digits mean the
whole district, nine a township, twelve a community, fifteen a grid. Categories are four digits, or two for a whole class.
"""

import hashlib
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from server.domain.documents import END

KEY = rf"^[A-Za-z0-9][A-Za-z0-9._@-]{{0,63}}{END}"
CLOCK = rf"^(?:[01][0-9]|2[0-3]):[0-5][0-9]{END}"

Key = Annotated[str, msgspec.Meta(pattern=KEY)]
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Line = Annotated[str, msgspec.Meta(max_length=200)]
UnitId = Annotated[str, msgspec.Meta(pattern=rf"^unit:[a-z0-9][a-z0-9-]{{0,47}}{END}")]
Units = Annotated[list[UnitId], msgspec.Meta(max_length=20)]
Area = Annotated[str, msgspec.Meta(pattern=rf"^(?:[0-9]{{4}}|[0-9]{{6}}|[0-9]{{9}}|[0-9]{{12}}|[0-9]{{15}}){END}")]
Categories = Annotated[
    list[Annotated[str, msgspec.Meta(pattern=rf"^(?:[0-9]{{2}}|[0-9]{{4}}){END}")]], msgspec.Meta(min_length=1, max_length=100)
]
Phone = Annotated[str, msgspec.Meta(pattern=rf"^[0-9+() -]{{3,30}}{END}")]
Clock = Annotated[str, msgspec.Meta(pattern=CLOCK)]
Amount = Annotated[int, msgspec.Meta(ge=1, le=1000)]
Weekdays = Annotated[list[Annotated[int, msgspec.Meta(ge=1, le=7)]], msgspec.Meta(min_length=1, max_length=7)]


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all: an unknown field is an error."""


class Category(Entry, frozen=True, kw_only=True):
    """事件目录, the event catalogue; the key is the category's code: 大类 2 + 小类 2 digits.

    `name`, `name_en`: what it is called. `kind`: component 部件, event 事件, or one of the 综治 kinds. `unit`: who acts when no
    other list says so. `limit_amount`, `limit_unit`: the time limit of the whole case. `direct`: straight to the township.
    """

    name: Title
    name_en: Line = ""
    kind: Literal["component", "event", "dispute", "hazard", "service", "relief", "emergency"]
    unit: UnitId
    limit_amount: Amount
    limit_unit: Literal["working_hours", "working_days", "hours"]
    direct: bool = False


class Unit(Entry, frozen=True, kw_only=True):
    """责任单位, a unit that can hold a case; the key is what follows `unit:` in its id.

    `level`: whose unit it is. `area`: the code prefix it serves; none means everywhere. 双重领导、双重考核: `administered_by` is
    the bureau that leads it by line, `belongs_to` the township where it serves and whose assessment counts as well.
    """

    name: Title
    name_en: Line = ""
    level: Literal["community", "township", "district", "city"]
    area: Area | None = None
    administered_by: UnitId | None = None
    belongs_to: Area | None = None


class Power(Entry, frozen=True, kw_only=True):
    """赋权清单, a power of a department that a township exercises itself.

    `item`: the power. `categories`, `area`: where it counts. `kind`: penalty 行政处罚, inspection 行政检查, coercion 行政强制,
    license 行政许可, other. `unit`: who exercises it. `competent`: the department it came from, which supports. `needs_review`:
    its major decisions need a legal review 法制审核.
    """

    item: Title
    categories: Categories
    area: Area
    kind: Literal["penalty", "inspection", "coercion", "license", "other"]
    unit: UnitId
    competent: UnitId
    needs_review: bool = False


class Duty(Entry, frozen=True, kw_only=True):
    """权责清单, what a unit owns or answers for by law, wherever in `area` it is.

    `item`: the thing or duty. `unit`: its owner. `supporting`: who helps. `basis`: the law or document that says so.
    """

    item: Title
    categories: Categories
    area: Area
    unit: UnitId
    supporting: Units = []
    basis: Line = ""


class Territory(Entry, frozen=True, kw_only=True):
    """属地管理清单, who answers for a place: `primary` 主体责任 and `supporting` 配合责任 units within `area`."""

    item: Title
    categories: Categories
    area: Area
    primary: UnitId
    supporting: Units = []


class Admission(Entry, frozen=True, kw_only=True):
    """交办准入清单, what a department may hand down to the townships of `area`.

    `item`: the task. `from_unit`: the department. `document_no`: the decision that admitted it.
    """

    item: Title
    categories: Categories
    area: Area
    from_unit: UnitId
    document_no: Line = ""


class Post(Entry, frozen=True, kw_only=True):
    """人员岗位, who works in which unit: `account` is a sign-in name, `post` head, deputy or member. No phone gets it."""

    account: Annotated[str, msgspec.Meta(pattern=rf"^[a-z][a-z0-9_-]{{0,31}}{END}")]
    unit: UnitId
    post: Literal["head", "deputy", "member"] = "member"


class Compound(Entry, frozen=True, kw_only=True):
    """小区 and 包片, a residential compound and who answers for it: a police and an enforcement officer with their office phones.

    The names are those on the board at its gate; no private numbers.
    """

    name: Title
    grid: Annotated[str, msgspec.Meta(pattern=rf"^[0-9]{{15}}{END}")]
    address: Line = ""
    police: Line = ""
    police_phone: Phone | None = None
    enforcement: Line = ""
    enforcement_phone: Phone | None = None


class Shift(Entry, frozen=True, kw_only=True):
    """值班表, a shift that returns every week: `days` 1 (Monday) to 7, `begins` to `ends` (China's time; an earlier end is
    the next day). `phone` is the duty number that a phone's emergency button offers, `person` who is there: office only."""

    area: Area
    unit: UnitId
    person: Line = ""
    phone: Phone
    days: Weekdays
    begins: Clock
    ends: Clock


class ErrandItem(Entry, frozen=True, kw_only=True):
    """代办事项 (跑长制), something that staff do for a resident: what it takes, who takes it in, how long it lasts.

    `materials`: the papers and proofs it takes, named as people know them; `materials_en` are the same in the same order.
    """

    name: Title
    name_en: Line = ""
    unit: UnitId
    days: Amount | None = None
    materials: Annotated[list[Title], msgspec.Meta(min_length=1, max_length=20)]
    materials_en: Annotated[list[Line], msgspec.Meta(max_length=20)] = []


SHAPES: dict[str, type[Entry]] = {
    "catalogue": Category,
    "units": Unit,
    "powers": Power,
    "duties": Duty,
    "territory": Territory,
    "admission": Admission,
    "people": Post,
    "compounds": Compound,
    "duty": Shift,
    "errands": ErrandItem,
}
Routed = Power | Duty | Territory


def material_key(name: str) -> str:
    """What an errand's material is called in records for good: the same name, the same key, wherever it stands in the list."""
    return "m-" + hashlib.sha256(name.encode()).hexdigest()[:10]


def entry_id(list_: str, key: str) -> str:
    """How cases name an entry: `entry:<list>:<key>`. Which version it was follows from the case's own instant."""
    return f"entry:{list_}:{key}"


def parts_of(entry: str) -> tuple[str, str] | None:
    """List and key of an entry's id, or None for anything else."""
    head, _, rest = entry.partition(":")
    list_, _, key = rest.partition(":")
    return (list_, key) if head == "entry" and list_ in SHAPES and key else None


def names_category(categories: Sequence[str], category: str) -> int:
    """How closely a list of codes names a category: the digits that match, 0 for none."""
    return max((len(code) for code in categories if category.startswith(code)), default=0)


def units_named(entry: Entry) -> list[str]:
    """Every unit an entry refers to, so that one that does not exist is found before it is saved."""
    found: list[str] = []
    for field in ("unit", "primary", "competent", "from_unit", "administered_by"):
        value = getattr(entry, field, None)
        found += [value] if value else []
    return [*found, *getattr(entry, "supporting", ())]
