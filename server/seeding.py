"""What a fresh system needs before anyone signs in: the server's databases, catalogue, visit forms, and in demo mode the demo.

Repeatable: run at every start, it changes nothing that is there already.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from server import reference
from server.demo import district, people
from server.demo import lists as demo_lists
from server.domain import visit_forms
from server.lists import seeds
from sync.couch import Couch

SERVER_DATABASES = ("people", "devices", "quarantine", "notices", "sources")


def seed(couch: Couch, is_demo: bool) -> Iterator[str]:
    """Makes what is missing and says so, line by line. Raises sync.errors.StoreError."""
    for name in SERVER_DATABASES:
        couch.create(name, replicated=False)
    if is_demo and (written := reference.write(couch, district.documents())):
        yield f"{written} reference documents written"
    if written := reference.write(couch, visit_forms.documents()):
        yield f"{written} forms of visits written"
    if added := seeds.seed(couch, datetime.now(UTC), demo_lists.entries() if is_demo else ()):
        yield f"{added} list entries added"
    if is_demo and (names := people.make_missing(couch)):
        yield f"demo accounts made: {', '.join(names)}"
