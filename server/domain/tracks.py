"""How long it is kept where somebody walked (DESIGN §10): 30 days, whatever the phone says of its clock. Pure.

A track's day is in its id, which its phone made: a claim. What bounds it is the month of its database: 30 days after
that month no track of it is left.
"""

from datetime import datetime, timedelta

from server.domain import ids

KEPT = timedelta(days=30)


def is_over(id: str, now: datetime) -> bool:
    """True when a track of this id is to be erased. What has no time in its id is no track and has no business there."""
    return not ids.is_record_id(id, "track") or ids.minted_at(id) <= now - KEPT


def is_month_over(month: str, now: datetime) -> bool:
    """True when all of a month (`yyyymm`, China's) is to be erased."""
    year, number = int(month[:4]), int(month[4:])
    following = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=ids.CHINA)
    return following + KEPT <= now
