"""The desk's words: both languages complete, every key in use exists, and times read the same to everyone."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.domain import times
from server.web import locale, moments

SERVER = Path(locale.__file__).parent.parent
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def test_both_languages_have_the_same_keys_and_slots() -> None:
    chinese, english = (locale.CATALOGUES[language] for language in locale.LANGUAGES)
    assert chinese.keys() == english.keys()
    for key, words in chinese.items():
        assert set(re.findall(r"{(\w+)}", words)) == set(re.findall(r"{(\w+)}", english[key])), key


def test_every_key_a_template_names_is_in_the_catalogues() -> None:
    for template in (SERVER / "templates").glob("*.html"):
        for key in re.findall(r"\bt\('([^']+)'(?! \+)", template.read_text(encoding="utf-8")):
            assert locale.has_text(key) or key.endswith("."), f"{template.name}: {key}"


def test_every_error_code_of_the_code_has_words() -> None:
    for source in [*SERVER.glob("web/*.py"), *SERVER.glob("people/*.py")]:
        for code in re.findall(r'(?:Forbidden|NotSignedIn|Missing|TooMany)\("(\w+)"', source.read_text(encoding="utf-8")):
            assert locale.has_text(f"error.{code}") or code == "account_unknown", f"{source.name}: {code}"


@pytest.mark.parametrize("template", sorted((SERVER / "templates").glob("*.html")), ids=lambda path: path.name)
def test_no_template_carries_script_style_or_eval(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    assert not re.search(r"<script(?! type=\"module\" src=)|<style|\sstyle=|\son\w+=|hx-on|js:|javascript:|\|\s*safe", text)


@pytest.mark.parametrize(
    ("before", "chinese", "english"),
    [
        (timedelta(seconds=59), "刚刚", "just now"),
        (timedelta(seconds=-59), "刚刚", "just now"),
        (timedelta(minutes=3), "3分钟前", "3 min. ago"),
        (timedelta(minutes=119), "1小时前", "1 hr. ago"),
        (timedelta(hours=25), "11-22 15:00", "11-22 15:00"),
        (timedelta(days=400), "2025-10-19 16:00", "2025-10-19 16:00"),
    ],
)
def test_a_time_is_relative_for_a_day_and_then_chinas_date(before: timedelta, chinese: str, english: str) -> None:
    at = times.to_text(NOW - before)
    assert moments.relative(at, NOW, "zh-CN") == chinese
    assert moments.relative(at, NOW, "en") == english


@pytest.mark.parametrize("file", sorted([*SERVER.glob("locale/zh-CN/*.json"), *SERVER.parent.glob("pwa/locale/zh-CN/*.json")]))
def test_chinese_sentences_of_desk_and_phone_have_full_width_signs(file: Path) -> None:
    half = re.compile(r"[\u4e00-\u9fff”〕}][,;:?!()]|[,;:?!()][\u4e00-\u9fff“〔{]")
    wrong = {key: words for key, words in json.loads(file.read_text(encoding="utf-8")).items() if half.search(words)}
    assert not wrong
