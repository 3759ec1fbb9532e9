"""Links to what another system has of a problem, its pictures mostly: what may be one, and what one is called. Pure.

They are shown to people and never followed by the server: whoever sends one chooses where it leads.
"""

import re
import unicodedata
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

MOST, LENGTH = 10, 2000
SCHEMES = ("http", "https")
HOST = re.compile(r"[\w.-]+|[0-9a-f:.]+")
NAME_LENGTH = 40


def whats_wrong(links: Sequence[str]) -> str | None:
    """The code of what is wrong with the first bad one, or with how many there are; None when all may be kept."""
    if len(links) > MOST:
        return "too_many_links"
    return next((code for one in links if (code := _wrong_with(one))), None)


def sound_ones(found: object) -> list[str]:
    """Of what another system's form says, what is a link: other words there ("none", a file's name) are not meant for us."""
    texts = [text for text in found if isinstance(text, str)] if isinstance(found, list) else []
    return [text for text in texts if not _wrong_with(text)][:MOST]


def name_of(link: str) -> str:
    """What a page calls a sound link: its host and the last part of its path, of long ones the end, which tells the most."""
    parts = urlsplit(link)
    *before, last = parts.path.rstrip("/").split("/")
    plain = unquote(last)
    names = [_shortened(parts.netloc), "…" if len(before) > 1 else "", _shortened(plain if _is_readable(plain) else last)]
    return "/".join(name for name in names if name)


def _wrong_with(link: str) -> str | None:
    if len(link) > LENGTH:
        return "link_too_long"
    # Before it is taken apart: Python and browsers leave out line breaks, and browsers take a backslash for a slash.
    if not _is_readable(link) or "\\" in link:
        return "link_unreadable"
    try:
        parts = urlsplit(link)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "not_a_link"
    if parts.scheme not in SCHEMES or not HOST.fullmatch(host):
        return "not_a_link"
    return "link_with_password" if "@" in parts.netloc else None


def _is_readable(text: str) -> bool:
    """True without white space and without what nobody sees: control characters, marks that turn the direction of writing."""
    return not any(unicodedata.category(sign)[0] in "CZ" for sign in text)


def _shortened(text: str) -> str:
    return text if len(text) <= NAME_LENGTH else "…" + text[-NAME_LENGTH:]
