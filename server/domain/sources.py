"""What comes from other systems: the shape of one item, the kinds of systems, and what each is told of its case. Data, pure.

How each kind names its fields is `source_fields.py`; who may send is `server/sources/`.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from server.domain import ids, links
from server.domain.documents import END, SHORT_LENGTH, TEXT_LENGTH, Instant
from server.domain.errors import InvalidInput

ID = r"[a-z0-9][a-z0-9-]{1,30}"
Number = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=rf"^[^\x00-\x1f\x7f]+{END}")]
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Short = Annotated[str, msgspec.Meta(min_length=1, max_length=SHORT_LENGTH)]
# What may be a link is `links.py`'s to say, in codes that people are told in words; here it is said to programs.
Link = Annotated[
    str,
    msgspec.Meta(
        description="an absolute http or https address without user and password",
        extra_json_schema={"format": "uri", "maxLength": links.LENGTH},
    ),
]
Links = Annotated[list[Link], msgspec.Meta(extra_json_schema={"maxItems": links.MOST})]


class Kind(NamedTuple):
    """A kind of system: what its cases' `source` is, who holds them first (None: as the category says), what it may bring."""

    source: str
    level: str | None = None
    is_personal: bool = True


# 首接负责 (DOMAIN "Flow and clocks"): a 12345 order is sent to a township, which answers for it; no community holds it first.
# 视频巡查: a machine's finding names a place and a category and no person, ever (DESIGN §10).
KINDS = {
    "hotline": Kind("hotline", level="township"),
    "webhook": Kind("system"),
    "video": Kind("video", is_personal=False),
    "open311": Kind("resident"),
}
# What staff register by hand (窗口、来电): no system, no number.
AT_THE_DESK = ("counter", "call")


class Caller(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Who called or came: kept apart from the case, for whoever has to call back."""

    name: Short | None = None
    phone: Annotated[str, msgspec.Meta(pattern=rf"^[0-9+()# -]{{5,30}}{END}")] | None = None


class Spot(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Where it is: a WGS-84 point, an address, or both."""

    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None
    address: Short | None = None


class Item(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One report of another system, by its own `number`. `category`: ours, or its own if the source has a table for it.

    Where it belongs is `grid` (15 digits), else the grid around the point, else to be found by the `township`. `links`: where its
    pictures lie at the other system; they are shown to staff and never fetched. Raises InvalidInput for a bad one.
    """

    number: Number
    category: Code
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=TEXT_LENGTH)]
    urgency: Literal["normal", "urgent", "emergency"] = "normal"
    place: Spot | None = None
    grid: Annotated[str, msgspec.Meta(pattern=rf"^[0-9]{{15}}{END}")] | None = None
    community: Annotated[str, msgspec.Meta(pattern=rf"^[0-9]{{12}}{END}")] | None = None
    township: Annotated[str, msgspec.Meta(pattern=rf"^[0-9]{{9}}{END}")] | None = None
    reported_at: Instant | None = None
    caller: Caller | None = None
    links: Links = []

    def __post_init__(self) -> None:
        if wrong := links.whats_wrong(self.links):
            raise InvalidInput({"links": wrong})


def report_id(source: str, number: str) -> str:
    """The id of the report that an item makes: always the same for the same number of the same source.

    Its time is 1970's first instant: no clock makes it, and `case_no` then goes by the day of arrival.
    """
    random = hashlib.sha256(f"{source}\n{number}".encode()).digest()
    return "report:" + ids.uuid7(datetime.fromtimestamp(0, UTC), random)


# What a source is told, by the move that was made; moves that are not named are not its business (DESIGN §10).
STATUS_OF_MOVE = {
    "report": "received",
    "accept": "accepted",
    "return": "returned",
    "refuse": "refused",
    "merge": "merged",
    "unmerge": "accepted",
    "withdraw": "withdrawn",
    "resubmit": "received",
    "file": "filed",
    "dispatch": "dispatched",
    "take_on": "in_hand",
    "start": "in_hand",
    "answer": "answered",
    "rework": "rework",
    "escalate": "escalated",
    "transfer": "transferred",
    "close": "closed",
    "pass_check": "closed",
    "fail_check": "accepted",
    "reopen": "reopened",
}


def shown_fields(case: Mapping[str, Any]) -> dict[str, Any]:
    """What two tellings of one item are compared by: what was said, not where it was found to belong.

    What was kept before links were taken says nothing of them: told again with some, it is the same.
    """
    place = case.get("place") or {}
    said = {name: case[name] for name in ("category", "urgency", "text")}
    said |= {"links": case["links"]} if "links" in case else {}
    return said | {name: place.get(name) for name in ("lat", "lon", "address")}
