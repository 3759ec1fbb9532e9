"""A store that is put back to an earlier day holds nothing of what was erased since, however it was put back."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from server.care import reach_store
from server.erasure import again, carrying, purging, register, store
from server.erasure.marks import mark_of
from server.settings import Settings
from sync.couch import Couch
from tests.conftest import GRID_A, ROOT, running_store
from tests.server.erasure import world as worlds
from tests.server.erasure.world import HOME, NOW, THIS, WORD, World
from tests.server.web.site import HTML, make_people, running_site

SECRET = "only for tests"
LATER = NOW + carrying.PROVED_AFTER


def settings_of(data: Path) -> Settings:
    data.mkdir(exist_ok=True)
    return Settings(data=data, secret=SECRET)


def xunge(data: Path, *arguments: str) -> str:
    """The command-line tool, as an administrator calls it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XUNGE_")}
    environment = kept | {"XUNGE_DATA": str(data), "XUNGE_SECRET": SECRET}
    command = [sys.executable, "-m", "server.cli", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def erase(couch: Couch, world: World, of: str, data: Path) -> None:
    """As server and worker do it."""
    worlds.ask(couch, of, world.household)
    register.agree(couch, register.path_in(data))
    for doc in carrying.due(couch, NOW):
        carrying.carry_out(couch, doc, NOW)
    register.agree(couch, register.path_in(data))


def with_store(data: Path, work: Callable[[Couch], object]) -> None:
    with reach_store(settings_of(data)) as url:
        work(Couch(url))


def test_an_old_backup_restored_brings_nothing_back(tmp_path: Path) -> None:
    data, backups = tmp_path / "data", tmp_path / "backups"
    made: list[World] = []
    with_store(data, lambda couch: made.append(worlds.make(couch)))
    xunge(data, "backup", "--to", str(backups))
    with_store(data, lambda couch: erase(couch, made[0], made[0].household, data))
    shutil.rmtree(data / "couch")
    said = xunge(data, "restore", "--from", str(backups))
    assert "gone again" in said

    def look(couch: Couch) -> None:
        assert worlds.told(couch) == []
        assert worlds.neighbours(couch, made[0])["contact_name"] == "王芳"
        assert {doc["state"] for doc in store.everything(couch, "erasure:")} == {"asked"}, (
            "the worker does it once more, and proves it"
        )

    with_store(data, look)


def test_a_new_machine_learns_from_the_register_beside_the_backups(tmp_path: Path) -> None:
    data, fresh, backups = tmp_path / "data", tmp_path / "fresh", tmp_path / "backups"
    made: list[World] = []
    with_store(data, lambda couch: made.append(worlds.make(couch)))
    xunge(data, "backup", "--to", str(backups))
    [oldest] = [path.stem for path in (backups / "generations").iterdir()]
    with_store(data, lambda couch: erase(couch, made[0], made[0].member, data))
    xunge(data, "backup", "--to", str(backups))
    settings_of(fresh)
    xunge(fresh, "restore", "--from", str(backups), "--generation", oldest)

    def look(couch: Couch) -> None:
        assert couch.database(HOME).find(made[0].member) is None
        assert "contact_name" not in couch.database(HOME).get(made[0].household)
        assert couch.database(THIS).find(made[0].visits[0]), "of a household that stays"

    with_store(fresh, look)


def test_a_store_put_back_by_other_means_is_cleared_before_the_server_answers(
    broker_url: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    site_folder, files, kept = tmp_path / "site", tmp_path / "files", tmp_path / "kept"
    data = site_folder / "data"
    files.mkdir()
    with running_store(files) as url:
        world = worlds.make(Couch(url))
        make_people(Couch(url))
    shutil.copytree(files, kept)
    with running_store(files) as url:
        erase(Couch(url), world, world.household, data)
        assert worlds.told(Couch(url)) == []
    with running_store(kept) as url:
        assert worlds.told(Couch(url)) != []
        with running_site(url, broker_url, site_folder) as site, site.visit("community1") as clerk:
            assert worlds.told(site.couch) == []
            assert clerk.get(f"/households/{GRID_A}/{world.household}", headers=HTML).status_code == 404


def test_a_register_with_a_torn_line_says_what_its_whole_lines_say(couch: Couch, tmp_path: Path) -> None:
    world = worlds.make(couch)
    erase(couch, world, world.member, tmp_path)
    path = register.path_in(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:40])
    worlds.make(couch)
    assert register.agree(couch, path) > 0
    assert register.agree(couch, path) == 0
    store.add(couch, "erasure:x", {"visit:late": "visit"})
    register.agree(couch, path)
    assert f"mark:{mark_of('visit:late')}".encode() in path.read_bytes().splitlines()[-1]
    assert path.stat().st_mode & 0o077 == 0
    assert WORD.encode() not in path.read_bytes()


def test_nothing_is_looked_through_when_nothing_was_forgotten(couch: Couch, tmp_path: Path) -> None:
    world = worlds.make(couch)
    assert again.catch_up(couch, [register.path_in(tmp_path)], NOW) == 0
    erase(couch, world, world.member, tmp_path)
    assert again.catch_up(couch, [register.path_in(tmp_path)], NOW) == 0


def test_tombstones_are_purged_after_90_days_and_the_refusal_stays(couch: Couch, tmp_path: Path) -> None:
    world = worlds.make(couch)
    erase(couch, world, world.household, tmp_path)
    assert purging.purge_old(couch, NOW + timedelta(days=91)) == 0, "not before it was proved"
    for doc in carrying.due(couch, LATER):
        carrying.carry_out(couch, doc, LATER)
    assert purging.purge_old(couch, LATER + timedelta(days=89)) == 0
    purged = purging.purge_old(couch, LATER + timedelta(days=90))
    [doc] = store.everything(couch, "erasure:")
    assert purged >= doc["counts"]["visit"] - 1 + doc["counts"]["household"]
    assert purging.purge_old(couch, LATER + timedelta(days=90)) == 0
    gone = {world.household, world.member, world.errand, *world.visits, *world.photos}
    left = {leaf["_id"] for name in couch.all_databases() if not name.startswith("_") for leaf in worlds.every_leaf(couch, name)}
    assert not gone & left
    assert world.neighbour in left
    assert all(store.load(couch).has(id) for id in gone)
