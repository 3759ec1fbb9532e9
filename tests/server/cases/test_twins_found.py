"""A small made-up set goes the whole way: most duplicates are proposed, few others. For figures: `tests/bench/duplicates.py`."""

from sync.couch import Couch
from tests.bench import duplicates
from tests.bench.duplicate_set import field


def test_most_duplicates_of_a_small_set_are_proposed_and_few_others(couch: Couch) -> None:
    outcome = duplicates.measure(couch, field.make(seed=11, problems=45))
    assert len(outcome.true) >= 30
    assert outcome.precision >= 0.75
    assert outcome.recall >= 0.6
