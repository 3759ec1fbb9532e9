"""`store --check` finds what is really wrong with a file, and nothing in a sound one; it may run beside the node."""

import base64
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from sync.embedded.checking import check_folder
from tests.sync.embedded.running_node import RunningNode

PHOTO = bytes(range(256)) * 400


def fill(node: RunningNode, name: str = "a") -> None:
    """Documents in all states: edited, deleted, in conflict, with an attachment, purged."""
    assert node.ask("PUT", f"/{name}")[0] == 201
    docs = [{"_id": f"d{number:03}", "text": f"楼道堆放杂物 {number}"} for number in range(600)]
    rows = node.ask("POST", f"/{name}/_bulk_docs", {"docs": docs})[1]
    node.ask("PUT", f"/{name}/d001", {"_rev": rows[1]["rev"], "text": "second"})
    node.ask("DELETE", f"/{name}/d002?rev={rows[2]['rev']}")
    for digest in "ab":
        node.ask("POST", f"/{name}/_bulk_docs", {"docs": [{"_id": "both", "_rev": f"1-{digest * 32}"}], "new_edits": False})
    attachment = {"content_type": "image/jpeg", "data": base64.b64encode(PHOTO).decode()}
    node.ask("PUT", f"/{name}/photo", {"_attachments": {"original": attachment}})
    node.ask("POST", f"/{name}/_purge", {"d003": [rows[3]["rev"]]})
    node.ask("PUT", f"/{name}/_local/checkpoint", {"seq": 5})


def check(folder: Path) -> tuple[bool, str]:
    lines: list[str] = []
    return check_folder(folder, lines.append), "\n".join(lines)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a sound database file."""
    folder = tmp_path_factory.mktemp("sound")
    node = RunningNode(folder)
    fill(node)
    node.stop()
    (path,) = folder.glob("*.sqlite")
    return path.read_bytes()


@pytest.fixture
def file(sound: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "a~0123456789ab.sqlite"
    path.write_bytes(sound)
    return path


def run_sql(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for statement in statements:
            assert connection.execute(statement).rowcount != 0, statement


def flip_after(file: Path, mark: bytes, distance: int) -> None:
    content = bytearray(file.read_bytes())
    at = content.rindex(mark) + distance
    content[at] ^= 1
    file.write_bytes(content)


def test_a_sound_file_is_sound_and_nothing_is_left_beside_it(file: Path) -> None:
    is_sound, told = check(file.parent)
    assert is_sound, told
    assert "ok       a: 600 documents, 1 deleted" in told
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_running_node_is_checked_without_disturbing_it(node: RunningNode, tmp_path: Path) -> None:
    fill(node)
    fill(node, "b%2Fc")
    is_sound, told = check(tmp_path / "data")
    assert is_sound, told
    assert "ok       b/c: 600 documents" in told
    assert node.ask("PUT", "/a/after", {})[0] == 201


def test_what_a_killed_node_left_is_checked_with_its_log(start_node: Callable[..., RunningNode], tmp_path: Path) -> None:
    node = start_node()
    fill(node)
    node.kill()
    assert list((tmp_path / "data").glob("*-wal"))
    is_sound, told = check(tmp_path / "data")
    assert is_sound, told
    assert "600 documents" in told
    assert start_node().ask("GET", "/a")[1]["doc_count"] == 600


def test_one_flipped_bit_in_a_body_is_found_and_its_document_named(file: Path) -> None:
    flip_after(file, '{"text":"楼道堆放杂物 77"'.encode(), 12)
    is_sound, told = check(file.parent)
    assert not is_sound
    assert "'d077'" in told
    assert "does not have its digest" in told
    assert "xunge restore --from DIR --only NAME --into-existing" in told


def test_one_flipped_bit_in_an_attachment_is_found(file: Path) -> None:
    flip_after(file, bytes(range(100, 200)), 3)
    is_sound, told = check(file.parent)
    assert not is_sound
    assert "attachment 'original' of 'photo': its content does not have its digest" in told


def test_a_truncated_file_is_found(file: Path) -> None:
    with file.open("r+b") as handle:
        handle.truncate(file.stat().st_size // 2)
    is_sound, told = check(file.parent)
    assert not is_sound
    assert "DAMAGED  a" in told


@pytest.mark.parametrize("content", [b"", b"no database" * 1000])
def test_a_file_that_is_no_database_is_told_and_the_others_are_still_checked(file: Path, content: bytes) -> None:
    (file.parent / "b~0123456789ab.sqlite").write_bytes(content)
    is_sound, told = check(file.parent)
    assert not is_sound
    assert "DAMAGED  b" in told
    assert "ok       a:" in told


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("DELETE FROM doc WHERE id = 'd100'", "599 live documents are there, but 600 were counted"),
        ("DELETE FROM body WHERE key = (SELECT body FROM doc WHERE id = 'd100')", "named in documents but not there: 'd100'"),
        ("DELETE FROM blob", "attachment 'original' of 'photo': is not there"),
        ("UPDATE blob SET data = data || x'00'", "bytes instead of"),
        (f"UPDATE doc SET rev = '1-{'a' * 32}' WHERE id = 'both'", f"shows 1-{'a' * 32}, but 1-{'b' * 32} wins"),
        ("UPDATE doc SET deleted = 0 WHERE id = 'd002'", "document 'd002'"),
        ("UPDATE doc SET tree = replace(tree, '2-', '3-') WHERE id = 'd001'", "document 'd001'"),
        ("UPDATE doc SET tree = '[[' WHERE id = 'd001'", "document 'd001': its revision tree cannot be read"),
        ("UPDATE doc SET body = 100000 WHERE id = 'd100'", "another's or none that was ever written"),
        ("UPDATE body SET atts = '[[1]]' WHERE atts IS NOT NULL", "does not have its digest"),
        ("DELETE FROM purged", "the last change is number"),
        ("UPDATE doc SET seq = (SELECT max(seq) FROM purged) WHERE id = 'd100'", "have a number that is not theirs"),
        ("UPDATE figure SET live = live + 1", "600 live documents are there, but 601 were counted"),
        ("UPDATE figure SET seq = seq - 1", "the last change is number"),
        ("UPDATE block SET live = live + 1 WHERE first = ''", "counts by id are wrong"),
        ("UPDATE local SET doc = x'00'", "local document '_local/checkpoint': is not JSON"),
    ],
)
def test_each_kind_of_damage_is_found_and_named(file: Path, statement: str, expected: str) -> None:
    run_sql(file, statement)
    is_sound, told = check(file.parent)
    assert not is_sound
    assert expected in told


def test_a_database_of_the_version_before_is_sound_and_says_what_cannot_be_compared(file: Path) -> None:
    run_sql(file, "UPDATE body SET sum = NULL WHERE key < 10")
    is_sound, told = check(file.parent)
    assert is_sound
    assert "8 revisions were written by an earlier version, without a digest" in told


def test_a_damaged_view_index_is_only_told(file: Path) -> None:
    folder = file.with_name(file.name + ".views")
    folder.mkdir()
    (folder / "0123-4567.sqlite").write_bytes(b"rubbish" * 1000)
    is_sound, told = check(file.parent)
    assert is_sound
    assert "view index 0123-4567.sqlite is damaged: delete the file" in told
