"""JSON passes through the node unchanged: numbers of any size, text of any script."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.embedded.codec import dump, dump_sorted, parse
from sync.embedded.refusals import Refusal

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(VALUES)
def test_a_value_comes_out_as_it_went_in(value: object) -> None:
    assert parse(json.dumps(value).encode()) == value
    assert parse(dump(value)) == value
    assert parse(dump_sorted(value)) == value


@pytest.mark.parametrize("number", [2**63 - 1, 2**63, 2**64, -(2**63), -(2**63) - 1, 10**30, -(10**30)])
@pytest.mark.parametrize("shape", ["{}", "[{}]", '{{"a":{}}}', '{{"a": {} }}', "[1,{},2]"])
def test_integers_beyond_64_bits_are_exact_wherever_they_stand(number: int, shape: str) -> None:
    text = shape.format(number)
    if text != str(number):
        assert parse(text.encode()) == json.loads(text)


def test_a_number_too_small_for_a_normal_float_becomes_zero_as_in_couchdb() -> None:
    assert parse(b'{"a":5e-324}') == {"a": 0.0}


@pytest.mark.parametrize("text", [b"", b"{", b"{'a':1}", b'{"a":1} x', b"[1e999,12345678901234567890]", b'"\xff"', b"[NaN]"])
def test_text_that_is_not_json_is_refused(text: bytes) -> None:
    with pytest.raises(Refusal) as refusal:
        parse(text)
    assert refusal.value.status == 400


@pytest.mark.parametrize("text", [b'["\\ud800"]', b'["\\ud800",12345678901234567890]'])
def test_half_a_surrogate_pair_is_refused(text: bytes) -> None:
    with pytest.raises(Refusal):
        parse(text)
