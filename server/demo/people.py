"""The demo's accounts (DESIGN §7), all with one password. They exist only in demo mode."""

from server.demo.district import TOWNSHIPS, grid_codes
from server.domain.permissions import Person
from server.people import accounts
from sync.couch import Couch

PASSWORD = "xunge-demo"  # noqa: S105 - public on purpose, printed by `make run`
TOWNSHIP = "640105002"
WORKER_NAMES = ["马晓梅", "王建国", "哈丽娜", "李志强", "丁秀英", "张伟", "白玉兰", "刘洋", "纳国庆"]


def make_missing(couch: Couch) -> list[str]:
    """Makes the demo accounts that are not there; their names. Ones that are there keep what was changed about them."""
    wanted = [*_workers(), *_others()]
    couch.create("people", replicated=False)
    present = couch.database("people").many([person["_id"] for person in wanted])
    missing = [person for person in wanted if present[person["_id"]] is None]
    accounts.save_all(couch, missing)
    return [person["name"] for person in missing]


def _workers() -> list[Person]:
    """worker1 holds the first two grids, worker2 shares the second, and so on: each pair of neighbours shares one."""
    codes = [code for community in (1, 2) for code in grid_codes(TOWNSHIP, community)]
    return [
        accounts.make(f"worker{n + 1}", ["worker"], {"zh-CN": name, "en": name}, PASSWORD, grids=codes[n : n + 2])
        for n, name in enumerate(WORKER_NAMES)
    ]


def _others() -> list[Person]:
    first, community = grid_codes(TOWNSHIP)[:2], grid_codes(TOWNSHIP)[0][:12]
    everywhere = [township.code for township in TOWNSHIPS]

    def account(name: str, role: str, zh: str, en: str, **held: list[str]) -> Person:
        return accounts.make(name, [role], {"zh-CN": zh, "en": en}, PASSWORD, **held)

    return [
        account("police1", "police", "赵警官", "Officer Zhao", grids=first),
        account("community1", "community", "富宁社区", "Funing community", communities=[community]),
        account("triage1", "triage", "北京西路综治中心", "Beijing West Road centre", townships=[TOWNSHIP]),
        account("dept1", "department", "综合执法队", "Enforcement team", units=["unit:enforcement"]),
        account("district1", "district", "西夏区指挥中心", "Xixia district centre", townships=everywhere, units=["unit:command"]),
        account("city1", "city", "银川市指挥中心", "Yinchuan city centre", townships=everywhere),
        account("admin", "admin", "系统管理员", "Administrator", townships=everywhere),
    ]
