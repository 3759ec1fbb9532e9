"""A backup of a running store holds everything, a second one copies little, and what is restored is proved to be the same."""

import base64
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from sync.backup.archive import Archive, Generation
from sync.backup.errors import Busy, Damaged, Incomplete, NotEmpty, NotEqual
from sync.backup.restoring import choose, restore, verify
from sync.backup.saving import save_all
from sync.backup.source import Row, Source
from sync.couch import Couch
from sync.errors import Unreachable
from tests.conftest import ROOT, running_store, wait_until

NAMES = ("cases-640105002", "grid-640105002001001-2026q4", "media-640105002")
PHOTO = bytes(range(256)) * 500


def silently(_: str) -> None:
    """For runs whose words do not matter."""


def emptied(url: str) -> Source:
    source = Source(url)
    for name in source.names():
        source.couch.delete(name)
    return source


@pytest.fixture
def store(own_store: str) -> Source:
    """The module's store, without databases."""
    return emptied(own_store)


@pytest.fixture(scope="module")
def second_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Another store, to restore into; the second CouchDB when one is given."""
    with ExitStack() as stack:
        given = os.environ.get("XUNGE_TEST_COUCHDB_URL_2")
        yield given or stack.enter_context(running_store(tmp_path_factory.mktemp("second")))


@pytest.fixture
def empty(second_url: str) -> Source:
    return emptied(second_url)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "backups")


def rev(generation: int, digest: str) -> str:
    return f"{generation}-{digest * 32}"


def fill(couch: Couch) -> None:
    """Plain, edited, deleted and conflicting documents, large numbers, a design document, attachments."""
    for name in NAMES:
        couch.create(name, replicated=True)
    cases, grid, media = (couch.database(name) for name in NAMES)
    grid.bulk([{"_id": f"report:{n}", "text": f"路灯不亮 {n}", "n": n / 3} for n in range(450)])
    changed = grid.get("report:7")
    grid.put(changed | {"text": "改过"})
    grid.put(grid.get("report:8") | {"_deleted": True, "why": "double"})
    branches = [(["c", "b", "a"], {}), (["e", "d", "a"], {}), (["f", "a"], {"_deleted": True})]
    docs = [
        {"_id": "household:1", "_rev": rev(len(ids), ids[0]), "_revisions": {"start": len(ids), "ids": [i * 32 for i in ids]}}
        | more
        | {"v": ids[0]}
        for ids, more in branches
    ]
    grid.bulk(docs, new_edits=False)
    body = b'{"_id": "numbers", "big": 123456789012345678901234567890, "real": 0.1}'
    couch.send("PUT", [NAMES[1], "numbers"], data=body)
    cases.put({"_id": "_design/cases", "views": {"all": {"map": "function (doc) { emit(doc._id, null); }"}}})
    cases.put({"_id": "case:1", "state": "new"})
    attachments = {
        "original": {"content_type": "image/jpeg", "data": base64.b64encode(PHOTO).decode()},
        "notes.txt": {"content_type": "text/plain", "data": base64.b64encode("记录 ".encode() * 1000).decode()},
    }
    media.put({"_id": "photo:1", "_attachments": attachments})
    media.put(media.get("photo:1") | {"derived": True})
    couch.send("PUT", [NAMES[0], "_revs_limit"], body=50)
    couch.send("PUT", [NAMES[0], "_security"], body={"admins": {"names": [], "roles": ["_admin"]}, "members": {"roles": ["x"]}})


def read_segments(tmp_path: Path) -> bytes:
    """All documents in the backups' files."""
    return b"".join(path.read_bytes() for path in (tmp_path / "backups" / "segments").iterdir())


def part_of(generation: Generation, name: str) -> Any:
    return next(part for part in generation.parts if part.name == name)


def test_what_is_restored_is_the_same_in_every_way(store: Source, empty: Source, archive: Archive) -> None:
    fill(store.couch)
    generation = save_all(store, archive, 7, silently)
    outcomes = restore(empty, archive, silently)
    assert [(each.name, each.digest) for each in outcomes] == [(part.name, part.digest) for part in generation.parts]
    assert empty.names() == list(NAMES)
    for name in NAMES:
        before, after = store.changes(name, None, 1000), empty.changes(name, None, 1000)
        leaves = {row.id: sorted(row.revisions) for row in before.rows}
        assert {row.id: sorted(row.revisions) for row in after.rows} == leaves
        one, other = store.leaves(name, before.rows), empty.leaves(name, after.rows)
        key = lambda document: document.doc["_rev"]  # noqa: E731
        for id_ in leaves:
            assert [each.doc for each in sorted(one[id_], key=key)] == [each.doc for each in sorted(other[id_], key=key)]
        assert store.settings(name) == empty.settings(name)
    database = empty.couch.database(NAMES[2])
    assert database.attachment("photo:1", "original") == PHOTO
    assert database.get("photo:1")["_attachments"]["original"]["revpos"] == 1
    household = empty.couch.database(NAMES[1]).get("household:1", conflicts=True)
    assert (household["_rev"], household["_conflicts"]) == (rev(3, "e"), [rev(3, "c")])
    assert b"123456789012345678901234567890" in empty.couch.send("GET", [NAMES[1], "numbers"]).content


def test_a_second_run_copies_only_what_changed(store: Source, empty: Source, archive: Archive) -> None:
    fill(store.couch)
    first = save_all(store, archive, 7, silently)
    assert sum(part.fetched for part in first.parts) == 455
    grid = store.couch.database(NAMES[1])
    grid.put({"_id": "report:new", "text": "new"})
    grid.put(grid.get("report:9") | {"text": "changed"})
    second = save_all(store, archive, 7, silently)
    assert {part.name: part.fetched for part in second.parts} == {NAMES[0]: 0, NAMES[1]: 2, NAMES[2]: 0}
    assert part_of(second, NAMES[2]).segments == part_of(first, NAMES[2]).segments
    restore(empty, archive, silently)
    assert empty.couch.database(NAMES[1]).get("report:9")["text"] == "changed"


def test_an_older_backup_can_still_be_restored_after_newer_ones(store: Source, empty: Source, archive: Archive) -> None:
    fill(store.couch)
    save_all(store, archive, 7, silently)
    grid = store.couch.database(NAMES[1])
    for version in range(12):
        grid.put(grid.get("report:9") | {"text": f"version {version}"})
        save_all(store, archive, 7, silently)
    names = archive.generations()
    assert len(names) == 7
    restore(empty, archive, silently, name=names[0])
    assert empty.couch.database(NAMES[1]).get("report:9")["text"] == "version 5"
    newest = choose(archive, None, ())
    assert len(part_of(newest, NAMES[1]).segments) <= 10, "segments are merged now and then"


def test_writers_go_on_during_a_backup_and_nothing_answered_before_it_is_missing(
    store: Source, empty: Source, archive: Archive
) -> None:
    fill(store.couch)
    couch, is_done, written = Couch(str(store.couch._url)), threading.Event(), []

    def write_on() -> None:
        grid = couch.database(NAMES[1])
        while not is_done.is_set():
            grid.bulk([{"_id": f"report:during-{len(written)}-{n}", "n": n} for n in range(20)])
            grid.put(grid.get("report:9") | {"n": len(written)})
            written.append(len(written))

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        while len(written) < 3:
            is_done.wait(0.01)
        before = len(written)
        generation = save_all(store, archive, 7, lambda _: wait_until(lambda: len(written) > before, what="a write meanwhile"))
    finally:
        is_done.set()
        writer.join()
    restore(empty, archive, silently)
    restored = {row.id for row in empty.changes(NAMES[1], None, 100_000).rows}
    assert {f"report:during-{batch}-{n}" for batch in range(before) for n in range(20)} <= restored
    again = save_all(store, archive, 7, silently)
    missed = part_of(again, NAMES[1]).fetched
    assert part_of(again, NAMES[1]).live == 451 + 20 * len(written)
    assert missed < part_of(generation, NAMES[1]).live
    for name in empty.names():
        empty.couch.delete(name)
    restore(empty, archive, silently)


def test_what_is_deleted_or_purged_leaves_the_newest_backups_files(
    store: Source, empty: Source, archive: Archive, tmp_path: Path
) -> None:
    fill(store.couch)
    save_all(store, archive, 1, silently)
    grid = store.couch.database(NAMES[1])
    erased = grid.get("report:11")
    grid.put({"_id": "report:11", "_rev": erased["_rev"], "_deleted": True})
    save_all(store, archive, 1, silently)
    assert '路灯不亮 11"'.encode() not in read_segments(tmp_path)
    purged = grid.get("report:12")
    store.couch.json("POST", [NAMES[1], "_purge"], body={"report:12": [purged["_rev"]]})
    part = part_of(save_all(store, archive, 1, silently), NAMES[1])
    assert '路灯不亮 12"'.encode() not in read_segments(tmp_path)
    restore(empty, archive, silently)
    assert empty.lacks(NAMES[1], [Row("report:12", [purged["_rev"]])]) == 1
    assert empty.info(NAMES[1])[:2] == (part.live, part.deleted) == (449, 2)


def test_another_wording_of_the_place_in_the_purges_rewrites_nothing(
    store: Source, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store.couch)
    before, told = save_all(store, archive, 7, silently), Source.info
    monkeypatch.setattr(Source, "info", lambda self, name: told(self, name)._replace(purge_seq="another"))
    after = save_all(store, archive, 7, silently)
    assert [(part.segments, part.fetched) for part in after.parts] == [(part.segments, 0) for part in before.parts]


def test_a_database_deleted_and_made_again_is_copied_anew(store: Source, empty: Source, archive: Archive) -> None:
    fill(store.couch)
    save_all(store, archive, 7, silently)
    store.couch.delete(NAMES[1])
    store.couch.create(NAMES[1], replicated=True)
    store.couch.database(NAMES[1]).bulk([{"_id": f"report:{n}", "is": "another"} for n in range(500)])
    store.couch.delete(NAMES[0])
    said: list[str] = []
    generation = save_all(store, archive, 7, said.append)
    assert any("was deleted and made again" in line for line in said)
    assert [(part.name, part.live) for part in generation.parts] == [(NAMES[1], 500), (NAMES[2], 1)]
    restore(empty, archive, silently)
    assert empty.couch.database(NAMES[1]).get("report:7") == store.couch.database(NAMES[1]).get("report:7")


def spoil_segment(folder: Path) -> None:
    (path,) = (folder / "segments").glob("grid-*")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def spoil_photo(folder: Path) -> None:
    for path in (folder / "files").glob("*/*"):
        path.write_bytes(path.read_bytes()[:-1] + b"x")


def spoil_list(folder: Path) -> None:
    (path,) = (folder / "generations").glob("*.json")
    path.write_bytes(path.read_bytes().replace(b'"live":451', b'"live":449'))


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (spoil_segment, "is not what was written"),
        (spoil_photo, "is not what was written"),
        (spoil_list, "is not what was written"),
        (lambda folder: next((folder / "segments").glob("media-*")).unlink(), "is missing"),
        (lambda folder: next((folder / "files").glob("*/*")).unlink(), "is missing"),
        (lambda folder: next((folder / "generations").glob("*")).unlink(), "there is no complete backup"),
    ],
)
def test_a_damaged_backup_is_refused_before_anything_is_written(
    store: Source, empty: Source, tmp_path: Path, spoil: Callable[[Path], None], word: str
) -> None:
    fill(store.couch)
    archive = Archive(tmp_path / "backups")
    save_all(store, archive, 7, silently)
    spoil(tmp_path / "backups")
    with pytest.raises(Damaged, match=word):
        restore(empty, archive, silently)
    assert empty.names() == []


def test_damage_to_an_older_run_is_noticed_by_the_next_which_copies_anew(store: Source, archive: Archive, tmp_path: Path) -> None:
    fill(store.couch)
    save_all(store, archive, 7, silently)
    spoil_segment(tmp_path / "backups")
    said: list[str] = []
    generation = save_all(store, archive, 7, said.append)
    assert any("is copied anew" in line for line in said)
    assert part_of(generation, NAMES[1]).fetched > 450
    verify(archive, generation, silently)


def test_a_filled_store_is_refused_unless_a_merge_is_asked_for(store: Source, empty: Source, archive: Archive) -> None:
    fill(store.couch)
    save_all(store, archive, 7, silently)
    empty.couch.create(NAMES[1], replicated=True)
    empty.couch.database(NAMES[1]).put({"_id": "report:other"})
    with pytest.raises(NotEmpty, match="--into-existing"):
        restore(empty, archive, silently)
    with pytest.raises(NotEmpty):
        restore(empty, archive, silently, only=(NAMES[1],))
    restore(empty, archive, silently, only=(NAMES[2],))
    assert empty.names() == [*NAMES[1:]]
    restore(empty, archive, silently, is_merging=True)
    assert empty.couch.database(NAMES[1]).find("report:other")
    assert empty.info(NAMES[1]).live == 452


def test_a_copy_that_differs_is_not_called_the_same(
    store: Source, empty: Source, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store.couch)
    save_all(store, archive, 7, silently)
    write = Source.write

    def write_badly(source: Source, name: str, body: Iterator[bytes]) -> None:
        write(source, name, iter([b"".join(body).replace("改过".encode(), b"no")]))

    monkeypatch.setattr(Source, "write", write_badly)
    with pytest.raises(NotEqual, match=NAMES[1]):
        restore(empty, archive, silently)


def test_one_database_that_cannot_be_read_does_not_keep_the_others_out(
    store: Source, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store.couch)
    changes = Source.changes

    def fail_for_one(source: Source, name: str, since: str | None, limit: int) -> Any:
        if name == NAMES[1]:
            raise Unreachable("500")
        return changes(source, name, since, limit)

    monkeypatch.setattr(Source, "changes", fail_for_one)
    with pytest.raises(Incomplete, match=NAMES[1]):
        save_all(store, archive, 7, silently)
    assert [part.name for part in choose(archive, None, ()).parts] == [NAMES[0], NAMES[2]]


def test_files_are_for_their_owner_only_and_hold_no_second_run_at_once(store: Source, archive: Archive, tmp_path: Path) -> None:
    fill(store.couch)
    save_all(store, archive, 7, silently)
    files = [path for path in (tmp_path / "backups").rglob("*") if path.is_file() and path.name != ".lock"]
    assert len(files) == 9
    assert {path.stat().st_mode & 0o077 for path in files} == {0}
    with archive.open_for_writing(), pytest.raises(Busy):
        save_all(store, Archive(tmp_path / "backups"), 7, silently)


@pytest.mark.faults
def test_a_run_killed_midway_leaves_the_last_backup_and_the_next_one_completes(
    store: Source, empty: Source, archive: Archive, tmp_path: Path
) -> None:
    fill(store.couch)
    save_all(store, archive, 7, silently)
    before = archive.generations()
    media = store.couch.database(NAMES[2])
    for number in range(150):
        data = base64.b64encode(os.urandom(60_000)).decode()
        media.put({"_id": f"photo:more-{number}", "_attachments": {"original": {"content_type": "image/jpeg", "data": data}}})
    command = [sys.executable, str(Path(__file__).with_name("stays_midway.py")), "backup", "--to", str(tmp_path / "backups")]
    environment = os.environ | {"XUNGE_COUCHDB_URL": str(store.couch._url), "XUNGE_DATA": str(tmp_path / "data")}
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        try:
            files = tmp_path / "backups" / "files"
            wait_until(lambda: list(files.glob("*.new")) and len(list(files.glob("*/*"))) >= 30, what="half of a backup")
            assert process.poll() is None
        finally:
            process.kill()
    assert archive.generations() == before
    verify(archive, choose(archive, None, ()), silently)
    generation = save_all(store, archive, 7, silently)
    assert part_of(generation, NAMES[2]).attachments == 152
    assert not list((tmp_path / "backups").rglob("*.new"))
    restore(empty, archive, silently)


def test_the_commands_back_up_a_data_folder_and_restore_it_into_another(tmp_path: Path) -> None:
    def xunge(data: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        environment = {key: value for key, value in os.environ.items() if not key.startswith("XUNGE_")}
        environment["XUNGE_DATA"] = str(tmp_path / data)
        command = [sys.executable, "-m", "server.cli", *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)

    with running_store(tmp_path / "one" / "couch") as url:
        fill(Couch(url))
    backup = xunge("one", "backup", "--to", str(tmp_path / "backups"))
    assert backup.returncode == 0, backup.stderr
    assert "3 databases, 454 documents, 2 attachments; 455 documents copied" in backup.stdout
    restored = xunge("two", "restore", "--from", str(tmp_path / "backups"))
    assert restored.returncode == 0, restored.stderr
    assert "restored and the same: 3 databases" in restored.stdout
    checked = xunge("two", "store", "--check")
    assert (checked.returncode, "3 databases checked, 0 damaged" in checked.stdout) == (0, True), checked.stdout
    refused = xunge("two", "restore", "--from", str(tmp_path / "backups"))
    assert refused.returncode == 1
    assert "has documents already" in refused.stderr
