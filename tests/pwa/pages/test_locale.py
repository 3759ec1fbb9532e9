"""The phone's words: complete in both languages, with the same slots, and every key a template or handler names exists."""

import json
import re

import pytest

from media.errors import ImageTooLarge, ImageTruncated, NotAnImage, PhotoConflict, Unavailable

from .twins import PWA, TEMPLATES, texts

SLOT = re.compile(r"\{(\w+)\}")
LANGUAGES = ("zh-CN", "en")
MADE_UP = ("report.page", "visit.page", "patrol.page", "household.building_n", "household.unit_n", "household.room_n")
DYNAMIC = (
    "kind.", "next.", "housing.", "how.", "urgency.", "source.", "state.", "refused.", "me.state_", "amount.", "failure.",
    "signin.", "push.", "upload.", "move.", "outcome.", "finding.", "note.", "task.", "party.", "cases.", "lock.minutes.",
    "needs.", "services.", "purpose.", "material.", "errand.state_", "errand.to_", "homes.view_",
)  # fmt: skip


def sources() -> str:
    """All text that may name a key: templates, handlers and the service worker."""
    files = [*TEMPLATES.rglob("*.html"), *(PWA / "src").rglob("*.js")]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def test_both_languages_have_the_same_keys() -> None:
    chinese, english = (texts(language) for language in LANGUAGES)
    assert chinese.keys() == english.keys()


def test_both_languages_fill_the_same_slots() -> None:
    chinese, english = (texts(language) for language in LANGUAGES)
    different = [key for key in chinese if set(SLOT.findall(chinese[key])) != set(SLOT.findall(english[key]))]
    assert not different


def test_every_key_that_a_template_asks_for_has_words() -> None:
    asked = {
        key for path in TEMPLATES.rglob("*.html") for key in re.findall(r"\bt\(\"([^\"]+)\"", path.read_text(encoding="utf-8"))
    }
    assert asked
    assert not asked - texts("zh-CN").keys()


def test_every_key_that_a_handler_names_has_words() -> None:
    prefixes = {key.split(".")[0] for key in texts("zh-CN")}
    pattern = re.compile(r"[\"']((?:" + "|".join(sorted(prefixes)) + r")\.[a-z_]+)[\"']")
    handlers = "\n".join(path.read_text(encoding="utf-8") for path in (PWA / "src" / "handlers").glob("*.js"))
    named = {key for key in pattern.findall(handlers) if not key.endswith((".html", ".js"))}
    assert named
    assert not named - texts("zh-CN").keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_words_are_left_over(language: str) -> None:
    source = sources()
    unused = [key for key in texts(language) if f'"{key}"' not in source and not key.startswith(DYNAMIC + MADE_UP)]
    assert not unused


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_of_the_gate_has_words(language: str) -> None:
    reasons = json.loads((PWA / "generated" / "domain.json").read_text(encoding="utf-8"))["reasons"]
    assert reasons
    assert not {f"refused.{reason}" for reason in reasons} - texts(language).keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_that_stops_a_photo_has_words(language: str) -> None:
    codes = {error.code for error in (NotAnImage, ImageTruncated, ImageTooLarge, PhotoConflict, Unavailable)}
    codes |= {"hash_mismatch", "invalid_metadata", "empty", "too_large", "file_missing"}
    assert not {f"upload.{code}" for code in codes} - texts(language).keys()


def test_chinese_text_has_chinese_punctuation() -> None:
    han = r"[\u4e00-\u9fff]"
    wrong = {key: text for key, text in texts("zh-CN").items() if re.search(f"{han}[,;:!?]|[,;:!?]{han}", text)}
    assert not wrong
