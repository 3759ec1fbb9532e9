"""Colours that can be read in the sun: every pair of letters and ground that the phone uses, light and dark."""

import re

import pytest

from .twins import PWA

TOKENS = (PWA / "styles" / "tokens.css").read_text(encoding="utf-8")
LETTERS = 4.5
LETTERS_DARK = 7.0
EDGES = 3.0
PAIRS = [
    ("ink", "page"), ("ink", "surface"), ("ink", "sunken"), ("muted", "page"), ("muted", "surface"), ("muted", "sunken"),
    ("brand", "page"), ("brand", "surface"), ("brand", "brand-soft"), ("on-brand", "brand"), ("on-brand", "brand-press"),
    ("wait", "wait-soft"), ("move", "move-soft"), ("good", "good-soft"), ("bad", "bad-soft"), ("bad", "page"), ("bad", "surface"),
]  # fmt: skip


def colours(is_dark: bool) -> dict[str, str]:
    """The tokens that are colours; the dark ones override."""
    light, as_phone, chosen = blocks()
    assert as_phone == chosen, "dark is the same whether the phone or its user asks for it"
    return light | chosen if is_dark else light


def blocks() -> list[dict[str, str]]:
    """The colours of light, of a dark phone, and of dark as chosen on Me."""
    parts = re.split(r"@media \(prefers-color-scheme: dark\)|:root\[data-theme=\"dark\"\]", TOKENS)
    return [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", part)) for part in parts]


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG contrast ratio of two colours."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("is_dark", [False, True])
@pytest.mark.parametrize(("letters", "ground"), PAIRS)
def test_letters_stand_out_from_their_ground(letters: str, ground: str, is_dark: bool) -> None:
    tokens = colours(is_dark)
    assert contrast(tokens[letters], tokens[ground]) >= (LETTERS_DARK if is_dark else LETTERS)


@pytest.mark.parametrize("is_dark", [False, True])
def test_edges_of_fields_can_be_seen(is_dark: bool) -> None:
    tokens = colours(is_dark)
    assert contrast(tokens["edge"], tokens["surface"]) >= EDGES
    assert contrast(tokens["edge"], tokens["page"]) >= EDGES


def test_only_the_tokens_name_colours() -> None:
    for path in (PWA / "styles").glob("*.css"):
        if path.name != "tokens.css":
            assert not re.findall(r"#[0-9a-fA-F]{3,8}\b|rgb\(", path.read_text(encoding="utf-8")), path.name
