"""Sends notices out of the house, by apprise, where an administrator has set up a channel. Nothing in the house waits for it.

What is due when is `server/notices/outside.py` and `server/domain/channels.py`; several that are due together go as one message.
An address of a channel is a secret and is never logged.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from apprise import NotifyBase
from apprise.plugins.custom_form import NotifyForm
from apprise.plugins.custom_json import NotifyJSON
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.feishu import NotifyFeishu
from apprise.plugins.wecombot import NotifyWeComBot

from server.domain import times
from server.domain.channels import CHINA
from server.notices import outside, store
from server.push import subscriptions
from server.web.names import Names
from server.web.notice_views import NoticeViews, page_of
from sync.couch import Couch

LANGUAGE = "zh-CN"
LINES_MOST = 20
HOST = "巡格"
LOG = logging.getLogger(__name__)
# apprise logs addresses with their tokens.
logging.getLogger("apprise").setLevel(logging.CRITICAL)

# Named one by one: apprise would load its hundred others to look for one.
SENDERS: dict[str, type[NotifyBase]] = {
    "dingtalk": NotifyDingTalk,
    "wecombot": NotifyWeComBot,
    "feishu": NotifyFeishu,
    "json": NotifyJSON,
    "jsons": NotifyJSON,
    "form": NotifyForm,
    "forms": NotifyForm,
}

Document = dict[str, Any]
Send = Callable[[str, str, str], bool]


def send(url: str, title: str, body: str) -> bool:
    """One message to one address; False when it was not taken."""
    sender = SENDERS[url.partition("://")[0].lower()]
    try:
        target = sender(**(sender.parse_url(url) or {}))
    except TypeError:  # apprise's way to say that an address has not all it needs, or is none at all
        return False
    return bool(target.notify(body=body, title=title))


def run(couch: Couch, public_url: str = "", now: Callable[[], datetime] = lambda: datetime.now(UTC), by: Send = send) -> int:
    """Plan what came and send what is due to channels; how many notices went out. Raises the store's errors.

    What is due to phones goes out afterwards (`pushes.py`).
    """
    known = {channel["_id"]: channel for channel in outside.channels_of(couch)}
    outside.plan(couch, now(), subscriptions.phones_of)
    views, count = NoticeViews(Names(couch), LANGUAGE), 0
    for id, deliveries in outside.due(couch, now()).items():
        for start in range(0, len(deliveries), LINES_MOST):
            claimed = outside.claim(couch, deliveries[start : start + LINES_MOST], now())
            if claimed:
                count += _send(couch, known.get(id), claimed, views, public_url, now, by)
    return count


def _send(  # noqa: PLR0917 - what, where to, in whose words
    couch: Couch,
    channel: Document | None,
    claimed: Sequence[Document],
    views: NoticeViews,
    public_url: str,
    now: Callable[[], datetime],
    by: Send,
) -> int:
    """One message of what was claimed; what became of it is written down."""
    notices = store.many(couch, [one["notice"] for one in claimed])
    if channel is None or not notices:
        outside.settle(couch, claimed, now())
        return 0
    lines = [_line(views, notice, public_url) for notice in notices.values()]
    number = min(one["_id"] for one in claimed).partition(":")[2][:12]
    title = views.title(next(iter(notices.values()))) if len(lines) == 1 else f"{len(lines)} 条消息"
    is_taken = by(channel["url"], f"【{HOST}】{title}", "\n".join([*lines, f"编号 {number}"]))
    if not is_taken:
        LOG.warning("channel %s (%s) did not take %s notices", channel["_id"], channel["kind"], len(claimed))
    outside.settle(couch, claimed, now(), None if is_taken else "not_taken")
    return len(claimed) if is_taken else 0


def _line(views: NoticeViews, notice: Document, public_url: str) -> str:
    """One notice as text: what, which case, where; codes and names of places only, no people."""
    row, page = views.row(notice, is_read=False), page_of(notice)
    at = times.from_text(notice["at"])
    parts = [row["title"], row["case_no"], row["category"], row["where"], f"时限 {row['due']}" if row["due"] else None]
    link = f" {public_url}{page}" if public_url and page else ""
    return f"{at.astimezone(CHINA):%m-%d %H:%M} " + " · ".join(str(one) for one in parts if one) + link
