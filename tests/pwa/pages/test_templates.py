"""The phone's templates: the same bytes from both engines, and nothing in them that the engines read differently."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from .rendering import rendered
from .twins import FILTERS, TEMPLATES, environment, texts

HERE = Path(__file__).parent
NAMES = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html"))

NEVER_IN_CODE = {
    "a loop with a condition": r"\bfor .* in .* if ",
    "a loop over a mapping": r"\bfor \w+, ",
    "a negated comparison": r"\bnot \w+(\.\w+)* ==",
    "a chained comparison": r"[<>]=? *[\w.]+ *[<>]",
    "set": r"^ *set ",
    "a namespace or with": r"\bnamespace\b|^ *with\b",
    "a filter that differs": r"\| *(?!default|length|join|e\b|clock|day|bytes|url_part)\w",
    "integer division or modulo": r"//|%",
    "a Python method": r"\.(get|values|keys|format|split|strip|upper|lower|startswith|replace)\(",
    "a slice": r"\[[^\]]*:",
    "an own key named items or length": r"\.(items|length)\b",
    "the truth of a list": r"^ *(el)?if (not )?\w*(grids|photos|visits|records|households|catalogue|facts|sources)\s*$",
}
NEVER_IN_HTML = {
    "an attribute that needs eval": r"hx-on|js:|hx-trigger=\"[^\"]*\[|javascript:",
    "a handler or script inside the page": r"<[^>]*\son\w+=|<script(?![^>]*\ssrc=)|<style",
    "a style attribute": r"<[^>]*\sstyle=",
    "a field that hides a form's own id or action": r"name=\"(id|action|method|target|submit)\"",
}


def code_of(source: str) -> list[str]:
    """What stands inside `{{ }}` and `{% %}`, texts left out."""
    parts = re.findall(r"\{\{-?(.*?)-?\}\}|\{%-?(.*?)-?%\}", source, flags=re.S)
    return [re.sub(r"\"[^\"]*\"", '""', first or second) for first, second in parts]


@pytest.fixture(scope="module")
def pages() -> list[dict[str, Any]]:
    """Every page in every state, as the phone makes it."""
    return rendered()


def test_both_engines_give_the_same_bytes(pages: list[dict[str, Any]]) -> None:
    engines = {language: environment(language) for language in ("zh-CN", "en")}
    for page in pages:
        ours = engines[page["language"]].get_template(page["template"]).render(page["model"])
        assert page["html"] == ours, f"{page['name']} ({page['language']})"


def test_every_template_is_rendered_by_some_page(pages: list[dict[str, Any]]) -> None:
    used = {page["template"] for page in pages}
    whole = {name for name in NAMES if "/" not in name}
    assert used == whole


def test_no_page_shows_a_key_or_a_slot_instead_of_words(pages: list[dict[str, Any]]) -> None:
    for page in pages:
        text = re.sub(r"<[^>]*>|\{\{ (1|7 \* 7) \}\}", " ", page["html"])
        kept = re.findall(r"\b(?:undefined|None|null|NaN)\b|\b[a-z]+\.[a-z_]{3,}\b", text.replace("{metres}", ""))
        assert not kept, f"{page['name']}: {kept}"


def test_a_page_in_chinese_has_no_english_words_of_ours(pages: list[dict[str, Any]]) -> None:
    english = texts("en")
    long = {text for key, text in english.items() if len(text) > 12 and "{" not in text and key != "me.language"}
    for page in pages:
        if page["language"] == "zh-CN":
            assert not [text for text in long if f">{text}<" in page["html"]], page["name"]


def test_nothing_a_person_typed_becomes_markup(pages: list[dict[str, Any]]) -> None:
    for page in pages:
        assert "<script>" not in page["html"], page["name"]
        assert "<img>" not in page["html"], page["name"]
        assert '<b>"' not in page["html"], page["name"]


def wrongs(source: str) -> list[str]:
    """What a template uses that it must not."""
    bare = re.sub(r"\{#.*?#\}", "", source, flags=re.S)
    in_code = [why for why, pattern in NEVER_IN_CODE.items() if any(re.search(pattern, part) for part in code_of(bare))]
    return in_code + [why for why, pattern in NEVER_IN_HTML.items() if re.search(pattern, bare)]


@pytest.mark.parametrize("name", NAMES)
def test_a_template_uses_only_what_both_engines_agree_on(name: str) -> None:
    assert not wrongs((TEMPLATES / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "bad",
    [
        "{% for a in b if a %}{% endfor %}",
        "{% for k, v in x %}{% endfor %}",
        "{% if not a == b %}{% endif %}",
        "{% if 1 < a < 3 %}{% endif %}",
        "{% set a = 1 %}",
        "{{ a | tojson }}",
        "{{ a // 2 }}",
        "{{ a.get('b') }}",
        "{{ a[1:2] }}",
        "{{ a.items }}",
        "{% if photos %}{% endif %}",
        "{% with a = 1 %}{% endwith %}",
        '<a hx-on:click="x">',
        '<a onclick="x">',
        "<script>1</script>",
        '<p style="color: red">',
        '<p hx-trigger="click[ctrlKey]">',
        '<input name="id">',
    ],
)
def test_the_lint_finds(bad: str) -> None:
    assert wrongs(bad)


@pytest.mark.parametrize("name", NAMES)
def test_a_template_is_short(name: str) -> None:
    assert len((TEMPLATES / name).read_text(encoding="utf-8").splitlines()) <= 60


def test_filters_agree_with_their_twins_on_the_shared_examples() -> None:
    file = HERE.parent / "filters.json"
    for name, examples in json.loads(file.read_text(encoding="utf-8")).items():
        for given, expected in examples:
            assert FILTERS[name](given) == expected, (name, given)
