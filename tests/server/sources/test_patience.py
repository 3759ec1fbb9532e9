"""Strangers and sources may ask a bounded number of times a minute; one's excess is nobody else's."""

from collections.abc import Callable

import pytest

from server.domain.errors import TooMany
from server.sources.patience import ASKED, SENT, create_patience
from tests.conftest import answers_ping


def until_refused(act: Callable[[], None], most: int) -> int:
    for count in range(most + 1):
        try:
            act()
        except TooMany as error:
            assert 1 <= int(str(error.facts["retry_after_s"])) <= 60
            return count
    return most + 1


@pytest.mark.parametrize("is_shared", [True, False])
def test_an_address_and_a_source_have_so_many_a_minute_each(is_shared: bool, broker_url: str) -> None:
    assert answers_ping(broker_url)
    patience = create_patience(broker_url if is_shared else "")
    who = f"203.0.113.{7 if is_shared else 8}"
    # A minute may end while this counts: then a second one has begun, and no more than two are needed.
    assert ASKED.amount <= until_refused(lambda: patience.ask(who), 2 * ASKED.amount) <= 2 * ASKED.amount
    patience.ask("203.0.113.99")
    assert SENT.amount <= until_refused(lambda: patience.send(who), 2 * SENT.amount) <= 2 * SENT.amount
    patience.send("another")
