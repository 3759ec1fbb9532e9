"""The event catalogue: every category a report can have, as rows (DOMAIN "Categories", "Flow and clocks").

A row is code (大类 2 + 小类 2 digits), Chinese name, English name, responsible unit, time limit, and whether the case goes
straight to the township (`direct`) instead of its community first. Limits are defaults in working hours 工作时, working days
工作日 or plain hours; each place has its own table. Classes are the first two digits, each of one of the seven kinds.
"""

from typing import Any, NamedTuple


class Kind(NamedTuple):
    """One of the seven kinds of event."""

    zh: str
    en: str


KINDS = {
    "component": Kind("部件", "Public assets"),
    "event": Kind("事件", "City events"),
    "dispute": Kind("矛盾纠纷", "Disputes"),
    "hazard": Kind("安全隐患", "Safety hazards"),
    "service": Kind("民生服务", "Public services"),
    "relief": Kind("社会救助", "Social assistance"),
    "emergency": Kind("应急", "Emergencies"),
}
CLASSES = {
    "01": ("component", "公用设施", "Utilities"),
    "02": ("component", "道路交通", "Roads"),
    "03": ("component", "市容环境设施", "Street facilities"),
    "04": ("component", "园林绿化", "Green spaces"),
    "05": ("component", "房屋建筑", "Buildings"),
    "11": ("event", "市容环境", "Street cleanliness"),
    "12": ("event", "宣传广告", "Advertising"),
    "13": ("event", "施工管理", "Construction sites"),
    "14": ("event", "街面秩序", "Street order"),
    "21": ("dispute", "矛盾纠纷", "Disputes"),
    "31": ("hazard", "消防安全", "Fire safety"),
    "32": ("hazard", "生产生活安全", "Home and work safety"),
    "41": ("service", "民生服务", "Public services"),
    "51": ("relief", "社会救助", "Social assistance"),
    "61": ("emergency", "突发事件", "Emergencies"),
}
UNITS = {
    "enforcement": ("综合执法队", "Integrated enforcement team"),
    "sanitation": ("环卫站", "Sanitation station"),
    "utilities": ("市政设施维护所", "Municipal works"),
    "greening": ("园林绿化所", "Parks and greening"),
    "housing": ("物业与房屋管理办", "Housing and property office"),
    "traffic": ("交警中队", "Traffic police"),
    "justice": ("司法所", "Justice office"),
    "safety": ("应急管理办", "Emergency management office"),
    "fire": ("消防救援站", "Fire and rescue"),
    "police": ("派出所", "Police station"),
    "market": ("市场监管所", "Market regulation"),
    "civil": ("民生服务中心", "Public service centre"),
    "community": ("社区居委会", "Community committee"),
}
LIMIT_UNITS = {"wh": "working_hours", "wd": "working_days", "h": "hours"}

# code, Chinese, English, unit, limit ("5wh", "3wd", "2h"), direct to the township
ROWS = (
    ("0101", "上水井盖缺失破损", "Water manhole cover", "utilities", "5wh", True),
    ("0102", "污水井盖缺失破损", "Sewer manhole cover", "utilities", "5wh", True),
    ("0103", "路灯不亮", "Street light out", "utilities", "2wd", False),
    ("0104", "供水管道漏水", "Leaking water main", "utilities", "4wh", True),
    ("0105", "供热管道漏水", "Leaking heating pipe", "utilities", "4wh", True),
    ("0106", "电梯故障", "Lift out of order", "housing", "4wh", False),
    ("0107", "通信线缆垂落", "Hanging cable", "utilities", "1wd", False),
    ("0201", "路面破损塌陷", "Broken road surface", "utilities", "3wd", False),
    ("0202", "人行道破损", "Broken pavement", "utilities", "5wd", False),
    ("0203", "交通标志损坏", "Damaged traffic sign", "traffic", "2wd", False),
    ("0204", "信号灯故障", "Traffic light fault", "traffic", "4wh", True),
    ("0205", "无障碍设施损坏", "Damaged accessible facility", "utilities", "3wd", False),
    ("0301", "垃圾箱破损", "Broken litter bin", "sanitation", "2wd", False),
    ("0302", "公厕设施损坏", "Public toilet fault", "sanitation", "1wd", False),
    ("0303", "健身器材损坏", "Broken exercise equipment", "community", "3wd", False),
    ("0304", "充电桩故障", "Charging point fault", "housing", "2wd", False),
    ("0401", "树木倒伏断枝", "Fallen tree or branch", "greening", "1wd", False),
    ("0402", "绿地破坏", "Damaged green space", "greening", "5wd", False),
    ("0403", "树木遮挡采光", "Tree blocking light", "greening", "7wd", False),
    ("0501", "外墙脱落", "Falling facade", "housing", "4wh", True),
    ("0502", "屋面漏雨", "Leaking roof", "housing", "5wd", False),
    ("0503", "楼道灯不亮", "Stairwell light out", "housing", "1wd", False),
    ("1101", "暴露垃圾", "Exposed rubbish", "sanitation", "1wd", False),
    ("1102", "积存渣土", "Dumped rubble", "enforcement", "4wd", False),
    ("1103", "道路不洁", "Dirty road", "sanitation", "5wh", False),
    ("1104", "污水外溢", "Sewage overflow", "utilities", "4wh", False),
    ("1105", "积雪结冰", "Snow and ice", "sanitation", "4wh", False),
    ("1106", "焚烧垃圾秸秆", "Open burning", "enforcement", "2wh", False),
    ("1107", "乱堆杂物", "Piled-up junk", "community", "2wd", False),
    ("1201", "违规广告牌", "Illegal billboard", "enforcement", "5wd", False),
    ("1202", "乱贴小广告", "Illegal posters", "sanitation", "1wd", False),
    ("1203", "占道条幅", "Banner over the road", "enforcement", "1wd", False),
    ("1301", "施工扬尘", "Construction dust", "enforcement", "4wh", False),
    ("1302", "夜间施工噪声", "Night construction noise", "enforcement", "2wh", False),
    ("1303", "违法搭建", "Illegal structure", "enforcement", "15wd", False),
    ("1304", "工地围挡破损", "Broken site fence", "enforcement", "1wd", False),
    ("1401", "占道经营", "Trading on the pavement", "enforcement", "4wh", False),
    ("1402", "机动车乱停放", "Illegally parked vehicle", "traffic", "2wh", False),
    ("1403", "非机动车乱停放", "Badly parked bicycles", "enforcement", "4wh", False),
    ("1404", "油烟扰民", "Cooking fumes", "enforcement", "5wd", False),
    ("1405", "犬类扰民", "Dog nuisance", "police", "2wd", False),
    ("2101", "邻里纠纷", "Neighbour dispute", "justice", "5wd", False),
    ("2102", "家庭纠纷", "Family dispute", "justice", "3wd", False),
    ("2103", "物业纠纷", "Property management dispute", "housing", "5wd", False),
    ("2104", "劳资纠纷", "Wage dispute", "justice", "5wd", False),
    ("2105", "土地宅基地纠纷", "Land dispute", "justice", "7wd", False),
    ("2106", "消费纠纷", "Consumer dispute", "market", "5wd", False),
    ("3101", "消防通道堵塞", "Blocked fire lane", "fire", "4wh", False),
    ("3102", "楼道堆物", "Objects in stairwell", "community", "1wd", False),
    ("3103", "电动车入楼充电", "E-bike charged indoors", "community", "4wh", False),
    ("3104", "灭火器缺失过期", "Missing fire extinguisher", "fire", "2wd", False),
    ("3201", "燃气隐患", "Gas hazard", "safety", "2h", True),
    ("3202", "私拉电线", "Improvised wiring", "safety", "1wd", False),
    ("3203", "危房", "Dangerous building", "housing", "1wd", True),
    ("3204", "高空坠物隐患", "Falling object hazard", "housing", "4wh", False),
    ("3205", "食品安全隐患", "Food safety hazard", "market", "1wd", False),
    ("3206", "冰面水域隐患", "Ice or open water hazard", "safety", "4wh", False),
    ("4101", "停水", "No water", "civil", "4wh", False),
    ("4102", "停电", "No electricity", "civil", "4wh", False),
    ("4103", "供暖不热", "No heating", "civil", "1wd", False),
    ("4104", "代办服务", "Errand for a resident", "civil", "3wd", False),
    ("4105", "噪声扰民", "Noise nuisance", "enforcement", "1wd", False),
    ("4106", "政策咨询", "Question about a policy", "civil", "2wd", False),
    ("5101", "困难家庭救助", "Household in hardship", "civil", "3wd", False),
    ("5102", "独居老人关怀", "Elderly person living alone", "community", "1wd", False),
    ("5103", "残疾人服务", "Service for a disabled person", "civil", "3wd", False),
    ("5104", "困境儿童", "Child in need", "civil", "4wh", True),
    ("5105", "流浪乞讨人员", "Person sleeping rough", "civil", "4wh", True),
    ("6101", "火情", "Fire", "fire", "1h", True),
    ("6102", "人员受伤", "Injured person", "safety", "1h", True),
    ("6103", "燃气泄漏", "Gas leak", "safety", "1h", True),
    ("6104", "人员走失", "Missing person", "police", "1h", True),
    ("6105", "积水内涝", "Flooding", "safety", "2h", True),
    ("6106", "群体聚集", "Crowd gathering", "police", "1h", True),
    ("6107", "道路塌陷", "Road collapse", "safety", "1h", True),
)


def categories() -> list[dict[str, Any]]:
    """The catalogue as `ref` documents `category:<code>` (DESIGN §5)."""
    return [_category(row) for row in ROWS]


def _category(row: tuple[str, str, str, str, str, bool]) -> dict[str, Any]:
    code, zh, en, unit, limit, direct = row
    kind, class_zh, class_en = CLASSES[code[:2]]
    amount = limit.rstrip("whd")
    return {
        "_id": f"category:{code}",
        "type": "category",
        "v": 1,
        "code": code,
        "name": {"zh-CN": zh, "en": en},
        "kind": kind,
        "kind_name": {"zh-CN": KINDS[kind].zh, "en": KINDS[kind].en},
        "class": code[:2],
        "class_name": {"zh-CN": class_zh, "en": class_en},
        "unit": f"unit:{unit}",
        "limit": {"amount": int(amount), "unit": LIMIT_UNITS[limit[len(amount) :]]},
        "direct": direct,
    }


def units() -> list[dict[str, Any]]:
    """The units the catalogue names, as `ref` documents `unit:<id>`."""
    return [
        {
            "_id": f"unit:{key}",
            "type": "unit",
            "v": 1,
            "name": {"zh-CN": zh, "en": en},
            "administered_by": None,
            "belongs_to": None,
        }
        for key, (zh, en) in UNITS.items()
    ]
