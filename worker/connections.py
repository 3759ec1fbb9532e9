"""A worker process's connections to store and broker, made on first need, so that a forked child makes its own."""

from functools import cache

from server.erasure import marks
from server.nudges import Nudges
from sync.couch import Couch
from worker.app import settings

STORE_TIMEOUT_S = 30.0


@cache
def couch() -> Couch:
    """This process's connection to the store, which from then on knows erased things by their marks, too."""
    marks.use(settings.secret)
    return Couch(settings.couchdb_url, timeout_s=STORE_TIMEOUT_S)


@cache
def nudges() -> Nudges:
    """This process's way to send hints."""
    return Nudges(settings.broker_url)
