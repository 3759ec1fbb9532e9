"""The demo district's lists: units under two lines of leadership, powers, duties, territory, admissions, compounds, shifts.

Plausible, made up, and the same every time. Numbers like the district's (DESIGN §1): 246 compounds. Names of people are invented;
telephone numbers are of the area but assigned to nobody that we know of.
"""

from collections.abc import Iterator
from typing import Any

from server.demo import compounds, errands
from server.demo.district import DISTRICT, TOWNSHIPS, VALID_FROM, Township
from server.demo.people import TOWNSHIP
from server.domain import catalogue, lists
from server.domain.list_versions import Version

BUREAUS = {
    "bureau-police": ("公安分局", "Public security bureau"),
    "bureau-market": ("市场监督管理局", "Market regulation bureau"),
    "bureau-justice": ("司法局", "Justice bureau"),
    "bureau-enforcement": ("综合执法局", "Enforcement bureau"),
    "bureau-emergency": ("应急管理局", "Emergency management bureau"),
    "bureau-housing": ("住房和城乡建设局", "Housing and construction bureau"),
    "bureau-civil": ("民政局", "Civil affairs bureau"),
    "command": ("区指挥中心", "District command centre"),
}
# 1+4+N (DOMAIN): the four departments that stand in every township, each led by its bureau as well.
STANDING = {
    "police": ("派出所", "police station", "bureau-police"),
    "enforcement": ("综合执法队", "enforcement team", "bureau-enforcement"),
    "justice": ("司法所", "justice office", "bureau-justice"),
    "market": ("市场监管所", "market regulation", "bureau-market"),
}
PLACES = (  # 属地: categories, which standing department, what for
    ("1405 6104 6106", "police", "治安与养犬管理"),
    ("2101 2102 2104 2105", "justice", "矛盾纠纷调解"),
    ("2106 3205", "market", "市场与食品安全"),
)
POWERS = (  # 赋权: category, kind, item, needs a legal review
    ("1102", "penalty", "随意倾倒渣土行为的处罚", False),
    ("1106", "penalty", "露天焚烧行为的处罚", False),
    ("1201", "coercion", "违规户外广告的拆除", True),
    ("1303", "coercion", "违法搭建的制止与拆除", True),
    ("1401", "penalty", "占道经营行为的处罚", False),
    ("1404", "inspection", "餐饮油烟的检查", False),
)
DUTIES = (  # 权责: categories, owner, supporting, item
    ("0101 0102", "utilities", "", "给排水井盖"),
    ("0103", "utilities", "", "路灯照明"),
    ("0104", "utilities", "", "供水管网"),
    ("0105", "utilities", "bureau-housing", "供热管网"),
    ("0106", "market", "housing", "电梯安全监管"),
    ("0107", "utilities", "", "通信线缆"),
    ("0201 0202 0205", "utilities", "traffic", "道路与人行道"),
    ("0203 0204", "traffic", "utilities", "交通标志与信号灯"),
    ("03", "sanitation", "", "环卫设施"),
    ("0303", "community", "bureau-civil", "社区健身器材"),
    ("0401 0402 0403", "greening", "", "树木与绿地"),
    ("0501 0502 0503", "housing", "bureau-housing", "房屋与楼道"),
    ("1101 1103 1105 1202", "sanitation", "", "道路保洁"),
    ("1104", "utilities", "sanitation", "污水管网"),
    ("1102 1106 1201 1203 1301 1302 1303 1304 1401 1403 1404", "bureau-enforcement", "", "城市管理执法"),
    ("1402", "traffic", "", "机动车停放秩序"),
    ("2103", "housing", "justice", "物业管理纠纷"),
    ("3101 3104", "fire", "safety", "消防安全"),
    ("3201 6103", "safety", "bureau-emergency fire", "燃气安全"),
    ("3203 3204", "housing", "bureau-housing", "房屋安全"),
    ("5101 5104 5105", "civil", "bureau-civil", "社会救助"),
)
ADMISSIONS = (  # 准入: from, categories, where, item
    ("enforcement", "11 12 14", TOWNSHIP, "市容环境专项整治"),
    ("bureau-enforcement", "1303", DISTRICT, "违法建设摸底排查"),
    ("bureau-emergency", "32", DISTRICT, "安全隐患排查"),
    ("bureau-civil", "51", DISTRICT, "困难群众走访核对"),
    ("bureau-housing", "0502 3203", DISTRICT, "老旧房屋巡查"),
    ("command", "3101 3104", DISTRICT, "重大活动消防检查"),
)
POSTS = (("dept1", "enforcement", "head"), ("triage1", "civil", "head"), ("district1", "command", "head"))
SHIFTS = (("day", [1, 2, 3, 4, 5], "08:00", "18:00"), ("night", [1, 2, 3, 4, 5, 6, 7], "18:00", "08:00"))
WEEKEND = ("weekend", [6, 7], "08:00", "18:00")


def entries() -> list[Version]:
    """Every entry of the demo's lists as its first version."""
    return [
        *_units(),
        *_powers(),
        *_duties(),
        *_territory(),
        *_admissions(),
        *_posts(),
        *compounds.entries(),
        *_shifts(),
        *errands.entries(),
    ]


def own_unit(kind: str, township: str) -> str:
    """The key of a standing department's unit in a township; in the accounts' own township the plain key."""
    return kind if township == TOWNSHIP else f"{kind}-{township[6:]}"


def _entry(list_: str, key: str, **body: Any) -> Version:
    return Version(list_, key, 0, VALID_FROM, None, lists.SHAPES[list_](**body))


def _ids(keys: str) -> list[str]:
    return [f"unit:{key}" for key in keys.split()]


def short_name(township: Township) -> str:
    """A township's name without its kind: 北京西路."""
    return township.zh.removesuffix("街道").removesuffix("镇")


def _units() -> Iterator[Version]:
    for key, (zh, en) in BUREAUS.items():
        yield _entry("units", key, name=zh, name_en=en, level="district", area=DISTRICT)
    for key in sorted(set(catalogue.UNITS) - set(STANDING)):
        zh, en = catalogue.UNITS[key]
        yield _entry("units", key, name=zh, name_en=en, level="district", area=DISTRICT)
    for township in TOWNSHIPS:
        for kind, (zh, en, bureau) in STANDING.items():
            names = {"name": short_name(township) + zh, "name_en": f"{township.en} {en}", "level": "township"}
            led = {"administered_by": f"unit:{bureau}", "belongs_to": township.code, "area": township.code}
            yield _entry("units", own_unit(kind, township.code), **names, **led)


def _powers() -> Iterator[Version]:
    for township in TOWNSHIPS:
        unit = f"unit:{own_unit('enforcement', township.code)}"
        for code, kind, item, needs_review in POWERS:
            body = {"item": item, "categories": [code], "area": township.code, "kind": kind, "needs_review": needs_review}
            yield _entry("powers", f"w-{code}-{township.code[6:]}", **body, unit=unit, competent="unit:bureau-enforcement")


def _duties() -> Iterator[Version]:
    for number, (codes, owner, supporting, item) in enumerate(DUTIES, 1):
        units = {"unit": f"unit:{owner}", "supporting": _ids(supporting)}
        yield _entry("duties", f"q-{number:02d}", item=item, categories=codes.split(), area=DISTRICT, **units)


def _territory() -> Iterator[Version]:
    for township in TOWNSHIPS:
        for codes, kind, item in PLACES:
            units = {"primary": f"unit:{own_unit(kind, township.code)}", "supporting": _ids(STANDING[kind][2])}
            key = f"s-{kind}-{township.code[6:]}"
            yield _entry("territory", key, item=item, categories=codes.split(), area=township.code, **units)


def _admissions() -> Iterator[Version]:
    for number, (unit, codes, area, item) in enumerate(ADMISSIONS, 1):
        body = {"item": item, "categories": codes.split(), "area": area, "from_unit": f"unit:{unit}"}
        yield _entry("admission", f"z-{number:02d}", **body, document_no=f"西政准入〔2026〕{number}号")


def _posts() -> Iterator[Version]:
    for account, unit, post in POSTS:
        yield _entry("people", f"{account}@{unit}", account=account, unit=f"unit:{unit}", post=post)


def _shifts() -> Iterator[Version]:
    for n, township in enumerate(TOWNSHIPS):
        for m, (name, days, begins, ends) in enumerate((*SHIFTS, WEEKEND)):
            hours = {"days": days, "begins": begins, "ends": ends}
            who = {"person": compounds.officer(n * 3 + m + 40), "phone": f"0951-206{int(township.code[6:]):04d}"}
            yield _entry("duty", f"{township.code}-{name}", area=township.code, unit="unit:safety", **who, **hours)
