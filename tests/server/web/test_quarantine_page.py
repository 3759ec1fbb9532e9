"""The clerk's pages of what was not accepted: the list, a record in plain words, masked until opened, decisions."""

import hashlib
import io
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from media.completion import Upload, Uploader
from media.tus import Meta
from server import audit
from server.refused_files import put_aside
from sync.databases import grid_db, home_quarter_db, month_at, quarter_at
from tests.conftest import GRID_A, GRID_B
from tests.records import new_id, report, with_rev
from tests.server.quarantine.test_photos import jpeg
from tests.server.web.site import HTML, HTMX, TOWNSHIP, Site
from tests.server.web.test_quarantine_api import mine, push

NOW = datetime.now(UTC)
QUARTER = quarter_at(NOW)
PAGE = f"/township/{TOWNSHIP}/quarantine"
Document = dict[str, Any]


@pytest.fixture(scope="module")
def phone(site: Site) -> Document:
    """worker2's, who holds grid B alone."""
    return site.enrol("worker2")


def refused(site: Site, phone: Document, doc: Document, database: str | None = None) -> str:
    """The address of a refused record's page."""
    push(site, phone, database or grid_db(GRID_A, QUARTER), doc)
    return "/quarantine/" + next(one["id"] for one in mine(site, phone) if one["doc_id"] == doc["_id"]).partition(":")[2]


def made(**fields: Any) -> Document:
    return with_rev(report(author="worker2", at=NOW, **fields))


def form_of(page: str, name: str) -> dict[str, str]:
    """The hidden and chosen fields of the form that posts there."""
    form = next(part for part in page.split("<form")[1:] if f'/{name}" data-key' in part or f'/{name}" hx-post' in part)
    form = form.partition("</form>")[0]
    found = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    for select in re.findall(r'<select[^>]* name="(\w+)".*?</select>', form, flags=re.S):
        chosen = re.search(rf'name="{select}".*?<option value="([^"]*)" selected', form, flags=re.S)
        found[select] = chosen[1] if chosen else ""
    return found


def test_the_list_says_who_what_where_and_why(site: Site, phone: Document, triage: httpx.Client) -> None:
    address = refused(site, phone, made(text="井盖缺失一块"))
    page = triage.get(PAGE, headers=HTML).text
    for part in (address, "记录时不负责这个网格", "井盖缺失一块", "王建军", 'aria-current="page"'):
        assert part in page
    assert "Its author did not hold this grid" in triage.get(f"{PAGE}?lang=en", headers=HTML).text
    triage.cookies.delete("lang")


def test_the_bar_counts_what_waits(site: Site, phone: Document, triage: httpx.Client) -> None:
    refused(site, phone, made())
    page = triage.get(f"/township/{TOWNSHIP}", headers=HTML).text
    assert PAGE in page
    with site.visit("community1") as client:
        assert "quarantine" not in client.get(f"/township/{TOWNSHIP}", headers=HTML).text


def test_an_empty_list_says_so(site: Site, triage: httpx.Client) -> None:
    with site.visit("triage2") as client:
        page = client.get("/township/640105003/quarantine", headers=HTML)
        assert "没有待处理的记录" in page.text
        assert client.get(PAGE, headers=HTML).status_code == 404


def test_a_record_is_adopted_by_the_form_of_its_page(site: Site, phone: Document, triage: httpx.Client) -> None:
    doc = made()
    address = refused(site, phone, doc)
    page = triage.get(address, headers=HTML).text
    fields = form_of(page, "adoption")
    assert (fields["grid"], fields["quarter"]) == (GRID_B, quarter_at(datetime.now(UTC)))  # the one grid its author holds now
    answer = triage.post(f"{address}/adoption", data=fields | {"grid": GRID_A}, headers=HTMX)
    assert answer.status_code == 200
    assert "已认领，记录人会在手机上看到" in answer.text
    assert site.couch.database(grid_db(GRID_A, fields["quarter"])).get(doc["_id"])["_rev"] == doc["_rev"]
    assert triage.get(address, headers=HTML).status_code == 200


def test_what_is_wrong_is_marked_and_put_right(site: Site, phone: Document, triage: httpx.Client) -> None:
    doc = made(grid=GRID_B, urgency="terrible", text="路灯不亮")
    address = refused(site, phone, doc, grid_db(GRID_B, QUARTER))
    page = triage.get(address, headers=HTML).text
    assert "不能原样认领" in page
    assert re.search(r'class="wrong"><dt>紧急程度</dt>\s*<dd>terrible', page)
    fields = form_of(page.replace(" adopt", "", 1).replace('/adoption" data-key="a"', "", 1), "adoption")
    assert fields["what"] == "correct"
    empty = triage.post(f"{address}/adoption", data=fields | {"f_urgency": ""}, headers=HTMX)
    assert (empty.status_code, "请检查：紧急程度" in empty.text) == (422, True)
    answer = triage.post(f"{address}/adoption", data=fields | {"f_urgency": "urgent", "f_text": "路灯不亮"}, headers=HTMX)
    assert answer.status_code == 200, answer.text
    home = next(one["adopted_as"] for one in mine(site, phone) if one["doc_id"] == doc["_id"])
    assert site.couch.database(home["database"]).get(home["id"])["urgency"] == "urgent"


def test_a_record_is_dismissed_with_a_reason_and_taken_back(site: Site, phone: Document, triage: httpx.Client) -> None:
    address = refused(site, phone, made())
    fields = form_of(triage.get(address, headers=HTML).text, "dismissal")
    missing = triage.post(f"{address}/dismissal", data=fields | {"reason": " "}, headers=HTMX)
    assert (missing.status_code, "请填写完整" in missing.text) == (422, True)
    done = triage.post(f"{address}/dismissal", data=fields | {"reason": "重复 <上报>"})
    assert (done.status_code, done.headers["location"]) == (303, address)
    page = triage.get(address, headers=HTML).text
    assert "重复 &lt;上报&gt;" in page
    back = triage.post(f"{address}/reopening", data=form_of(page, "reopening"), headers=HTMX)
    assert "可以重新处理" in back.text


def test_a_decision_on_what_another_decided_says_so_and_keeps_what_was_typed(
    site: Site, phone: Document, triage: httpx.Client
) -> None:
    address = refused(site, phone, made())
    fields = form_of(triage.get(address, headers=HTML).text, "dismissal")
    id = address.rpartition("/")[2]
    assert triage.post(f"/api/quarantine/{id}/dismissal", json={"reason": "重复上报"}).status_code == 200
    assert triage.request("DELETE", f"/api/quarantine/{id}/dismissal").status_code == 200
    late = triage.post(f"{address}/dismissal", data=fields | {"reason": "不清楚"}, headers=HTMX)
    assert late.status_code == 409
    assert "别人刚刚处理了这条记录" in late.text
    assert "不清楚" in late.text


def visit(**fields: Any) -> Document:
    doc = made()
    head = {part: doc[part] for part in ("v", "grid", "author", "device", "captured_at", "clock_offset_ms")}
    rest = {"household": None, "address": "3号楼501室", "kind": "elderly", "findings": "身体尚好"}
    return with_rev({"_id": new_id("visit"), "type": "visit", **head, **rest, **fields})


def test_a_visit_is_masked_until_it_is_opened_with_a_purpose_and_that_is_logged(
    site: Site, phone: Document, triage: httpx.Client
) -> None:
    photo = new_id("photo")
    address = refused(site, phone, visit(photos=[photo]), home_quarter_db(GRID_A, QUARTER))
    page = triage.get(address, headers=HTML).text
    assert "501室" not in page
    assert "501室" not in triage.get(PAGE, headers=HTML).text
    assert triage.get(f"{address}/photos/{photo}").status_code == 403
    refusal = triage.post(f"{address}/opening", data={"purpose": " "}, headers=HTMX)
    assert (refusal.status_code, "501室" in refusal.text) == (422, False)
    opened = triage.post(f"{address}/opening", data={"purpose": "核对所属网格"}, headers=HTMX).text
    assert "501室" in opened
    assert "独居老人" in opened
    logged = audit.read(site.couch, month_at(datetime.now(UTC)), limit=1)[0]
    assert (logged["action"], logged["by"], logged["why"]) == ("refused.open", "triage1", "核对所属网格")
    assert "501室" not in str(logged)
    seen = form_of(opened, "dismissal")["seen"]
    assert "501室" in triage.get(f"{address}?seen={seen}", headers=HTML).text
    with site.visit("triage1") as other:
        assert "501室" not in other.get(f"{address}?seen=x{seen}", headers=HTML).text


def test_the_mark_of_an_opened_record_opens_no_other(site: Site, phone: Document, triage: httpx.Client) -> None:
    first = refused(site, phone, visit(), home_quarter_db(GRID_A, QUARTER))
    second = refused(site, phone, visit(), home_quarter_db(GRID_A, QUARTER))
    opened = triage.post(f"{first}/opening", data={"purpose": "核对"}, headers=HTMX).text
    seen = form_of(opened, "dismissal")["seen"]
    assert "501室" not in triage.get(f"{second}?seen={seen}", headers=HTML).text


def test_a_track_is_opened_by_nobody(site: Site, phone: Document, triage: httpx.Client) -> None:
    doc = visit(type="track", _id=new_id("track"), points=[[0, 38.5, 106.1234, 5]])
    address = refused(site, phone, doc)
    assert "不在工作台显示" in triage.get(address, headers=HTML).text
    answer = triage.post(f"{address}/opening", data={"purpose": "看看"}, headers=HTMX)
    assert (answer.status_code, "106.1234" in answer.text) == (403, False)


def put_file(site: Site, tmp_path: Path, photo: str, data: bytes, problem: str = "not_grid_holder") -> str:
    """A file of worker2's put aside; its page."""
    path, digest = tmp_path / "file", hashlib.sha256(data).hexdigest()
    path.write_bytes(data)
    file = Upload(Meta(photo, "sent", grid_db(GRID_A, QUARTER), digest, "image/jpeg"), path, len(data), digest, "image/jpeg")
    put_aside(site.couch, file, Uploader("d1", "worker2"), problem)
    found = site.couch.database("quarantine").range("refused:", "refused:\ufff0", 1000)
    return "/quarantine/" + next(one["_id"] for one in found if one["sha256"] == digest).partition(":")[2]


def test_photos_are_shown_as_pictures_we_made_and_nothing_else_is_served(
    site: Site, phone: Document, triage: httpx.Client, tmp_path: Path
) -> None:
    photo, other = new_id("photo"), new_id("photo")
    address = refused(site, phone, made(photos=[photo, other]))
    put_file(site, tmp_path, photo, jpeg("green"))
    put_file(site, tmp_path, other, b"<script>alert(1)</script>", "not_an_image")
    page = triage.get(address, headers=HTML).text
    assert f"{address}/photos/{photo}" in page
    assert "这个文件不是照片" in page
    shown = triage.get(f"{address}/photos/{photo}")
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    assert Image.open(io.BytesIO(shown.content)).size == (64, 48)
    assert "sandbox" in shown.headers["content-security-policy"]
    assert triage.get(f"{address}/photos/{other}").status_code == 404
    elsewhere = new_id("photo")
    put_file(site, tmp_path, elsewhere, jpeg("yellow"))
    assert triage.get(f"{address}/photos/{elsewhere}").status_code == 404


def test_a_photo_alone_has_a_page_and_says_what_it_lacks(
    site: Site, phone: Document, triage: httpx.Client, tmp_path: Path
) -> None:
    address = put_file(site, tmp_path, new_id("photo"), jpeg("blue"))
    assert address in triage.get(f"{PAGE}?tab=photos", headers=HTML).text
    page = triage.get(address, headers=HTML).text
    answer = triage.post(f"{address}/adoption", data=form_of(page, "adoption"), headers=HTMX)
    assert (answer.status_code, "请先认领上报" in answer.text) == (422, True)


@pytest.mark.parametrize(
    "doc",
    [
        {"type": "report", "text": 5, "photos": "x", "place": [1], "category": {}, "captured_at": "never", "grid": 5},
        {"type": ["report"]},
        {"a" * 300: {"b": [[[None, True]]]}},
        {
            "type": "report",
            "photos": [1, {}],
            "solved": {"photos": 5},
            "clock_offset_ms": 10**30,
            "captured_at": "2026-02-30T00:00:00.000Z",
        },
        {"type": "household", "needs": {"x": 1}, "stamps": 5},
    ],
)
def test_whatever_was_sent_has_a_page(site: Site, phone: Document, triage: httpx.Client, doc: Document) -> None:
    sent = {"_id": new_id("report"), "_rev": "1-" + "b" * 32} | doc
    address = refused(site, phone, sent)
    for language in ("zh-CN", "en"):
        assert triage.get(f"{address}?lang={language}", headers=HTML).status_code == 200
        assert triage.get(f"{PAGE}?lang={language}", headers=HTML).status_code == 200
    triage.cookies.delete("lang")


def test_who_decides_about_nothing_sees_no_page(site: Site, phone: Document, nobody: httpx.Client) -> None:
    address = refused(site, phone, made())
    for path in (PAGE, address):
        assert nobody.get(path, headers=HTML).status_code == 303
        with site.visit("community1") as client:
            assert client.get(path, headers=HTML).status_code == 403
    with site.visit("triage2") as client:
        assert client.get(address, headers=HTML).status_code == 404
