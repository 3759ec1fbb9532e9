"""Channels out of the house (DingTalk, WeCom, an SMS gateway's webhook): which notices go to which, and when. Pure.

A channel: `{name, kind, url, parties, least, quiet {from, to} | None, digest_at ["08:30", …], is_on}`, times of day in China. An
emergency goes at once, at any hour. What else comes in quiet hours waits for their end; what is not urgent waits for the next
digest where a channel has digests.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from server.domain.errors import InvalidInput
from server.domain.notices import URGENCIES

CHINA = timezone(timedelta(hours=8))
# Where apprise sends to: the two chat services, Feishu, and plain webhooks as SMS gateways take them. Nothing else is accepted.
KINDS = frozenset({"dingtalk", "wecombot", "feishu", "json", "jsons", "form", "forms"})
TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
PARTY = re.compile(r"(unit|community|township|district|city|user):[a-z0-9_-]{1,64}")
PARTIES_MOST, TEXT_MOST, URL_MOST, DIGESTS_MOST = 100, 60, 500, 6
TRIES_MOST = 8
LONGEST_WAIT = timedelta(hours=1)

Channel = Mapping[str, Any]


def checked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A channel's fields as they are kept. Raises InvalidInput that names each that is wrong."""
    kind = str(fields.get("url", "")).partition("://")[0].lower()
    quiet, digests, parties = fields.get("quiet"), list(fields.get("digest_at", [])), list(fields.get("parties", []))
    wrong = {} if 0 < len(str(fields.get("name", ""))) <= TEXT_MOST else {"name": "required"}
    wrong |= {} if kind in KINDS and len(fields["url"]) <= URL_MOST else {"url": "invalid"}
    is_sound = 0 < len(parties) <= PARTIES_MOST and all(PARTY.fullmatch(party) for party in parties)
    wrong |= {} if is_sound else {"parties": "invalid"}
    wrong |= {} if fields.get("least") in URGENCIES else {"least": "unknown"}
    are_times = len(digests) <= DIGESTS_MOST and all(TIME.fullmatch(str(one)) for one in digests)
    wrong |= {} if are_times else {"digest_at": "invalid"}
    wrong |= {f"quiet_{end}": "invalid" for end, time in (quiet or {}).items() if not TIME.fullmatch(str(time))}
    if wrong:
        raise InvalidInput(wrong)
    names = ("name", "url", "least")
    kept = {name: str(fields[name]) for name in names}
    return kept | {"kind": kind, "parties": parties, "quiet": quiet or None, "digest_at": sorted(digests), "is_on": True}


# A phone is left in peace at night; an emergency is no worker's to be woken for, but comes through like everywhere.
PHONE_QUIET = {"from": "21:00", "to": "07:00"}
PHONE_TRIES_MOST = 4
TASK_SENT = "task.sent"
# Kinds of what a phone is pushed, those that ask for most first, and what is said by phones whose app has no words for one.
SAID = {
    "task": "你有新任务",
    "returned": "有上报被退回，请改好重发",
    "request": "住户信息申请有答复",
    "record": "你的上报有新进展",
}
# Notices to these are for phones: nobody else need look at who is subscribed.
PHONE_PARTIES = ("grid:", "home:", "user:")


def of_phone(device: str, parties: Iterable[str], push: Mapping[str, Any]) -> dict[str, Any]:
    """A subscribed phone as the channel it is; `push` is its subscription."""
    kept = {"_id": device, "kind": "push", "parties": list(parties), "least": "normal", "quiet": PHONE_QUIET, "digest_at": []}
    return kept | {"is_on": True, "push": dict(push)}


def is_for_phones(notice: Mapping[str, Any]) -> bool:
    """True when phones may be among those who are told."""
    return any(party.startswith(PHONE_PARTIES) for party in notice["to"])


def said_to_phone(notices: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What a phone is pushed: that there is something, and the page where it shows. Nothing of what it is about.

    Of several what asks for most is said; they show together on Today.
    """
    found = list(notices)
    kinds = {_said_kind(one["what"]) for one in found}
    what = next(kind for kind in SAID if kind in kinds)
    said = {"what": what, "title": SAID[what], "path": "/m/"}
    if kinds == {"request"}:
        return said | {"path": "/m/me"}
    task = str(found[0]["facts"].get("task") or "") if what == "task" and len(found) == 1 else ""
    return said | {"path": f"/m/tasks/{task}"} if task else said


def _said_kind(what: str) -> str:
    if what.startswith("household."):
        return "request"
    return {TASK_SENT: "task", "case.returned": "returned"}.get(what, "record")


def takes(channel: Channel, notice: Mapping[str, Any]) -> bool:
    """True when this notice goes to this channel."""
    is_urgent_enough = URGENCIES.index(notice["urgency"]) >= URGENCIES.index(channel["least"])
    return bool(channel["is_on"]) and is_urgent_enough and not set(channel["parties"]).isdisjoint(notice["to"])


def due_at(channel: Channel, urgency: str, now: datetime) -> datetime:
    """When a notice that comes now goes out to this channel."""
    if urgency == "emergency":
        return now
    at = now
    if urgency == "normal" and channel["digest_at"]:
        at = _next(channel["digest_at"], now)
    quiet = channel["quiet"]
    return _next([quiet["to"]], at) if quiet and _is_within(quiet["from"], quiet["to"], at) else at


def retry_at(tries: int, now: datetime, most: int = TRIES_MOST) -> datetime | None:
    """When to try again after so many tries; None: never, it is for an administrator to look at."""
    if tries >= most:
        return None
    return now + min(timedelta(seconds=30 * 2 ** (tries - 1)), LONGEST_WAIT)


def _next(times: Iterable[str], after: datetime) -> datetime:
    """The next of these times of day, strictly later."""
    local = after.astimezone(CHINA)
    days = (local.replace(hour=int(one[:2]), minute=int(one[3:]), second=0, microsecond=0) for one in times)
    return min(one if one > local else one + timedelta(days=1) for one in days)


def _is_within(start: str, end: str, at: datetime) -> bool:
    """Whether an instant lies in a span of the day, which may go over midnight."""
    now = f"{at.astimezone(CHINA):%H:%M}"
    return start <= now < end if start <= end else now >= start or now < end
