"""The power goes, at any moment: the store opens clean and holds everything it had answered.

The node is recorded under load; then, for many moments, its folder is made again from what had been synced by then (and some
of what had not), opened by the node, verified as `store --check` does, and compared with the answers given before.
"""

import base64
import random
import shutil
import threading
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sync.embedded.catalogue import Catalogue
from sync.embedded.checking import check_folder
from sync.embedded.documents import read_draft
from sync.embedded.updates import edit
from tests.faults.power_cut import Disk, Event, read_record
from tests.sync.embedded.running_node import RunningNode

pytestmark = pytest.mark.faults
WAIT_S = 60
PHOTO = base64.b64encode(bytes(range(256)) * 200).decode()


@dataclass
class Traffic:
    """What was asked, by mark: the documents a request writes, as (database, id, generation), or what it does to a database.

    `doomed`: databases that are deleted, with the mark of the last request before that.
    """

    writes: dict[str, list[tuple[str, str, int]]] = field(default_factory=dict)
    created: dict[str, str] = field(default_factory=dict)
    deleted: dict[str, str] = field(default_factory=dict)
    doomed: dict[str, str] = field(default_factory=dict)

    def may_be_deleted(self, name: str, answered: set[str]) -> bool:
        """Whether the deletion of a database had been asked for when these requests were answered."""
        return name in self.doomed and self.doomed[name] in answered


class Client:
    """One thread of load on databases of its own and on one shared with the others."""

    def __init__(self, node: RunningNode, number: int, rounds: int, traffic: Traffic) -> None:
        self._node, self._number, self._rounds, self._traffic = node, number, rounds, traffic
        self._count = 0
        self._revisions: dict[tuple[str, str], str] = {}

    def run(self) -> None:
        """Creates, writes, edits, deletes, compacts, over and over."""
        with closing(self._node.connect()) as self._link:
            for step in range(self._rounds):
                name = f"own-{self._number}-{step // 4}"
                if step % 4 == 0:
                    self._ask("PUT", f"/{name}", None, created=name)
                for database in (name, "shared"):
                    self._write(database, [f"{self._number}-{step}-{n}" for n in range(8)])
                    self._write(database, [f"{self._number}-{n}" for n in range(3)])
                if step % 4 == 3:
                    self._ask("POST", f"/{name}/_compact", {})
                if step % 8 == 7:
                    self._traffic.doomed[name] = f"{self._number}:{self._count}"
                    self._ask("DELETE", f"/{name}", None, deleted=name)

    def _write(self, database: str, ids: list[str]) -> None:
        docs: list[dict[str, Any]] = []
        for id_ in ids:
            known = self._revisions.get((database, id_))
            more = {"_attachments": {"p": {"content_type": "image/jpeg", "data": PHOTO}}} if id_.endswith("-2") else {}
            docs.append({"_id": id_, "text": "楼道堆放杂物" * 30, **more} | ({"_rev": known} if known else {}))
        written = [(database, doc["_id"], int(str(doc.get("_rev", "0-")).split("-")[0]) + 1) for doc in docs]
        for row in self._ask("POST", f"/{database}/_bulk_docs", {"docs": docs}, writes=written):
            assert "error" not in row, row
            self._revisions[database, row["id"]] = row["rev"]

    def _ask(self, method: str, path: str, body: Any, **what: Any) -> Any:
        self._count += 1
        mark = f"{self._number}:{self._count}"
        for kind, value in what.items():
            getattr(self._traffic, kind)[mark] = value
        status, answer = self._node.ask(method, path, body, self._link, **{"x-mark": mark})
        assert status < 300, answer
        return answer


def record(folder: Path, rounds: int) -> tuple[list[Event], Traffic]:
    """The record of a node under load of three clients, and what they asked."""
    options = ("--record", str(folder / "record"), "--few-connections")
    node = RunningNode(folder / "data", module=("tests.faults.recorded_node", *options))
    traffic = Traffic(created={"0": "shared"})
    try:
        assert node.ask("PUT", "/shared", None, None, **{"x-mark": "0"})[0] == 201
        failures: list[BaseException] = []

        def run(client: Client) -> None:
            try:
                client.run()
            except BaseException as failure:  # noqa: BLE001 - shown by the assertion below
                failures.append(failure)

        threads = [threading.Thread(target=run, args=(Client(node, number, rounds, traffic),)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures, failures
    finally:
        node.stop()
    return read_record(folder / "record"), traffic


def audit(folder: Path, traffic: Traffic, answered: set[str]) -> Counter[str]:
    """Opens the folder as the node does and compares it with the answers; what was found of what was answered."""
    catalogue = Catalogue(folder, lambda _: None)
    tally: Counter[str] = Counter()
    try:
        names = set(catalogue.names())
        for mark in answered:
            created, deleted = traffic.created.get(mark), traffic.deleted.get(mark)
            if created is not None and not traffic.may_be_deleted(created, answered):
                tally["lost"] += created not in names
                tally["held"] += created in names
            if deleted is not None:
                tally["risen"] += deleted in names
        held = {name: catalogue.get(name).read(read_generations) for name in names}
        for mark in answered:
            for database, id_, generation in traffic.writes.get(mark, []):
                if database not in names and traffic.may_be_deleted(database, answered):
                    continue
                is_held = held.get(database, {}).get(id_, 0) >= generation
                tally["held" if is_held else "lost"] += 1
        for name in names:  # it is not only readable
            draft = read_draft({"_id": "after"}, is_replicated=False)
            catalogue.get(name).write(lambda transaction, draft=draft: edit(transaction, [draft])).result(WAIT_S)
    finally:
        catalogue.close()
    return tally


def read_generations(connection: Any) -> dict[str, int]:
    """id → generation of its winner."""
    return {id_: int(rev.split("-")[0]) for id_, rev in connection.execute("SELECT id, rev FROM doc")}


def cut_and_audit(tmp_path: Path, events: list[Event], traffic: Traffic, cuts: int, seed: int) -> Counter[str]:
    """Cuts the power at so many moments; what was found over all of them."""
    dice = random.Random(seed)
    # Just after an answer is the worst moment; the others are anywhere.
    answers = {at + 1: event[1] for at, event in enumerate(events) if event[0] == "answer"}
    moments = Counter(dice.choices(list(answers), k=cuts // 2) + dice.choices(range(len(events)), k=cuts - cuts // 2))
    moments.update(at for at, mark in answers.items() if mark in traffic.created or mark in traffic.deleted)
    disk, answered, total = Disk(), set[str](), Counter[str]()
    for at in range(len(events) + 1):
        for _ in range(moments[at]):
            folder = tmp_path / "cut"
            (folder / "data").mkdir(parents=True)
            survives = 0.0 if at in answers else dice.choice((0.0, 0.3, 0.7, 1.0))
            for name, content in disk.cut(dice, survives).items():
                (folder / "data" / Path(name).name).write_bytes(content)
            total += audit(folder / "data", traffic, answered)
            told: list[str] = []
            total["unsound"] += not check_folder(folder / "data", told.append)
            assert not total["unsound"], "\n".join(told)
            total["cuts"] += 1
            shutil.rmtree(folder)
        if at < len(events):
            disk.apply(at, events[at])
            if events[at][0] == "answer":
                answered.add(events[at][1])
    return total


def show(total: Counter[str], events: list[Event]) -> None:
    """Prints the numbers."""
    kinds = Counter(event[0] for event in events)
    print(
        f"\n{kinds['write']} writes, {kinds['sync']} syncs, {kinds['answer']} answers recorded; "
        f"power cut at {total['cuts']} moments: {total['held'] + total['lost']} acknowledged documents and databases looked for, "
        f"{total['lost']} lost, {total['risen']} deleted databases back, {total['unsound']} files unsound"
    )


def test_after_a_power_cut_everything_answered_is_there_and_every_file_is_sound(tmp_path: Path) -> None:
    events, traffic = record(tmp_path, rounds=8)
    total = cut_and_audit(tmp_path, events, traffic, cuts=24, seed=1)
    show(total, events)
    assert (total["lost"], total["risen"], total["unsound"]) == (0, 0, 0)
    assert total["held"] > 1000


def test_a_real_node_starts_on_what_a_power_cut_left(tmp_path: Path) -> None:
    events, _ = record(tmp_path, rounds=4)
    disk = Disk()
    for at, event in enumerate(events[: len(events) * 3 // 4]):
        disk.apply(at, event)
    (tmp_path / "cut").mkdir()
    for name, content in disk.cut(random.Random(2), 0.5).items():
        (tmp_path / "cut" / Path(name).name).write_bytes(content)
    node = RunningNode(tmp_path / "cut")
    try:
        assert node.ask("GET", "/shared")[1]["doc_count"] > 50
        assert node.ask("PUT", "/shared/after", {})[0] == 201
        assert check_folder(tmp_path / "cut", lambda _: None)
    finally:
        node.stop()


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_thousand_power_cuts_lose_nothing(tmp_path: Path) -> None:
    events, traffic = record(tmp_path, rounds=40)
    total = cut_and_audit(tmp_path, events, traffic, cuts=1000, seed=3)
    show(total, events)
    assert (total["lost"], total["risen"], total["unsound"]) == (0, 0, 0)
