"""Whatever happens to documents, in any order, the node agrees with a model of revision trees of a few lines.

A hypothesis state machine edits, replicates, deletes, purges, stems and compacts on a real database; after every step winner,
leaves, conflicts and counts are those of the model, and another node that gets the same revisions shuffled agrees.
"""

import hashlib
import random
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sync.embedded.catalogue import Catalogue
from sync.embedded.checking import check_file
from sync.embedded.codec import parse
from sync.embedded.compaction import compact
from sync.embedded.database import Database
from sync.embedded.documents import read_draft
from sync.embedded.reading import View, read_document, read_open_revisions
from sync.embedded.refusals import Refusal
from sync.embedded.trees import rank
from sync.embedded.updates import edit, merge, purge

WAIT_S = 60
IDS = ("a", "b")
Arrival = tuple[str, list[str], bool]


class Model:
    """One document's revisions: who is whose parent (None: unknown or the first), and which are deletions."""

    def __init__(self) -> None:
        self.parents: dict[str, str | None] = {}
        self.deleted: dict[str, bool] = {}

    def leaves(self) -> list[str]:
        """The best first: live, then long, then high."""
        found = [each for each in self.parents if each not in self.parents.values()]
        return sorted(found, key=lambda each: (not self.deleted[each], rank(each)), reverse=True)

    def path(self, revision: str | None) -> list[str]:
        """A revision and what is known before it."""
        return [revision, *self.path(self.parents[revision])] if revision else []

    def learn(self, path: list[str], is_deleted: bool) -> None:
        """A revision arrives with its history."""
        for revision, parent in zip(path, [*path[1:], None], strict=True):
            self.parents[revision] = self.parents.get(revision) or parent
        self.deleted.setdefault(path[0], is_deleted)

    def keep(self, kept: set[str]) -> None:
        """Everything else is forgotten."""
        self.parents = {each: parent if parent in kept else None for each, parent in self.parents.items() if each in kept}

    def stem(self, limit: int) -> None:
        """Of every branch only the newest stay."""
        self.keep({each for leaf in self.leaves() for each in self.path(leaf)[:limit]})

    def purge(self, revisions: list[str]) -> list[str]:
        """Leaves go, with what only they needed; answers which."""
        gone = [each for each in revisions if each in self.leaves()]
        self.keep({each for leaf in self.leaves() if leaf not in gone for each in self.path(leaf)})
        return gone

    def expect_edit(self, parent: str | None, is_deleted: bool) -> tuple[bool, str | None]:
        """Whether an ordinary edit is taken, and what it grows on."""
        leaves = self.leaves()
        if parent is None and leaves and self.deleted[leaves[0]] and not is_deleted:
            return True, leaves[0]
        is_taken = not leaves if parent is None else parent in leaves and not self.deleted[parent]
        return is_taken, parent


class TreeMachine(RuleBasedStateMachine):
    """One database against its model; `arrivals` is everything that ever came, for another node."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self.catalogue = Catalogue(self.folder, lambda name: None)
        self.catalogue.create("one")
        self.database = self.catalogue.get("one")
        self.models: dict[str, Model] = {id_: Model() for id_ in IDS}
        self.limit = 1000
        self.arrivals: list[Arrival] = []
        self.forgetful: set[str] = set()
        self.count = 0

    def teardown(self) -> None:
        path = self.database.path
        self.catalogue.close()
        try:
            assert check_file(path).problems == []
        finally:
            shutil.rmtree(self.folder)

    def write(self, job: Any) -> Any:
        return self.database.write(job).result(WAIT_S)

    def arrive(self, id_: str, path: list[str], is_deleted: bool) -> None:
        """The model learns a revision; with a lowered limit it forgets the oldest at once."""
        model = self.models[id_]
        self.arrivals.append((id_, path, is_deleted))
        before = (dict(model.parents), path[0] in model.deleted)
        model.learn(path, is_deleted)
        if before != (model.parents, True):
            self.stem(id_)

    def stem(self, id_: str) -> None:
        before = len(self.models[id_].parents)
        self.models[id_].stem(self.limit)
        if len(self.models[id_].parents) != before:
            self.forgetful.add(id_)

    @rule(id_=st.sampled_from(IDS), which=st.integers(0, 5), is_deleted=st.booleans())
    def put(self, id_: str, which: int, is_deleted: bool) -> None:
        """An ordinary edit, on a leaf, on an older revision, or on none."""
        model = self.models[id_]
        known = [*model.leaves(), None, *model.parents]
        parent = known[which % len(known)]
        self.count += 1
        given: dict[str, Any] = {"_id": id_, "n": self.count} | ({"_rev": parent} if parent else {})
        draft = read_draft(given | ({"_deleted": True} if is_deleted else {}), is_replicated=False)
        (result,) = self.write(lambda transaction: edit(transaction, [draft]))
        is_taken, grows_on = model.expect_edit(parent, is_deleted)
        assert isinstance(result, Refusal) != is_taken
        if is_taken:
            assert rank(result)[0] == (rank(grows_on)[0] if grows_on else 0) + 1
            self.arrive(id_, [result, *model.path(grows_on)], is_deleted)

    @rule(
        pushes=st.lists(
            st.tuples(st.sampled_from(IDS), st.integers(0, 9), st.integers(1, 3), st.booleans(), st.integers(0, 3)),
            min_size=2,
            max_size=5,
        )
    )
    def replicate(self, pushes: list[tuple[str, int, int, bool, int]]) -> None:
        """Revisions from elsewhere, in one batch: one or more on any known one or on none, some without their oldest history."""
        drafts, news = [], []
        for id_, which, steps, is_deleted, missing in pushes:
            known = [*self.models[id_].leaves(), None, *self.models[id_].parents]
            path = self.models[id_].path(known[which % len(known)])
            for step in range(1, steps + 1):
                path = [name_revision(path, which, is_deleted and step == steps), *path]
            path = path[: len(path) - missing] or path
            news.append((id_, path, is_deleted))
            drafts.append(make_draft(id_, path, is_deleted))
        self.write(lambda transaction: merge(transaction, drafts))
        for id_, path, is_deleted in news:
            self.arrive(id_, path, is_deleted)

    @precondition(lambda self: self.arrivals)
    @rule(which=st.integers(0, 100))
    def replicate_again(self, which: int) -> None:
        """Something that came before comes again; unless it was forgotten meanwhile, nothing changes."""
        id_, path, is_deleted = self.arrivals[which % len(self.arrivals)]
        seq, is_known = self.database.update_seq(), path[0] in self.models[id_].leaves() and id_ not in self.forgetful
        self.write(lambda transaction: merge(transaction, [make_draft(id_, path, is_deleted)]))
        assert not is_known or self.database.update_seq() == seq
        self.arrive(id_, path, is_deleted)

    @rule(id_=st.sampled_from(IDS), which=st.integers(0, 7))
    def purge(self, id_: str, which: int) -> None:
        """One revision, perhaps no leaf, is purged."""
        model = self.models[id_]
        revision = ([*model.parents] or ["1-x"])[which % max(1, len(model.parents))]
        answer = self.write(lambda transaction: purge(transaction, {id_: [revision]}))
        assert answer == {id_: model.purge([revision])}
        if answer[id_]:
            self.forgetful.add(id_)
            for each in answer[id_]:
                del model.deleted[each]
            model.deleted = {each: is_deleted for each, is_deleted in model.deleted.items() if each in model.parents}
            self.stem(id_)

    @rule(limit=st.integers(1, 4))
    def lower_limit(self, limit: int) -> None:
        """Fewer revisions are to be remembered, from each document's next change on."""
        self.limit = limit
        sql = "INSERT OR REPLACE INTO setting VALUES('revs_limit', ?)"
        self.write(lambda transaction: transaction.connection.execute(sql, (str(limit),)) and None)

    @rule()
    def compact(self) -> None:
        """Old bodies go; histories are stemmed."""
        compact(self.database)
        for id_ in IDS:
            self.stem(id_)

    @invariant()
    def agrees(self) -> None:
        """Winner, leaves, conflicts, contents and counts are the model's."""
        live = dead = 0
        for id_, model in self.models.items():
            leaves = model.leaves()
            assert read_leaves(self.database, id_) == [(model.path(each), model.deleted[each]) for each in leaves]
            if leaves:
                live, dead = live + (not model.deleted[leaves[0]]), dead + model.deleted[leaves[0]]
                assert read_conflicts(self.database, id_, leaves[0]) == [each for each in leaves[1:] if not model.deleted[each]]
                assert self.database.read(lambda c, i=id_: c.execute("SELECT rev FROM doc WHERE id = ?", (i,)).fetchone()) == (
                    leaves[0],
                )
        assert self.database.figures()[1:3] == (live, dead)

    @rule(seed=st.integers(0, 1000))
    def another_node_agrees(self, seed: int) -> None:
        """A node that gets the same revisions in another order has the same leaves, where none was forgotten here."""
        arrivals = [each for each in self.arrivals if each[0] not in self.forgetful]
        random.Random(seed).shuffle(arrivals)
        self.catalogue.create("other")
        other = self.catalogue.get("other")
        for at in range(0, len(arrivals), 3):
            drafts = [make_draft(*each) for each in arrivals[at : at + 3]]
            other.write(lambda transaction, drafts=drafts: merge(transaction, drafts)).result(WAIT_S)
        for id_ in {each[0] for each in arrivals}:
            assert [path[0] for path, _ in read_leaves(other, id_)] == self.models[id_].leaves()
        self.catalogue.delete("other")


def name_revision(older: list[str], choice: int, is_deleted: bool) -> str:
    """A name for a revision that grows on these; as with real ones, it says all about the revision."""
    made_of = f"{older[:1]} {choice} {is_deleted}".encode()
    return f"{(rank(older[0])[0] if older else 0) + 1}-{hashlib.md5(made_of, usedforsecurity=False).hexdigest()}"


def make_draft(id_: str, path: list[str], is_deleted: bool) -> Any:
    """A replicated revision; what it says follows from its name."""
    revisions = {"start": rank(path[0])[0], "ids": [each.partition("-")[2] for each in path]}
    body = {"_id": id_, "_rev": path[0], "_revisions": revisions, "is": path[0]} | ({"_deleted": True} if is_deleted else {})
    return read_draft(body, is_replicated=True)


def read_leaves(database: Database, id_: str) -> list[tuple[list[str], bool]]:
    """(revision and its known history, is deleted) of all leaves, as `open_revs` gives them."""
    try:
        rows = parse(database.read(lambda connection: read_open_revisions(connection, id_, None, View(revs=True))))
    except Refusal:
        return []
    return [(name_path(row["ok"]["_revisions"]), row["ok"].get("_deleted", False)) for row in rows]


def name_path(revisions: dict[str, Any]) -> list[str]:
    """`_revisions` as a list of revisions, newest first."""
    return [f"{revisions['start'] - at}-{digest}" for at, digest in enumerate(revisions["ids"])]


def read_conflicts(database: Database, id_: str, winner: str) -> list[str]:
    """`_conflicts` of the winner, as a plain read shows it; a deleted winner has no plain read."""
    try:
        revision, text = database.read(lambda connection: read_document(connection, id_, None, View(conflicts=True)))
    except Refusal:
        return []
    assert revision == winner
    return list(parse(text).get("_conflicts", []))


TestTrees = TreeMachine.TestCase
# Without shrinking, which takes minutes here: the steps that failed are few enough to read.
TestTrees.settings = settings(max_examples=50, stateful_step_count=20, phases=(Phase.explicit, Phase.generate))
