"""The words of the desk, in both languages: flat catalogues of `server/locale/<language>/`, a file a subject, and
which language a request asks for.

The phone has catalogues of its own. A text has named slots: `{count} new`; a missing key is a fault that a test finds.
"""

import json
from pathlib import Path

from starlette.requests import HTTPConnection

FOLDER = Path(__file__).parent.parent / "locale"
LANGUAGES = ("zh-CN", "en")
COOKIE = "lang"


def _read(language: str) -> dict[str, str]:
    """One language's catalogue: the files of its folder, a subject each. Raises ValueError for a key that two of them have."""
    found: dict[str, str] = {}
    for file in sorted((FOLDER / language).glob("*.json")):
        words = json.loads(file.read_text(encoding="utf-8"))
        if twice := found.keys() & words.keys():
            raise ValueError(f"{file}: {sorted(twice)}")
        found |= words
    return found


CATALOGUES: dict[str, dict[str, str]] = {language: _read(language) for language in LANGUAGES}


def language_of(connection: HTTPConnection) -> str:
    """`?lang=` first, then the cookie, then Chinese: staff machines often have a browser in another language."""
    asked = connection.query_params.get("lang") or connection.cookies.get(COOKIE)
    return asked if asked in LANGUAGES else LANGUAGES[0]


def has_text(key: str) -> bool:
    """True when the catalogues have this key."""
    return key in CATALOGUES[LANGUAGES[0]]


def text(language: str, key: str, **slots: object) -> str:
    """One text with its slots filled. Raises KeyError for a key that is in no catalogue."""
    found = CATALOGUES[language][key]
    return found.format(**slots) if slots else found


def texts_under(language: str, prefix: str) -> list[str]:
    """All texts whose key begins with a prefix, in the catalogue's order: lists of common reasons and the like."""
    return [value for key, value in CATALOGUES[language].items() if key.startswith(prefix)]


def named(names: object, language: str, fallback: str) -> str:
    """The name in a reference document's `name` mapping: in this language, else in any, else the fallback (usually a code)."""
    if isinstance(names, str):
        return names
    if isinstance(names, dict):
        found = names.get(language) or next(iter(names.values()), None)
        if isinstance(found, str) and found:
            return found
    return fallback
