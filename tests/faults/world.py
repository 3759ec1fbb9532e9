"""A small township with work for every task of the worker, the same each time it is put into a store.

Made by rules and functions of the domain where they exist, so that it stays sound when they change. What a killed clerk, gate or
worker leaves half done is in it on purpose: an event that is not folded yet, a merge without its other side.
"""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from media import store as media_store
from media.inspect import Facts
from server import audit
from server.cases import store, tasks
from server.domain import ids, times, workflow
from server.notices import store as notice_store
from sync.couch import Couch
from sync.databases import QUARANTINE, cases_db, grid_db, home_db, media_db, previous_quarter, quarter_at
from tests.conftest import GRID_A
from tests.media.photographs import as_bytes, scene
from tests.records import new_id, note, receipt, report, taskreply, with_rev
from tests.server.domain.test_clock_rules import FIVE_HOURS, UNIT, Story
from tests.server.domain.test_merge import stamp, version

Document = dict[str, Any]
TOWNSHIP = GRID_A[:9]
CHINA = timedelta(hours=8)


def told_at(at: datetime) -> str:
    """An instant as stories tell it, by China's clock."""
    return f"{at + CHINA:%Y-%m-%d %H:%M}"


class World:
    """What is put into a store. `hook_url` is where a channel sends notices to."""

    def __init__(self, hook_url: str) -> None:
        self.now = datetime.now(UTC)
        self.quarter = quarter_at(self.now)
        self.grid, self.last_grid = (grid_db(GRID_A, one) for one in (self.quarter, previous_quarter(self.quarter)))
        self.cases, self.media, self.home = cases_db(TOWNSHIP), media_db(TOWNSHIP), home_db(GRID_A)
        self.photo, self.picture = new_id("photo"), as_bytes(scene(320, 240), "JPEG")
        self._since = self.now - timedelta(hours=3)
        self._make_reports()
        self._make_stories()
        self._household, self._hook_url, self._entry_key = self._conflict(), hook_url, secrets.token_hex(8)

    def put(self, couch: Couch) -> None:
        """Everything into a store that is emptied first."""
        for name in couch.all_databases():
            if not name.startswith("_"):
                couch.delete(name)
        for name in (self.grid, self.last_grid, self.home, "ref"):
            couch.create(name, replicated=True)
        for name in ("people", self.media, QUARANTINE):
            couch.create(name, replicated=False)
        notice_store.ensure(couch)
        store.ensure(couch, TOWNSHIP)
        self._put_cases(couch)
        self._put(couch, self.grid, self._reports)
        self._put(couch, self.home, self._household)
        couch.database("notices").bulk([self._channel()])
        self._put_photo(couch)
        for n in range(3):
            audit.note(
                couch,
                by="triage1",
                action="case.read",
                subject=f"case {n}",
                at=self.now,
                key=f"{self._entry_key}{n}",
                township=TOWNSHIP,
            )

    def _make_reports(self) -> None:
        """Two of one place that may be one problem, the first with a photo; an emergency; words about a case; a task's answer."""
        first = report(at=self._since, photos=[self.photo])
        again = report(at=self._since + timedelta(minutes=20), author="worker2")
        urgent = report(at=self._since, urgency="emergency", text="燃气泄漏", place=None)
        records = [with_rev(one) for one in (first, again, urgent)]
        self._reports = [*records, with_rev(receipt([one["_id"] for one in records], self._since + timedelta(minutes=30)))]

    def _make_stories(self) -> None:
        when = [told_at(self._since + timedelta(minutes=n)) for n in range(6)]
        task = new_id("task")
        self.answered = Story(when[0]).move(when[1], "accept")
        asked = {"kind": "look_again", "text": "再看一次", "grid": GRID_A}
        self.answered.move(when[2], "send_task", task_id=task, **asked)
        self.half_done = Story(when[0]).move(when[1], "accept")
        self.late = Story(when[0], FIVE_HOURS).dispatched(when[1]).move(when[2], "start", party=UNIT)
        self._let_fall_due(self.late.events[-1])
        self.main = Story(when[0]).move(when[1], "accept")
        self.merged = Story(when[0], author="worker2").move(when[1], "accept")
        self.merged.move(when[2], "merge", into=self.main.case["_id"], reason="同一处")
        self.old = Story(when[0]).move(when[1], "accept")
        self.stories = [self.answered, self.half_done, self.late, self.main, self.merged, self.old]
        reply = taskreply(task, at=self._since + timedelta(hours=1), outcome="done")
        said = note("report:" + ids.uuid_of(self.main.case["_id"]), at=self._since + timedelta(hours=1))
        self._reports += [with_rev(reply), with_rev(said)]

    def _let_fall_due(self, event: Document) -> None:
        """A date that no calendar gives, to be computed again, and a warning that fell due."""
        event["marks"] = [[times.to_text(self._since + timedelta(hours=1)), 50]]
        event["due_at"] = times.to_text(self.now + timedelta(days=900))

    def _put_cases(self, couch: Couch) -> None:
        """All as their clerks left them; one clerk and one merger were killed before they had folded."""
        database = couch.database(self.cases)
        for story in self.stories:
            lies_in = self.last_grid if story is self.old else self.grid
            first, *later = story.events
            events = [first | {"report": first["report"] | {"database": lies_in}}, *later]
            seen = events[:-1] if story in (self.half_done, self.merged) else events
            database.bulk([*events, workflow.fold(seen)])
            self._put(couch, lies_in, [with_rev(report(at=self._since, author=first["by"], _id=first["report"]["id"]))])
            if story is self.answered:
                tasks.write(couch, [workflow.fold(events)], self.now)

    def _conflict(self) -> list[Document]:
        """A household file that two phones changed."""
        first = version(stamps={"address": stamp(0)}) | {"_id": new_id("household"), "_rev": "1-" + "0" * 32}
        return [
            first
            | {"_rev": f"2-{letter * 32}", "_revisions": {"start": 2, "ids": [letter * 32, "0" * 32]}, field: value}
            | {"stamps": {"address": stamp(0), field: stamp(n, f"d{n}")}}
            for n, (letter, field, value) in enumerate((("b", "residents_count", 3), ("c", "needs", ["送餐"])), 1)
        ]

    def _channel(self) -> Document:
        parties = [f"township:{TOWNSHIP}", f"community:{GRID_A[:12]}", UNIT]
        fixed = {
            "_id": "channel:0123456789abcdef",
            "type": "channel",
            "v": 1,
            "name": "值班群",
            "kind": "json",
            "url": self._hook_url,
        }
        return fixed | {"parties": parties, "least": "normal", "quiet": None, "digest_at": [], "is_on": True}

    def _put_photo(self, couch: Couch) -> None:
        facts = Facts(320, 240, "image/jpeg", None, None, 1)
        about = (self.photo, "sent", self.grid, "d1", "worker1", "0" * 64, "image/jpeg", facts, self.now)
        media_store.save_upload(couch.database(self.media), media_store.Arrival(*about), self.picture)

    def _put(self, couch: Couch, name: str, docs: Sequence[Document]) -> None:
        assert couch.database(name).bulk(docs, new_edits=False) == []
