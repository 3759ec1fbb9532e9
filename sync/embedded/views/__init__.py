"""Views of the embedded node: JavaScript map and reduce over a database, kept in index files beside it.

This is the whole interface to the node; what each module does is in README.md. Refusals are raised as
`sync.embedded.refusals.Refusal`.
"""

import sqlite3
from pathlib import Path
from typing import Any

from sync.embedded.database import Database
from sync.embedded.refusals import bad_request
from sync.embedded.views import files
from sync.embedded.views.definition import BUILT_IN_REDUCES, Definition, View, check_design, define
from sync.embedded.views.groups import shared_groups
from sync.embedded.views.index import Index
from sync.embedded.views.params import Freshness, Query, read_query
from sync.embedded.views.reduction import read_groups
from sync.embedded.views.scan import add_docs, read_rows
from sync.embedded.views.tables import Table

__all__ = ["BUILT_IN_REDUCES", "check_design", "define", "forget", "forget_unused", "query", "query_many", "tidy"]


async def query(
    database: Database,
    design_doc: dict[str, Any],
    view_name: str,
    params: dict[str, str],
    body: dict[str, Any] | None = None,
) -> tuple[int, dict[str, Any]]:
    """Answer `/{db}/_design/{ddoc}/_view/{name}`. `params` come from the address, `body` from a POST."""
    definition = define(design_doc)
    view = definition.view(view_name)
    return 200, await _answer(database, definition, view, read_query(params, body, view.reduce is not None))


async def query_many(
    database: Database, design_doc: dict[str, Any], view_name: str, queries: list[dict[str, Any]]
) -> tuple[int, dict[str, Any]]:
    """Answer `…/_view/{name}/queries`: one result for each query, in order."""
    definition = define(design_doc)
    view = definition.view(view_name)
    if not isinstance(queries, list) or not all(isinstance(each, dict) for each in queries):
        raise bad_request("`queries` member must be an array of objects.")
    wanted = [read_query({}, each, view.reduce is not None) for each in queries]
    return 200, {"results": [await _answer(database, definition, view, each) for each in wanted]}


def forget(database_path: Path) -> None:
    """Drop all indexes of a database that is deleted."""
    shared_groups().forget(database_path)
    files.drop_folder(database_path)


def forget_unused(database_path: Path, design_ids: list[str]) -> None:
    """Drop the indexes of design documents that are not among these: what `_view_cleanup` asks for."""
    shared_groups().forget_unused(database_path, design_ids)
    files.drop_unused(database_path, design_ids)


def tidy(database_path: Path) -> None:
    """Empty the logs of a database's index files, so that rows that were taken back do not stay behind in them."""
    files.tidy_folder(database_path)


async def _answer(database: Database, definition: Definition, view: View, wanted: Query) -> dict[str, Any]:
    groups = shared_groups()
    group = groups.find(database, definition)
    newest = await groups.run(database.update_seq)

    def read(connection: sqlite3.Connection, index: Index) -> dict[str, Any]:
        index.refuse_stopped(view.function)
        table = Table(connection, view.function)
        if wanted.is_reduced:
            return read_groups(table, definition, view, wanted, groups.pool)
        answer = read_rows(table, wanted)
        return answer | {"update_seq": str(index.seq)} if wanted.has_update_seq else answer

    answer = await groups.read(group, newest if wanted.freshness is Freshness.BEFORE else None, read)
    if wanted.freshness is Freshness.AFTER:
        groups.begin(group, newest)
    if wanted.includes_docs:
        await groups.run(add_docs, database, answer["rows"], wanted.includes_conflicts)
    return answer
