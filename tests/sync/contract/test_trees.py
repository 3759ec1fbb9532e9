"""Any sequence of pushes, edits, deletions and purges leaves what a small pure model says: leaves, winner, counts."""

import hashlib
import secrets
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.sync.contract.conftest import Client, Db

IDS = st.sampled_from(["x", "y"])
LETTERS = st.sampled_from("abc")


class Model:
    """Trees of revisions as a plain dictionary: id → {revision: (parent, is deleted)}."""

    def __init__(self) -> None:
        self.trees: dict[str, dict[str, tuple[str | None, bool]]] = {"x": {}, "y": {}}

    def leaves(self, id_: str) -> list[str]:
        """The winner first: a live one before a deleted one, then the longer history, then the higher hash."""
        tree = self.trees[id_]
        parents = {parent for parent, _ in tree.values()}
        leaves = [revision for revision in tree if revision not in parents]
        return sorted(leaves, key=lambda each: (not tree[each][1], int(each.split("-")[0]), each.split("-")[1]), reverse=True)

    def is_deleted(self, id_: str, revision: str) -> bool:
        return self.trees[id_][revision][1]

    def path(self, id_: str, revision: str) -> list[str]:
        found: list[str] = []
        step: str | None = revision
        while step is not None:
            found.append(step)
            step = self.trees[id_][step][0]
        return found

    def purge(self, id_: str, leaf: str) -> None:
        """Takes the leaf away, and of its history what no other leaf has."""
        tree = self.trees[id_]
        step: str | None = leaf
        while step is not None and step not in {parent for parent, _ in tree.values()}:
            step = tree.pop(step)[0]


def name(parent: str | None, letter: str, is_deleted: bool) -> str:
    """A revision that depends on its history, as all real ones do."""
    text = f"{parent}{letter}{is_deleted}".encode()
    generation = 1 + (int(parent.split("-")[0]) if parent else 0)
    return f"{generation}-{hashlib.md5(text, usedforsecurity=False).hexdigest()}"


class Trees(RuleBasedStateMachine):
    """One database beside the model."""

    client: Client

    @initialize()
    def start(self) -> None:
        self.db = Db(self.client, f"contract_{secrets.token_hex(6)}")
        assert self.db.ask("PUT", "?q=1").status in (201, 202)
        self.model = Model()

    def teardown(self) -> None:
        if hasattr(self, "db"):
            self.db.ask("DELETE")

    @rule(id_=IDS, letter=LETTERS, at=st.integers(0, 5), is_deleted=st.booleans(), hops=st.integers(1, 2))
    def push(self, id_: str, letter: str, at: int, is_deleted: bool, hops: int) -> None:
        """A replicated revision, grown from any known one or from nothing; what lies between was never here."""
        tree = self.model.trees[id_]
        start = [None, *sorted(tree)][at % (len(tree) + 1)]
        history = self.model.path(id_, start) if start else []
        parent = start
        for hop in range(hops):
            revision = name(parent, letter, is_deleted)
            if revision not in tree:
                tree[revision] = (parent, is_deleted and hop == hops - 1)
            elif hop == hops - 1 and tree[revision][1] != is_deleted:
                return
            parent, history = revision, [revision, *history]
        generation = int(history[0].split("-")[0])
        revisions = {"start": generation, "ids": [each.split("-")[1] for each in history]}
        document: dict[str, Any] = {"_id": id_, "_rev": history[0], "_revisions": revisions, "from": history[0]}
        if is_deleted:
            document["_deleted"] = True
        assert self.db.push(document) == []

    @rule(id_=IDS, letter=LETTERS)
    def edit(self, id_: str, letter: str) -> None:
        """An ordinary edit of the winner."""
        leaves = self.model.leaves(id_)
        body: dict[str, Any] = {"_id": id_, "edited": letter}
        if leaves and not self.model.is_deleted(id_, leaves[0]):
            body["_rev"] = leaves[0]
        (row,) = self.db.post("/_bulk_docs", {"docs": [body]})
        assert "error" not in row, row
        self.model.trees[id_][row["rev"]] = (leaves[0] if leaves else None, False)

    @rule(id_=IDS, at=st.integers(0, 3))
    def delete(self, id_: str, at: int) -> None:
        """Any leaf that lives."""
        living = [leaf for leaf in self.model.leaves(id_) if not self.model.is_deleted(id_, leaf)]
        if living:
            leaf = living[at % len(living)]
            reply = self.db.ask("DELETE", f"/{id_}?rev={leaf}")
            assert reply.status == 200
            self.model.trees[id_][reply.body["rev"]] = (leaf, True)

    @rule(id_=IDS, at=st.integers(0, 3))
    def purge(self, id_: str, at: int) -> None:
        """Any leaf."""
        leaves = self.model.leaves(id_)
        if leaves:
            leaf = leaves[at % len(leaves)]
            assert self.db.post("/_purge", {id_: [leaf]})["purged"] == {id_: [leaf]}
            self.model.purge(id_, leaf)

    @invariant()
    def leaves_and_winner_agree(self) -> None:
        if not hasattr(self, "db"):
            return
        rows = {row["id"]: row for row in self.db.get("/_changes?style=all_docs")["results"]}
        for id_ in self.model.trees:
            leaves = self.model.leaves(id_)
            seen = [each["rev"] for each in rows[id_]["changes"]] if id_ in rows else []
            assert (seen[:1], sorted(seen)) == (leaves[:1], sorted(leaves))
            is_live = bool(leaves) and not self.model.is_deleted(id_, leaves[0])
            reply = self.db.ask("GET", f"/{id_}?revs=true")
            assert reply.status == (200 if is_live else 404)
            if is_live:
                path = [each.split("-")[1] for each in self.model.path(id_, leaves[0])]
                assert (reply.body["_rev"], reply.body["_revisions"]["ids"]) == (leaves[0], path)

    @invariant()
    def counts_agree(self) -> None:
        if hasattr(self, "db"):
            live = [
                id_ for id_ in self.model.trees if (each := self.model.leaves(id_)) and not self.model.is_deleted(id_, each[0])
            ]
            assert self.db.get("")["doc_count"] == len(live)


@pytest.mark.parametrize("steps", [12])
def test_the_store_keeps_what_the_model_keeps(client: Client, steps: int) -> None:
    machine = type("TreesHere", (Trees,), {"client": client})
    checks = [HealthCheck.too_slow]
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine, settings=settings(max_examples=25, stateful_step_count=steps, deadline=None, suppress_health_check=checks)
    )
