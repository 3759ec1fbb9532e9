"""The `xunge` command: one subcommand for each process and for what an administrator does by hand.

Options are read here, those of `xunge source` in `source_cli.py`; the work is done by the module each command names.
"""

import json
import logging
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from server import settings as settings_module
from server.settings import Settings
from server.source_cli import source
from sync.couch import Couch


def _settings() -> Settings:
    """The settings, with store and broker of the running system on this data folder when the environment names none."""
    try:
        found = settings_module.from_environment()
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    running = found.data / "run.json"
    if not found.couchdb_url and running.exists():
        addresses: dict[str, Any] = json.loads(running.read_text())
        broker_url = found.broker_url or addresses["XUNGE_BROKER_URL"]
        return replace(found, couchdb_url=addresses["XUNGE_COUCHDB_URL"], broker_url=broker_url)
    return found


def _couch() -> Couch:
    found = _settings()
    if not found.couchdb_url:
        raise click.ClickException("no store: start `xunge run` on this data folder, or set XUNGE_COUCHDB_URL")
    return Couch(found.couchdb_url)


@click.group()
@click.version_option(package_name="xunge")
def main() -> None:
    """巡格 Xunge: records from phones without network, cases for the township. Settings are XUNGE_* variables; see the README."""


@main.command()
def run() -> None:
    """Start everything on this machine: store, broker, server, worker, beat. Ctrl-C stops it all."""
    from server import processes, supervisor  # noqa: PLC0415 - heavy, and only this command needs it

    try:
        sys.exit(processes.run(settings_module.from_environment()))
    except supervisor.AlreadyRunning as error:
        folder = settings_module.from_environment().data
        raise click.ClickException(f"already running on {folder} (process {error}); stop that one first") from None
    except ValueError as error:
        raise click.ClickException(str(error)) from None


@main.command()
def serve() -> None:
    """Start one web server process on XUNGE_HOST and XUNGE_PORT."""
    import uvicorn  # noqa: PLC0415 - heavy, and only this command needs it

    from server.web import connections  # noqa: PLC0415 - it changes the process's limits

    found = _settings()
    uvicorn.run(
        "server.app:create_app",
        factory=True,
        host=found.host,
        port=found.port,
        log_level=found.log_level.lower(),
        access_log=False,
        timeout_graceful_shutdown=3,
        http=connections.serving(),
        ws="none",
        timeout_keep_alive=connections.KEEP_ALIVE_S,
        backlog=connections.BACKLOG,
        server_header=False,
    )


@main.command()
@click.option("--beat", is_flag=True, help="Start the clock instead: it asks for the periodic work. Run exactly one.")
def worker(beat: bool) -> None:
    """Start one worker process: it makes cases of records and sizes of photos."""
    os.execv(sys.executable, [sys.executable, "-m", "worker", *(["beat"] if beat else [])])


@main.command()
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Folder of the database files.")
@click.option("--port", type=int, help="Port on 127.0.0.1; 0 takes a free one.")
@click.option("--admin", envvar="XUNGE_STORE_ADMIN", metavar="USER:PASSWORD")
@click.option("--check", is_flag=True, help="Verify every file instead, also while the store runs; 1 when something is wrong.")
def store(data: Path | None, port: int | None, admin: str | None, check: bool) -> None:
    """Start the embedded CouchDB-protocol node alone; prints `ready URL` when it answers."""
    if check:
        from sync.embedded.checking import check_folder  # noqa: PLC0415 - only this command needs it

        folder = data or settings_module.from_environment().data / "couch"
        if not folder.is_dir():
            raise click.ClickException(f"there is no folder {folder}")
        sys.exit(0 if check_folder(folder, click.echo) else 1)
    if data is None or port is None or not admin:
        raise click.UsageError("--data, --port and --admin are needed")
    from sync.embedded.process import run as run_store  # noqa: PLC0415 - only this command needs it

    run_store(data, port, admin)


@main.command()
@click.option("--to", "folder", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder of the backups.")
@click.option("--keep", type=click.IntRange(1), default=7, show_default=True, help="How many complete backups stay.")
def backup(folder: Path, keep: int) -> None:
    """Copy all databases of the running store; a later run copies only what changed."""
    from server.care import keep_registers, reach_store  # noqa: PLC0415 - only these commands need it
    from sync.backup.archive import Archive  # noqa: PLC0415
    from sync.backup.errors import BackupError  # noqa: PLC0415
    from sync.backup.saving import save_all  # noqa: PLC0415
    from sync.backup.source import Source  # noqa: PLC0415
    from sync.couch import Couch  # noqa: PLC0415
    from sync.errors import StoreError  # noqa: PLC0415

    try:
        settings = settings_module.from_environment()
        with reach_store(settings) as url:
            save_all(Source(url), Archive(folder), keep, click.echo)
            keep_registers(settings, Couch(url), folder)
    except (BackupError, StoreError, ValueError) as error:
        raise click.ClickException(str(error)) from None


@main.command()
@click.option("--from", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--generation", help="Which of the backups in the folder; the newest when not given.")
@click.option("--only", multiple=True, metavar="DATABASE", help="Restore only this database; may be repeated.")
@click.option("--into-existing", is_flag=True, help="Merge into a store that has documents already.")
def restore(folder: Path, generation: str | None, only: tuple[str, ...], into_existing: bool) -> None:
    """Verify a backup, write it into an empty store, and prove the copy by counts and digests."""
    from server.care import erase_again, have_phones_offer_again, reach_store  # noqa: PLC0415 - only these commands need it
    from sync.backup import restoring  # noqa: PLC0415
    from sync.backup.archive import Archive  # noqa: PLC0415
    from sync.backup.errors import BackupError  # noqa: PLC0415
    from sync.backup.source import Source  # noqa: PLC0415
    from sync.couch import Couch  # noqa: PLC0415
    from sync.errors import StoreError  # noqa: PLC0415

    settings = settings_module.from_environment()
    try:
        with reach_store(settings) as url:
            source, archive = Source(url), Archive(folder)
            outcomes = restoring.restore(source, archive, click.echo, name=generation, only=only, is_merging=into_existing)
            erased = erase_again(settings, Couch(url), folder)
            have_phones_offer_again(Couch(url), settings.uploads)
    except (BackupError, StoreError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"restored and the same: {len(outcomes)} databases, {sum(each.documents for each in outcomes)} documents")
    if erased:
        click.echo(f"{erased} documents that were erased on request are gone again")


@main.command("erase-again")
def erase_again_() -> None:
    """Take out what was erased on request, after databases were put back by other means than `restore`."""
    from server.care import erase_again, reach_store  # noqa: PLC0415 - only this command needs it
    from sync.couch import Couch  # noqa: PLC0415
    from sync.errors import StoreError  # noqa: PLC0415

    settings = settings_module.from_environment()
    try:
        with reach_store(settings) as url:
            erased = erase_again(settings, Couch(url))
    except (StoreError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{erased} documents looked at and gone")


@main.command()
def seed() -> None:
    """Make the server's databases and reference data; with XUNGE_DEMO=1 the demo district and its accounts too."""
    from server import seeding  # noqa: PLC0415 - only this command needs it

    for line in seeding.seed(_couch(), is_demo=_settings().demo):
        click.echo(line)


@main.group()
def user() -> None:
    """Accounts: add one, move to other grids, lock out."""


@user.command("add")
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, help="worker, police, community, triage, …; may be repeated.")
@click.option("--display", required=True, help="The name people see.")
@click.option("--grid", "grids", multiple=True, help="15 digits; may be repeated.")
@click.option("--community", "communities", multiple=True, help="12 digits.")
@click.option("--township", "townships", multiple=True, help="9 digits.")
@click.option("--unit", "units", multiple=True, help="unit:<id>.")
@click.password_option(help="Asked for when not given.")
def add_user(name: str, roles: tuple[str, ...], display: str, password: str, **held: tuple[str, ...]) -> None:
    """Add an account, or replace the one of this name."""
    from server.domain.errors import InvalidInput  # noqa: PLC0415 - only these commands need it
    from server.people import accounts  # noqa: PLC0415

    lists = {field: list(codes) for field, codes in held.items()}
    try:
        person = accounts.make(name, list(roles), {"zh-CN": display, "en": display}, password, **lists)
    except InvalidInput as error:
        raise click.ClickException(", ".join(f"{field}: {code}" for field, code in error.fields.items())) from None
    accounts.save_all(_couch(), [person])
    click.echo(f"{name} may sign in")


@user.command("disable")
@click.argument("name")
def disable_user(name: str) -> None:
    """Lock an account out; its records stay, its phones may still hand in what they hold."""
    from server.domain.errors import Missing  # noqa: PLC0415 - only these commands need it
    from server.people import accounts  # noqa: PLC0415

    try:
        accounts.change(_couch(), name, {"disabled": True})
    except Missing:
        raise click.ClickException(f"there is no account {name}") from None
    click.echo(f"{name} is locked out")


@user.command("move")
@click.argument("name")
@click.option("--grid", "--grids", "grids", multiple=True, required=True, help="15 digits, held from now on; may be repeated.")
def move_user(name: str, grids: tuple[str, ...]) -> None:
    """Give somebody other grids; what their phone still holds from the former ones is taken all the same."""
    from datetime import UTC, datetime  # noqa: PLC0415 - only this command needs it

    from server.domain.errors import InvalidInput, Missing  # noqa: PLC0415 - only these commands need it
    from server.people import accounts  # noqa: PLC0415

    try:
        person = accounts.move(_couch(), name, [code for grid in grids for code in grid.split(",")], datetime.now(UTC))
    except Missing:
        raise click.ClickException(f"there is no account {name}") from None
    except InvalidInput:
        raise click.ClickException("a grid is 15 digits") from None
    click.echo(f"{name} holds {', '.join(person['grids'])}")


@main.group()
def device() -> None:
    """Phones: revoke one."""


@device.command("revoke")
@click.argument("device_id")
@click.option("--by", required=True, help="The administrator's account name, for the record.")
def revoke_device(device_id: str, by: str) -> None:
    """Revoke a phone's token and order it to wipe itself."""
    from server.domain.errors import DomainError  # noqa: PLC0415 - only these commands need it
    from server.people import accounts, devices  # noqa: PLC0415

    couch = _couch()
    try:
        devices.revoke(couch, device_id, accounts.find(couch, by))
    except DomainError as error:
        raise click.ClickException(error.code) from None
    click.echo(f"{device_id} is revoked")


@main.group("import")
def import_() -> None:
    """Bring data in: the lists from an Excel file, a calendar year from one or from text."""


@import_.command("lists")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--whole", is_flag=True, help="The file is each list whole: what it does not have is ended.")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--by", default="admin", show_default=True, help="The account the change is made by, for the record.")
@click.option("--lang", type=click.Choice(["zh-CN", "en"]), default="zh-CN", show_default=True)
def import_lists(file: Path, whole: bool, dry_run: bool, by: str, lang: str) -> None:
    """Import lists from an xlsx file, all of it or nothing; wrong cells are named by sheet, row and column."""
    from server.lists import commands  # noqa: PLC0415 - heavy, and only this command needs it

    if not commands.bring_in(_couch(), file, by, lang, is_whole=whole, is_dry=dry_run, say=click.echo):
        raise click.ClickException("nothing was imported")


@import_.command("calendar")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--year", type=int, help="The year; the one of the first date when not given.")
@click.option("--by", default="admin", show_default=True, help="The account the change is made by, for the record.")
def import_calendar(file: Path, year: int | None, by: str) -> None:
    """Import a year's holidays and the weekend days worked for them (xlsx, CSV, text: date, off or work), all or nothing."""
    from datetime import UTC, datetime  # noqa: PLC0415 - only this command needs it

    from server.calendars import commands  # noqa: PLC0415

    if not commands.bring_in(_couch(), file, by, year, datetime.now(UTC), click.echo):
        raise click.ClickException("nothing was imported")


@main.group("export")
def export() -> None:
    """Take data out: the lists as an Excel file."""


@export.command("lists")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--at", "day", help="The day they are valid on, 2026-11-27; today when not given.")
@click.option("--list", "only", multiple=True, help="catalogue, units, powers, duties, …; may be repeated.")
@click.option("--lang", type=click.Choice(["zh-CN", "en"]), default="zh-CN", show_default=True)
def export_lists(file: Path, day: str | None, only: tuple[str, ...], lang: str) -> None:
    """Export lists to an xlsx file that `import lists` takes back unchanged."""
    from server.domain.errors import InvalidInput  # noqa: PLC0415 - only this command needs it
    from server.lists import commands  # noqa: PLC0415

    try:
        commands.take_out(_couch(), file, lang, day=day, only=only)
    except InvalidInput as error:
        raise click.ClickException(", ".join(f"{field}: {code}" for field, code in error.fields.items())) from None
    click.echo(f"{file}")


@main.group()
def audit() -> None:
    """The access log: verify its chain of seals."""


@audit.command("verify")
@click.option("--month", "months", multiple=True, metavar="YYYYMM", help="Only this month; may be repeated.")
@click.option("--head", metavar="HASH", help="A head kept elsewhere that must be part of the (one) month's chain.")
def verify_audit(months: tuple[str, ...], head: str | None) -> None:
    """Look at every entry and seal; 1 when something was changed, removed, put in or cut off. Prints each month's head."""
    from server.audit import sealing, verifying  # noqa: PLC0415 - only this command needs it

    couch, is_sound = _couch(), True
    if head and len(months) != 1:
        raise click.UsageError("--head goes with one --month")
    for month in months or sealing.months_of(couch):
        report = verifying.verify(couch, month, head)
        is_sound = is_sound and not report.findings
        covered = f"{report.entries} entries in {report.seals} seals, {report.unsealed} not sealed yet, {len(report.late)} late"
        click.echo(f"{month}: {covered}; head {report.head or 'none'}")
        for found in report.findings:
            click.echo(f"{month}: {found.code} {found.id}", err=True)
    if not is_sound:
        sys.exit(1)


@main.group()
def bench() -> None:
    """Measure a system of its own, in a temporary folder: many phones at once, or ever more grids."""


@bench.command("phones")
@click.option("--count", default=538, show_default=True, help="Phones, each with a grid of its own.")
@click.option("--records", default=1, show_default=True, help="Reports each phone pushes.")
@click.option("--photos", default=0, show_default=True, help="Photos of each report.")
@click.option("--over", "over_s", default=0.0, show_default=True, help="Seconds over which the phones come; 0: all at once.")
def bench_phones(count: int, records: int, photos: int, over_s: float) -> None:
    """Phones that load, listen, push and upload; prints p50 and p95 of each step, memory and open files."""
    from server.load import crowd  # noqa: PLC0415 - heavy, and only this command needs it

    if not crowd.run(count, records, photos, over_s):
        raise click.ClickException("a bar is not held; the lines above say which")


@bench.command("growth")
@click.option("--grids", "sizes", multiple=True, type=int, default=(538, 1614, 5380), show_default=True, help="May be repeated.")
@click.option("--records", default=3, show_default=True, help="Reports of each grid.")
def bench_growth(sizes: tuple[int, ...], records: int) -> None:
    """The same records a grid with ever more grids; prints what one record costs."""
    from server.load import growth  # noqa: PLC0415 - heavy, and only this command needs it

    if not growth.run(sizes, records):
        raise click.ClickException("the bar is not held")


main.add_command(source)


if __name__ == "__main__":
    logging.captureWarnings(capture=True)
    main()
