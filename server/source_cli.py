"""The `xunge source` commands: other systems that report. The work is done by `server/sources/commands.py`."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from server.settings import Settings
    from sync.couch import Couch


def _settings() -> "Settings":
    from server import cli  # noqa: PLC0415 - which imports this module

    return cli._settings()


def _couch() -> "Couch":
    from server import cli  # noqa: PLC0415 - which imports this module

    return cli._couch()


@click.group()
def source() -> None:
    """Other systems that report: add one, see them, let one in no more."""


@source.command("add")
@click.argument("source_id")
@click.option("--kind", required=True, help="hotline, webhook, video or open311.")
@click.option("--name", required=True, help="The name people see.")
@click.option("--area", "areas", multiple=True, required=True, help="6 or 9 digits it may write to; may be repeated.")
@click.option("--callback", "callback_url", help="Where it is told what became of its reports.")
@click.option("--by", default="admin", show_default=True, help="The administrator's account name, for the record.")
def add_source(source_id: str, by: str, **fields: object) -> None:
    """Add a source; prints its keys, which are shown this once."""
    from server.sources import commands  # noqa: PLC0415 - only these commands need it

    if not commands.add(_couch(), _settings().secret, source_id, fields, by=by, say=click.echo):
        raise click.ClickException("nothing was added")


@source.command("list")
def list_sources() -> None:
    """All sources, one a line."""
    from server.sources import commands  # noqa: PLC0415 - only these commands need it

    commands.show(_couch(), click.echo)


@source.command("disable")
@click.argument("source_id")
@click.option("--by", default="admin", show_default=True, help="The administrator's account name, for the record.")
def disable_source(source_id: str, by: str) -> None:
    """Let a source in no more; its cases stay."""
    from server.sources import commands  # noqa: PLC0415 - only these commands need it

    if not commands.disable(_couch(), source_id, by, click.echo):
        raise click.ClickException(f"there is no source {source_id}")
