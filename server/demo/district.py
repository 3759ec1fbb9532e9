"""Townships, communities and grids of the demo district, as `ref` documents.

9 townships, 80 communities and villages, 538 grids (433 in communities, 105 in villages). The outlines come from `outlines.py`.
"""

from typing import Any, NamedTuple

from server.demo.outlines import Cell, Region, divide, outline_of

DISTRICT = "640105"
VALID_FROM = "2026-01-01"
BOUNDS = Region(105.88, 38.40, 106.24, 38.62)


class Township(NamedTuple):
    """A township, its communities or villages by name, and how much land one of its grids takes compared with a city block."""

    code: str
    zh: str
    en: str
    places: str
    is_town: bool = False


TOWNSHIPS = (
    Township("640105101", "镇北堡镇", "Zhenbeibu Town", "镇北堡 华西 德林 昊苑 新华 团结 吴苑 同阳 良渠 顺和 金山 北堡", True),
    Township("640105100", "兴泾镇", "Xingjing Town", "兴盛 泾华 泾河源 黄花 十里铺 友爱 西干 泾兴", True),
    Township("640105006", "贺兰山西路街道", "Helanshan West Road", "丽子园 芦花 朔苑 文萃 军苑 北方 银啤 长城 贺兰 铁东"),
    Township("640105007", "怀远路街道", "Huaiyuan Road", "怀远 黄河 学院 同心 锦绣 平吉 金波 富康 景园"),
    Township("640105001", "西花园路街道", "Xihuayuan Road", "西花园 华联 铁路 东苑 花园 西站 站前 新苑"),
    Township("640105002", "北京西路街道", "Beijing West Road", "富宁 兴泾苑 丰登 盈北 西苑 金阳 泾龙 北苑 惠民 利民 共享"),
    Township("640105003", "文昌路街道", "Wenchang Road", "文昌 燕宝 丽景 文华 书香 昌盛 华兴 文苑"),
    Township("640105004", "朔方路街道", "Shuofang Road", "朔方 宁朔 绿地 方园 朔祥 安居 新民"),
    Township("640105005", "宁华路街道", "Ninghua Road", "宁华 化工 华苑 宁苑 工人 建设 和平"),
)
COMMUNITY_GRIDS = 433
VILLAGE_GRIDS = 105
VILLAGE_LAND = 3.0


def documents() -> list[dict[str, Any]]:
    """Every township, community and grid as a `ref` document."""
    places = list(_places())
    cells = divide([Cell(place["grid_codes"], place["land"]) for place in places], BOUNDS)
    found: list[dict[str, Any]] = [_township(township) for township in TOWNSHIPS]
    for place, region in zip(places, cells, strict=True):
        found.append(_community(place))
        land = [Cell([code], 1.0) for code in place["grid_codes"]]
        pieces = divide(land, region)
        found += [_grid(place, n, outline_of(piece)) for n, piece in enumerate(pieces)]
    return found


def grid_codes(township: str, community: int = 1) -> list[str]:
    """The codes of the grids in the n-th community (from 1) of a township, in order."""
    mine = [place for place in _places() if place["township"].code == township]
    return list(mine[community - 1]["grid_codes"])


def _places() -> Any:
    counts = {True: _shares(VILLAGE_GRIDS, True), False: _shares(COMMUNITY_GRIDS, False)}
    taken = {True: 0, False: 0}
    for township in TOWNSHIPS:
        for n, name in enumerate(township.places.split(), 1):
            count = counts[township.is_town][taken[township.is_town]]
            taken[township.is_town] += 1
            code = f"{township.code}{n + (200 if township.is_town else 0):03d}"
            yield {
                "township": township,
                "code": code,
                "name": name + ("村" if township.is_town else "社区"),
                "grid_codes": [f"{code}{k:03d}" for k in range(1, count + 1)],
                "land": count * (VILLAGE_LAND if township.is_town else 1.0),
            }


def _shares(grids: int, town: bool) -> list[int]:
    places = sum(len(t.places.split()) for t in TOWNSHIPS if t.is_town is town)
    return [grids // places + (1 if n < grids % places else 0) for n in range(places)]


def _township(township: Township) -> dict[str, Any]:
    return {
        "_id": f"township:{township.code}",
        "type": "township",
        "v": 1,
        "code": township.code,
        "name": {"zh-CN": township.zh, "en": township.en},
    }


def _community(place: dict[str, Any]) -> dict[str, Any]:
    return {
        "_id": f"community:{place['code']}",
        "type": "community",
        "v": 1,
        "code": place["code"],
        "name": place["name"],
        "township": place["township"].code,
        "is_village": place["township"].is_town,
    }


def _grid(place: dict[str, Any], n: int, ring: list[list[float]]) -> dict[str, Any]:
    township = place["township"]
    lons, lats = zip(*ring[:-1], strict=True)
    return {
        "_id": f"grid:{place['grid_codes'][n]}",
        "type": "grid",
        "v": 1,
        "code": place["grid_codes"][n],
        "name": f"{place['name']}第{n + 1}网格",
        "community": {"code": place["code"], "name": place["name"]},
        "township": {"code": township.code, "name": township.zh},
        "outline": {"type": "Polygon", "coordinates": [ring]},
        "centre": [round(sum(lats) / len(lats), 5), round(sum(lons) / len(lons), 5)],
        "valid_from": VALID_FROM,
        "valid_to": None,
    }
