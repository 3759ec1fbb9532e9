"""How people write about one problem: other words for the thing, other ways to say where, slips of the finger."""

from random import Random
from typing import NamedTuple


class Wording(NamedTuple):
    """What may be said of one category: names of the thing, what is wrong with it, and what some add."""

    things: tuple[str, ...]
    troubles: tuple[str, ...]
    remarks: tuple[str, ...] = ()


WORDINGS = {
    "0103": Wording(
        ("路灯", "街灯", "照明灯", "路灯杆上的灯"),
        ("不亮", "坏了", "不亮了", "晚上不亮", "熄灭", "一闪一闪的"),
        ("晚上走路看不清", "老人出行不便"),
    ),
    "0101": Wording(
        ("井盖", "上水井盖", "自来水井盖", "井盖子"),
        ("缺失", "丢了", "破损", "没了", "被压碎", "裂开"),
        ("车辆经过很危险", "旁边没有警示", "怕小孩掉下去"),
    ),
    "0202": Wording(
        ("人行道地砖", "步道砖", "路边砖", "人行道"),
        ("破损", "松动", "翘起来了", "缺了几块", "坑洼不平"),
        ("绊倒过人", "下雨积水"),
    ),
    "0301": Wording(("垃圾箱", "果皮箱", "垃圾桶"), ("破损", "盖子掉了", "坏了", "被烧坏", "倒了"), ("垃圾都撒出来了",)),
    "0401": Wording(
        ("大树", "树枝", "行道树", "柳树"), ("倒了", "折断", "断枝挂着", "被风刮断", "倒伏"), ("压到车了", "挡住路了")
    ),
    "1101": Wording(
        ("垃圾", "生活垃圾", "暴露垃圾", "垃圾堆", "建筑和生活垃圾"),
        ("没人清", "堆了一堆", "未清运", "满了溢出来", "散落一地", "成堆"),
        ("味道大", "招苍蝇", "请尽快清理"),
    ),
    "1107": Wording(
        ("杂物", "废旧家具", "旧沙发", "纸箱杂物", "破烂"),
        ("乱堆", "堆放", "占道堆放", "没人管", "扔在路边"),
        ("影响通行", "影响市容"),
    ),
    "1104": Wording(
        ("污水", "下水道", "下水井", "污水井"), ("外溢", "冒水", "往外冒", "堵了返水", "反水"), ("臭味很大", "流到路上了")
    ),
    "1202": Wording(("小广告", "野广告", "非法小广告"), ("乱贴", "贴满了", "贴得到处都是", "又贴上了"), ("墙面和电箱都有",)),
    "1402": Wording(
        ("车辆", "小轿车", "私家车", "面包车"),
        ("乱停", "违停", "占道停放", "堵住路口", "停在人行道上"),
        ("过不去人", "行人只能走车道"),
    ),
    "3102": Wording(
        ("楼道杂物", "楼道里纸箱", "楼道堆的东西", "过道旧家具"),
        ("堆放", "堵着", "没清理", "占了过道", "堆满了"),
        ("消防隐患", "影响上下楼"),
    ),
    "0503": Wording(("楼道灯", "楼梯灯", "声控灯", "楼道照明"), ("不亮", "坏了", "不亮了", "感应不灵"), ("晚上摸黑上楼",)),
    "4103": Wording(
        ("暖气", "家里暖气", "供暖", "暖气片"), ("不热", "温度不够", "只有十几度", "冰凉"), ("家里有老人小孩", "已经好几天了")
    ),
    "3101": Wording(("消防通道", "消防车道", "安全通道"), ("被堵", "被车占用", "堵塞", "停满了车"), ("消防车进不来",)),
}
# What one person files under one category, another files under its neighbour.
NEIGHBOURS = {"1101": "1107", "1107": "1101", "0101": "0201", "1402": "3101", "3101": "1402", "0503": "0106", "1104": "0104"}

STREETS = ("同心北街", "文萃南路", "怀远西路", "朔方路", "贺兰山西路", "学院西路", "丽子园北街", "金波南街")
SHOPS = (
    "便民超市",
    "牛肉面馆",
    "兰州拉面",
    "药店",
    "理发店",
    "幼儿园",
    "菜鸟驿站",
    "农贸市场",
    "建设银行",
    "公交站",
    "小学",
    "彩票店",
    "水果店",
)
COMPOUNDS = ("华西苑", "同心苑", "怡安小区", "朔方家园", "军马场小区", "铁西嘉园", "锦绣花园", "富宁家园")
DIGITS = "零一二三四五六七八九十"
# Keys beside each other on a pinyin keyboard give other words of the same sound.
SLIPS = {
    "路": "露",
    "灯": "等",
    "井": "景",
    "垃": "拉",
    "坏": "怀",
    "堆": "对",
    "清": "青",
    "道": "到",
    "停": "亭",
    "楼": "搂",
    "水": "睡",
    "暖": "软",
}


class Spot(NamedTuple):
    """Where something is, as people would tell: any part may be left out by whoever writes."""

    street: str
    shop: str
    compound: str
    building: int | None
    unit: int | None


def number(value: int, rng: Random) -> str:
    """A building's or entrance's number the way one of several people writes it."""
    return DIGITS[value] if value <= 10 and rng.random() < 0.3 else str(value)


def place(spot: Spot, rng: Random, *, is_indoor: bool) -> str:
    """Where, in the words of one person: some go by another shop, at a corner some name the other street."""
    if rng.random() < 0.15:
        spot = spot._replace(shop=rng.choice(SHOPS))
    if rng.random() < 0.1:
        spot = spot._replace(street=rng.choice(STREETS))
    if spot.building and (is_indoor or rng.random() < 0.5):
        sign = rng.choice(("号楼", "号楼", "#楼", "栋"))
        said = number(spot.building, rng) + sign
        if spot.unit and ((is_indoor and rng.random() < 0.9) or rng.random() < 0.4):
            said += number(spot.unit, rng) + "单元"
        return (spot.compound if rng.random() < 0.7 else "") + said
    shop = spot.shop + rng.choice(("门口", "旁边", "对面", "附近", ""))
    return rng.choice(
        (spot.street + shop, shop, spot.street, spot.compound + rng.choice(("门口", "南门", "北门", "")), spot.street + shop)
    )


def text(category: str, spot: Spot, rng: Random, *, is_indoor: bool) -> str:
    """One person's sentence about one problem; some write next to nothing."""
    wording = WORDINGS[category]
    if rng.random() < 0.07:
        return rng.choice(("", "请处理", wording.troubles[0]))
    thing, trouble = rng.choice(wording.things), rng.choice(wording.troubles)
    where = place(spot, rng, is_indoor=is_indoor) if rng.random() < 0.85 else ""
    said = rng.choice(
        (f"{where}{thing}{trouble}", f"{where}，{thing}{trouble}", f"{thing}{trouble}，在{where}" if where else thing + trouble)
    )
    if wording.remarks and rng.random() < 0.45:
        said += rng.choice(("，", "。", "，")) + rng.choice(wording.remarks)
    if rng.random() < 0.15:
        said = rng.choice(("居民反映", "巡查发现", "群众反映")) + said
    return slip(said, rng) if rng.random() < 0.25 else said


def slip(said: str, rng: Random) -> str:
    """One wrong, missing or doubled character."""
    at = [index for index, letter in enumerate(said) if letter in SLIPS]
    if at and rng.random() < 0.6:
        index = rng.choice(at)
        return said[:index] + SLIPS[said[index]] + said[index + 1 :]
    index = rng.randrange(len(said)) if said else 0
    if said[index : index + 1].isdigit() or said[index : index + 1] in DIGITS:
        return said
    return said[:index] + said[index + 1 :] if rng.random() < 0.5 else said[: index + 1] + said[index:]
