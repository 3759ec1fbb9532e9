"""An item of another system becomes exactly one case, however often it is sent and wherever its taking was cut off."""

import threading
from datetime import timedelta
from typing import Any

import pytest

from server import audit
from server.cases import callers, copies, intake, moves, store
from server.domain import grids, workflow
from server.domain.errors import Differs, Forbidden, InvalidInput
from server.domain.sources import Caller, Item, Spot
from server.nudges import Nudges
from server.sources import claims
from server.sources import intake as sources
from sync.couch import Couch
from sync.databases import cases_db, grid_db, quarter_at
from tests.conftest import GRID_A, GRID_B
from tests.records import AT
from tests.server.sources.conftest import IN_A, IN_B, NOWHERE, TOWNSHIP, Document, make_source

CASES, UNPLACED = cases_db(TOWNSHIP), grids.unplaced(TOWNSHIP)
LATER = AT + timedelta(hours=1)
PICTURES = ["https://12345.example.cn/a.jpg", "https://12345.example.cn/b.jpg"]


def item(number: str = "W-1", **fields: Any) -> Item:
    given: dict[str, Any] = {"category": "井盖", "text": "井盖缺失", "place": Spot(lat=IN_A[0], lon=IN_A[1], address="同心北街")}
    return Item(number=number, **(given | fields))


def all_of(couch: Couch, type_: str) -> list[Document]:
    return couch.database(CASES).range(f"{type_}:", f"{type_}:\ufff0", 999)


def person(role: str, **held: list[str]) -> Document:
    nothing: Document = {"grids": [], "communities": [], "townships": [], "units": []}
    return {"name": f"{role}1", "roles": [role], "display": {}} | nothing | held


TRIAGE = person("triage", townships=[TOWNSHIP])


def test_an_order_of_12345_is_a_case_of_the_grid_around_its_point_held_by_the_township(places: Couch, quiet: Nudges) -> None:
    source, _ = make_source(places)
    taken = sources.take(places, quiet, source, item(), AT)
    case = taken.case
    assert taken.is_new
    assert (case["grid"], case["category"], case["source"], case["level"]) == (GRID_A, "0101", "hotline", "township")
    assert case["origin"] == {"system": "hotline-1", "number": "W-1"}
    assert (case["database"], case["author"], case["has_caller"]) == (None, "source:hotline-1", False)
    assert case["case_no"].startswith(f"{TOWNSHIP[6:]}-261123-")


def test_the_same_number_again_is_the_same_case(places: Couch, quiet: Nudges) -> None:
    source, _ = make_source(places)
    first = sources.take(places, quiet, source, item(), AT)
    again = sources.take(places, quiet, source, item(), LATER)
    assert (again.case["_id"], again.is_new) == (first.case["_id"], False)
    assert len(all_of(places, "case")) == len(all_of(places, "event")) == 1


def test_the_same_number_of_another_source_is_another_case(places: Couch, quiet: Nudges) -> None:
    one, other = make_source(places)[0], make_source(places, "other", "webhook")[0]
    for source in (one, other):
        sources.take(places, quiet, source, item(), AT)
    assert len(all_of(places, "case")) == 2


def test_other_content_under_a_number_is_refused_with_both_shown(places: Couch, quiet: Nudges) -> None:
    source, _ = make_source(places)
    case = sources.take(places, quiet, source, item(), AT).case
    with pytest.raises(Differs) as refused:
        sources.take(places, quiet, source, item(text="井盖丢了"), LATER)
    assert refused.value.fields == {"text": "differs"}
    assert refused.value.facts["kept"]["text"] == "井盖缺失"
    assert refused.value.facts["kept"]["_id"] == case["_id"]
    assert refused.value.facts["sent"]["text"] == "井盖丢了"


def test_links_are_kept_with_the_first_event_and_the_case_and_on_no_phone(places: Couch, quiet: Nudges) -> None:
    source, _ = make_source(places)
    case = sources.take(places, quiet, source, item(links=PICTURES), AT).case
    [event] = all_of(places, "event")
    assert case["links"] == event["report"]["links"] == PICTURES
    assert workflow.fold([event])["links"] == PICTURES
    intake.run(places, CASES, AT)
    copy = places.database(grid_db(GRID_A, quarter_at(AT))).get(case["_id"])
    assert "example.cn" not in str(copy)


def test_the_same_number_with_other_links_is_other_content(places: Couch, quiet: Nudges) -> None:
    source, _ = make_source(places)
    sources.take(places, quiet, source, item(links=PICTURES), AT)
    assert not sources.take(places, quiet, source, item(links=list(PICTURES)), LATER).is_new
    for other in ([], PICTURES[:1], PICTURES[::-1]):
        with pytest.raises(Differs) as refused:
            sources.take(places, quiet, source, item(links=other), LATER)
        assert refused.value.fields == {"links": "differs"}
        assert (refused.value.facts["kept"]["links"], refused.value.facts["sent"]["links"]) == (PICTURES, other)
        with pytest.raises(Differs):
            sources.check(places, source, item(links=other), LATER)
    sources.take(places, quiet, source, item("W-2"), AT)
    with pytest.raises(Differs):
        sources.take(places, quiet, source, item("W-2", links=PICTURES), LATER)


def test_what_was_kept_before_links_were_taken_is_the_same_with_them_and_without(places: Couch, quiet: Nudges) -> None:
    source, _ = make_source(places)
    case = sources.take(places, quiet, source, item(), AT).case
    [event] = all_of(places, "event")
    del event["report"]["links"]
    places.database(CASES).put(event)
    assert workflow.fold([event]) == {name: value for name, value in case.items() if name != "_rev"}
    for told in (item(), item(links=PICTURES)):
        again = sources.take(places, quiet, source, told, LATER)
        assert (again.is_new, again.case["_id"], "links" in again.case) == (False, case["_id"], False)


def test_a_key_used_for_another_number_makes_no_case(places: Couch, quiet: Nudges) -> None:
    source, _ = make_source(places)
    sources.take(places, quiet, source, item(), AT, key="key-0001")
    with pytest.raises(Differs):
        sources.take(places, quiet, source, item("W-2"), AT, key="key-0001")
    assert len(all_of(places, "case")) == 1


def test_twenty_senders_at_once_make_one_case(places: Couch, quiet: Nudges) -> None:
    source, _ = make_source(places)
    taken: list[sources.Taken] = []

    def send() -> None:
        taken.append(sources.take(places, quiet, source, item(caller=Caller(name="王建国", phone="13812345678")), AT))

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 20
    assert len({one.case["_id"] for one in taken}) == 1
    assert sum(one.is_new for one in taken) == 1


@pytest.mark.parametrize("killed_before", [(claims, "claim"), (callers, "keep"), (store, "_bulk")])
def test_taking_that_was_cut_off_is_finished_by_sending_again(
    places: Couch, quiet: Nudges, monkeypatch: pytest.MonkeyPatch, killed_before: tuple[Any, str]
) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    source, _ = make_source(places)
    wanted = item(caller=Caller(name="王建国"))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(*killed_before, die)
        sources.take(places, quiet, source, wanted, AT)
    taken = sources.take(places, quiet, source, wanted, LATER)
    assert (taken.is_new, taken.case["has_caller"]) == (True, True)
    assert callers.find(places, TOWNSHIP, taken.case["_id"]) == callers.Caller("王建国", None)


def test_an_event_whose_case_was_never_written_becomes_one_behind_the_desk(places: Couch, quiet: Nudges) -> None:
    source, _ = make_source(places)
    case = sources.take(places, quiet, source, item(), AT).case
    database = places.database(CASES)
    kept = database.get(case["_id"])
    database.bulk([{"_id": kept["_id"], "_rev": kept["_rev"], "_deleted": True}])
    intake.run(places, CASES, AT)
    assert database.get(case["_id"])["state"] == "reported"


@pytest.mark.parametrize(
    ("fields", "grid"),
    [
        ({"grid": GRID_B}, GRID_B),
        ({"place": Spot(lat=IN_B[0], lon=IN_B[1])}, GRID_B),
        ({"place": Spot(lat=NOWHERE[0], lon=NOWHERE[1])}, UNPLACED),
        ({"place": Spot(address="某处"), "township": TOWNSHIP}, UNPLACED),
        ({"place": None, "community": GRID_A[:12]}, UNPLACED),
    ],
)
def test_where_an_item_belongs(places: Couch, quiet: Nudges, fields: dict[str, Any], grid: str) -> None:
    source, _ = make_source(places)
    case = sources.take(places, quiet, source, item(**fields), AT).case
    assert (case["grid"], case["level"]) == (grid, "township")


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"category": "飞碟"}, {"category": "unknown"}),
        ({"grid": "640105002009009"}, {"grid": "unknown"}),
        ({"grid": UNPLACED}, {"grid": "unknown"}),
        ({"township": "640105003"}, {"township": "not_allowed"}),
        ({"reported_at": "2027-01-01T00:00:00.000Z"}, {"reported_at": "in_future"}),
        ({"reported_at": "2026-02-31T00:00:00.000Z"}, {"reported_at": "invalid"}),
    ],
)
def test_what_nobody_knows_or_may_not_be_written_is_named(
    places: Couch, quiet: Nudges, fields: dict[str, Any], wrong: dict[str, str]
) -> None:
    source, _ = make_source(places)
    with pytest.raises(InvalidInput) as refused:
        sources.take(places, quiet, source, item(**fields), AT)
    assert refused.value.fields == wrong


def test_a_district_source_must_say_where_unless_it_has_a_township_to_fall_to(places: Couch, quiet: Nudges) -> None:
    wide, _ = make_source(places, areas=[TOWNSHIP[:6]])
    with pytest.raises(InvalidInput):
        sources.take(places, quiet, wide, item(place=None), AT)
    falling, _ = make_source(places, "falling", areas=[TOWNSHIP[:6]], fallback=TOWNSHIP)
    assert sources.take(places, quiet, falling, item(place=None), AT).case["grid"] == UNPLACED


def test_a_case_without_a_database_has_copies_in_its_grid_alone_and_none_while_unplaced(places: Couch, quiet: Nudges) -> None:
    source, _ = make_source(places)
    placed = sources.take(places, quiet, source, item(), AT).case
    lost = sources.take(places, quiet, source, item("W-2", place=None), AT).case
    intake.run(places, CASES, AT)
    present = grid_db(GRID_A, quarter_at(AT))
    assert [name for name in places.all_databases() if name.startswith("grid-")] == [present]
    assert places.database(present).find(placed["_id"]) is not None
    assert places.database(present).find(lost["_id"]) is None
    assert copies.carry_over(places, [lost], AT + timedelta(days=100)) == set()


def test_a_case_whose_grid_is_found_reaches_that_grids_phones_and_one_that_leaves_is_renewed_there(
    places: Couch, quiet: Nudges
) -> None:
    source, _ = make_source(places)
    case = sources.take(places, quiet, source, item(), AT).case
    intake.run(places, CASES, AT)
    fields = {"grid": GRID_B, "reason": "位置在隔壁网格"}
    moves.move(places, quiet, TRIAGE, case["_id"], "amend", fields, if_match=None, key="amend-0001", now=LATER)
    intake.run(places, CASES, LATER)
    for grid in (GRID_A, GRID_B):
        assert places.database(grid_db(grid, quarter_at(AT))).get(case["_id"])["grid"] == GRID_B


def test_what_a_caller_said_of_themselves_is_in_no_case_event_or_copy(places: Couch, quiet: Nudges) -> None:
    source, _ = make_source(places)
    case = sources.take(places, quiet, source, item(caller=Caller(name="王建国", phone="13812345678")), AT).case
    intake.run(places, CASES, AT)
    copy = places.database(grid_db(GRID_A, quarter_at(AT))).get(case["_id"])
    for doc in (*all_of(places, "case"), *all_of(places, "event"), copy):
        assert "王建国" not in str(doc)
        assert "13812345678" not in str(doc)


def test_a_caller_is_read_with_a_purpose_by_the_holder_and_by_the_unit_once_released(places: Couch, quiet: Nudges) -> None:
    places.database("ref").bulk([{"_id": "unit:water", "type": "unit", "v": 1, "name": "水务", "level": "township", "area": ""}])
    source, _ = make_source(places)
    case = sources.take(places, quiet, source, item(caller=Caller(name="王建国", phone="13812345678")), AT).case["_id"]
    unit = person("department", units=["unit:water"])

    def moved(name: str, **fields: Any) -> Document:
        return moves.move(places, quiet, TRIAGE, case, name, fields, if_match=None, key=f"move-{name}", now=LATER).case

    moved("accept")
    held = moved("dispatch", unit="unit:water", reason="管井")
    assert callers.read(places, TRIAGE, held, "回访")["phone"] == "13812345678"
    with pytest.raises(InvalidInput):
        callers.read(places, TRIAGE, held, "  ")
    with pytest.raises(Forbidden):
        callers.read(places, unit, held, "上门")
    released = moved("release_caller", reason="需上门")
    assert callers.read(places, unit, released, "上门")["name"] == "王建国"
    logged = [doc for name in places.all_databases() if name.startswith("audit-") for doc in audit.read(places, name[6:])]
    read = {(doc["by"], doc["why"], doc["township"]) for doc in logged if doc["action"] == "caller.read"}
    assert read == {("triage1", "回访", TOWNSHIP), ("department1", "上门", TOWNSHIP)}


def test_another_caller_under_the_same_number_is_named_and_not_shown(places: Couch, quiet: Nudges) -> None:
    source, _ = make_source(places)
    sources.take(places, quiet, source, item(caller=Caller(name="王建国")), AT)
    for other in (Caller(name="李四"), None):
        with pytest.raises(Differs) as refused:
            sources.take(places, quiet, source, item(caller=other), LATER)
        assert refused.value.fields == {"caller": "differs"}
        assert "王建国" not in str(refused.value.facts)
    assert len(all_of(places, "caller")) == 1


def test_a_caller_sent_for_a_case_without_one_is_not_kept(places: Couch, quiet: Nudges) -> None:
    source, _ = make_source(places)
    sources.take(places, quiet, source, item(), AT)
    with pytest.raises(Differs):
        sources.take(places, quiet, source, item(caller=Caller(name="李四")), LATER)
    assert all_of(places, "caller") == []


def test_what_the_counter_registers_is_one_case_a_form_and_its_communitys_first(places: Couch, quiet: Nudges) -> None:
    form = item("form-1", category="1101", place=Spot(address="3号楼"))
    for _ in range(2):
        taken = sources.register(places, quiet, form, GRID_A, by="triage1", how="call", now=AT)
    assert (taken.is_new, taken.case["level"], taken.case["origin"], taken.case["source"]) == (False, "community", None, "call")
    assert taken.case["author"] == "triage1"
    assert len(all_of(places, "case")) == 1
