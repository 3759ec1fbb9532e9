"""Identifiers: record ids, case numbers, event ids. All pure: randomness and time come in.

A record's id is made where the record is made (usually on a phone) and never changes; everything the server derives from it
is a function of it, so that doing the work twice makes the same thing.
"""

import hashlib
import re
from datetime import UTC, datetime, timedelta, timezone

UUID_V7 = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
RECORD_ID = re.compile(rf"([a-z]+):({UUID_V7})")
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CHINA = timezone(timedelta(hours=8))
# A record may wait on a phone for long, and a clock may be a day fast; beyond that the day in its id is no day to call it by.
OLDEST, NEWEST = timedelta(days=400), timedelta(days=1)
LAST_MS = 253_402_200_000_000


def is_record_id(text: object, type_: str | None = None) -> bool:
    """True for `<type>:<uuidv7>`, of the given type when one is named."""
    found = RECORD_ID.fullmatch(text) if isinstance(text, str) else None
    return found is not None and type_ in (None, found[1])


def uuid_of(record_id: str) -> str:
    """The uuid of `<type>:<uuid>`."""
    return record_id.partition(":")[2]


def uuid7(at: datetime, random: bytes) -> str:
    """A version 7 uuid (RFC 9562) of an instant and ten random bytes."""
    ms = int(at.timestamp() * 1000)
    value = (ms << 80) | int.from_bytes(random[:10], "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def minted_at(record_id: str) -> datetime:
    """The instant inside a record's uuid, by the clock of whoever made it (aware UTC): a claim, perhaps far from the truth."""
    return datetime.fromtimestamp(min(int(uuid_of(record_id).replace("-", "")[:12], 16), LAST_MS) / 1000, UTC)


def case_id(report_id: str) -> str:
    """The id of the one case that a report makes."""
    return "case:" + uuid_of(report_id)


def case_no(report_id: str, grid: str, received_at: datetime | None = None) -> str:
    """`<township 3>-<yymmdd>-<6 of Crockford base32>`, what people say on the telephone. Derived from the id, so no counter.

    The day is China's, of the capture time inside the id; of `received_at` where the phone's clock cannot have been right. 30
    bits of a hash: two cases of one township and one day share a number once in about 10^9 / n² days; the id stays the truth.
    """
    at = minted_at(report_id)
    if received_at is not None and not received_at - OLDEST <= at <= received_at + NEWEST:
        at = received_at
    day = at.astimezone(CHINA).strftime("%y%m%d")
    bits = int.from_bytes(hashlib.sha256(report_id.encode()).digest()[:4], "big") >> 2
    letters = "".join(CROCKFORD[(bits >> shift) & 31] for shift in range(25, -1, -5))
    return f"{grid[6:9]}-{day}-{letters}"


def event_id(case: str, key: str) -> str:
    """The id of a case's event: `event:<case uuid>:<idempotency key>`."""
    return f"event:{uuid_of(case)}:{key}"
