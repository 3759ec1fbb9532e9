"""The receipt as a document: whose, for what, and how it is taken back."""

from datetime import UTC, datetime

import pytest

from server.domain.ids import is_record_id, minted_at
from sync.gateway.receipts import make_receipt, withdraw

AT = datetime(2026, 11, 23, 8, 0, 0, 123000, tzinfo=UTC)
GRID = "640105002001001"


def test_a_receipt_names_each_record_once_with_the_time_it_was_received() -> None:
    receipt = make_receipt(f"home-{GRID}", "dev1", ["note:1", "note:2", "note:1"], AT, bytes(10))
    assert receipt is not None
    assert receipt["ids"] == ["note:1", "note:2"]
    assert receipt["received_at"] == receipt["captured_at"] == "2026-11-23T08:00:00.123Z"
    assert is_record_id(receipt["_id"], "receipt")
    assert minted_at(receipt["_id"]) == AT


@pytest.mark.parametrize("name", ["track-worker1-202611", "log-0123456789abcdef", "ref", "people", "anything"])
def test_where_nobody_pulls_there_is_no_receipt(name: str) -> None:
    assert make_receipt(name, "dev1", ["track:1"], AT, bytes(10)) is None


def test_a_withdrawn_receipt_is_a_tombstone_on_top_of_it() -> None:
    receipt = make_receipt(f"grid-{GRID}-2026q4", "dev1", ["note:1"], AT, bytes(10))
    assert receipt is not None
    tombstone = withdraw(receipt)
    assert tombstone["_deleted"] is True
    assert tombstone["_revisions"]["ids"] == [tombstone["_rev"][2:], receipt["_rev"][2:]]
