"""Jinja2 set up as the phone's template engine is: the same globals, filters and escaping, in Python.

The phone's own are `pwa/src/render/`; the two must stay twins, which `test_templates.py` proves byte by byte.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2

PWA = Path(__file__).parents[3] / "pwa"
TEMPLATES = PWA / "templates"
CHINA = timedelta(hours=8)


def texts(language: str) -> dict[str, str]:
    """A language's words by key."""
    files = (PWA / "locale" / language).glob("*.json")
    return {key: text for file in files for key, text in json.loads(file.read_text(encoding="utf-8")).items()}


def fill(text: str, slots: dict[str, Any]) -> str:
    """A text with its `{name}` slots filled; a slot nobody fills stays."""
    return re.sub(r"\{(\w+)\}", lambda slot: str(slots.get(slot[1], slot[0])), text)


def in_china(instant: str) -> str:
    """An instant of a document in China's time, as ISO text."""
    return (datetime.fromisoformat(instant).astimezone(UTC) + CHINA).isoformat()


def bytes_text(size: int) -> str:
    """A size with decimal units, as the phone's `bytes` filter writes it."""
    if size < 1000:
        return f"{size} B"
    if size < 1_000_000:
        return f"{size / 1000:.0f} KB"
    return f"{size / 1_000_000:.1f} MB"


FILTERS = {
    "clock": lambda instant: in_china(instant)[11:16],
    "day": lambda instant: in_china(instant)[:10],
    "bytes": bytes_text,
    "url_part": lambda text: quote(str(text), safe="!'()*-._~"),
}


def environment(language: str) -> jinja2.Environment:
    """An environment over the phone's templates that must give the phone's bytes."""
    made = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, keep_trailing_newline=True)
    words = texts(language)
    made.globals["t"] = lambda key, slots=None: fill(words.get(key, key), slots or {})
    made.filters.update(FILTERS)
    return made
