"""The columns of every list: what a field is called in both languages and what its cells hold. Data, for sheets, forms and pages.

How a cell is read and written is `cells.py`. The first column is the key, the last two are the days of validity.
"""

from typing import Literal, NamedTuple

CellKind = Literal[
    "key",
    "category",
    "text",
    "phone",
    "place",
    "unit",
    "units",
    "categories",
    "choice",
    "flag",
    "count",
    "weekdays",
    "clock",
    "day",
    "lines",
]
Choices = dict[str, tuple[str, str]]


class Column(NamedTuple):
    """One column. `choices` are the values of a choice with their names; `is_needed` says that a cell may not be empty."""

    field: str
    zh: str
    en: str
    kind: CellKind = "text"
    is_needed: bool = False
    choices: Choices | None = None

    def title(self, language: str) -> str:
        """The header in a language."""
        return self.en if language == "en" else self.zh


TITLES: dict[str, tuple[str, str]] = {
    "catalogue": ("事件目录", "Event catalogue"),
    "units": ("责任单位", "Units"),
    "powers": ("赋权清单", "Powers"),
    "duties": ("权责清单", "Duties"),
    "territory": ("属地管理", "Territory"),
    "admission": ("交办准入", "Admissions"),
    "people": ("人员岗位", "Posts"),
    "compounds": ("小区包片", "Compounds"),
    "duty": ("值班表", "Duty roster"),
    "errands": ("代办事项", "Errands"),
}
KINDS: Choices = {
    "component": ("部件", "public asset"),
    "event": ("事件", "city event"),
    "dispute": ("矛盾纠纷", "dispute"),
    "hazard": ("安全隐患", "safety hazard"),
    "service": ("民生服务", "public service"),
    "relief": ("社会救助", "social assistance"),
    "emergency": ("应急", "emergency"),
}
LIMIT_UNITS: Choices = {
    "working_hours": ("工作时", "working hours"),
    "working_days": ("工作日", "working days"),
    "hours": ("小时", "hours"),
}
LEVELS: Choices = {
    "community": ("社区", "community"),
    "township": ("镇街", "township"),
    "district": ("区", "district"),
    "city": ("市", "city"),
}
POWER_KINDS: Choices = {
    "penalty": ("行政处罚", "penalty"),
    "inspection": ("行政检查", "inspection"),
    "coercion": ("行政强制", "coercion"),
    "license": ("行政许可", "license"),
    "other": ("其他", "other"),
}
POSTS: Choices = {"head": ("负责人", "head"), "deputy": ("副职", "deputy"), "member": ("工作人员", "member")}

VALID_FROM = Column("valid_from", "生效日期", "Valid from", "day")
VALID_TO = Column("valid_to", "失效日期", "Valid to", "day")
NAME_EN = Column("name_en", "英文名称", "English name")
ITEM = Column("item", "事项", "Item", is_needed=True)
CATEGORIES = Column("categories", "事件类别", "Categories", "categories", is_needed=True)
AREA = Column("area", "区域", "Area", "place", is_needed=True)
SUPPORTING = Column("supporting", "配合单位", "Supporting units", "units")

_FIELDS: dict[str, tuple[Column, ...]] = {
    "catalogue": (
        Column("key", "类别代码", "Category code", "category", is_needed=True),
        Column("name", "名称", "Name", is_needed=True),
        NAME_EN,
        Column("kind", "类型", "Kind", "choice", is_needed=True, choices=KINDS),
        Column("unit", "默认责任单位", "Default unit", "unit", is_needed=True),
        Column("limit_amount", "处置时限", "Time limit", "count", is_needed=True),
        Column("limit_unit", "时限单位", "Unit of time", "choice", is_needed=True, choices=LIMIT_UNITS),
        Column("direct", "直达镇街", "Direct to township", "flag"),
    ),
    "units": (
        Column("key", "单位编号", "Unit id", "key", is_needed=True),
        Column("name", "名称", "Name", is_needed=True),
        NAME_EN,
        Column("level", "层级", "Level", "choice", is_needed=True, choices=LEVELS),
        Column("area", "服务区域", "Area served", "place"),
        Column("administered_by", "业务主管单位", "Administered by", "unit"),
        Column("belongs_to", "属地镇街", "Belongs to", "place"),
    ),
    "powers": (
        Column("key", "编号", "No.", "key", is_needed=True),
        ITEM,
        Column("kind", "权力类型", "Kind of power", "choice", is_needed=True, choices=POWER_KINDS),
        CATEGORIES,
        AREA,
        Column("unit", "行使单位", "Exercised by", "unit", is_needed=True),
        Column("competent", "原主管部门", "Competent department", "unit", is_needed=True),
        Column("needs_review", "法制审核", "Legal review", "flag"),
    ),
    "duties": (
        Column("key", "编号", "No.", "key", is_needed=True),
        ITEM,
        CATEGORIES,
        AREA,
        Column("unit", "权属/责任单位", "Owner", "unit", is_needed=True),
        SUPPORTING,
        Column("basis", "依据", "Basis"),
    ),
    "territory": (
        Column("key", "编号", "No.", "key", is_needed=True),
        ITEM,
        CATEGORIES,
        AREA,
        Column("primary", "主体责任单位", "Primary unit", "unit", is_needed=True),
        SUPPORTING,
    ),
    "admission": (
        Column("key", "编号", "No.", "key", is_needed=True),
        ITEM,
        Column("from_unit", "交办部门", "Handed down by", "unit", is_needed=True),
        CATEGORIES,
        AREA,
        Column("document_no", "准入文号", "Document no."),
    ),
    "people": (
        Column("key", "编号", "No.", "key", is_needed=True),
        Column("account", "账号", "Account", is_needed=True),
        Column("unit", "所在单位", "Unit", "unit", is_needed=True),
        Column("post", "岗位", "Post", "choice", choices=POSTS),
    ),
    "compounds": (
        Column("key", "小区编号", "Compound id", "key", is_needed=True),
        Column("name", "小区名称", "Name", is_needed=True),
        Column("grid", "所属网格", "Grid", "place", is_needed=True),
        Column("address", "地址", "Address"),
        Column("police", "包片民警", "Police officer"),
        Column("police_phone", "民警电话", "Police phone", "phone"),
        Column("enforcement", "包片执法队员", "Enforcement officer"),
        Column("enforcement_phone", "执法电话", "Enforcement phone", "phone"),
    ),
    "duty": (
        Column("key", "编号", "No.", "key", is_needed=True),
        AREA,
        Column("unit", "值班单位", "Unit on duty", "unit", is_needed=True),
        Column("person", "值班人", "Person"),
        Column("phone", "值班电话", "Duty number", "phone", is_needed=True),
        Column("days", "星期", "Weekdays", "weekdays", is_needed=True),
        Column("begins", "开始时间", "Begins", "clock", is_needed=True),
        Column("ends", "结束时间", "Ends", "clock", is_needed=True),
    ),
    "errands": (
        Column("key", "事项编号", "Item id", "key", is_needed=True),
        Column("name", "事项名称", "Name", is_needed=True),
        NAME_EN,
        Column("unit", "受理单位", "Taken in by", "unit", is_needed=True),
        Column("days", "办理天数", "Days it takes", "count"),
        Column("materials", "所需材料", "Materials", "lines", is_needed=True),
        Column("materials_en", "材料英文名称", "Materials in English", "lines"),
    ),
}
COLUMNS: dict[str, tuple[Column, ...]] = {name: (*fields, VALID_FROM, VALID_TO) for name, fields in _FIELDS.items()}


def title_of(list_: str, language: str) -> str:
    """A list's name in a language: also its sheet's."""
    return TITLES[list_][1 if language == "en" else 0]


def list_named(title: str) -> str | None:
    """The list whose sheet has this title in either language (or whose own key it is); None for any other sheet."""
    wanted = title.strip().casefold()
    return next((key for key, names in TITLES.items() if wanted in (key, *(name.casefold() for name in names))), None)


def column_named(list_: str, header: str) -> Column | None:
    """The column with this header in either language (or whose own field it is)."""
    wanted = header.strip().casefold()
    named = (column for column in COLUMNS[list_] if wanted in (column.field, column.zh.casefold(), column.en.casefold()))
    return next(named, None)
