"""Cases of their own with events, folded in memory, and names as a district calls things."""

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any

import pytest

from server.cases.store import Loaded
from server.domain import times, workflow
from server.papers import contents
from tests.conftest import GRID_A
from tests.records import AT, new_id, report

Document = dict[str, Any]
Fold = Callable[..., Loaded]
TOWNSHIP = f"township:{GRID_A[:9]}"
PHOTO = "photo:01931f6e-8a00-7000-8000-000000000001"


class Called:
    """Names made of the codes themselves."""

    def category(self, code: str, language: str) -> str:
        return f"{language} category {code}"

    def grid(self, code: str, language: str) -> str:
        return f"grid {code[-3:]}"

    def community(self, grid: str, language: str) -> str:
        return "富宁社区"

    def party(self, party: str, language: str) -> str:
        return self.unit(party, language) if party.startswith("unit:") else "北京西路街道"

    def unit(self, id: str, language: str) -> str:
        return {"unit:enforcement": "综合执法队"}.get(id, id)

    def people(self, names: Collection[str], language: str) -> dict[str, str]:
        return {name: {"worker1": "马晓燕", "triage1": "赵敏"}.get(name, name) for name in names}


@pytest.fixture
def folded() -> Fold:
    """`folded({"move": …}, …, text=…)`: a case of one report and these moves, ten minutes apart, by the township.

    `links`: what its source linked to; None as of a case that was kept before links were taken."""

    def fold(*moves: Document, links: list[str] | None = None, **fields: Any) -> Loaded:
        doc = report(**({"_id": new_id("report")} | fields)) | {"_rev": "1-" + "a" * 32}
        extra = {"links": links} if links is not None else None
        received = times.to_text(AT + timedelta(seconds=1))
        events = [workflow.reported_event(doc, "grid-x", received, doc["photos"], extra=extra)]
        head = {"type": "event", "v": 1, "case": events[0]["case"], "by": "triage1", "party": TOWNSHIP}
        for n, move in enumerate(moves, 1):
            at = times.to_text(AT + timedelta(minutes=10 * n))
            id = f"event:{events[0]['case'].partition(':')[2]}:key-{n:05d}"
            events.append({"_id": id, "n": n, "at": at} | head | move)
        return Loaded(workflow.fold(events), events)

    return fold


def matter_of(loaded: Loaded, kind: str, event: Document, language: str = "zh-CN") -> contents.Matter:
    from server.domain import papers

    case, events = papers.as_of(loaded.events, loaded.case, event)
    return contents.Matter(kind, case, event, events, Called(), language)
