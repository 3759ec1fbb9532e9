"""What the routes' matrix asks for: one of each thing that has an address, in a place. The right statuses: `route_table.py`."""

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from server import notices, quarantine
from server.cases import campaigns, moves, whistles
from server.cases.callers import Caller
from server.domain import campaigns as campaign_rules
from server.domain import household_requests as rules
from server.domain import ids, merge, times
from server.households import requests
from server.papers import making
from server.people import devices
from server.sources import store as sources
from server.web.names import Names
from sync import databases
from sync.couch import Couch
from tests.conftest import person
from tests.media.photographs import as_bytes, scene
from tests.records import new_id
from tests.server.domain.test_merge import stamp, version
from tests.server.web.site import Site

Document = dict[str, Any]


def write_reference(couch: Couch, grids: Iterable[str], units: Iterable[str]) -> None:
    """The grids, their townships, and units that serve all of them: what is foreign is kept away by rights alone."""
    couch.create(databases.REF, replicated=True)
    named = {"name": {"zh-CN": "某处", "en": "Somewhere"}}
    docs: list[Document] = [{"_id": unit, "type": "unit", "level": "township"} | named for unit in units]
    for grid in grids:
        docs.append({"_id": f"township:{grid[:9]}", "type": "township", "code": grid[:9]} | named)
        docs.append({"_id": f"grid:{grid}", "type": "grid", "code": grid, "community": {"code": grid[:12], **named}} | named)
    couch.database(databases.REF).bulk(docs)


def make(site: Site, nudges: Any, whose: str, grid: str, unit: str) -> dict[str, str]:
    """One of each thing, in a grid and of a unit, by the name of what it is; `whose` tells one place's from another's."""
    couch, now, township = site.couch, datetime.now(UTC), grid[:9]
    clerk = person("clerk", "triage", "", "", townships=[township])
    case = site.make_case(grid=grid, caller=Caller("王建国", "13812345678"))["_id"]
    call = whistles.Called(township, [unit], now + timedelta(hours=1), "请到场", {"address": "路口"})
    loaded = moves.open_case(couch, clerk, case)
    paper = making.make(couch, Names(couch), clerk, loaded, making.Asked("file", "zh-CN"), as_="html", now=now)
    household, key = _household(couch, grid)
    return {
        "township": township,
        "district": grid[:6] if whose == "own" else "640106",
        "grid": grid,
        "unit": unit,
        "case": case,
        "uuid": ids.uuid_of(case),
        "other": case,
        "seal": paper.seal,
        "whistle": whistles.blow(couch, nudges, clerk, call, key=f"key-of-{whose}", now=now)["_id"],
        "refused": _refused(couch, grid, now),
        "notice": notices.notify(couch, to=[unit], what="case.urged", subject=case, key=whose).partition(":")[2],
        "campaign": _campaign(couch, township, grid, now),
        "household": household,
        "key": key,
        "erasure": _erasure(couch, grid, now),
        "request": _request(couch, township, now),
        "admission": _admission(couch, township, unit, now),
        "photo": _photo(couch, grid, now),
        "device": devices.enrol(couch, {"name": "worker9" if whose == "own" else "x"}, "测试机")[0]["_id"].partition(":")[2],
        "source": _source(couch, whose, township, now),
    }


def _refused(couch: Couch, grid: str, now: datetime) -> str:
    doc = {"_id": new_id("visit"), "_rev": "1-" + "c" * 32, "type": "visit", "address": "3号楼501室"}
    about = {"database": databases.home_quarter_db(grid, databases.quarter_at(now)), "device": "d1", "user": "x"}
    return quarantine.keep(couch, doc=doc, fields={}, reason="schema", **about).partition(":")[2]


def _campaign(couch: Couch, township: str, grid: str, now: datetime) -> str:
    fields = {"text": "查看井盖", "questions": "", "grids": [grid], "days": 7}
    made = campaign_rules.made(township, fields, "clerk", now, secrets.token_bytes(10))
    campaigns.keep(couch, made)
    return str(made["_id"])


def _household(couch: Couch, grid: str) -> tuple[str, str]:
    """A household of which one value was superseded, and that value's key."""
    couch.create(databases.home_db(grid), replicated=True)
    lost = {"field": "contact_name", "stamp": stamp(5, "d1"), "value": "李奶奶"}
    doc = version(contact_name="李娜", stamps={"contact_name": stamp(9, "d1")}, superseded=[lost], grid=grid)
    doc["_id"] = new_id("household")
    couch.database(databases.home_db(grid)).put(doc)
    return doc["_id"], merge.key_of(merge.superseded(doc)[0])


def _erasure(couch: Couch, grid: str, now: datetime) -> str:
    """One that is done, of something that is gone."""
    id = f"erasure:{grid[:9]}:{ids.uuid7(now, secrets.token_bytes(10))}"
    doc = {
        "_id": id,
        "type": "erasure",
        "v": 1,
        "number": "002-261123-8F3K2M",
        "grid": grid,
        "what": "member",
        "basis": "unlawful",
    }
    doc |= {"note": "", "by": "community9", "at": times.to_text(now), "state": "done", "steps": {"done": 1, "of": 1}}
    doc |= {"counts": {"member": 1}, "done_at": times.to_text(now), "proved_at": None, "purged_at": None}
    couch.create(databases.ERASURES, replicated=False)
    couch.database(databases.ERASURES).put(doc)
    return id


def _request(couch: Couch, township: str, now: datetime) -> str:
    officer = person("somebody", "police", "", "", grids=[f"{township}001001"])
    asked = rules.Asked(township, "criminal_case", "1", "x", "x", "2026-01-01", "2026-01-02", ["address"], 3)
    return str(requests.ask(couch, officer, asked, ids.uuid7(now, secrets.token_bytes(10)), now)["_id"])


def _admission(couch: Couch, township: str, unit: str, now: datetime) -> str:
    id = f"admission:{township}:{secrets.token_hex(8)}"
    wanted = {"unit": unit, "township": township, "categories": ["01"], "item": "清理", "reason": "专项"}
    wanted |= {"valid_from": "2026-01-01", "valid_to": "2026-12-31"}
    asked = {"state": "requested", "requested_by": "x", "requested_at": times.to_text(now)}
    couch.create(databases.HANDDOWNS, replicated=False)
    couch.database(databases.HANDDOWNS).put({"_id": id, "type": "admission", "v": 1} | wanted | asked)
    return id


def _photo(couch: Couch, grid: str, now: datetime) -> str:
    photo, media = new_id("photo"), couch.database(databases.media_db(grid[:9]), create=True)
    database = databases.grid_db(grid, databases.quarter_at(now))
    doc = {"_id": photo, "type": "media", "photo": photo, "database": database, "device": "d1", "author": "x", "derived": True}
    media.attach(photo, media.put(doc), "thumb", as_bytes(scene(40, 30), "JPEG"), "image/jpeg")
    return photo


def _source(couch: Couch, whose: str, township: str, now: datetime) -> str:
    fields = {"kind": "webhook", "name": "热线", "areas": [township]}
    sources.add(couch, "only for tests", f"source-{whose}", fields, by="admin", now=now)
    return f"source-{whose}"
