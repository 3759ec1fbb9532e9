"""Everything at once: databases made and deleted under readers, writers, feeds and compactions, on few file descriptors."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from tests.sync.embedded.running_node import RunningNode

CLIENTS = 6
STEPS = 80
Asked = tuple[str, str, Any]


def choose(dice: random.Random) -> Asked:
    """A request at random: method, path, body."""
    path, id_ = f"/db{dice.randrange(12)}", f"d{dice.randrange(30)}"
    docs = [{"_id": f"d{dice.randrange(30)}", "_rev": f"1-{dice.choice('abc') * 32}"} for _ in range(10)]
    choices: list[Asked] = [
        ("PUT", path, None),
        ("PUT", path, None),
        ("DELETE", path, None),
        ("POST", f"{path}/_bulk_docs", {"docs": docs, "new_edits": False}),
        ("POST", f"{path}/_bulk_docs", {"docs": docs, "new_edits": False}),
        ("POST", f"{path}/_purge", {id_: [f"1-{'a' * 32}"]}),
        ("POST", f"{path}/_compact", {}),
        ("PUT", f"{path}/{id_}/x", {"bytes": 1}),
        ("GET", f"{path}/_changes?style=all_docs&include_docs=true", None),
        ("GET", f"{path}/_changes?feed=longpoll&since=now&timeout=30", None),
        ("GET", f"{path}/_all_docs?startkey=%22d2%22&include_docs=true", None),
        ("GET", f"{path}/{id_}?open_revs=all", None),
        ("GET", "/_dbs_info", None),
    ]
    return dice.choice(choices)


@pytest.mark.faults
def test_turmoil_brings_no_fault_and_leaves_every_count_right(start_node: Callable[..., RunningNode]) -> None:
    node = start_node(open_files=160)
    seen: Counter[int] = Counter()

    def work(seed: int) -> None:
        dice = random.Random(seed)
        with closing(node.connect()) as connection:
            for _ in range(STEPS):
                seen[node.ask(*choose(dice), connection)[0]] += 1

    clients = [threading.Thread(target=work, args=(seed,)) for seed in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert sum(seen.values()) == CLIENTS * STEPS
    assert set(seen) <= {200, 201, 202, 404, 409, 412}
    for row in node.ask("GET", "/_dbs_info")[1]:
        check_counts(node, row["key"], row["info"])


def check_counts(node: RunningNode, name: str, figures: dict[str, Any]) -> None:
    """The counters agree with what is listed."""
    listing = node.ask("GET", f"/{name}/_all_docs")[1]
    assert figures["doc_count"] == listing["total_rows"] == len(listing["rows"])
    part = node.ask("GET", f"/{name}/_all_docs?startkey=%22d2%22")[1]
    assert part["offset"] == sum(row["id"] < "d2" for row in listing["rows"])
    changes = node.ask("GET", f"/{name}/_changes")[1]["results"]
    assert sorted(row["id"] for row in changes if "deleted" not in row) == [row["id"] for row in listing["rows"]]
