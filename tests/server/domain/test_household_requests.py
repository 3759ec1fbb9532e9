"""What police may ask of a household's data, who decides, and what an excerpt never holds."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.domain import household_requests as rules
from server.domain.errors import Changed, Forbidden, InvalidInput, Missing
from tests.conftest import GRID_A, GRID_ELSEWHERE, person
from tests.records import new_id
from tests.server.domain.test_merge import version

NOW = datetime(2026, 11, 27, 4, 0, tzinfo=UTC)
TOWNSHIP = GRID_A[:9]
POLICE = person("police1", "police", "", "", grids=[GRID_A])
TRIAGE = person("triage1", "triage", "", "", townships=[TOWNSHIP])
ASKED = rules.Asked(
    TOWNSHIP,
    "criminal_case",
    "〔2026〕15 号",
    "核实证人住处",
    "同心北街 1 号",
    "2026-11-01",
    "2026-11-20",
    ["members", "address"],
    7,
)
GRANTED = rules.Granted(GRID_A, new_id("household"), ["address"], 3)


def ask(**changes: Any) -> rules.Request:
    return rules.asked_for(POLICE, ASKED._replace(**changes), "request:x", NOW)


def approve(request: rules.Request, who: Any = TRIAGE, **changes: Any) -> rules.Request:
    return rules.approved(who, request, GRANTED._replace(**changes), "", NOW)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"basis": "curiosity"}, "basis"),
        ({"document_no": " "}, "document_no"),
        ({"purpose": ""}, "purpose"),
        ({"address": "x" * 201}, "address"),
        ({"facts": []}, "facts"),
        ({"facts": ["needs"]}, "facts"),
        ({"days": 15}, "days"),
        ({"days": 0}, "days"),
        ({"period_from": ""}, "period_from"),
        ({"period_from": "2026-11-21"}, "period_to"),
        ({"period_to": "2026-11-28"}, "period_to"),
        ({"period_from": "2025-11-01"}, "period_from"),
    ],
)
def test_a_request_says_everything_or_is_none(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as found:
        ask(**changes)
    assert list(found.value.fields) == [field]


def test_police_ask_townships_of_their_own_grids_and_nobody_else_asks() -> None:
    assert ask()["state"] == "requested"
    with pytest.raises(Forbidden):
        ask(township=GRID_ELSEWHERE[:9])
    with pytest.raises(Forbidden):
        rules.asked_for(TRIAGE, ASKED, "request:x", NOW)


def test_whoever_asked_never_decides_even_with_both_roles() -> None:
    both = POLICE | {"roles": ["police", "triage"], "townships": [TOWNSHIP]}
    for who in (POLICE, both, both | {"name": "other"}):
        with pytest.raises(Missing):
            approve(ask(), who)
        with pytest.raises(Missing):
            rules.refused(who, ask(), "不行", NOW)


@pytest.mark.parametrize(
    "changes", [{"facts": ["housing"]}, {"facts": []}, {"days": 30}, {"household": ""}, {"grid": GRID_ELSEWHERE}]
)
def test_an_approval_gives_no_more_than_was_asked_and_of_a_household_there(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        approve(ask(), **changes)


def test_a_refusal_says_why() -> None:
    with pytest.raises(InvalidInput):
        rules.refused(TRIAGE, ask(), " ", NOW)
    assert rules.refused(TRIAGE, ask(), "依据不足", NOW)["decision_reason"] == "依据不足"


def test_an_approval_is_over_at_its_end_and_an_undecided_request_after_two_weeks() -> None:
    request, later = approve(ask()), NOW + timedelta(days=3)
    rules.check_reading(POLICE, request, later - timedelta(seconds=1))
    with pytest.raises(Changed):
        rules.check_reading(POLICE, request, later)
    assert rules.standing(request, later) == "expired"
    assert rules.standing(ask(), NOW + timedelta(days=14)) == "lapsed"
    with pytest.raises(Changed):
        rules.refused(TRIAGE, ask(), "晚了", NOW + timedelta(days=14))


def test_only_the_officer_reads_and_not_after_leaving_the_beat() -> None:
    request = approve(ask())
    for who in (TRIAGE, POLICE | {"name": "police2"}):
        with pytest.raises(Missing):
            rules.check_reading(who, request, NOW)
    with pytest.raises(Changed):
        rules.check_reading(POLICE | {"grids": []}, request, NOW)


def test_withdrawing_is_the_officers_and_ending_the_townships_with_a_reason() -> None:
    request = approve(ask())
    assert rules.closed(POLICE, request, "withdrawn", "", NOW)["state"] == "withdrawn"
    assert rules.closed(TRIAGE, request, "ended", "已结案", NOW)["state"] == "ended"
    for who, how, error in ((TRIAGE, "withdrawn", Missing), (POLICE, "ended", Missing), (TRIAGE, "ended", InvalidInput)):
        with pytest.raises(error):
            rules.closed(who, request, how, "", NOW)
    with pytest.raises(Changed):
        rules.closed(TRIAGE, ask(), "ended", "x", NOW)


def test_an_excerpt_holds_what_was_granted_and_nothing_else() -> None:
    home = version(room="501", contact_phone="13800000001", needs=["hardship"], remark="常年卧病")
    members = [version("member", name="张三", relation="儿子", phone="139"), version("member", name="李四", moved_out_at="x")]
    visits = [{"at": f"2026-11-{day:02}T08:00:00.000Z"} for day in (1, 20, 25)]
    sources = rules.Sources(home, members, visits, (ASKED.period_from, ASKED.period_to))
    found = rules.excerpt({"granted": ["address", "members", "visit_days", "housing"]}, sources)
    assert found == {
        "address": ["同心北街 1 号 501"],
        "members": ["张三 儿子"],
        "visit_days": ["2026-11-20", "2026-11-01"],
        "housing": [],
    }
    everything = str(rules.excerpt({"granted": list(rules.FACTS)}, sources))
    assert not any(word in everything for word in ("hardship", "卧病", "李四"))
