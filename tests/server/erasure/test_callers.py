"""Who called about a case is erased for ever: nothing of them is left, the case stays, and it ends the same wherever killed."""

import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from server import audit
from server.cases import caller_copies, callers, moves
from server.cases.store import Loaded
from server.domain.errors import Erased, Forbidden, InvalidInput, Missing
from server.domain.sources import Caller, Item, Spot
from server.erasure import again, asking, caller_asking, carrying, purging, register, store, sweeping
from server.nudges import Nudges
from server.sources import intake
from server.web import case_caller_views
from sync import databases
from sync.couch import Couch
from sync.databases import cases_db
from tests.conftest import person
from tests.records import with_rev
from tests.server.erasure import test_again as restoring
from tests.server.erasure import world as worlds
from tests.server.erasure.world import NOW
from tests.server.quarantine.test_adopting import Killed, MortalCouch
from tests.server.sources.conftest import IN_A, TOWNSHIP, make_places, make_source

NAME, PHONE = "欧阳建国", "13800004712"
WHO = Caller(name=NAME, phone=PHONE)
CASES = cases_db(TOWNSHIP)
LATER = NOW + carrying.PROVED_AFTER
TRIAGE = person("triage1", "triage", "赵敏", "Zhao Min", townships=[TOWNSHIP])


@pytest.fixture
def nudges() -> Iterator[Nudges]:
    """Nudges whose broker is dead: nothing here may depend on them."""
    made = Nudges("redis://127.0.0.1:1/0")
    yield made
    made.close()


@pytest.fixture
def case(couch: Couch, nudges: Nudges) -> Loaded:
    return made(couch, nudges)


def made(couch: Couch, nudges: Nudges) -> Loaded:
    """The places, a source, and the case of its one item, in a store that has nothing else."""
    for name in couch.all_databases():
        if not name.startswith("_"):
            couch.delete(name)
    make_places(couch)
    make_source(couch)
    return opened(couch, take(couch, nudges).case["_id"])


def take(couch: Couch, nudges: Nudges, caller: Caller | None = WHO) -> intake.Taken:
    """The source tells its item, again or for the first time."""
    return intake.take(couch, nudges, source_of(couch), item(caller), NOW)


def item(caller: Caller | None, text: str = "井盖缺失") -> Item:
    place = Spot(lat=IN_A[0], lon=IN_A[1], address="同心北街")
    return Item(number="W-1", category="井盖", text=text, place=place, caller=caller)


def source_of(couch: Couch) -> dict[str, Any]:
    return couch.database(databases.SOURCES).get("source:hotline-1")


def opened(couch: Couch, id: str) -> Loaded:
    return moves.open_case(couch, TRIAGE, id)


def ask(couch: Couch, case: Loaded, who: Any = TRIAGE, **changes: str) -> str:
    given = {"basis": "asked_for", "note": "", "typed": case.case["case_no"]} | changes
    asked = asking.Asked(case.case["_id"], given["basis"], given["note"], given["typed"], "")
    return caller_asking.ask(couch, who, case.case, case.events, asked, NOW)


def carry_out(couch: Couch, now: Any = NOW) -> int:
    found = carrying.due(couch, now)
    for doc in found:
        carrying.carry_out(couch, doc, now)
    return len(found)


def told(couch: Couch) -> list[str]:
    return worlds.told(couch, NAME) + worlds.told(couch, PHONE)


def logged(couch: Couch, action: str) -> list[dict[str, Any]]:
    names = [name for name in couch.all_databases() if name.startswith("audit-")]
    return [entry for name in names for entry in audit.read(couch, name[6:]) if entry["action"] == action]


def test_every_leaf_of_an_erased_caller_is_an_empty_tombstone_and_its_files_tell_nothing(
    couch: Couch, case: Loaded, store_folder: Path
) -> None:
    id, database = callers.caller_id(case.case["_id"]), couch.database(CASES)
    kept = database.get(id)
    database.put(kept | {"name": f"{NAME}（旧）"})
    assert database.bulk([with_rev({"_id": id, "type": "caller", "name": NAME}, "e" * 32)], new_edits=False) == []
    assert any(NAME.encode() in path.read_bytes() for path in store_folder.rglob("*") if path.is_file())
    ask(couch, case)
    assert carry_out(couch) == 1
    leaves = sweeping.leaves_of(couch, CASES, id)
    assert len(leaves) == 2
    assert all(leaf.keys() <= sweeping.BARE for leaf in leaves)
    assert told(couch) == []
    texts = [path.read_bytes() for path in store_folder.rglob("*") if path.is_file()]
    assert not [text for text in texts if NAME.encode() in text or PHONE.encode() in text]


def test_the_case_stays_as_it_is_and_the_erasure_names_it_and_nobody(couch: Couch, case: Loaded) -> None:
    id = ask(couch, case)
    carry_out(couch)
    assert opened(couch, case.case["_id"]) == case
    doc = store.find(couch, id)
    assert doc is not None
    assert (doc["what"], doc["state"], doc["counts"], doc["case"]) == ("caller", "done", {"caller": 1}, case.case["_id"])
    assert doc["steps"] == {"done": 1, "of": 1}


@pytest.mark.parametrize("is_carried_out", [False, True])
@pytest.mark.parametrize("caller", [WHO, Caller(name="李四"), None])
def test_the_same_item_told_again_is_the_same_case_and_keeps_nobody(
    couch: Couch, nudges: Nudges, case: Loaded, is_carried_out: bool, caller: Caller | None
) -> None:
    ask(couch, case)
    if is_carried_out:
        carry_out(couch)
    taken = take(couch, nudges, caller)
    assert (taken.is_new, taken.case["_id"]) == (False, case.case["_id"])
    carry_out(couch)
    assert told(couch) == []
    assert couch.database(CASES).range("caller:", "caller:\ufff0", 10) == []


def test_another_text_under_the_number_still_differs_though_the_caller_is_gone(
    couch: Couch, nudges: Nudges, case: Loaded
) -> None:
    ask(couch, case)
    source, other = source_of(couch), item(WHO, text="别的事")
    assert intake.check(couch, source, item(WHO), NOW) == case.case["grid"], "a file of rows is checked first"
    with pytest.raises(intake.Differs) as refused:
        intake.take(couch, nudges, source, other, NOW)
    assert refused.value.fields == {"text": "differs"}
    with pytest.raises(intake.Differs):
        intake.check(couch, source, other, NOW)


def test_a_case_that_was_lost_and_is_told_again_is_made_without_its_caller(couch: Couch, nudges: Nudges, case: Loaded) -> None:
    ask(couch, case)
    carry_out(couch)
    couch.delete(CASES)
    taken = take(couch, nudges)
    assert (taken.is_new, taken.case["_id"], taken.case["has_caller"]) == (True, case.case["_id"], True)
    assert told(couch) == []


def test_an_erased_caller_is_neither_read_nor_copied_from_the_moment_it_is_asked_for(couch: Couch, case: Loaded) -> None:
    assert callers.read(couch, TRIAGE, case.case, "回访")["name"] == NAME
    ask(couch, case)
    for act in (
        lambda: callers.read(couch, TRIAGE, case.case, "回访"),
        lambda: caller_copies.make(couch, TRIAGE, case.case, "本人申请", NOW),
        lambda: caller_asking.preview(couch, TRIAGE, case.case, case.events),
    ):
        with pytest.raises(Erased):
            act()
    assert len(logged(couch, "caller.read")) == 1


def test_a_unit_to_which_they_were_released_is_told_that_they_were_erased_and_offered_nothing(couch: Couch, case: Loaded) -> None:
    unit = person("dept1", "department", "", "", units=["unit:enforcement"])
    sent = case.case | {"handler": "unit:enforcement", "unit": "unit:enforcement"}
    ask(couch, case)
    assert case_caller_views.panel(couch, unit, sent)["caller_erased"] is None, "not released: it knows of no caller"
    shown = case_caller_views.panel(couch, unit, sent | {"caller_released": True})
    assert (shown["caller_erased"]["state"], shown["caller_erased"]["path"], shown["may_erase_caller"]) == ("asked", None, False)


def test_a_copy_says_what_is_kept_and_who_read_it_and_is_logged(couch: Couch, case: Loaded) -> None:
    callers.read(couch, TRIAGE, case.case, "回访")
    with pytest.raises(InvalidInput):
        caller_copies.make(couch, TRIAGE, case.case, " ", NOW)
    with pytest.raises(Forbidden):
        caller_copies.make(couch, person("dept1", "department", "", "", units=["unit:x"]), case.case, "想看", NOW)
    # What is logged is logged as of now, whenever the world of this test is.
    copy = caller_copies.make(couch, TRIAGE, case.case, "本人申请", datetime.now(UTC))
    assert (copy["caller"]["name"], copy["caller"]["phone"], copy["caller"]["source"]) == (NAME, PHONE, "hotline-1")
    assert [(one["action"], one["why"]) for one in copy["readings"]] == [("caller.export", "本人申请"), ("caller.read", "回访")]
    [entry] = logged(couch, "caller.export")
    assert (entry["by"], entry["subject"], entry["why"], entry["township"]) == ("triage1", case.case["_id"], "本人申请", TOWNSHIP)


def test_asking_takes_a_ground_and_the_cases_number_and_is_in_the_log_under_the_case(couch: Couch, case: Loaded) -> None:
    for wrong in ({"basis": "because"}, {"typed": NAME}, {"note": "x" * 501}):
        with pytest.raises(InvalidInput):
            ask(couch, case, **wrong)
    assert list(store.everything(couch, "")) == []
    id = ask(couch, case)
    assert ask(couch, case, basis="unlawful") == id, "one case, one erasure"
    [entry] = logged(couch, "caller.erase")
    assert (entry["by"], entry["subject"], entry["why"]) == ("triage1", case.case["_id"], "asked_for")
    assert entry["facts"]["case_no"] == case.case["case_no"]
    assert NAME not in str(entry)
    assert PHONE not in str(entry)


def test_only_the_level_that_answers_for_the_case_erases(couch: Couch, case: Loaded) -> None:
    unit = person("dept1", "department", "", "", units=["unit:enforcement"])
    sent = case.case | {"handler": "unit:enforcement", "unit": "unit:enforcement", "caller_released": True}
    elsewhere = person("triage2", "triage", "", "", townships=["640105003"])
    for who in (unit, elsewhere, person("admin", "admin", "", "")):
        with pytest.raises(Forbidden):
            ask(couch, Loaded(sent, case.events), who)
        with pytest.raises(Forbidden):
            caller_asking.preview(couch, who, sent, case.events)
    with pytest.raises(Forbidden):
        caller_asking.preview(couch, TRIAGE, case.case | {"has_caller": False}, case.events)
    assert list(store.everything(couch, "")) == []


def test_what_goes_and_how_often_the_texts_tell_it_is_said_before(couch: Couch, nudges: Nudges, case: Loaded) -> None:
    preview = caller_asking.preview(couch, TRIAGE, case.case, case.events)
    assert (preview.goes, preview.telling, preview.name) == ({"name": 1, "phone": 1}, 0, case.case["case_no"])
    for n, text in enumerate((f"{NAME}又来电", "回访 138-0000-4712，已接", "与来电人无关")):
        fields = {"text": text}
        moves.move(couch, nudges, TRIAGE, case.case["_id"], "remark", fields, if_match=None, key=f"remark-{n}", now=NOW)
    after = opened(couch, case.case["_id"])
    assert caller_asking.preview(couch, TRIAGE, after.case, after.events).telling == 2
    couch.database(CASES).bulk([couch.database(CASES).get(callers.caller_id(case.case["_id"])) | {"_deleted": True}])
    with pytest.raises(Missing):
        caller_asking.preview(couch, TRIAGE, after.case, after.events)


def test_a_kill_between_any_two_writes_ends_the_same(couch: Couch, own_store: str, nudges: Nudges) -> None:
    ends, is_over, writes = set(), False, 0
    while not is_over:
        case = made(couch, nudges)
        mortal = MortalCouch(own_store, writes)
        try:
            ask(mortal, case)
            carry_out(mortal)
            is_over = True
        except Killed:
            ask(couch, case)
            carry_out(couch)
        [doc] = store.everything(couch, "erasure:")
        ends.add((doc["state"], str(doc["counts"]), str(told(couch)), str(opened(couch, case.case["_id"]) == case)))
        writes += 1
    assert writes > 5
    assert ends == {("done", "{'caller': 1}", "[]", "True")}


def test_asked_for_and_carried_out_by_many_at_once_it_is_one_erasure(couch: Couch, case: Loaded) -> None:
    def work() -> None:
        ask(couch, case)
        carry_out(couch)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [doc] = store.everything(couch, "erasure:")
    assert (doc["state"], doc["counts"]) == ("done", {"caller": 1})
    assert len(sweeping.leaves_of(couch, CASES, callers.caller_id(case.case["_id"]))) == 1
    assert told(couch) == []


def test_one_that_slipped_in_meanwhile_is_taken_out_by_the_second_run(couch: Couch, case: Loaded) -> None:
    id = ask(couch, case)
    carry_out(couch)
    late = {"_id": callers.caller_id(case.case["_id"]), "type": "caller", "name": NAME}
    couch.database(CASES).put(late)  # as a server that looked before the mark was there would have kept it
    assert carry_out(couch) == 0, "not before a while has passed"
    assert carry_out(couch, LATER) == 1
    assert told(couch) == []
    assert carry_out(couch, LATER + timedelta(days=1)) == 0
    doc = store.find(couch, id)
    assert doc is not None
    assert doc["proved_at"]


def test_its_tombstone_is_purged_after_90_days_and_the_refusal_stays(couch: Couch, nudges: Nudges, case: Loaded) -> None:
    ask(couch, case)
    carry_out(couch)
    assert purging.purge_old(couch, NOW + timedelta(days=91)) == 0, "not before it was proved"
    carry_out(couch, LATER)
    assert purging.purge_old(couch, LATER + timedelta(days=89)) == 0
    id, others = callers.caller_id(case.case["_id"]), couch.info([CASES])[CASES]
    assert purging.purge_old(couch, LATER + timedelta(days=90)) == 1
    assert purging.purge_old(couch, LATER + timedelta(days=90)) == 0
    assert sweeping.leaves_of(couch, CASES, id) == []
    after = couch.info([CASES])[CASES]
    assert others is not None
    assert after is not None
    assert (after["doc_count"], after["doc_del_count"]) == (others["doc_count"], others["doc_del_count"] - 1)
    assert callers.is_erased(couch, case.case["_id"])
    assert not take(couch, nudges).is_new
    assert told(couch) == []


def test_a_caller_that_a_put_back_store_has_again_is_erased_again_and_no_other(
    couch: Couch, nudges: Nudges, case: Loaded, tmp_path: Path
) -> None:
    path = register.path_in(tmp_path)
    ask(couch, case)
    carry_out(couch)
    register.agree(couch, path)
    couch.delete(databases.ERASURES)
    couch.delete(CASES)
    take(couch, nudges)
    neighbour = {"_id": "caller:0", "type": "caller", "name": "别人"}
    couch.database(CASES).put(neighbour)
    assert len(told(couch)) == 2
    assert again.catch_up(couch, [path], NOW) == 1
    assert told(couch) == []
    assert couch.database(CASES).get("caller:0")["name"] == "别人"
    assert {doc["state"] for doc in store.everything(couch, "erasure:")} == {"asked"}, "the worker does it once more"
    assert carry_out(couch) == 1


def test_an_old_backup_restored_brings_no_caller_back(nudges: Nudges, tmp_path: Path) -> None:
    data, backups = tmp_path / "data", tmp_path / "backups"
    kept: list[Loaded] = []
    restoring.with_store(data, lambda couch: kept.append(made(couch, nudges)))
    restoring.xunge(data, "backup", "--to", str(backups))

    def erase(couch: Couch) -> None:
        ask(couch, kept[0])
        register.agree(couch, register.path_in(data))
        carry_out(couch)
        register.agree(couch, register.path_in(data))

    restoring.with_store(data, erase)
    shutil.rmtree(data / "couch")
    assert "gone again" in restoring.xunge(data, "restore", "--from", str(backups))

    def look(couch: Couch) -> None:
        assert told(couch) == []
        assert opened(couch, kept[0].case["_id"]).case["has_caller"]
        assert caller_asking.find(couch, kept[0].case)

    restoring.with_store(data, look)
