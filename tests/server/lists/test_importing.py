"""Excel in and out: dry run, all or nothing, undo, and a round trip that changes nothing."""

import io
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import openpyxl
import pytest

from server import reference
from server.demo import district
from server.demo import lists as demo_lists
from server.domain.errors import Changed, InvalidInput, Missing
from server.domain.lists import Territory
from server.lists import exporting, importing, seeds, sheets, store
from server.lists.plans import Plan
from server.lists.proposals import propose_for
from sync import databases
from sync.couch import Couch
from tests.conftest import GRID_A

NOW = datetime(2026, 11, 27, 2, tzinfo=UTC)
DAY = "2026-11-27"
TERRITORY = ["编号", "事项", "事件类别", "区域", "主体责任单位", "配合单位", "生效日期", "失效日期"]
ROW = ["t1", "占道经营", "1401", "640105002", "enforcement", "派出所"]


@pytest.fixture(autouse=True)
def seeded(couch: Couch) -> None:
    couch.delete(databases.LISTS)
    couch.delete(databases.REF)
    store.forget(couch)
    seeds.seed(couch, NOW)


def workbook(rows: Sequence[Sequence[object]], headers: Sequence[str] = TERRITORY, title: str = "属地管理") -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for row in [headers, *rows]:
        sheet.append(list(row))
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def plan(couch: Couch, *rows: Sequence[object], is_whole: bool = False, now: datetime = NOW, **more: Any) -> Plan:
    return importing.plan(couch, workbook(rows, **more), now, is_whole=is_whole, language="zh-CN")


def bring(couch: Couch, *rows: Sequence[object], is_whole: bool = False, now: datetime = NOW) -> int:
    made = plan(couch, *rows, is_whole=is_whole, now=now)
    return importing.apply(couch, "admin", made, now, file={"name": "t.xlsx"})


def told(made: Plan) -> list[tuple[int, str, str]]:
    return [(problem.row, problem.column, problem.code) for problem in made.problems]


def primary(couch: Couch, key: str = "t1", day: str = DAY) -> str | None:
    found = store.read(couch).book.find("territory", key, day)
    return found.body.primary if found and isinstance(found.body, Territory) else None


def test_a_dry_run_shows_what_would_change_and_changes_nothing(couch: Couch) -> None:
    made = plan(couch, ROW)
    assert made.counts() == {"added": 1, "changed": 0, "ended": 0, "same": 0}
    assert primary(couch) is None


def test_an_import_counts_from_its_day_and_routes_cases(couch: Couch) -> None:
    bring(couch, ROW)
    assert (primary(couch), primary(couch, day="2026-11-26")) == ("unit:enforcement", None)
    case = {"category": "1401", "grid": GRID_A, "urgency": "normal"}
    found = propose_for(couch, case, NOW)
    assert (found.primary, found.supporting, found.entry_id) == ("unit:enforcement", ("unit:police",), "entry:territory:t1")
    assert propose_for(couch, case, NOW - timedelta(days=1)).entry_id == "entry:catalogue:1401"


def test_a_changed_row_is_a_new_version_and_the_old_one_still_answers(couch: Couch) -> None:
    bring(couch, ROW)
    later = NOW + timedelta(days=30)
    changed = [*ROW[:4], "sanitation", "", "2026-11-27"]
    assert plan(couch, changed, now=later).counts()["changed"] == 1
    bring(couch, changed, now=later)
    assert [primary(couch, day=day) for day in (DAY, "2026-12-26", "2026-12-27")] == [
        "unit:enforcement",
        "unit:enforcement",
        "unit:sanitation",
    ]


def test_a_row_given_a_last_day_ends_with_it_and_its_text_stays(couch: Couch) -> None:
    bring(couch, ROW)
    ending = [*ROW, "2026-11-27", datetime(2026, 12, 31)]  # noqa: DTZ001 - Excel's dates have no zone
    assert plan(couch, ending).counts()["ended"] == 1
    bring(couch, ending)
    assert [primary(couch, day=day) for day in (DAY, "2026-12-31", "2027-01-01")] == ["unit:enforcement"] * 2 + [None]


def test_what_a_whole_list_does_not_have_is_ended_and_what_a_part_does_not_have_stays(couch: Couch) -> None:
    bring(couch, ROW, ["t2", *ROW[1:]])
    assert plan(couch, ROW).counts() == {"added": 0, "changed": 0, "ended": 0, "same": 1}
    assert plan(couch, ROW, is_whole=True).counts()["ended"] == 1
    bring(couch, ROW, is_whole=True, now=NOW + timedelta(days=1))
    assert [primary(couch, "t2", day) for day in (DAY, "2026-11-28")] == ["unit:enforcement", None]
    assert store.read(couch).book.at("catalogue", "2026-11-28"), "other lists are not of this file"


def test_each_wrong_cell_is_named_by_row_and_column_and_nothing_is_applied(couch: Couch) -> None:
    made = plan(
        couch,
        ROW,
        ["", "无编号", "1401", "640105", "enforcement", ""],
        ["t3", "单位不明", "1401", "640105", "城管局", ""],
        ["t4", "=1+1", "1401", "640105", "enforcement", ""],
        ["t5", "类别不明", "9901", "640105", "enforcement", ""],
        ["t6", "区域不对", "1401", "6401050", "enforcement", ""],
        ["t1", "重复", "1401", "640105", "enforcement", ""],
        ["t7", "日期反了", "1401", "640105", "enforcement", "", "2026-12-01", "2026-11-30"],
        ["t8", "事" * 201, "1401", "640105", "enforcement", ""],
    )
    assert told(made) == [
        (3, "key", "required"),
        (4, "primary", "unknown_unit"),
        (5, "item", "formula"),
        (6, "categories", "unknown_category"),
        (7, "area", "place_format"),
        (8, "key", "key_twice"),
        (9, "valid_to", "days_reversed"),
        (10, "item", "too_long"),
    ]
    with pytest.raises(InvalidInput) as refused:
        importing.apply(couch, "admin", made, NOW)
    assert refused.value.fields == {"file": "has_problems"}
    assert primary(couch) is None


def test_a_place_that_does_not_exist_is_named_where_places_are_known(couch: Couch) -> None:
    reference.write(couch, district.documents()[:20])
    assert told(plan(couch, [*ROW[:3], "640105999", *ROW[4:]])) == [(2, "area", "unknown_place")]


def test_unknown_sheets_columns_and_missing_ones_are_named(couch: Couch) -> None:
    assert told(plan(couch, ROW, title="随便")) == [(0, "", "unknown_sheet")]
    assert told(plan(couch, ROW[:1], headers=["编号", "备注"])) == [
        (1, "备注", "unknown_column"),
        (1, "item", "missing_column"),
        (1, "categories", "missing_column"),
        (1, "area", "missing_column"),
        (1, "primary", "missing_column"),
    ]


def test_a_version_may_not_begin_before_the_one_in_force(couch: Couch) -> None:
    bring(couch, [*ROW, "2026-06-01"])
    assert told(plan(couch, [*ROW[:1], "别的", *ROW[2:], "2026-05-01"])) == [(2, "valid_from", "before_present")]


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_round_trip_of_the_whole_district_changes_nothing(couch: Couch, language: str) -> None:
    reference.write(couch, district.documents())
    couch.delete(databases.LISTS)
    store.forget(couch)
    seeds.seed(couch, NOW, demo_lists.entries())
    raw = exporting.workbook(couch, DAY, NOW, language)
    made = importing.plan(couch, raw, NOW, is_whole=True, language=language)
    assert (made.problems, made.versions()) == ([], [])
    assert made.counts()["same"] == len(demo_lists.entries()) + len(seeds.entries()) - 13


def test_text_that_looks_like_a_formula_goes_out_and_comes_back_as_text(couch: Couch) -> None:
    raw = sheets.write([("属地管理", TERRITORY, [["t1", "=HYPERLINK(1)", "1401", "640105", "enforcement", "", "", ""]])])
    [sheet] = sheets.read(raw)
    assert (sheet.rows[1].cells[1], sheet.rows[1].formulas) == ("=HYPERLINK(1)", frozenset())


def keep(couch: Couch, *rows: Sequence[object]) -> importing.Draft:
    return importing.keep_draft(couch, "admin", workbook(rows), "t.xlsx", NOW, is_whole=False, language="zh-CN")


def test_a_draft_is_applied_by_its_owner_once(couch: Couch) -> None:
    draft = keep(couch, ROW)
    with pytest.raises(Missing):
        importing.apply_draft(couch, "somebody", draft.id, NOW, "zh-CN")
    number = importing.apply_draft(couch, "admin", draft.id, NOW, "zh-CN")
    assert store.read(couch).changes[number]["file"]["sha256"] == draft.file["sha256"]
    assert primary(couch) == "unit:enforcement"
    with pytest.raises(Missing):
        importing.apply_draft(couch, "admin", draft.id, NOW, "zh-CN")


def test_a_draft_of_lists_that_changed_meanwhile_is_not_applied(couch: Couch) -> None:
    draft = keep(couch, ROW)
    bring(couch, ["t9", *ROW[1:]])
    with pytest.raises(Changed):
        importing.apply_draft(couch, "admin", draft.id, NOW, "zh-CN")
    assert primary(couch) is None
    with pytest.raises(Changed):
        importing.apply_draft(couch, "admin", keep(couch, ROW).id, NOW + timedelta(days=1), "zh-CN")


def test_the_last_import_is_undone_with_a_reason_and_then_the_one_before(couch: Couch) -> None:
    first = bring(couch, ROW)
    second = bring(couch, [*ROW[:4], "sanitation", ""])
    assert primary(couch) == "unit:sanitation"
    with pytest.raises(InvalidInput):
        importing.undo(couch, "admin", second, NOW, " ")
    with pytest.raises(Changed):
        importing.undo(couch, "admin", first, NOW, "传错了")
    importing.undo(couch, "admin", second, NOW, "传错了")
    assert primary(couch) == "unit:enforcement"
    importing.undo(couch, "admin", first, NOW, "都不要")
    assert primary(couch) is None
    assert importing.undoable(couch) is None, "the seed is no import"


def test_an_import_that_was_built_upon_is_not_undone(couch: Couch) -> None:
    bring(couch, ROW)
    version = store.read(couch).book.at("territory", DAY)["t1"]
    importing.edit(couch, "admin", version._replace(valid_to="2026-12-31"), NOW, reason="到期")
    assert importing.undoable(couch) is None


def test_what_is_no_excel_file_is_refused_as_such() -> None:
    sound = workbook([ROW])
    for raw in (b"", b"PK\x03\x04", b"not a zip", sound[:200], sound[: len(sound) // 2]):
        with pytest.raises(InvalidInput) as refused:
            sheets.read(raw)
        assert refused.value.fields == {"file": "not_excel"}


def test_a_mangled_file_never_does_more_than_be_refused() -> None:
    sound = workbook([ROW, ROW])
    for n in range(0, len(sound), 37):
        mangled = sound[:n] + bytes([sound[n] ^ 0x5A]) + sound[n + 1 :]
        try:
            sheets.read(mangled)
        except InvalidInput as refused:
            assert set(refused.fields.values()) <= {"not_excel", "hostile", "too_many_rows"}


def packed(**parts: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook([ROW]))) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for name in source.namelist():
            if name not in parts:
                out.writestr(name, source.read(name))
        for name, content in parts.items():
            out.writestr(name, content)
    return target.getvalue()


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = packed(**{"xl/worksheets/sheet1.xml": b" " * (sheets.UNPACKED_BYTES + 1)})
    assert len(bomb) < 100_000
    with pytest.raises(InvalidInput) as refused:
        sheets.read(bomb)
    assert refused.value.fields == {"file": "hostile"}


def test_a_document_type_is_refused_in_any_encoding() -> None:
    laughs = '<?xml version="1.0" encoding="{}"?><!DOCTYPE a [<!ENTITY b "ha">]><worksheet>&b;</worksheet>'
    for encoding in ("UTF-8", "UTF-16"):
        with pytest.raises(InvalidInput) as refused:
            sheets.read(packed(**{"xl/worksheets/sheet1.xml": laughs.format(encoding).encode(encoding)}))
        assert refused.value.fields == {"file": "hostile"}


def test_too_many_rows_are_refused_wherever_they_stand() -> None:
    head = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    far = head + b'<row r="1048576"><c r="A1048576" t="inlineStr"><is><t>x</t></is></c></row></sheetData></worksheet>'
    many = head + b"".join(b"<row><c><v>1</v></c></row>" for _ in range(sheets.ROWS + 1)) + b"</sheetData></worksheet>"
    for xml in (far, many):
        with pytest.raises(InvalidInput) as refused:
            sheets.read(packed(**{"xl/worksheets/sheet1.xml": xml}))
        assert refused.value.fields == {"file": "too_many_rows"}


def test_a_file_over_the_limit_is_not_looked_into() -> None:
    with pytest.raises(InvalidInput) as refused:
        sheets.read(b"PK" + b"\0" * sheets.FILE_BYTES)
    assert refused.value.fields == {"file": "too_large"}
