"""The protocol's headers, also when somebody plays with them."""

import base64
from dataclasses import asdict
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import Headers

from media import tus
from media.tus import Meta, Problem

META = Meta("photo:01936b00-0000-7000-8000-000000000001", "sent", "grid-640105002001001-2026q4", "a" * 64, "image/jpeg")


def lines(name: str, value: bytes) -> Headers:
    """One header as it comes from the wire."""
    return Headers(raw=[(name.encode(), value)])


def test_metadata_survive_a_round_trip() -> None:
    assert tus.read_metadata(lines("upload-metadata", tus.write_metadata(META).encode())) == META


def test_names_we_do_not_know_are_ignored() -> None:
    text = tus.write_metadata(META) + ",filename " + base64.b64encode("照片.jpg".encode()).decode() + ",is_draft"
    assert tus.read_metadata(lines("upload-metadata", text.encode())) == META


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(alphabet="photo role,sha256=+/ AQ", max_size=200).map(str.encode)))
def test_whatever_stands_in_metadata_is_refused_by_name(value: bytes) -> None:
    with pytest.raises(Problem) as caught:
        tus.read_metadata(lines("upload-metadata", value))
    assert (caught.value.status, caught.value.code) == (400, "invalid_metadata")


@settings(deadline=None)
@given(st.sampled_from(sorted(asdict(META))), st.text(max_size=120))
def test_a_hostile_value_gives_only_values_of_the_right_shape(name: str, value: str) -> None:
    pairs = {**asdict(META), name: value}
    text = ",".join(f"{key} {base64.b64encode(text.encode()).decode()}" for key, text in pairs.items())
    try:
        found = tus.read_metadata(lines("upload-metadata", text.encode()))
    except Problem as problem:
        assert problem.status == 400
    else:
        assert getattr(found, name) == value
        assert value.isascii()
        assert value.isprintable() or value == ""
        assert name == "filetype" or not set(value) & set("/\\., ")


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_a_hostile_number_or_checksum_is_refused(value: bytes) -> None:
    for read in (lambda found: tus.read_number(found, "upload-offset"), lambda found: tus.read_length(found, 100)):
        found = Headers(raw=[(b"upload-offset", value), (b"upload-length", value)])
        try:
            assert read(found) >= 0
        except Problem as problem:
            assert problem.status in {400, 413}
    try:
        assert tus.read_checksum(lines("upload-checksum", value))
    except Problem as problem:
        assert problem.status == 400


def test_an_expiry_is_an_http_date() -> None:
    assert tus.expiry_line(datetime(2026, 11, 30, 8, tzinfo=UTC)) == "Mon, 30 Nov 2026 08:00:00 GMT"
