"""Coverage at the desk: of grids, as far as it is known, and of nobody."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from server.domain import coverage, times
from sync.couch import Couch
from sync.databases import REF, grid_db, quarter_at
from tests.conftest import GRID_A, GRID_B
from tests.records import new_id, report, with_rev
from tests.server.web.site import HTML, TOWNSHIP, Site

PAGE = f"/township/{TOWNSHIP}/coverage"


def patrol(at: datetime, cells: list[str], **fields: Any) -> dict[str, Any]:
    names = ("v", "grid", "author", "device", "clock_offset_ms", "captured_at")
    head = {name: value for name, value in report(at=at).items() if name in names}
    told = {"started_at": times.to_text(at), "ended_at": times.to_text(at), "cells": cells, "gaps": []}
    return with_rev(head | told | {"_id": new_id("patrol", at), "type": "patrol"} | fields)


def test_rounds_and_cells_of_a_week_count_once_each_and_the_last_day_is_known() -> None:
    now = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
    patrols = [patrol(now - timedelta(days=days), cells) for days, cells in ((1, ["1,1", "1,2"]), (2, ["1,2"]), (20, ["9,9"]))]
    assert coverage.of_grid(patrols, now) == (2, 2, "2026-11-26")
    assert coverage.of_grid(patrols[2:], now) == (0, 0, "2026-11-07")
    assert coverage.of_grid([], now) == (0, 0, None)


def keep(couch: Couch, now: datetime) -> None:
    names = {GRID_A: "文昌第1网格", GRID_B: "文昌第2网格"}
    grids = [{"_id": f"grid:{code}", "type": "grid", "code": code, "name": name} for code, name in names.items()]
    couch.database(REF, create=True).bulk(grids)
    name = grid_db(GRID_A, quarter_at(now))
    couch.create(name, replicated=True)
    couch.database(name).bulk([patrol(now, ["1,1", "1,2", "1,3"])], new_edits=False)


def test_a_township_sees_its_grids_and_no_person(site: Site, triage: httpx.Client) -> None:
    keep(site.couch, datetime.now(UTC))
    page = triage.get(PAGE, headers=HTML)
    assert page.status_code == 200
    assert "<td>3</td>" in page.text and "无记录" in page.text
    assert "worker1" not in page.text and "马晓燕" not in page.text
    assert triage.get("/township/640105003/coverage", headers=HTML).status_code == 404
