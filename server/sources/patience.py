"""How often strangers and other systems may ask: a citizen's program by its address, a source by its name.

A city's app asks for many citizens from one address: generous for it, and still an end to whoever reads all of it again and
again.
"""

import limits

from server.tally import Tally, create_storage

ASKED = limits.parse("300/minute")
SENT = limits.parse("600/minute")


class Patience:
    """The counts of one process, shared through the broker when there is one."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def ask(self, address: str) -> None:
        """Count a public question. Raises TooMany."""
        self._tally.hit(ASKED, "public", address)

    def send(self, source: str) -> None:
        """Count a source's report. Raises TooMany."""
        self._tally.hit(SENT, "source", source)


def create_patience(broker_url: str) -> Patience:
    """As `server/people/sign_in.create_limits` does it for signing in."""
    return Patience(Tally(create_storage(broker_url, "xunge:public")))
