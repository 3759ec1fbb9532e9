"""Rules of adoption: who reads what was refused, what a correction makes of anything at all, and that it makes it once."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain import admission, adoption, documents, permissions
from server.domain.admission import Target
from tests.conftest import GRID_A, GRID_B
from tests.records import AT, new_id, report, with_rev

REFUSED_AT = "2026-11-23T08:00:00.000Z"
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=20), lambda inner: st.lists(inner, max_size=3))
WORKER = {"name": "worker1", "roles": ["worker"], "grids": [GRID_B]}


@pytest.mark.parametrize(
    ("kind", "type_", "roles"),
    [
        ("home", "household", {"triage", "admin"}),
        ("home-quarter", "visit", {"triage", "admin"}),
        ("home-quarter", "note", {"triage", "admin"}),
        ("grid", "household", {"triage", "admin"}),
        ("grid", None, {"triage", "admin"}),
        ("beat", "visit", {"admin"}),
        ("grid", "visit", {"admin"}),
        ("log", "access", {"admin"}),
        (None, "report", {"admin"}),
        ("track", "track", set()),
        ("grid", "track", set()),
        (None, "track", set()),
        ("track", None, set()),
    ],
)
def test_who_reads_a_masked_record_with_a_purpose(kind: str | None, type_: str | None, roles: set[str]) -> None:
    assert adoption.readers(kind, type_) == roles
    assert not adoption.is_open(kind, type_)


def test_only_records_about_places_are_open() -> None:
    opened = {(kind, type_) for kind in permissions.TYPES_BY_KIND for type_ in documents.TYPES if adoption.is_open(kind, type_)}
    assert opened == {("grid", type_) for type_ in ("report", "note", "photo", "patrol", "taskreply")}


def corrected(original: Any, type_: str = "report", **changes: Any) -> dict[str, Any]:
    sender = {"author": "worker1", "device": "d1", "refused_at": REFUSED_AT}
    return adoption.correct(original, changes, type_=type_, grid=GRID_B, **sender)


def is_sound(doc: dict[str, Any]) -> bool:
    named = {"_id": adoption.new_id(doc["type"], None, "x", AT), **doc}
    whole = named | {"_rev": adoption.first_revision(named)}
    return admission.check(whole, 1000, Target("grid", GRID_B), WORKER) is None


def test_a_sound_report_moves_as_it_is() -> None:
    doc = report()
    moved = corrected(doc)
    assert is_sound(moved)
    rest = {name: value for name, value in doc.items() if name not in {"_id", "grid"}}
    assert {name: moved[name] for name in rest} == rest


@given(st.dictionaries(st.sampled_from(sorted(documents.Report.__struct_fields__)), JSON))
def test_a_correction_keeps_what_is_sound_and_leaves_out_the_rest(broken: dict[str, Any]) -> None:
    whole = {"category": "3102", "text": "x", "urgency": "normal", "source": "patrol"}
    doc = corrected(report() | broken, **whole)
    # Photos are the one field without which nothing goes and which no clerk makes up.
    assert is_sound(doc if "photos" in doc else doc | {"photos": []})


@given(JSON | st.dictionaries(st.text(max_size=5), JSON))
def test_a_correction_of_anything_at_all_is_a_document(original: Any) -> None:
    doc = corrected(original)
    assert (doc["author"], doc["grid"], doc["captured_at"]) == ("worker1", GRID_B, REFUSED_AT)
    assert set(doc) <= set(documents.Report.__struct_fields__)


def test_what_is_decided_twice_makes_the_same_record() -> None:
    original = new_id("report")
    first, again = (adoption.new_id("report", original, "entry", AT) for _ in range(2))
    assert first == again != original
    assert adoption.new_id("report", original, "other", AT) != first
    doc = {"_id": first, **corrected(report())}
    assert adoption.first_revision(doc) == adoption.first_revision(dict(reversed(doc.items())))


def test_unsound_fields_are_named() -> None:
    doc = with_rev(report(urgency="terrible", extra=1, photos="x"))
    assert set(adoption.unsound_fields(doc, "report")) == {"urgency", "extra", "photos"}
    assert adoption.unsound_fields(with_rev(report()), "report") == []


def test_the_grid_decides_who_may_give_a_home() -> None:
    triage = {"roles": ["triage"], "townships": [GRID_A[:9]]}
    assert permissions.may_adopt_into(triage, GRID_A)
    assert not permissions.may_adopt_into(triage, "640105003001001")
    for role in set(permissions.ROLES) - {"triage", "admin"}:
        assert not permissions.may_adopt_into({"roles": [role], "townships": [GRID_A[:9]]}, GRID_A)
