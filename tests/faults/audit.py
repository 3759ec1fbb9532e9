"""The audit every fault test ends with: what phones and clerks were told is safe, counted against what store and server hold.

It reads the store itself and trusts nobody between. Only what was acknowledged may be missed; what is stored though no answer
came must be whole as well. How traffic is made is `traffic.py`.
"""

import contextlib
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests

from server.domain import ids, notices, workflow
from sync.couch import Couch
from sync.databases import NOTICES, QUARANTINE, cases_db, media_db
from tests.faults.traffic import Clerk
from tests.phones import SimulatedPhone
from tests.running import until

TOWNSHIP = "640105002"
MOST = 1_000_000
SLICE = 300
SHOWN = 10

Document = dict[str, Any]


@dataclass
class Findings:
    """What an audit saw. `lost` and `doubled` name the things, one line each."""

    acknowledged: int = 0
    cases: int = 0
    photos: int = 0
    moves: int = 0
    tasks: int = 0
    notices: int = 0
    quarantined: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        kept = f"{self.acknowledged} acknowledged, {self.cases} cases, {len(self.lost)} lost, {len(self.doubled)} doubled"
        more = f"{self.photos} photos, {self.moves} moves, {self.tasks} tasks, {self.notices} notices"
        return f"{kept}; {more}, {self.quarantined} in quarantine"


class Audit:
    """Of one township. `desk` is a signed-in session, for what people see of photos; None leaves the photos' sizes out.

    `minds_notices`: every dispatch is told to its unit. Where clocks step, notices of long ago are rightly not issued.
    """

    def __init__(
        self,
        store_url: str,
        phones: Sequence[SimulatedPhone],
        clerks: Sequence[Clerk] = (),
        desk: requests.Session | None = None,
        *,
        minds_notices: bool = False,
    ) -> None:
        self._minds_notices = minds_notices
        self._couch = Couch(store_url, timeout_s=60)
        self._phones, self._clerks, self._desk = phones, clerks, desk
        self._url = phones[0].url if phones else ""
        self._seen: set[str] = set()

    def settle(self, what: str, timeout_s: float = 180) -> Findings:
        """Waits until nothing is missing any more, prints the numbers, and fails when something stays lost or is doubled."""
        last: list[Findings] = []
        # What was sound at an earlier settling may be gone by now.
        self._seen.clear()

        def is_complete() -> bool:
            last[:] = [self.look()]
            return not last[0].lost

        with contextlib.suppress(AssertionError):
            until(is_complete, what, timeout_s, 1.0)
        found = last[0]
        print(f"\n{what}: {found}", flush=True)
        assert not found.lost, found.lost[:SHOWN]
        assert not found.doubled, found.doubled[:SHOWN]
        return found

    def look(self) -> Findings:
        """One look at everything."""
        found = Findings()
        self._look_at_records(found)
        self._look_at_cases(found)
        if not found.lost:
            self._look_at_photos(found)
        return found

    def _look_at_records(self, found: Findings) -> None:
        by_database: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for phone in self._phones:
            for id, (database, rev) in phone.held.items():
                by_database[database].append((id, rev))
            refused = [_entry_of(database, id, rev) for id, (database, rev) in phone.quarantined.items()]
            found.quarantined += len(refused)
            found.lost += [f"{id} is not in quarantine" for id in self._missing(QUARANTINE, refused)]
            only_there = {id: database for id, (database, _) in phone.quarantined.items() if id not in phone.held}
            found.doubled += [f"{id} is in quarantine and in {only_there[id]}" for id in self._stored(only_there)]
        for database, wanted in sorted(by_database.items()):
            found.acknowledged += len(wanted)
            for part in _sliced(wanted):
                there = {(doc["_id"], doc["_rev"]) for doc in self._couch.database(database).leaves(part)}
                found.lost += [f"{id} {rev} is not in {database}" for id, rev in part if (id, rev) not in there]

    def _missing(self, database: str, wanted: Sequence[str]) -> list[str]:
        return [id for part in _sliced(wanted) for id, doc in self._couch.database(database).many(part).items() if doc is None]

    def _stored(self, wanted: dict[str, str]) -> Iterator[str]:
        """Which of these ids lie in their databases."""
        for database in set(wanted.values()):
            if self._couch.info([database])[database] is not None:
                asked = [id for id, name in wanted.items() if name == database]
                missing = set(self._missing(database, asked))
                yield from (id for id in asked if id not in missing)

    def _look_at_cases(self, found: Findings) -> None:
        pushed_to = {database for phone in self._phones for database, _ in phone.held.values()}
        stored = {doc["_id"]: doc for name in pushed_to for doc in self._range(name, "report:")}
        cases = {doc["_id"]: doc for doc in self._range(cases_db(TOWNSHIP), "case:")}
        events: dict[str, list[Document]] = defaultdict(list)
        for event in self._range(cases_db(TOWNSHIP), "event:"):
            events[event["case"]].append(event)
        found.cases = len(cases)
        named = Counter(str(report) for case in cases.values() for report in case["reports"])
        opened = Counter(event["report"]["id"] for of in events.values() for event in of if event["move"] == "report")
        for report in stored:
            found.lost += [f"{report} has no {kind}" for kind, n in (("case", named), ("first event", opened)) if not n[report]]
        for kind, counted in (("cases", named), ("first events", opened)):
            found.doubled += [f"{report} has {n} {kind}" for report, n in counted.items() if n > 1]
        found.lost += [f"{report} has a case and is gone" for report in named if report not in stored]
        for case in cases.values():
            found.lost += _broken_fold(case, events[case["_id"]])
        self._look_at_copies(found, cases)
        self._look_at_moves(found, cases)
        self._look_at_tasks(found, cases)
        if self._minds_notices:
            self._look_at_notices(found, [event for of in events.values() for event in of], cases)

    def _look_at_copies(self, found: Findings, cases: dict[str, Document]) -> None:
        by_database: dict[str, list[str]] = defaultdict(list)
        for id, case in cases.items():
            by_database[case["database"]].append(id)
        for database, wanted in by_database.items():
            copies = {doc["_id"]: _shown(doc) for doc in self._range(database, "case:")}
            behind = [id for id in wanted if copies.get(id) != _shown(workflow.phone_copy(cases[id]))]
            found.lost += [f"{id} is not in {database} as it is now" for id in behind]

    def _look_at_moves(self, found: Findings, cases: dict[str, Document]) -> None:
        for clerk in self._clerks:
            for case_id, key in clerk.moved:
                found.moves += 1
                times = cases.get(case_id, {"applied": []})["applied"].count(ids.event_id(case_id, key))
                found.lost += [f"move {key} of {case_id}"] if times == 0 else []
                found.doubled += [f"move {key} of {case_id}: {times} times"] if times > 1 else []

    def _look_at_tasks(self, found: Findings, cases: dict[str, Document]) -> None:
        """Every task a case has lies in its grid's database as the case says; one withdrawn before it was written never does."""
        by_database: dict[str, dict[str, str]] = defaultdict(dict)
        for case in cases.values():
            by_database[case["database"]] |= {task["id"]: workflow.task_copy(case, task, None)["state"] for task in case["tasks"]}
        for database, wanted in by_database.items():
            there = {doc["_id"]: doc["state"] for doc in self._range(database, "task:")}
            found.tasks += len(wanted)
            behind = [id for id, state in wanted.items() if there.get(id, "withdrawn") != state]
            found.lost += [f"{id} is not in {database} as {wanted[id]}" for id in behind]

    def _look_at_notices(self, found: Findings, events: Iterable[Document], cases: dict[str, Document]) -> None:
        """Every dispatch that counts was told to its unit."""
        counted = [
            notices.notice_id(f"{event['_id']}/case.dispatched")
            for event in events
            if event["move"] == "dispatch" and event["_id"] in cases.get(event["case"], {"applied": ()})["applied"]
        ]
        found.notices += len(counted)
        missing = [id for part in _sliced(counted) for id in self._missing(NOTICES, part)]
        found.lost += [f"{id} was not issued" for id in missing]

    def _look_at_photos(self, found: Findings) -> None:
        database = self._couch.database(media_db(TOWNSHIP))
        for phone in self._phones:
            found.photos += len(phone.uploaded)
            for photo in phone.uploaded - self._seen:
                # One whose record waits in quarantine is kept, and shown to nobody until a clerk decides.
                sizes = ("thumb", "screen") if self._desk and photo in phone.held else ()
                wrong = self._whats_wrong(database, photo, phone.photo_sha256[photo], sizes)
                found.lost += [wrong] if wrong else []
                if not wrong:
                    self._seen.add(photo)

    def _whats_wrong(self, database: Any, photo: str, sha256: str, sizes: Iterable[str]) -> str:
        doc = database.find(photo)
        if doc is None:
            return f"{photo} is gone"
        if hashlib.sha256(database.attachment(photo, "sent")).hexdigest() != sha256:
            return f"{photo} is not what was sent"
        for size in sizes:
            assert self._desk is not None
            answer = self._desk.get(f"{self._url}/api/photos/{photo}/{size}", timeout=10)
            if answer.status_code != 200 or not answer.headers["Content-Type"].startswith("image/"):
                return f"{photo} has no {size} to look at"
        return ""

    def _range(self, database: str, prefix: str) -> list[Document]:
        if self._couch.info([database])[database] is None:
            return []
        return self._couch.database(database).range(prefix, prefix + "\ufff0", MOST)


def _entry_of(database: str, id: str, rev: str) -> str:
    """The id of a refused document's entry in quarantine."""
    return "refused:" + hashlib.sha256(f"{database}\n{id}\n{rev}".encode()).hexdigest()


def _shown(copy: Document) -> Document:
    """What a copy shows: it is not written again for a move that phones are shown nothing of."""
    return {name: value for name, value in copy.items() if name not in ("_rev", "events", "updated_at")}


def _broken_fold(case: Document, events: Sequence[Document]) -> list[str]:
    folded = workflow.fold(events) if any(event["move"] == "report" for event in events) else {}
    kept = {name: value for name, value in case.items() if name != "_rev"}
    return [] if folded == kept else [f"{case['_id']} is not the fold of its {len(events)} events"]


def _sliced(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (items[start : start + SLICE] for start in range(0, len(items), SLICE))
