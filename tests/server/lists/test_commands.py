"""`xunge import lists` and `xunge export lists`, as an administrator types them."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from server import cli
from server.lists import sheets, store
from server.lists.columns import TITLES
from server.web import locale
from sync import databases
from sync.couch import Couch
from tests.server.lists.test_importing import ROW, TERRITORY, workbook

SOURCES = sorted(Path(store.__file__).parent.glob("*.py"))


@pytest.fixture(autouse=True)
def seeded(couch: Couch, own_store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    couch.delete(databases.LISTS)
    monkeypatch.setenv("XUNGE_COUCHDB_URL", own_store)
    monkeypatch.setenv("XUNGE_DATA", str(tmp_path))
    assert call("seed").exit_code == 0


def call(*words: str) -> Result:
    return CliRunner().invoke(cli.main, list(words))


def test_what_is_exported_is_imported_unchanged(tmp_path: Path) -> None:
    file = str(tmp_path / "lists.xlsx")
    assert call("export", "lists", file).exit_code == 0
    assert [sheet.title for sheet in sheets.read(Path(file).read_bytes())] == [zh for zh, _ in TITLES.values()]
    told = call("import", "lists", file, "--whole", "--lang", "en")
    assert (told.exit_code, told.output.strip()) == (0, "added 0, changed 0, ended 0, unchanged 88")


def test_a_dry_run_changes_nothing_and_an_import_is_in_the_history(couch: Couch, tmp_path: Path) -> None:
    file = tmp_path / "t.xlsx"
    file.write_bytes(workbook([ROW]))
    for words, last in (("--dry-run", 1), ("--whole", 2)):
        assert "新增 1" in call("import", "lists", str(file), words).output
        store.forget(couch)
        assert store.read(couch).book.last_change == last
    assert store.read(couch).changes[2]["file"]["name"] == "t.xlsx"


@pytest.mark.parametrize(
    ("language", "words"), [("zh-CN", "第 2 行「主体责任单位」：没有这个责任单位"), ("en", 'row 2, column "Primary unit"')]
)
def test_a_wrong_cell_is_named_in_the_language_asked_for(tmp_path: Path, language: str, words: str) -> None:
    file = tmp_path / "t.xlsx"
    file.write_bytes(workbook([[*ROW[:4], "城管局", ""]], TERRITORY))
    told = call("import", "lists", str(file), "--lang", language)
    assert told.exit_code == 1
    assert words in told.output
    assert "城管局" in told.output


def test_a_day_or_list_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    assert "day_format" in call("export", "lists", str(tmp_path / "a.xlsx"), "--at", "gestern").output
    assert "unknown" in call("export", "lists", str(tmp_path / "a.xlsx"), "--list", "nothing").output


def test_every_problem_has_words() -> None:
    import re

    codes = set()
    for source in SOURCES:
        text = source.read_text(encoding="utf-8")
        codes |= set(re.findall(r'CellError\("(\w+)"\)', text)) | set(re.findall(r'Problem\([^)]*, "(\w+)", ""\)', text))
        codes |= set(re.findall(r'(?:return|yield) "\w+", "(\w+)"', text))
    assert len(codes) > 15
    assert not [code for code in codes if not locale.has_text(f"lists.problem.{code}")]
