"""A thousand databases on few file descriptors, and feeds that wait without holding any."""

import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sync.embedded.connections import Connections
from sync.embedded.schema import build_empty_file, place_file
from tests.sync.embedded.running_node import RunningNode

DATABASES = 1000
OPEN_FILES = 160


def spread(work: Callable[[int], None], count: int, threads: int = 4) -> None:
    """Runs `work` for every number, on a few threads; fails when any failed."""
    failures: list[BaseException] = []

    def run(first: int) -> None:
        try:
            for number in range(first, count, threads):
                work(number)
        except BaseException as failure:  # noqa: BLE001 - shown by the assertion below
            failures.append(failure)

    workers = [threading.Thread(target=run, args=(first,)) for first in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []


def test_a_thousand_databases_live_on_few_file_descriptors(start_node: Callable[..., RunningNode]) -> None:
    node = start_node(open_files=OPEN_FILES)

    def fill(number: int) -> None:
        with closing(node.connect()) as connection:
            assert node.ask("PUT", f"/grid-{number}", None, connection) == (201, {"ok": True})
            assert node.ask("PUT", f"/grid-{number}/d", {"n": number}, connection)[0] == 201

    def check(number: int) -> None:
        status, document = node.ask("GET", f"/grid-{number}/d")
        assert (status, document["n"]) == (200, number)

    spread(fill, DATABASES)
    spread(check, DATABASES)
    status, rows = node.ask("GET", "/_dbs_info")
    assert status == 200
    assert [row["info"]["doc_count"] for row in rows] == [1] * DATABASES
    assert len(list(Path(f"/proc/{node.process.pid}/fd").iterdir())) < OPEN_FILES


def test_phones_may_wait_on_more_databases_than_can_be_open(start_node: Callable[..., RunningNode]) -> None:
    node = start_node(open_files=OPEN_FILES)
    count = 40  # each holds a socket; their databases would need three files each
    answers: dict[int, object] = {}
    for number in range(count):
        assert node.ask("PUT", f"/grid-{number}")[0] == 201

    def wait(number: int) -> None:
        answers[number] = node.ask("GET", f"/grid-{number}/_changes?feed=longpoll&since=now&heartbeat=2000")

    waiting = [threading.Thread(target=wait, args=(number,)) for number in range(count)]
    for thread in waiting:
        thread.start()
    while any(thread.is_alive() for thread in waiting):  # a feed not yet waiting is woken by a later round
        for number in range(count):
            if number not in answers:
                assert node.ask("POST", f"/grid-{number}", {"n": number})[0] == 201
        for thread in waiting:
            thread.join(0.01)
    assert all(status == 200 and answer["results"] for status, answer in answers.values())  # type: ignore[misc]


def test_the_connection_idle_longest_is_closed_first(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.sqlite" for name in "abc"]
    for path in paths:
        place_file(path, build_empty_file())
    connections = Connections(limit=2)
    for path in (paths[0], paths[1], paths[0], paths[2]):
        with connections.lend(path) as connection:
            connection.execute("SELECT count(*) FROM doc").fetchone()
        assert connections.open_count() <= 2
    with connections.lend(paths[0]) as kept, connections.lend(paths[1]) as fresh, connections.lend(paths[1]) as extra:
        assert kept is not fresh is not extra
        assert connections.open_count() == 3, "lent ones are never taken away"
    connections.close()
    assert connections.open_count() == 0
