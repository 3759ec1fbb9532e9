"""What moves do to a case's two clocks, told by days of November and December 2026 (weekends 28/29 and 5/6)."""

from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from server.domain import case_warnings, clock_rules, ids, limits, times, workflow
from server.domain.clock_rules import Rules
from server.domain.worktime import CHINA, Calendar
from tests.records import REV, report
from tests.server.domain.test_worktime import YEAR_2026, at

TOWNSHIP, UNIT = "township:640105002", "unit:utilities"
ONE_DAY = {"limit": {"amount": 1, "unit": "working_days"}}
FIVE_HOURS = {"limit": {"amount": 5, "unit": "working_hours"}}


class Story:
    """A case that is moved at named times; every event carries the facts that the rules give it."""

    def __init__(self, received: str, category: dict[str, Any] = ONE_DAY, calendar: Calendar = YEAR_2026, **fields: Any) -> None:
        self.rules = Rules(calendar, category)
        received_at = times.to_text(at(received))
        doc = report(**fields) | {"_rev": REV}
        begun = clock_rules.opening(self.rules, "reported", doc["urgency"], received_at)
        self.events = [workflow.reported_event(doc, "db", received_at, [], level="township", clock=begun)]

    @property
    def case(self) -> dict[str, Any]:
        return workflow.fold(self.events)

    def move(self, when: str, name: str, party: str = TOWNSHIP, by: str = "triage1", **fields: Any) -> "Story":
        case, n = self.case, len(self.events)
        facts = clock_rules.facts(self.rules, case, name, fields, at(when))
        head = {"_id": ids.event_id(case["_id"], f"key-{n}"), "type": "event", "case": case["_id"], "n": case["events"]}
        self.events.append(head | {"move": name, "at": times.to_text(at(when)), "by": by, "party": party} | fields | facts)
        assert not self.case["refused"], self.events[-1]
        return self

    def dispatched(self, when: str) -> "Story":
        return self.move(when, "accept").move(when, "dispatch", unit=UNIT, reason="职责")

    def granted(self, when: str, what: str, **fields: Any) -> "Story":
        asked = self.move(when, "ask", party=UNIT, by="dept1", what=what, reason="等待材料", **fields)
        return asked.move(when, "grant")

    def shown(self, name: str) -> str | None:
        text = self.case[name]
        return text and f"{datetime.fromisoformat(text).astimezone(CHINA):%m-%d %H:%M}"

    @property
    def due(self) -> str | None:
        return self.shown("due_at")

    @property
    def state_due(self) -> str | None:
        return self.shown("state_due_at")


def test_a_case_has_no_date_of_its_own_before_it_is_dispatched() -> None:
    story = Story("2026-11-26 10:00").move("2026-11-26 11:00", "accept")
    assert (story.due, story.case["marks"]) == (None, [])


def test_acceptance_is_due_two_working_hours_after_the_server_had_the_report() -> None:
    assert Story("2026-11-26 10:30").state_due == "11-26 14:30"
    assert Story("2026-11-27 17:30").state_due == "11-30 10:30"


def test_a_record_that_waited_a_week_on_a_phone_is_not_overdue_because_of_it() -> None:
    story = Story("2026-11-26 10:30", at=at("2026-11-19 09:00"))
    assert story.case["captured_at"] < story.case["received_at"] < story.case["state_due_at"]
    assert story.dispatched("2026-11-26 10:31").due == "11-27 18:00"


def test_nothing_begins_before_the_server_had_the_report() -> None:
    story = Story("2026-11-26 10:30").dispatched("2026-11-25 09:00")
    assert story.due == "11-27 18:00"


def test_the_clock_of_the_case_starts_at_the_first_dispatch_and_never_again() -> None:
    story = Story("2026-11-26 10:00").dispatched("2026-11-26 11:00")
    assert story.due == "11-27 18:00"
    story.move("2026-11-27 10:00", "hand_back", party=UNIT, by="dept1", reason="非本单位职责")
    story.move("2026-11-27 11:00", "dispatch", unit="unit:enforcement", reason="改派")
    assert story.due == "11-27 18:00"


def test_the_clock_of_a_state_begins_anew_with_every_state() -> None:
    story = Story("2026-11-26 09:00").dispatched("2026-11-26 10:00")
    assert story.state_due == "11-26 16:00"
    assert story.move("2026-11-26 11:00", "start", party=UNIT).state_due == "11-27 18:00"
    assert story.move("2026-11-26 15:00", "answer", party=UNIT, result="已修").state_due == "11-27 10:00"
    assert story.move("2026-11-26 16:00", "ask_verification").state_due == "11-27 18:00"


def test_escalation_begins_the_states_clock_anew_and_leaves_the_cases_alone() -> None:
    story = Story("2026-11-26 09:00").dispatched("2026-11-26 10:00")
    story.move("2026-11-26 11:00", "escalate", reason="超出权限")
    assert (story.case["level"], story.due, story.state_due) == ("district", "11-27 18:00", "11-26 15:00")


def test_an_approved_stop_keeps_what_is_left_and_moves_the_date() -> None:
    story = Story("2026-11-26 09:00", FIVE_HOURS).dispatched("2026-11-26 10:00").granted("2026-11-26 11:30", "stop")
    assert (story.due, story.case["marks"], story.case["remaining_min"]) == (None, [], 210)
    story.move("2026-11-30 10:00", "resume", reason="材料已到")
    assert (story.due, story.case["stopped_at"], story.case["remaining_min"]) == ("11-30 15:30", None, None)


def test_asking_for_a_stop_stops_nothing() -> None:
    story = Story("2026-11-26 09:00", FIVE_HOURS).dispatched("2026-11-26 10:00")
    story.move("2026-11-26 11:00", "ask", party=UNIT, by="dept1", what="stop", reason="等待材料")
    assert story.due == "11-26 17:00"
    assert story.move("2026-11-26 11:30", "deny", reason="不符合").due == "11-26 17:00"


def test_an_extension_moves_the_date_by_what_was_approved() -> None:
    story = Story("2026-11-26 09:00").dispatched("2026-11-26 10:00")
    story.granted("2026-11-27 10:00", "extension", amount=2, amount_unit="working_days")
    assert story.due == "12-01 18:00"


def test_a_shelved_case_has_no_date_until_it_comes_back() -> None:
    story = Story("2026-11-26 09:00", FIVE_HOURS).dispatched("2026-11-26 10:00").granted("2026-11-26 11:00", "shelf")
    assert (story.case["state"], story.due, story.state_due) == ("shelved", None, None)
    story.move("2026-12-07 09:00", "unshelve", reason="条件具备")
    assert (story.case["state"], story.due) == ("dispatched", "12-07 15:00")


def test_a_stop_ends_with_the_state_it_was_granted_in() -> None:
    story = Story("2026-11-26 09:00", FIVE_HOURS).dispatched("2026-11-26 10:00").granted("2026-11-26 11:00", "stop")
    story.move("2026-11-27 09:00", "hand_back", party=UNIT, by="dept1", reason="非本单位职责")
    assert (story.case["stopped_at"], story.due) == (None, "11-27 15:00")


def test_rework_restarts_the_states_clock_and_gives_the_case_no_more_time() -> None:
    story = Story("2026-11-26 09:00").dispatched("2026-11-26 10:00").move("2026-11-26 11:00", "answer", party=UNIT, result="已修")
    story.move("2026-11-27 09:00", "rework", reason="未修好")
    assert (story.due, story.state_due) == ("11-27 18:00", "11-27 14:30")


def test_a_closed_case_keeps_its_date_and_warns_of_nothing() -> None:
    story = closed()
    assert (story.due, story.state_due, case_warnings.warnings_of(story.case)) == ("11-26 17:00", None, [])


def test_a_reopened_case_goes_on_with_what_it_had_left() -> None:
    story = closed().move("2026-12-01 09:00", "reopen", reason="复发")
    assert (story.due, story.state_due) == ("12-01 15:00", "12-01 11:00")


def test_a_reopened_case_that_was_late_is_late() -> None:
    story = Story("2026-11-26 09:00", FIVE_HOURS).dispatched("2026-11-26 10:00")
    story.move("2026-11-27 10:00", "answer", party=UNIT, result="已修").move("2026-11-27 10:30", "close", result="已修")
    assert story.move("2026-12-01 09:00", "reopen", reason="复发").due == "11-26 17:00"


def closed() -> Story:
    story = Story("2026-11-26 09:00", FIVE_HOURS).dispatched("2026-11-26 10:00")
    return story.move("2026-11-26 11:00", "answer", party=UNIT, result="已修").move("2026-11-26 11:00", "close", result="已修")


def test_a_merged_case_waits_for_nobody_and_goes_on_when_it_is_taken_apart() -> None:
    story = Story("2026-11-26 09:00").move("2026-11-26 10:00", "merge", into="case:0", reason="重复")
    assert story.state_due is None
    assert story.move("2026-11-26 15:00", "unmerge", reason="不是一件").state_due == "11-26 17:00"


def test_a_higher_urgency_shortens_what_runs_before_dispatch() -> None:
    story = Story("2026-11-26 09:00").move("2026-11-26 09:10", "amend", urgency="emergency", reason="有危险")
    assert story.state_due == "11-26 09:30"
    assert story.dispatched("2026-11-26 09:20").due == "11-26 11:20"


def test_a_poor_rating_is_put_right_within_fifteen_working_days() -> None:
    assert closed().move("2026-11-26 12:00", "rate", party="user:worker1", stars=2).shown("remedy_due_at") == "12-17 18:00"
    assert closed().move("2026-11-26 12:00", "rate", party="user:worker1", stars=3).case["remedy_due_at"] is None


def test_a_remark_and_an_urging_touch_no_clock() -> None:
    story = Story("2026-11-26 09:00").dispatched("2026-11-26 10:00")
    before = story.case
    after = story.move("2026-11-26 11:00", "urge", text="请尽快").move("2026-11-26 11:00", "remark", text="在办").case
    assert all(before[name] == after[name] for name in ("clocks", "due_at", "state_due_at", "marks"))


def test_a_date_in_a_year_nobody_has_loaded_is_provisional_until_it_is_computed_again() -> None:
    story = Story("2026-12-31 15:00").dispatched("2026-12-31 16:00")
    assert (story.due, story.case["is_provisional"]) == ("01-01 18:00", True)
    known = YEAR_2026._replace(known=frozenset({2026, 2027}), off=YEAR_2026.off | {date(2027, 1, 1)})
    story.rules = story.rules._replace(calendar=known)
    story.move("2026-12-31 17:00", "recalculate", party="system")
    assert (story.due, story.case["is_provisional"]) == ("01-04 18:00", False)


def test_what_was_warned_of_stays_and_is_not_said_again_when_dates_are_computed_again() -> None:
    story = Story("2026-11-26 09:00", FIVE_HOURS).dispatched("2026-11-26 09:00")
    before = story.case["marks"]
    story.move("2026-11-26 14:00", "recalculate", party="system")
    assert story.case["marks"] == before


def test_who_is_told_depends_on_how_late_it_is() -> None:
    case = Story("2026-11-26 09:00").dispatched("2026-11-26 10:00").case
    told = {one.pct: case_warnings.parties_told(case, one) for one in case_warnings.warnings_of(case) if one.clock == "case"}
    assert told == {50: [UNIT], 80: [TOWNSHIP, UNIT], 100: [TOWNSHIP, UNIT]}
    community = case | {"level": "community", "turn": "community:640105002001"}
    warning = case_warnings.Warning(case["due_at"], "case", 100)
    assert case_warnings.parties_told(community, warning) == ["community:640105002001", TOWNSHIP]


STEPS = st.lists(st.tuples(st.integers(1, 2000), st.sampled_from(["stop", "shelf", "back"])), max_size=8)


@given(STEPS)
def test_however_it_is_stopped_and_shelved_the_unit_has_its_five_hours(steps: list[tuple[int, str]]) -> None:
    now = at("2026-11-26 09:00")
    story = Story("2026-11-26 09:00", FIVE_HOURS).dispatched("2026-11-26 09:00")
    ran = timedelta()
    for minutes, step in steps:
        then = now + timedelta(minutes=minutes)
        when = f"{then:%Y-%m-%d %H:%M}"
        is_standing = bool(story.case["stopped_at"])
        if not is_standing:
            ran += limits.measured(YEAR_2026, now, then, is_plain_hours=False)
        if step != "back" and not is_standing:
            story.granted(when, step)
        elif step == "back" and is_standing:
            story.move(when, "unshelve" if story.case["state"] == "shelved" else "resume", reason="恢复")
        now = then
        if ran >= timedelta(hours=5):
            return
        if story.due:
            left = limits.measured(YEAR_2026, now, at(f"2026-{story.due}"), is_plain_hours=False)
            assert left == timedelta(hours=5) - ran
