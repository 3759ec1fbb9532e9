"""How many live documents come before an id, without counting them one by one.

`_all_docs` answers an `offset`, and ranges are read for every case and every page. The table `block` cuts the ids into
stretches of a few hundred documents with their count, kept in the transaction that changes them.
"""

import sqlite3

_MOST_LIVE = 512


def count_below(connection: sqlite3.Connection, id_: str) -> int:
    """Live documents whose id sorts (bytewise) before `id_`."""
    first, before = _find_block(connection, id_)[0], 0
    before += connection.execute("SELECT coalesce(sum(live), 0) FROM block WHERE first < ?", (first,)).fetchone()[0]
    span = (first, id_)
    before += connection.execute("SELECT count(*) FROM doc WHERE id >= ? AND id < ?", span).fetchone()[0]
    dead = connection.execute("SELECT count(*) FROM doc WHERE deleted = 1 AND id >= ? AND id < ?", span).fetchone()[0]
    return int(before - dead)


def move_counts(connection: sqlite3.Connection, moves: dict[str, int]) -> None:
    """Adds 1 for each id in `moves` that came alive and takes 1 for each that died. Rows of `doc` are written already."""
    totals: dict[str, int] = {}
    first: str = ""
    after: str | None = ""
    for id_ in sorted(moves):
        if after is not None and id_ >= after:
            first, after = _find_block(connection, id_)
        totals[first] = totals.get(first, 0) + moves[id_]
    for first, change in totals.items():
        if change:
            sql = "UPDATE block SET live = live + ? WHERE first = ? RETURNING live"
            ((live,),) = connection.execute(sql, (change, first)).fetchall()
            if live > _MOST_LIVE:
                _cut(connection, first, live)


def _find_block(connection: sqlite3.Connection, id_: str) -> tuple[str, str | None]:
    """The block an id lies in: its first id, and that of the block after it."""
    (first,) = connection.execute("SELECT max(first) FROM block WHERE first <= ?", (id_,)).fetchone()
    (after,) = connection.execute("SELECT min(first) FROM block WHERE first > ?", (id_,)).fetchone()
    return first, after


def _cut(connection: sqlite3.Connection, first: str, live: int) -> None:
    """Cuts a block that has grown too long into halves and, if need be, more."""
    while live > _MOST_LIVE:
        half = _MOST_LIVE // 2
        sql = "SELECT id FROM doc WHERE deleted = 0 AND id >= ? ORDER BY id LIMIT 1 OFFSET ?"
        (middle,) = connection.execute(sql, (first, half)).fetchone()
        connection.execute("UPDATE block SET live = ? WHERE first = ?", (half, first))
        live -= half
        connection.execute("INSERT INTO block VALUES(?, ?)", (middle, live))
        first = middle
