"""`python -m sync.embedded --data DIR --port N --admin USER:PASSWORD`: the node as its own process."""

import argparse
from pathlib import Path

from sync.embedded.process import run


def main() -> None:
    """Reads the command line and serves until it is told to stop."""
    parser = argparse.ArgumentParser(prog="python -m sync.embedded", description="A CouchDB-protocol node on SQLite.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the database files")
    parser.add_argument("--port", type=int, default=5984, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--admin", required=True, metavar="USER:PASSWORD", help="the only account")
    options = parser.parse_args()
    run(options.data, options.port, options.admin)


if __name__ == "__main__":
    main()
