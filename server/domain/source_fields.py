"""How other systems name the fields of an item (`sources.Item`), a table for each kind, and reading a document by it. Pure.

A source may have a table of its own besides (`fields` of its configuration), which comes first.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple

import msgspec

from server.domain import links, times
from server.domain.errors import InvalidInput
from server.domain.sources import Item

CHINA = timezone(timedelta(hours=8))
LOCAL_TIMES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y%m%d%H%M%S")
URGENCIES = {
    "一般": "normal", "普通": "normal", "0": "normal", "1": "normal", "紧急": "urgent", "急": "urgent", "加急": "urgent",
    "2": "urgent", "特急": "emergency", "突发": "emergency", "3": "emergency",
}  # fmt: skip
Names = Mapping[str, tuple[str, ...]]


class Adapter(NamedTuple):
    """`names`: our field (a dot goes a level down) and what the system may call it. `others`: what becomes of further fields.

    `refused` names them to the sender, `left` leaves them where they are: what no case needs is not taken (minimum data).
    """

    names: Names
    others: str
    text: str | None = None


OURS: Names = {
    "number": ("number",),
    "category": ("category",),
    "text": ("text",),
    "urgency": ("urgency",),
    "place.lat": ("lat", "纬度"),
    "place.lon": ("lon", "lng", "经度"),
    "place.address": ("address", "地址"),
    "grid": ("grid", "网格"),
    "community": ("community", "社区"),
    "township": ("township", "镇街"),
    "reported_at": ("reported_at",),
    "links": ("links",),
}
ADAPTERS = {
    "webhook": Adapter({}, "refused"),
    "open311": Adapter({}, "refused"),
    # 12345 政务服务便民热线: work orders by the words of their forms.
    "hotline": Adapter(
        {
            **OURS,
            "number": ("order_no", "工单编号", "number"),
            "category": ("type_code", "诉求类型", "category"),
            "text": ("content", "诉求内容", "text"),
            "urgency": ("level", "紧急程度", "urgency"),
            "place.address": ("address", "事发地址"),
            "township": ("division", "承办单位", "township"),
            "reported_at": ("call_time", "来电时间", "reported_at"),
            "caller.name": ("caller_name", "来电人"),
            "caller.phone": ("caller_phone", "联系电话"),
            "links": ("attachments", "附件", "links"),
        },
        "left",
    ),
    "video": Adapter(
        {
            **OURS,
            "number": ("alarm_id", "告警编号", "number"),
            "category": ("alarm_type", "告警类型", "category"),
            "text": ("camera", "点位", "camera_name"),
            "reported_at": ("alarm_time", "告警时间", "reported_at"),
            "links": ("pictures", "图片", "links"),
        },
        "refused",
        text="视频巡查：{text}",
    ),
    # A row of a file that staff upload.
    "row": Adapter(
        {
            **OURS,
            "number": ("number", "编号"),
            "category": ("category", "类别"),
            "text": ("text", "内容"),
            "urgency": ("urgency", "紧急程度"),
            "reported_at": ("reported_at", "上报时间"),
            "caller.name": ("caller_name", "来电人"),
            "caller.phone": ("caller_phone", "联系电话"),
            "links": ("links", "附件链接"),
        },
        "refused",
    ),
}


def read(kind: str, body: Mapping[str, Any], own: Mapping[str, str] | None = None) -> Item:
    """A system's document as an item; `own` are the source's own names of our fields. Raises InvalidInput that names fields."""
    adapter = ADAPTERS[kind]
    names = adapter.names or ({} if not own else OURS)
    if not names:
        return convert(body, is_strict=True)
    names = {ours: (*([own[ours]] if own and ours in own else ()), *theirs) for ours, theirs in names.items()}
    unknown = set(body) - {name for theirs in names.values() for name in theirs}
    if unknown and adapter.others == "refused":
        raise InvalidInput({str(name)[:64]: "not_taken" for name in sorted(unknown, key=str)[:20]})
    found = _picked(body, names)
    if "links" in found and adapter.others == "left":
        # A work order is never refused for what its form says beside the matter.
        found["links"] = links.sound_ones(found["links"])
    if adapter.text and isinstance(found.get("text"), str):
        found["text"] = adapter.text.format(text=found["text"])
    return convert(found, is_strict=False)


def convert(found: Mapping[str, Any], *, is_strict: bool) -> Item:
    """Fields as an item; not strict: numbers may be written as text. Raises InvalidInput that names the field."""
    try:
        return msgspec.convert(dict(found), Item, strict=is_strict)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        field = path.rstrip("`").lstrip(".").partition("[")[0]
        if not field and "`" in message:
            field = message.split("`")[1].lstrip("$.")
            message = "required" if "missing required" in message else "not_taken"
        raise InvalidInput({field[:64] or "body": message}) from error


def _picked(body: Mapping[str, Any], names: Names) -> dict[str, Any]:
    """Our fields out of a document; one that is empty is not there."""
    found: dict[str, Any] = {}
    for ours, theirs in names.items():
        value = next((body[name] for name in theirs if body.get(name) not in (None, "")), None)
        if value is None:
            continue
        head, dot, tail = ours.partition(".")
        if dot:
            found.setdefault(head, {})[tail] = _plain(tail, value)
        else:
            found[head] = _plain(head, value)
    return found


def _plain(field: str, value: Any) -> Any:
    """A value as we write it: words of urgency, China's local time, numbers of a case as text, links apart by white space."""
    if field == "links":
        return value.split() if isinstance(value, str) else value
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else value
    if field == "urgency":
        return URGENCIES.get(str(text), text)
    if field == "reported_at":
        return _instant(str(text))
    return value if isinstance(value, float) else text


def _instant(text: str) -> str:
    for form in LOCAL_TIMES:
        try:
            return times.to_text(datetime.strptime(text, form).replace(tzinfo=CHINA).astimezone(UTC))
        except ValueError:
            continue
    return text
