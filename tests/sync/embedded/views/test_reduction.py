"""Groups and reduces, where the recorded cases do not reach."""

import random

import pytest

from sync.embedded.refusals import Refusal
from sync.embedded.views import grouping
from tests.sync.embedded.views.conftest import BY_KEY, Shelf


@pytest.mark.parametrize("first_jumps", [0, 3, 1000])
@pytest.mark.parametrize("params", [{"group_level": "1"}, {"group_level": "2"}, {"group": "true"}])
@pytest.mark.parametrize("descending", ["false", "true"])
def test_jumping_and_passing_over_find_the_same_groups(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, first_jumps: int, params: dict[str, str], descending: str
) -> None:
    monkeypatch.setattr(grouping, "FIRST_JUMPS", first_jumps)
    shelf.define(BY_KEY, "_count")
    chance = random.Random(3)
    keys = [[chance.choice("ab"), chance.randrange(4), chance.randrange(3)][: chance.randrange(1, 4)] for _ in range(60)]
    shelf.put(*({"_id": f"d{n}", "k": key} for n, key in enumerate(keys)))
    length = int(params.get("group_level", 9))
    wanted: dict[tuple[object, ...], int] = {}
    for key in keys:
        wanted[tuple(key[:length])] = wanted.get(tuple(key[:length]), 0) + 1
    rows = sorted(([list(key), count] for key, count in wanted.items()), reverse=descending == "true")
    assert shelf.values(descending=descending, **params) == rows
    assert shelf.values(descending=descending, skip="1", limit="3", **params) == rows[1:4]


def test_a_group_cut_by_the_range_counts_only_its_part(shelf: Shelf) -> None:
    shelf.define(BY_KEY, "_count")
    shelf.put(*({"_id": f"d{n}", "k": ["a", n]} for n in range(10)))
    assert shelf.values(group_level="1", startkey='["a",3]', endkey='["a",6]') == [[["a"], 4]]


def test_an_empty_view_reduces_to_no_row(shelf: Shelf) -> None:
    shelf.define(BY_KEY, "_sum")
    assert shelf.values() == []


def test_objects_are_summed_field_by_field(shelf: Shelf) -> None:
    shelf.define(BY_KEY, "_sum")
    shelf.put({"_id": "a", "k": 1, "v": {"x": 1, "y": [1, 2]}}, {"_id": "b", "k": 2, "v": {"x": 2, "y": [5], "z": 4}})
    assert shelf.values() == [[None, {"x": 3, "y": [6, 2], "z": 4}]]


def test_what_cannot_be_summed_is_an_error_and_no_number(shelf: Shelf) -> None:
    shelf.define(BY_KEY, "_sum")
    shelf.put({"_id": "a", "k": 1, "v": "one"}, {"_id": "b", "k": 2, "v": 2})
    ((_, value),) = shelf.values()
    assert value["error"] == "builtin_reduce_error"
    shelf.define(BY_KEY, "_stats")
    with pytest.raises(Refusal, match="_stats"):
        shelf.ask()


def test_a_lone_value_that_cannot_be_summed_is_an_error_too(shelf: Shelf) -> None:
    shelf.define(BY_KEY, "_sum")
    shelf.put({"_id": "a", "k": 1, "v": "one"})
    ((_, value),) = shelf.values()
    assert value["error"] == "builtin_reduce_error"


def test_statistics_join_lists_and_ready_statistics(shelf: Shelf) -> None:
    shelf.define(BY_KEY, "_stats")
    shelf.put({"_id": "a", "k": 1, "v": [1, 10]}, {"_id": "b", "k": 2, "v": [3, 20]})
    ((_, (first, second)),) = shelf.values()
    assert (first["sum"], first["max"], second["min"], second["count"]) == (4, 3, 10, 2)


def test_distinct_keys_are_counted(shelf: Shelf) -> None:
    shelf.define(BY_KEY, "_approx_count_distinct")
    shelf.put(*({"_id": f"d{n}", "k": n % 4} for n in range(10)))
    assert shelf.values() == [[None, 4]]


@pytest.mark.parametrize("reduce", ["function () { throw new Error('no'); }", "function () { while (true); }"])
def test_a_reduce_that_fails_is_an_error_and_the_rows_stay_readable(shelf: Shelf, reduce: str) -> None:
    shelf.define(BY_KEY, reduce)
    shelf.put({"_id": "a", "k": 1})
    with pytest.raises(Refusal) as refusal:
        shelf.ask()
    assert refusal.value.status == 500
    assert shelf.ids(reduce="false") == ["a"]


def test_more_rows_than_one_portion_are_reduced_in_javascript(shelf: Shelf) -> None:
    shelf.define(BY_KEY, "function (keys, values, rereduce) { return rereduce ? sum(values) : keys.length; }")
    shelf.put(*({"_id": f"d{n}", "k": n} for n in range(2500)))
    assert shelf.values() == [[None, 2500]]
