"""交办准入: tasks from departments to townships need admission; what is not covered is refused, logged and counted by unit."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server import audit, reference
from server.cases import admissions, copies, handdowns
from server.demo import district
from server.domain import lists
from server.domain.errors import Changed, Forbidden, InvalidInput, Missing
from server.domain.list_versions import Version
from server.lists import seeds, store
from server.nudges import Nudges
from sync import databases
from sync.couch import Couch
from sync.databases import cases_db, month_at
from tests.conftest import GRID_A, person

NOW = datetime(2026, 11, 27, 2, tzinfo=UTC)
TOWNSHIP, OTHER = GRID_A[:9], "640105003"
DEPARTMENT = person("dept1", "department", "综合执法队", "Enforcement", units=["unit:enforcement"])
TRIAGE = person("triage1", "triage", "赵敏", "Zhao Min", townships=[TOWNSHIP])
TASK = handdowns.Task("unit:enforcement", TOWNSHIP, "1401", "早市占道整治")
WANTED = admissions.Wanted("unit:enforcement", TOWNSHIP, ["31"], "消防通道检查", "冬季专项", "2026-11-27", "2026-12-31")


@pytest.fixture
def nudges(broker_url: str) -> Iterator[Nudges]:
    found = Nudges(broker_url)
    yield found
    found.close()


@pytest.fixture(autouse=True)
def fresh(couch: Couch) -> None:
    own = (databases.LISTS, databases.HANDDOWNS, databases.NOTICES, databases.REF)
    for name in (*own, cases_db(TOWNSHIP), databases.audit_db(month_at(NOW))):
        couch.delete(name)
    store.forget(couch)
    reference.write(couch, [doc for doc in district.documents() if doc["type"] == "township"])
    body = lists.Admission(item="市容整治", categories=["14"], area=TOWNSHIP, from_unit="unit:enforcement")
    seeds.seed(couch, NOW, [Version("admission", "z-01", 0, "2026-01-01", None, body)])


def down(couch: Couch, nudges: Nudges, key: str = "k" * 12, at: datetime = NOW, **changes: Any) -> handdowns.Made:
    return handdowns.hand_down(couch, nudges, DEPARTMENT, TASK._replace(**changes), key=key, now=at)


def refused_code(couch: Couch, nudges: Nudges, **changes: Any) -> str:
    with pytest.raises(Forbidden) as refused:
        down(couch, nudges, **changes)
    return refused.value.code


def test_what_a_list_entry_covers_becomes_a_case_of_the_township(couch: Couch, nudges: Nudges) -> None:
    made = down(couch, nudges)
    assert made.entry == "entry:admission:z-01"
    case = couch.database(cases_db(TOWNSHIP)).get(made.case["_id"])
    assert (case["source"], case["level"], case["state"]) == ("handdown", "township", "reported")
    assert case["handed_down"] == {"by_unit": "unit:enforcement", "entry": "entry:admission:z-01"}
    assert case["grid"] == f"{TOWNSHIP}000000"
    assert copies.write(couch, [case], NOW) == set(), "no phone holds a case whose grid is not known"


def test_the_same_key_again_is_the_same_hand_down_also_later(couch: Couch, nudges: Nudges) -> None:
    first, again = down(couch, nudges), down(couch, nudges, at=NOW + timedelta(days=2))
    assert first.case["_id"] == again.case["_id"]
    assert handdowns.counts(couch) == {"unit:enforcement": {"admitted": 1, "refused": 0}}


def test_an_attempt_whose_maker_was_killed_before_the_case_is_finished_by_the_next_try(couch: Couch, nudges: Nudges) -> None:
    first = down(couch, nudges)
    couch.delete(cases_db(TOWNSHIP))
    assert down(couch, nudges, at=NOW + timedelta(hours=1)).case["_id"] == first.case["_id"]


def test_what_nothing_covers_is_refused_logged_and_counted(couch: Couch, nudges: Nudges) -> None:
    assert refused_code(couch, nudges, category="0103") == "not_admitted"
    assert refused_code(couch, nudges, category="0103") == "not_admitted"
    assert refused_code(couch, nudges, key="another-key-1", township=OTHER) == "not_admitted"
    assert handdowns.counts(couch) == {"unit:enforcement": {"admitted": 0, "refused": 2}}
    assert [doc["township"] for doc in handdowns.refused_lately(couch, townships=[OTHER])] == [OTHER]
    logged = [entry for entry in audit.read(couch, month_at(NOW)) if entry["action"] == "handdown.refused"]
    assert len(logged) == 2
    assert cases_db(TOWNSHIP) not in couch.all_databases()


def test_a_power_given_to_the_township_covers_what_its_department_hands_down(couch: Couch, nudges: Nudges) -> None:
    power = {"item": "清扫", "categories": ["1101"], "area": TOWNSHIP, "kind": "penalty"}
    body = lists.Power(**power, unit="unit:police", competent="unit:enforcement")
    seeds.seed(couch, NOW, [Version("powers", "w-1", 0, "2026-01-01", None, body)])
    assert refused_code(couch, nudges, key="of-another-place", category="1101", township=OTHER) == "not_admitted"
    assert down(couch, nudges, category="1101").entry == "entry:powers:w-1"


def test_nobody_hands_down_in_the_name_of_a_unit_that_is_not_theirs(couch: Couch, nudges: Nudges) -> None:
    assert refused_code(couch, nudges, unit="unit:police") == "forbidden"
    with pytest.raises(Forbidden):
        handdowns.hand_down(couch, nudges, TRIAGE | {"units": ["unit:enforcement"]}, TASK, key="k" * 12, now=NOW)
    assert handdowns.counts(couch) == {}


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"text": " "}, {"text": "required"}),
        ({"category": "9999"}, {"category": "unknown"}),
        ({"township": "640105999"}, {"township": "unknown"}),
        ({"urgency": "now"}, {"urgency": "unknown"}),
        ({"grid": "640105003001001"}, {"grid": "invalid"}),
    ],
)
def test_what_is_wrong_with_a_task_is_named_by_field(couch: Couch, nudges: Nudges, changes: Any, wrong: dict[str, str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        down(couch, nudges, **changes)
    assert refused.value.fields == wrong


def decide(couch: Couch, id: str, who: dict[str, Any] = TRIAGE, *, is_approved: bool = True) -> dict[str, Any]:
    return admissions.decide(couch, who, id, is_approved=is_approved, reason="同意", now=NOW)


def test_an_approved_request_admits_for_its_days_and_categories(couch: Couch, nudges: Nudges) -> None:
    assert refused_code(couch, nudges, category="3101") == "not_admitted"
    id = admissions.ask(couch, DEPARTMENT, WANTED, NOW)
    assert refused_code(couch, nudges, key="before-approval", category="3101") == "not_admitted"
    decide(couch, id)
    told = {doc["what"]: doc["to"] for doc in couch.database(databases.NOTICES).range("notice:", "notice:\ufff0", 10)}
    assert told == {"handdown.asked": [f"township:{TOWNSHIP}"], "handdown.approved": [DEPARTMENT["units"][0]]}
    assert down(couch, nudges, key="after-approval", category="3101").entry.startswith("entry:admission:a-")
    late = {"key": "after-the-days", "category": "3101", "at": datetime(2027, 1, 1, tzinfo=UTC)}
    assert refused_code(couch, nudges, **late) == "not_admitted"
    assert refused_code(couch, nudges, key="other-category", category="0103") == "not_admitted"


def test_a_refused_request_admits_nothing_and_is_decided_once(couch: Couch, nudges: Nudges) -> None:
    id = admissions.ask(couch, DEPARTMENT, WANTED, NOW)
    decide(couch, id, is_approved=False)
    assert refused_code(couch, nudges, category="3101") == "not_admitted"
    for is_approved in (True, False):
        with pytest.raises(Changed):
            decide(couch, id, is_approved=is_approved)


def test_an_approval_that_was_killed_before_its_entry_is_carried_out_by_approving_again(couch: Couch, nudges: Nudges) -> None:
    id = admissions.ask(couch, DEPARTMENT, WANTED, NOW)
    database = couch.database(databases.HANDDOWNS)
    database.put(database.get(id) | {"state": "approved", "decision_reason": "同意", "decided_by": "triage1"})
    decide(couch, id)
    assert down(couch, nudges, category="3101").entry.startswith("entry:admission:a-")
    with pytest.raises(Changed):
        decide(couch, id)


def test_only_the_townships_own_triage_decides(couch: Couch) -> None:
    id = admissions.ask(couch, DEPARTMENT, WANTED, NOW)
    elsewhere = person("triage2", "triage", "钱进", "Qian Jin", townships=[OTHER])
    for somebody in (DEPARTMENT, elsewhere):
        with pytest.raises(Missing):
            decide(couch, id, somebody)
    with pytest.raises(Forbidden):
        admissions.ask(couch, TRIAGE, WANTED, NOW)


def test_what_is_wrong_with_a_request_is_named_by_field(couch: Couch) -> None:
    wrong = WANTED._replace(categories=["99", "3101"], item="", valid_to="2026-11-01", reason="x" * 1001)
    with pytest.raises(InvalidInput) as refused:
        admissions.ask(couch, DEPARTMENT, wrong, NOW)
    assert refused.value.fields == {"item": "required", "reason": "too_long", "categories": "unknown"}
    with pytest.raises(InvalidInput) as refused:
        admissions.ask(couch, DEPARTMENT, WANTED._replace(valid_to="2026-11-01"), NOW)
    assert refused.value.fields == {"valid_to": "days_reversed"}


def test_requests_are_listed_to_who_asked_and_who_decides(couch: Couch) -> None:
    id = admissions.ask(couch, DEPARTMENT, WANTED, NOW)
    assert [doc["_id"] for doc in admissions.listed(couch, ["unit:enforcement"], None)] == [id]
    assert [doc["_id"] for doc in admissions.listed(couch, None, [TOWNSHIP])] == [id]
    assert admissions.listed(couch, ["unit:police"], None) == admissions.listed(couch, None, [OTHER]) == []
