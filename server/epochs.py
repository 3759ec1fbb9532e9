"""Which life of the store this is. One brought back from a backup lacks what came after it, and only phones still have that.

The epoch is a random name in a `_local` document, which no backup holds: a restored store gets another one. Phones are told it
whenever they ask about themselves, and offer again what they hold when it is not the one they knew (`pwa/src/sync/again.js`).
"""

import secrets

from sync.couch import Couch
from sync.databases import DEVICES

_ID = "xunge-epoch"


def epoch_of(couch: Couch) -> str:
    """The present epoch; the first to ask begins it. Needs the `devices` database, which is there once a phone is."""
    found = couch.database(DEVICES).local_get(_ID)
    if found is None:
        begin(couch)
        found = couch.database(DEVICES).local_get(_ID)
    return str(found["epoch"]) if found else ""


def begin(couch: Couch) -> None:
    """From now on phones find that this is another store than they knew."""
    couch.database(DEVICES).local_put(_ID, {"epoch": secrets.token_hex(8)})
