"""How databases are named (DESIGN §5), both ways: a name from its parts, the parts from a name. Pure.

Who may open which is the server's business; making and deleting them is `couch.py`.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

CHINA = timedelta(hours=8)
QUARTER = r"\d{4}q[1-4]"
REF, PEOPLE, DEVICES, QUARANTINE, NOTICES = "ref", "people", "devices", "quarantine", "notices"
LISTS, HANDDOWNS, SOURCES, REQUESTS, ERASURES = "lists", "handdowns", "sources", "requests", "erasures"
REPLICATED = frozenset({"ref", "grid", "home", "home-quarter", "beat", "track", "log"})

PATTERNS = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("ref", r"ref"),
        ("people", r"people"),
        ("devices", r"devices"),
        ("quarantine", r"quarantine"),
        ("notices", r"notices"),
        ("lists", r"lists"),
        ("handdowns", r"handdowns"),
        ("sources", r"sources"),
        ("requests", r"requests"),
        ("erasures", r"erasures"),
        ("grid", rf"grid-(?P<grid>\d{{15}})-(?P<quarter>{QUARTER})"),
        ("home-quarter", rf"home-(?P<grid>\d{{15}})-(?P<quarter>{QUARTER})"),
        ("home", r"home-(?P<grid>\d{15})"),
        ("beat", rf"beat-(?P<grid>\d{{15}})-(?P<quarter>{QUARTER})"),
        ("track", r"track-(?P<owner>[a-z0-9_-]+)-(?P<month>\d{6})"),
        ("log", r"log-(?P<owner>[a-z0-9_-]+)"),
        ("cases", r"cases-(?P<area>\d{9})"),
        ("media", r"media-(?P<area>\d{9})"),
        ("audit", r"audit-(?P<month>\d{6})"),
        ("homes", r"homes-(?P<area>\d{9})"),
        ("rollup", r"rollup-(?P<area>\d{6})"),
    )
)


class DatabaseName(NamedTuple):
    """The parts of a name. `owner` is a user name (`track`) or a device id (`log`), `area` a township's or district's code."""

    kind: str
    grid: str | None = None
    quarter: str | None = None
    owner: str | None = None
    month: str | None = None
    area: str | None = None


@lru_cache(maxsize=8192)
def parse(name: str) -> DatabaseName | None:
    """The parts of one of our names, or None for any other."""
    for kind, pattern in PATTERNS:
        found = pattern.fullmatch(name)
        if found:
            return DatabaseName(kind, **found.groupdict())
    return None


def is_replicated(name: str) -> bool:
    """True for a database that devices pull or push; such a one is made with one shard (`q=1`)."""
    found = parse(name)
    return found is not None and found.kind in REPLICATED


def grid_db(grid: str, quarter: str) -> str:
    """Reports, notes, patrols and case copies of one grid and quarter."""
    return f"grid-{grid}-{quarter}"


def home_db(grid: str) -> str:
    """Household files of one grid."""
    return f"home-{grid}"


def home_quarter_db(grid: str, quarter: str) -> str:
    """Workers' visits of one grid and quarter."""
    return f"home-{grid}-{quarter}"


def beat_db(grid: str, quarter: str) -> str:
    """Police visits of one grid and quarter."""
    return f"beat-{grid}-{quarter}"


def track_db(user: str, month: str) -> str:
    """One person's tracks of one month (`yyyymm`)."""
    return f"track-{user}-{month}"


def log_db(device: str) -> str:
    """What was read on one device while offline."""
    return f"log-{device}"


def cases_db(township: str) -> str:
    """Cases and events of one township (9 digits)."""
    return f"cases-{township}"


def media_db(township: str) -> str:
    """Photo attachments of one township (9 digits)."""
    return f"media-{township}"


def audit_db(month: str) -> str:
    """The access log of one month (`yyyymm`)."""
    return f"audit-{month}"


def homes_db(township: str) -> str:
    """The index of a township's household files (9 digits): made from the `home-*` databases, and again whenever it is gone."""
    return f"homes-{township}"


def rollup_db(district: str) -> str:
    """A district's figures (6 digits)."""
    return f"rollup-{district}"


def quarter_at(instant: datetime) -> str:
    """The quarter (`2026q4`) of an aware instant, by China's calendar: a quarter begins at midnight there."""
    local = instant.astimezone(UTC) + CHINA
    return f"{local.year}q{(local.month + 2) // 3}"


def month_at(instant: datetime) -> str:
    """The month (`202611`) of an aware instant, by China's calendar."""
    return f"{instant.astimezone(UTC) + CHINA:%Y%m}"


def previous_quarter(quarter: str) -> str:
    """The quarter before: `2026q1` → `2025q4`."""
    year, number = int(quarter[:4]), int(quarter[5])
    return f"{year - 1}q4" if number == 1 else f"{year}q{number - 1}"
