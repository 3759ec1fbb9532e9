"""The rows of one map function in an index file: which tables they are in, and over which connection to read them."""

import sqlite3
from typing import NamedTuple


class Table(NamedTuple):
    """One map function's rows on an open connection."""

    connection: sqlite3.Connection
    function: int

    @property
    def rows(self) -> str:
        """The name of the table of rows."""
        return f"row_{self.function}"

    @property
    def blocks(self) -> str:
        """The name of the table of sums over stretches of rows."""
        return f"block_{self.function}"
