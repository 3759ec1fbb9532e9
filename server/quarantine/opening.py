"""The `quarantine` database itself: made with its views on first need, and asked through them."""

from typing import Any

from sync import databases, designs
from sync.couch import Couch
from sync.database import Database
from sync.errors import NotFound

DESIGN = "quarantine"


def ensure(couch: Couch) -> Database:
    """The database, made with its views when it is not there."""
    database = couch.database(databases.QUARANTINE, create=True)
    designs.install(database, DESIGN)
    return database


def view(couch: Couch, name: str, **params: Any) -> dict[str, Any]:
    """A view's answer; database and views are made when they are not there."""
    try:
        return couch.database(databases.QUARANTINE).view(DESIGN, name, **params)
    except NotFound:
        return ensure(couch).view(DESIGN, name, **params)
