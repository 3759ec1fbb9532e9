"""The lists at the desk: who reads and who changes them, as of which day, and an import from upload to undo."""

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import openpyxl
import pytest

from server import audit
from server.domain.list_versions import day_of
from server.lists import seeds, sheets, store
from server.people import accounts
from sync import databases
from sync.databases import month_at
from tests.server.lists.test_importing import ROW, workbook
from tests.server.web.site import PASSWORD, TOWNSHIP, Site

TODAY = day_of(datetime.now(UTC))


@pytest.fixture(scope="module", autouse=True)
def more_people(site: Site) -> None:
    held = {"townships": [TOWNSHIP]}
    people = [("admin", "admin"), ("city1", "city"), ("dept1", "department")]
    accounts.save_all(site.couch, [accounts.make(n, [r], {"zh-CN": n, "en": n}, PASSWORD, **held) for n, r in people])


@pytest.fixture(autouse=True)
def lists(site: Site) -> None:
    """The code's own lists and nothing else; whoever read others forgets them."""
    site.couch.delete(databases.LISTS)
    for couch in list(store._SEEN):
        store.forget(couch)
    seeds.seed(site.couch, datetime.now(UTC))


@pytest.fixture
def admin(site: Site) -> Iterator[httpx.Client]:
    with site.visit("admin") as client:
        yield client


def upload(client: httpx.Client, raw: bytes, **fields: str) -> httpx.Response:
    return client.post("/lists/changes", files={"file": ("清单.xlsx", raw, sheets.CONTENT_TYPE)}, data=fields)


def draft_in(page: httpx.Response) -> str:
    return page.text.partition("/lists/drafts/")[2].partition("/")[0]


def bring(client: httpx.Client, *rows: list[object]) -> None:
    draft = draft_in(upload(client, workbook(rows)))
    assert client.post(f"/lists/drafts/{draft}/application").status_code == 303


def test_lists_are_read_by_townships_and_above_and_changed_by_administrators_alone(site: Site) -> None:
    readers, editors = {"triage1", "district1", "city1", "admin"}, {"admin"}
    gets = ("/lists/catalogue", "/lists/catalogue/entries/1101", "/lists/changes", "/lists/download")
    for name in ("worker1", "police1", "community1", "triage1", "district1", "city1", "dept1", "admin"):
        with site.visit(name) as client:
            for path in gets:
                assert client.get(path).status_code == (200 if name in readers else 404), (name, path)
            assert client.get("/lists/catalogue/new").status_code == (200 if name in editors else 404), name
            posts = [client.post("/lists/catalogue/entries", data={"key": "1101"}), upload(client, b"nothing")]
            posts += [client.post("/lists/changes/1/undoing", data={"reason": ""})]
            for answer in posts:
                assert answer.status_code == (422 if name in editors else 404), (name, answer.url)
            for what in ("application", "discard"):
                assert client.post(f"/lists/drafts/abc/{what}").status_code == 404


def test_an_import_is_seen_before_it_counts_and_can_be_undone(site: Site, admin: httpx.Client) -> None:
    page = upload(admin, workbook([ROW]))
    assert page.status_code == 200
    assert "占道经营" in page.text
    assert "占道经营" not in admin.get("/lists/territory").text
    applied = admin.post(f"/lists/drafts/{draft_in(page)}/application")
    assert (applied.status_code, applied.headers["location"]) == (303, "/lists/changes?done=applied&n=2")
    assert "占道经营" in admin.get("/lists/territory").text
    assert admin.post("/lists/changes/2/undoing", data={"reason": "传错了"}).status_code == 303
    assert "占道经营" not in admin.get("/lists/territory").text
    assert "传错了" in admin.get("/lists/changes").text
    logged = [entry["action"] for entry in audit.read(site.couch, month_at(datetime.now(UTC)))]
    assert {"lists.import", "lists.undo"} <= set(logged)


def test_wrong_cells_are_shown_by_row_and_column_in_the_readers_language(admin: httpx.Client) -> None:
    wrong = workbook([ROW, [*ROW[:4], "城管局", ""]])
    for language, words in (("zh-CN", ("主体责任单位", "没有这个责任单位")), ("en", ("Primary unit", "there is no such unit"))):
        admin.cookies.set("lang", language)
        page = upload(admin, wrong)
        assert page.status_code == 422
        assert all(word in page.text for word in (*words, "城管局", "<td>3</td>"))
        assert "/application" not in page.text


def test_what_is_no_list_is_refused_in_words(admin: httpx.Client) -> None:
    assert "这不是可读的 .xlsx 文件" in upload(admin, b"PK\x03\x04 broken").text
    assert "请选择文件" in admin.post("/lists/changes", files={"other": (None, b"x")}).text
    assert upload(admin, b"P" * (sheets.FILE_BYTES + 20_000)).status_code == 413
    assert admin.post("/lists/changes", content=b"--x", headers={"Content-Type": "multipart/form-data"}).status_code == 400
    assert admin.post("/lists/changes", data={"file": "x"}).status_code == 415


def test_a_download_uploaded_again_says_nothing_new(admin: httpx.Client) -> None:
    raw = admin.get("/lists/download").content
    page = upload(admin, raw, whole="1")
    assert "没有要导入的内容" in page.text
    one = openpyxl.load_workbook(io.BytesIO(admin.get("/lists/download?list=units").content))
    assert one.sheetnames == ["责任单位"]
    assert admin.get("/lists/download?list=nothing").status_code == 404


def test_an_entry_is_changed_in_a_form_with_a_reason_and_all_its_versions_stay_readable(admin: httpx.Client) -> None:
    bring(admin, [*ROW, "2026-01-01"])
    form = {"key": "t1", "item": "占道摆摊", "categories": "1401", "area": TOWNSHIP, "primary": "sanitation [sanitation]"}
    unexplained = admin.post("/lists/territory/entries", data=form)
    assert (unexplained.status_code, "占道摆摊" in unexplained.text) == (422, True)
    saved = admin.post("/lists/territory/entries", data=form | {"reason": "机构调整"})
    assert saved.status_code == 303
    page = admin.get(saved.headers["location"]).text
    assert page.index("占道摆摊") < page.index("占道经营")
    assert "机构调整" in page
    assert "占道经营" in admin.get("/lists/territory?at=2026-02-01").text
    assert "占道摆摊" not in admin.get("/lists/territory?at=2026-02-01").text


def test_an_entry_is_called_by_its_english_name_in_english(admin: httpx.Client) -> None:
    path = re.findall(r'href="(/lists/catalogue/entries/[^"?]+)', admin.get("/lists/catalogue").text)[0]
    headings = [admin.get(f"{path}?lang={language}").text.partition("<h1>")[2].partition("<")[0] for language in ("zh-CN", "en")]
    assert [heading.isascii() for heading in headings] == [False, True]


def test_a_new_entry_that_is_wrong_keeps_what_was_typed(admin: httpx.Client) -> None:
    page = admin.post("/lists/duty/entries", data={"key": "z1", "phone": "0951-1", "begins": "25:00", "reason": "试"})
    assert page.status_code == 422
    assert 'value="25:00"' in page.text
    assert "时间要写成 08:30" in page.text


def test_a_list_is_searched_and_paged(admin: httpx.Client) -> None:
    assert "1101" in admin.get("/lists/catalogue?q=垃圾").text
    assert "1401" not in admin.get("/lists/catalogue?q=垃圾").text
    fragment = admin.get("/lists/catalogue?q=nowhere", headers={"HX-Request": "true"}).text
    assert "<html" not in fragment
    assert "没有符合的条目" in fragment
    bring(admin, *[[f"t{n:03d}", *ROW[1:]] for n in range(150)])
    first, second = (admin.get(f"/lists/territory?page={n}").text for n in (0, 1))
    assert ("t099" in first, "t100" in first, "t100" in second) == (True, False, True)


@pytest.mark.parametrize("query", ["at=gestern", "page=-1", "page=99999", "at=2026-02-30", "q=" + "x" * 300])
def test_a_strange_question_is_answered_all_the_same(admin: httpx.Client, query: str) -> None:
    assert admin.get(f"/lists/units?{query}").status_code == 200


def test_what_does_not_exist_is_missing(admin: httpx.Client) -> None:
    for path in ("/lists/nothing", "/lists/units/entries/nobody", "/lists/nothing/new"):
        assert admin.get(path).status_code == 404, path
