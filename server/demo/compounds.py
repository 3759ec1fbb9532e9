"""The 246 residential compounds of the demo district, spread over the grids of its communities, each with two officers 包片."""

from server.demo.district import TOWNSHIPS, VALID_FROM, documents
from server.domain import lists
from server.domain.list_versions import Version

COUNT = 246
KINDS = ("花园", "家园", "小区", "雅居", "公寓", "新村")
SURNAMES = "马王李张刘杨丁白田金纳海杨赵陈吴周郭"
GIVEN = ("建军", "晓东", "文斌", "志强", "海燕", "晓梅", "国庆", "玉兰", "鹏飞", "慧敏", "伟民", "佳宁", "永强", "秀兰")


def entries() -> list[Version]:
    """One entry a compound. A compound's grid is the one it lies in; of 433 community grids every second or so has one."""
    grids = [doc for doc in documents() if doc["type"] == "grid" and doc["community"]["name"].endswith("社区")]
    chosen = [grids[n * len(grids) // COUNT] for n in range(COUNT)]
    return [_compound(n, grid) for n, grid in enumerate(chosen)]


def officer(n: int) -> str:
    """A made-up name."""
    return SURNAMES[n * 7 % len(SURNAMES)] + GIVEN[n * 5 % len(GIVEN)]


def _compound(n: int, grid: dict[str, object]) -> Version:
    code = str(grid["code"])
    community = str(grid["community"]["name"]).removesuffix("社区")  # type: ignore[index]
    street = next(township.zh.removesuffix("街道") for township in TOWNSHIPS if township.code == code[:9])
    body = lists.Compound(
        name=community + KINDS[n % len(KINDS)],
        grid=code,
        address=f"{street}{11 + n * 17 % 480}号",
        police=officer(n // 4),
        police_phone=f"0951-207{int(code[6:9]):04d}",
        enforcement=officer(n // 6 + 60),
        enforcement_phone=f"0951-208{int(code[6:9]):04d}",
    )
    return Version("compounds", f"c{n + 1:03d}", 0, VALID_FROM, None, body)
