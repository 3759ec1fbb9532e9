"""Changes are whole or not at all, numbered one after another, and nothing of them is ever overwritten."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from server.demo import errands as demo_errands
from server.domain import catalogue
from server.domain.errors import Changed
from server.domain.list_versions import Version
from server.domain.lists import Category, Post, Unit, material_key
from server.lists import publishing, seeds, store
from sync import databases
from sync.couch import Couch

NOW = datetime(2026, 11, 27, 2, tzinfo=UTC)
DAY = "2026-11-27"


def post(key: str, unit: str, valid_from: str = "2026-01-01") -> Version:
    return Version("people", key, 0, valid_from, None, Post(account="worker1", unit=f"unit:{unit}"))


def add(couch: Couch, base: int, *versions: Version, kind: str = "import", **facts: object) -> int:
    return store.append(couch, base=base, kind=kind, by="admin", now=NOW, versions=versions, **facts)


@pytest.fixture(autouse=True)
def empty(couch: Couch) -> None:
    couch.delete(databases.LISTS)
    couch.delete(databases.REF)
    store.forget(couch)


def units(couch: Couch) -> dict[str, str]:
    return {key: one.body.unit for key, one in store.read(couch).book.at("people", DAY).items() if isinstance(one.body, Post)}


def test_nothing_kept_is_an_empty_book(couch: Couch) -> None:
    assert store.read(couch).book.last_change == 0
    assert units(couch) == {}


def test_a_change_is_there_with_all_it_brought(couch: Couch) -> None:
    assert add(couch, 0, post("a", "one"), post("b", "two"), counts={"added": 2}) == 1
    assert units(couch) == {"a": "unit:one", "b": "unit:two"}
    assert store.read(couch).changes[1]["counts"] == {"added": 2}


def test_versions_without_their_change_count_for_nothing(couch: Couch) -> None:
    add(couch, 0, post("a", "one"))
    stray = store._document(post("a", "stray", "2026-06-01"), 2, "f" * 16)
    couch.database(databases.LISTS).put(stray)
    add(couch, 1, post("b", "two"))
    assert units(couch) == {"a": "unit:one", "b": "unit:two"}


def test_of_two_who_change_at_once_one_is_told(couch: Couch) -> None:
    add(couch, 0, post("a", "one"))

    def change(n: int) -> bool:
        try:
            return bool(add(couch, 1, post("a", f"u{n}", "2026-02-01")))
        except Changed:
            return False

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(change, range(8)))
    assert done.count(True) == 1
    assert units(couch) == {"a": f"unit:u{done.index(True)}"}


def test_an_undone_change_counts_no_more_and_stays_readable(couch: Couch) -> None:
    add(couch, 0, post("a", "one"))
    add(couch, 1, post("a", "two", "2026-02-01"))
    add(couch, 2, kind="undo", of=2)
    kept = store.read(couch)
    assert (units(couch), kept.undone, sorted(kept.changes)) == ({"a": "unit:one"}, {2}, [1, 2, 3])


def test_another_process_sees_a_change_soon(couch: Couch, own_store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LOOKED_AT_S", 0.0)
    other = Couch(own_store)
    add(couch, 0, post("a", "one"))
    assert units(other) == {"a": "unit:one"}
    add(couch, 1, post("a", "two", "2026-02-01"))
    assert units(other) == {"a": "unit:two"}


def test_seeding_adds_what_was_never_there_and_leaves_what_staff_changed_or_ended(couch: Couch) -> None:
    assert seeds.seed(couch, NOW) == len(catalogue.ROWS) + len(catalogue.UNITS)
    known = store.read(couch).book.find("catalogue", "1101", DAY)
    assert known is not None and isinstance(known.body, Category)
    changed = Category(name="垃圾", kind="event", unit="unit:sanitation", limit_amount=9, limit_unit="hours")
    add(couch, 1, Version("catalogue", "1101", 0, DAY, None, changed), Version("catalogue", "1102", 0, DAY, None, None))
    assert seeds.seed(couch, NOW) == 0
    ref = couch.database(databases.REF)
    assert ref.get("category:1101")["limit"] == {"amount": 9, "unit": "hours"}
    assert ref.get("category:1102")["valid_to"] == "2026-11-26"


def test_seeding_again_writes_nothing(couch: Couch) -> None:
    seeds.seed(couch, NOW)
    before = couch.info([databases.REF])[databases.REF]
    assert seeds.seed(couch, NOW) == 0
    assert couch.info([databases.REF])[databases.REF] == before


def test_phones_get_what_the_catalogue_says_and_nothing_that_is_the_offices(couch: Couch) -> None:
    found = {doc["_id"]: doc for doc in publishing.documents(store.read(couch).book, DAY)}
    assert found == {}
    seeds.seed(
        couch, NOW, [post("a", "one"), Version("units", "police", 0, "2026-01-01", None, Unit(name="派出所", level="township"))]
    )
    found = {doc["_id"]: doc for doc in publishing.documents(store.read(couch).book, DAY)}
    for doc in catalogue.categories():
        assert {name: found[doc["_id"]][name] for name in doc} == doc
    assert {doc["type"] for doc in found.values()} == {"category", "unit"}
    assert found["unit:police"]["name"]["zh-CN"] == "派出所"


def test_what_a_new_day_makes_valid_reaches_phones_with_the_next_sweep(couch: Couch) -> None:
    seeds.seed(couch, NOW)
    publishing.catch_up(couch, NOW)
    later = Category(name="暴露垃圾", kind="event", unit="unit:sanitation", limit_amount=2, limit_unit="working_hours")
    add(couch, 1, Version("catalogue", "1101", 0, "2026-11-28", None, later))
    ref = couch.database(databases.REF)
    assert publishing.catch_up(couch, NOW) == 0
    assert ref.get("category:1101")["limit"]["unit"] == "working_days"
    assert publishing.catch_up(couch, NOW + timedelta(days=1)) == 1
    assert ref.get("category:1101")["limit"]["unit"] == "working_hours"
    assert publishing.catch_up(couch, NOW + timedelta(days=1)) == 0


def test_what_a_killed_import_left_unpublished_is_published_by_the_sweep(couch: Couch) -> None:
    seeds.seed(couch, NOW)
    add(couch, 1, Version("units", "police", 0, DAY, None, Unit(name="城关派出所", level="township")))
    assert publishing.catch_up(couch, NOW) == 1
    assert couch.database(databases.REF).get("unit:police")["name"]["zh-CN"] == "城关派出所"


def test_phones_get_errands_with_their_materials(couch: Couch) -> None:
    seeds.seed(couch, NOW, demo_errands.entries())
    found = couch.database(databases.REF).get("erranditem:old-age")
    assert (found["name"], found["days"]) == ({"zh-CN": "高龄津贴申领", "en": "Old-age allowance"}, 15)
    assert found["materials"][0] == {"key": material_key("居民身份证"), "name": {"zh-CN": "居民身份证", "en": "Identity card"}}
