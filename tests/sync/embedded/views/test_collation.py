"""The order of sort keys is CouchDB's order of values."""

import functools
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sync.embedded.views.collation import encode, encode_prefix

# As recorded from CouchDB 3.5.
ASCII_ORDER = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789aAbBcCdDeEfFgGhHiIjJkKlLmMnNoOpPqQrRsStTuUvVwWxXyYzZ"
LETTERS = [char for char in ASCII_ORDER if not char.isupper()]

texts = st.text(alphabet=ASCII_ORDER, max_size=6) | st.text(alphabet="aAbB", max_size=4)
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def compare(one: Any, other: Any) -> int:
    """CouchDB's rules, written down as slowly and plainly as possible."""
    if _rank(one) != _rank(other):
        return _rank(one) - _rank(other)
    if isinstance(one, str):
        return _compare_texts(one, other)
    if isinstance(one, list):
        return _compare_lists(one, other)
    if isinstance(one, dict):
        return _compare_lists([part for pair in one.items() for part in pair], [p for pair in other.items() for p in pair])
    return 0 if one is None or one == other else -1 if one < other else 1


def _rank(value: Any) -> int:
    if value is None or isinstance(value, bool):
        return [None, False, True].index(value)
    return next(at for at, kind in enumerate([int | float, str, list, dict], 3) if isinstance(value, kind))


def _compare_texts(one: str, other: str) -> int:
    """Letters first; case decides only between texts with the same letters."""
    for weigh in (lambda char: LETTERS.index(char.lower()), lambda char: char.isupper()):
        left, right = list(map(weigh, one)), list(map(weigh, other))
        if left != right:
            return -1 if left < right else 1
    return 0


def _compare_lists(one: list[Any], other: list[Any]) -> int:
    for left, right in zip(one, other, strict=False):
        if (found := compare(left, right)) != 0:
            return found
    return len(one) - len(other)


@settings(max_examples=400, deadline=None)
@given(values, values)
def test_bytes_compare_as_the_values_do(one: Any, other: Any) -> None:
    left, right = encode(one), encode(other)
    assert (left > right) - (left < right) == (compare(one, other) > 0) - (compare(one, other) < 0)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="aAbB", max_size=4), st.text(alphabet="aAbB", max_size=4))
def test_case_decides_only_between_the_same_letters(one: str, other: str) -> None:
    left, right = encode(one), encode(other)
    assert (left > right) - (left < right) == _compare_texts(one, other)


@settings(max_examples=100, deadline=None)
@given(st.lists(values, max_size=8))
def test_sorting_by_bytes_sorts_the_values(some: list[Any]) -> None:
    assert list(map(encode, sorted(some, key=encode))) == list(map(encode, sorted(some, key=functools.cmp_to_key(compare))))


@settings(max_examples=100, deadline=None)
@given(st.lists(values, min_size=1, max_size=4), st.lists(values, max_size=4))
def test_a_prefix_covers_exactly_the_lists_that_begin_with_it(start: list[Any], other: list[Any]) -> None:
    begins = [encode(each) for each in other[: len(start)]] == [encode(each) for each in start]
    assert encode(other).startswith(encode_prefix(start)) == begins


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=8), st.text(max_size=8))
def test_any_text_inside_a_list_keeps_its_order(one: str, other: str) -> None:
    assert (encode(one) < encode(other)) == (encode([one, 1]) < encode([other, 0]) and encode(one) != encode(other))


def test_ascii_stands_in_the_recorded_order() -> None:
    assert sorted(ASCII_ORDER, key=encode) == list(ASCII_ORDER)


def test_accents_follow_their_letter_and_precede_the_next() -> None:
    order = ["e", "E", "é", "É", "è", "ê", "ë", "f", "o", "ö", "ø", "ss", "ß", "st", "z"]
    assert all(encode(one) < encode(other) for one, other in pairwise(order))


def test_chinese_stands_behind_latin_by_code_point() -> None:
    order = ["，", "１", "a", "z", "ж", "一", "三", "上海", "中", "中文", "北京", "阿"]
    assert all(encode(one) < encode(other) for one, other in pairwise(order))


def test_the_high_sentinel_covers_everything_that_begins_alike() -> None:
    for rest in ("", "文", "😀", "\U00020000", "z"):
        assert encode("中") <= encode("中" + rest) < encode("中\ufff0")


def test_a_composed_letter_equals_its_decomposed_form() -> None:
    assert encode("é") == encode("e\u0301")


def test_integers_and_floats_of_one_value_are_one_key() -> None:
    assert encode(1) == encode(1.0)
    assert encode(0) == encode(-0.0)
    assert encode(10**400) > encode(1e308)
