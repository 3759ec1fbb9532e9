"""The gate's rules: one test a reason, each with a document that is sound but for that one thing."""

import json
import re
import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.domain import admission, documents, hlc
from server.domain.admission import Target
from tests.conftest import GRID_A, GRID_B
from tests.records import new_id, note, report, with_rev

GRID_DB = Target("grid", GRID_A)
People = dict[str, dict[str, Any]]


def reason_of(doc: Any, person: dict[str, Any], target: Target = GRID_DB, size_bytes: int = 1000) -> str | None:
    refusal = admission.check(doc, size_bytes, target, person)
    return refusal.reason if refusal else None


def test_a_sound_report_is_taken(people: People) -> None:
    assert reason_of(with_rev(report()), people["worker1"]) is None


def visit(**fields: Any) -> dict[str, Any]:
    envelope = {name: report()[name] for name in ("v", "grid", "device", "captured_at", "clock_offset_ms")}
    rest = {"type": "visit", "author": "police1", "household": None, "address": "1号", "kind": "premises", "findings": "无"}
    return with_rev({"_id": report()["_id"].replace("report", "visit"), **envelope, **rest, **fields})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"_id": "report:1"}, "id_type_mismatch"),
        ({"_id": note("x")["_id"]}, "id_type_mismatch"),
        ({"type": "poem"}, "unknown_type"),
        ({"type": None}, "unknown_type"),
        ({"type": ["report"]}, "unknown_type"),
        ({"type": "case"}, "server_only_type"),
        ({"type": "receipt"}, "server_only_type"),
        ({"author": "worker2"}, "author_mismatch"),
        ({"grid": GRID_B}, "grid_mismatch"),
        ({"_deleted": True}, "deletion"),
        ({"_attachments": {}}, "attachments"),
        ({"_conflicts": []}, "reserved_field"),
        ({"adopted_from": {"id": "report:1"}}, "reserved_field"),
        ({"_id": "_design/report"}, "reserved_field"),
        ({"_rev": "2-" + "a" * 32}, "immutable_revision"),
        ({"_rev": "x"}, "immutable_revision"),
        ({"_rev": "01-" + "a" * 32}, "immutable_revision"),
        ({"_rev": "0-" + "a" * 32}, "immutable_revision"),
        ({"_revisions": {"start": 1, "ids": ["a" * 32, "b" * 32]}}, "immutable_revision"),
        ({"urgency": "terrible"}, "schema"),
        ({"place": {"lat": 200}}, "schema"),
        ({"extra": 1}, "schema"),
        ({"captured_at": "yesterday"}, "schema"),
    ],
)
def test_a_report_is_refused_with_the_reason(people: People, change: dict[str, Any], reason: str) -> None:
    assert reason_of(with_rev(report()) | change, people["worker1"]) == reason


@pytest.mark.parametrize("doc", [None, [], "text", 5, {}, {"_id": 5}])
def test_what_is_no_document_is_refused(people: People, doc: Any) -> None:
    assert reason_of(doc, people["worker1"]) == "schema"


def test_an_oversized_document_is_refused(people: People) -> None:
    assert reason_of(with_rev(report()), people["worker1"], size_bytes=300 * 1024) == "too_large"


def test_a_schema_refusal_names_the_field(people: People) -> None:
    refusal = admission.check(with_rev(report(urgency="terrible")), 1000, GRID_DB, people["worker1"])
    assert refusal is not None
    assert list(refusal.fields) == ["urgency"]


def test_a_police_visit_goes_to_the_beat_and_names_no_household(people: People) -> None:
    beat = Target("beat", GRID_A)
    assert reason_of(visit(), people["police1"], beat) is None
    household = visit()["_id"].replace("visit", "household")
    assert reason_of(visit(household=household), people["police1"], beat) == "schema"
    assert reason_of(visit(compound="compound:c001"), people["police1"], beat) is None


def test_a_type_that_does_not_belong_there_is_refused(people: People) -> None:
    assert reason_of(with_rev(report()), people["worker1"], Target("home", GRID_A)) == "type_not_allowed"
    assert reason_of(visit(), people["police1"], Target("home-quarter", GRID_A)) == "type_not_allowed"
    assert reason_of(visit(author="worker1"), people["worker1"], Target("beat", GRID_A)) == "type_not_allowed"


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        ([[0, 38.5, 106.1, 5], [20, 38.5001, 106.1, 12.5]], None),
        ([], None),
        ([[0, 38.5, 106.1]], "schema"),
        ([[0, 91, 106.1, 5]], "schema"),
        ([[0, 38.5, 181, 5]], "schema"),
        ([[-1, 38.5, 106.1, 5]], "schema"),
        ([[0, 38.5, 106.1, -5]], "schema"),
        ([[0, "38.5", 106.1, 5]], "schema"),
        ([[0, 38.5, 106.1, 5]] * 5001, "schema"),
    ],
)
def test_a_track_is_a_list_of_times_and_places(people: People, points: list[Any], reason: str | None) -> None:
    doc = {name: value for name, value in report().items() if name in documents.Envelope.__struct_fields__}
    doc = with_rev(doc | {"_id": new_id("track"), "type": "track", "patrol": new_id("patrol"), "points": points})
    assert reason_of(doc, people["worker1"], Target("track", None)) == reason


@pytest.mark.parametrize(
    ("cell", "reason"), [("15400,42440", None), ("38.5,106.1", "schema"), ("马晓燕,0", "schema"), ("1,2\n", "schema")]
)
def test_a_patrol_names_coarse_cells_and_nothing_else(people: People, cell: str, reason: str | None) -> None:
    doc = {name: value for name, value in report().items() if name in documents.Envelope.__struct_fields__}
    at = doc["captured_at"]
    doc = with_rev(
        doc | {"_id": new_id("patrol"), "type": "patrol", "started_at": at, "ended_at": at, "cells": [cell], "gaps": [[at, at]]}
    )
    assert reason_of(doc, people["worker1"]) == reason


@pytest.mark.parametrize("field", ["grid", "author", "device", "captured_at", "category", "photos", "patrol"])
def test_no_text_with_a_pattern_may_end_with_a_line_break(people: People, field: str) -> None:
    sound = with_rev(report(photos=[new_id("photo")], patrol=new_id("patrol")))
    assert reason_of(sound, people["worker1"]) is None
    broken = [f"{sound[field][0]}\n"] if field == "photos" else f"{sound[field]}\n"
    assert reason_of(sound | {field: broken}, people["worker1"]) == "schema"


@pytest.mark.parametrize("field", ["_id", "_rev"])
def test_no_name_of_a_record_may_end_with_a_line_break(people: People, field: str) -> None:
    sound = with_rev(report())
    assert reason_of(sound | {field: f"{sound[field]}\n"}, people["worker1"]) in {"id_type_mismatch", "immutable_revision"}


def test_digits_of_other_scripts_are_no_digits(people: People) -> None:
    sound = with_rev(report())
    assert reason_of(sound | {"captured_at": sound["captured_at"].replace("2026", "２０２６")}, people["worker1"]) == "schema"


def test_python_and_ecmascript_read_every_pattern_alike() -> None:
    """The phone checks with the exported schema what the gate checks with msgspec."""
    patterns = sorted(set(re.findall(r'"pattern": ("(?:[^"\\]|\\.)*")', json.dumps(documents.schemas()))))
    assert len(patterns) >= 5
    samples = ["640105002001001", "worker1", "2026-11-23T08:00:00.000Z", new_id("report"), "a" * 64, "六四", ""]
    samples += [f"{sample}{end}" for sample in samples for end in ("\n", "\n\n", "\r", " ", "\u2028")]
    asked = f"[{','.join(patterns)}].map(p => {json.dumps(samples)}.map(s => new RegExp(p, 'u').test(s)))"
    told = subprocess.run(["node", "-p", f"JSON.stringify({asked})"], capture_output=True, text=True, check=True).stdout
    assert json.loads(told) == [[bool(re.search(json.loads(one), sample)) for sample in samples] for one in patterns]


HOUSEHOLD_AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
EARLY, LATE = (hlc.tick(HOUSEHOLD_AT - timedelta(minutes=n), "d1") for n in (9, 1))
IN_2030 = hlc.tick(datetime(2030, 1, 1, tzinfo=UTC), "d1")


def household(**fields: Any) -> dict[str, Any]:
    return {
        "type": "household",
        "contact_phone": "1",
        "stamps": {"contact_phone": LATE},
        "superseded": [],
        "settled": [],
        **fields,
    }


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, None),
        ({"stamps": {"contact_phone": IN_2030}}, "stamp_ahead"),
        ({"stamps": {"contact_phone": "tomorrow"}}, "schema"),
        ({"superseded": [{"field": "contact_phone", "stamp": EARLY, "value": "2"}]}, None),
        ({"superseded": [{"field": "contact_phone", "stamp": "", "value": None}]}, None),
        ({"superseded": [{"field": "contact_phone", "stamp": IN_2030, "value": "2"}]}, "schema"),
        ({"superseded": [{"field": "contact_phone", "stamp": EARLY, "value": 2}]}, "schema"),
        ({"superseded": [{"field": "author", "stamp": "", "value": "worker2"}]}, "schema"),
        ({"superseded": [{"field": "address", "stamp": "", "value": None}]}, "schema"),
        ({"settled": [f"{EARLY} {'a' * 16}"]}, None),
        ({"settled": ["everything"]}, "schema"),
        ({"settled": [f"{IN_2030} {'a' * 16}"]}, "stamp_ahead"),
    ],
)
def test_no_stamp_of_a_household_file_may_win_by_a_wrong_clock(fields: dict[str, Any], reason: str | None) -> None:
    refusal = admission.check_stamps(household(**fields), HOUSEHOLD_AT)
    assert (refusal.reason if refusal else None) == reason
