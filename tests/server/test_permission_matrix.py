"""Every role on every kind of database, of a grid of its own and of one that is not, through the whole server.

What is expected is read from `server/domain/permissions.py`, so a new role, kind or type is tried without anybody thinking of it;
the two rules that must never bend, and the township of a photo, are written out here besides.
Every person holds the same grid, so that the role alone makes the difference.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import httpx
import pytest
import redis

from server import notices, quarantine
from server.cases import store
from server.domain import adoption, case_rights, ids, permissions, times
from server.people import accounts, devices
from sync import databases
from tests.conftest import COMMUNITY, GRID_A, GRID_ELSEWHERE
from tests.media.photographs import as_bytes, scene
from tests.moved_clock import moved_clock
from tests.records import new_id
from tests.server.web.site import PASSWORD, Site, bearer, running_site

# By the server's clock, too: what may be read and pushed changes with the quarter.
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
QUARTER, MONTH = databases.quarter_at(NOW), databases.month_at(NOW)
QUARTERS = (QUARTER, databases.previous_quarter(QUARTER))
GRIDS = {"own": GRID_A, "foreign": GRID_ELSEWHERE}
PUSHED_KINDS = sorted(permissions.TYPES_BY_KIND)
TYPES = sorted(frozenset().union(*(types for by_role in permissions.TYPES_BY_KIND.values() for types in by_role.values())))
PHOTO_KINDS = {"grid": databases.grid_db, "home-quarter": databases.home_quarter_db, "beat": databases.beat_db}
SERVERS_OWN = [
    *(databases.PEOPLE, databases.DEVICES, databases.QUARANTINE, databases.LISTS, databases.HANDDOWNS, databases.NOTICES),
    *(databases.SOURCES, databases.REQUESTS, databases.ERASURES),
    databases.homes_db(GRID_A[:9]),
    databases.cases_db(GRID_A[:9]),
    databases.media_db(GRID_A[:9]),
    databases.audit_db(MONTH),
    databases.rollup_db(GRID_A[:6]),
]


class Phone(NamedTuple):
    """A device with a good token, whatever its person's role: no role is kept out by the enrolment alone."""

    person: dict[str, Any]
    device_id: str
    client: httpx.Client

    def push(self, name: str, docs: list[dict[str, Any]]) -> httpx.Response:
        return self.client.post(f"/db/{name}/_bulk_docs", json={"docs": docs, "new_edits": False})

    def record(self, type_: str, grid: str, kind: str) -> dict[str, Any]:
        """A sound record of this type, as this person would push it there."""
        head = {"_id": new_id(type_), "_rev": "1-" + "a" * 32, "type": type_, "v": 1, "grid": grid, "device": self.device_id}
        head |= {"author": self.person["name"], "captured_at": times.to_text(NOW), "clock_offset_ms": 0}
        record = head | rest_of(type_)
        return record | {"household": None} if (type_, kind) == ("visit", "beat") else record


def rest_of(type_: str) -> dict[str, Any]:
    """What a type needs beyond the envelope."""
    at = times.to_text(NOW)
    stamps: dict[str, Any] = {"stamps": {}}
    image = {"role": "sent", "sha256": "a" * 64, "size_bytes": 1, "content_type": "image/jpeg"}
    basis = {"purpose": "走访服务", "given_at": at, "how": "consent_spoken"}
    report = {"category": "3102", "text": "", "urgency": "normal", "place": None, "source": "patrol"}
    rest: dict[str, dict[str, Any]] = {
        "report": {**report, "photos": []},
        "note": {"of": new_id("report"), "text": "补充"},
        "photo": {"of": new_id("report"), "files": [image]},
        "patrol": {"started_at": at, "ended_at": at},
        "track": {"patrol": new_id("patrol"), "points": [[0, 38.5, 106.1, 5]]},
        "visit": {"household": new_id("household"), "address": "1号", "kind": "routine", "findings": ""},
        "household": {"address": "1号", "basis": basis, **stamps},
        "member": {"household": new_id("household"), "name": "王", **stamps},
        "errand": {"household": new_id("household"), "item": "低保", **stamps},
        "taskreply": {"of": new_id("task"), "outcome": "done", "text": ""},
        "access": {"of": new_id("household"), "fields": ["contact_phone"], "purpose": "走访服务"},
    }
    return rest[type_]


@pytest.fixture(scope="module", autouse=True)
def _clock() -> Iterator[None]:
    with moved_clock() as clock:
        clock.go_to(NOW)
        yield


@pytest.fixture(scope="module")
def site(own_store: str, broker_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    redis.Redis.from_url(broker_url).flushall()
    with running_site(own_store, broker_url, tmp_path_factory.mktemp("site")) as found:
        for name in databases_of("own") + databases_of("foreign") + SERVERS_OWN + ["ref"]:
            found.couch.create(name, replicated=databases.is_replicated(name))
        yield found


def databases_of(whose: str) -> list[str]:
    """Every database of a grid, this quarter's, the last one's and one long past."""
    grid = GRIDS[whose]
    return [databases.home_db(grid), *(make(grid, one) for one in (*QUARTERS, "2019q1") for make in PHOTO_KINDS.values())]


@pytest.fixture(scope="module", params=permissions.ROLES)
def phone(request: pytest.FixtureRequest, site: Site) -> Iterator[Phone]:
    """One of each role; who has a desk holds the township and community, too."""
    role = request.param
    held = {"grids": [GRID_A], "communities": [COMMUNITY], "townships": [GRID_A[:9]]}
    person = accounts.make(f"{role}9", [role], {"zh-CN": role, "en": role}, PASSWORD, **held)
    accounts.save_all(site.couch, [person])
    device, token = devices.enrol(site.couch, person, "测试手机")
    with site.visit() as client:
        client.headers.update(bearer(token))
        yield Phone(person, device["_id"].partition(":")[2], client)


def is_pulled(person: dict[str, Any], name: str, whose: str) -> bool:
    """As the table says: the role opens the kind, the grid is held, the quarter is this or the last."""
    found = databases.parse(name)
    assert found is not None
    is_recent = found.quarter is None or found.quarter in QUARTERS
    return whose == "own" and is_recent and found.kind in permissions.database_kinds(person) & permissions.PULLED_KINDS


@pytest.mark.parametrize("whose", GRIDS)
def test_a_role_reads_the_databases_of_the_table_and_no_other(phone: Phone, whose: str) -> None:
    for name in databases_of(whose):
        expected = 200 if is_pulled(phone.person, name, whose) else 403
        for path in ("", "/_changes", "/_all_docs"):
            assert phone.client.get(f"/db/{name}{path}").status_code == expected, (name, path)
        assert phone.client.post(f"/db/{name}/_bulk_get", json={"docs": []}).status_code == expected, name
        document = phone.client.get(f"/db/{name}/report:none").status_code
        assert document == (404 if expected == 200 else 403), name


@pytest.mark.parametrize("whose", GRIDS)
@pytest.mark.parametrize("kind", PUSHED_KINDS)
def test_a_role_pushes_the_types_of_the_table_and_no_other(site: Site, phone: Phone, kind: str, whose: str) -> None:
    name = pushed_database(phone, kind, whose)
    docs = [phone.record(type_, GRIDS[whose], kind) for type_ in TYPES]
    answer = phone.push(name, docs)
    assert answer.status_code == 201, answer.text
    allowed = permissions.writable_types(phone.person, kind) if whose == "own" else frozenset()
    assert {doc["type"] for doc, entry in zip(docs, answer.json(), strict=True) if entry.get("ok")} == allowed
    refused = {doc["type"]: entry for doc, entry in zip(docs, answer.json(), strict=True) if not entry.get("ok")}
    for type_, entry in refused.items():
        is_of_role = type_ in permissions.writable_types(phone.person, kind)
        reason = "not_grid_holder" if is_of_role else "type_not_allowed"
        assert (entry["error"], entry["reason"], entry["quarantined"]) == ("forbidden", reason, True)
    present = site.couch.database(name).many([doc["_id"] for doc in docs]) if name in site.couch.all_databases() else {}
    assert {doc["type"] for doc in present.values() if doc} == allowed


def pushed_database(phone: Phone, kind: str, whose: str) -> str:
    """A database of this kind: the grid's, or the person's and phone's own; a foreign one is another person's or phone's."""
    is_own = whose == "own"
    if kind == "track":
        return databases.track_db(phone.person["name"] if is_own else "somebody", MONTH)
    if kind == "log":
        return databases.log_db(phone.device_id if is_own else "0123456789abcdef")
    return databases.home_db(GRIDS[whose]) if kind == "home" else PHOTO_KINDS[kind](GRIDS[whose], QUARTER)


@pytest.mark.parametrize("name", ["ref", *SERVERS_OWN])
def test_the_servers_own_databases_take_nothing_and_only_the_lists_are_read(phone: Phone, name: str) -> None:
    for path in ("", "/_changes", "/_all_docs"):
        assert phone.client.get(f"/db/{name}{path}").status_code == (200 if name == "ref" else 403)
    assert phone.push(name, [phone.record("report", GRID_A, "grid")]).status_code == 403


def test_police_never_reach_a_home_and_nobody_but_police_a_beat(phone: Phone) -> None:
    """Written out: no change of the table may open these."""
    role = phone.person["roles"][0]
    for name in databases_of("own"):
        is_closed = (name.startswith("home-") and role != "worker") or (name.startswith("beat-") and role != "police")
        if is_closed:
            assert phone.client.get(f"/db/{name}/_changes").status_code == 403
            entries = phone.push(name, [phone.record("visit", GRID_A, "beat"), phone.record("household", GRID_A, "home")]).json()
            assert [entry.get("error") for entry in entries] == ["forbidden", "forbidden"]


@pytest.fixture(scope="module")
def photos(site: Site) -> dict[tuple[str, str], str]:
    """A photo in each database a photo's record may lie in, by kind and whose grid."""
    found, jpeg = {}, as_bytes(scene(40, 30), "JPEG")
    for whose, grid in GRIDS.items():
        media = site.couch.database(databases.media_db(grid[:9]), create=True)
        for kind, name in PHOTO_KINDS.items():
            found[kind, whose] = photo = new_id("photo")
            doc = {"_id": photo, "type": "media", "photo": photo, "database": name(grid, QUARTER), "device": "d1"}
            rev = media.put(doc | {"author": "somebody", "derived": True})
            for size in ("sent", "screen", "thumb"):
                rev = media.attach(photo, rev, size, jpeg, "image/jpeg")
    return found


def test_a_photo_is_shown_to_whoever_may_see_its_record(site: Site, phone: Phone, photos: dict[tuple[str, str], str]) -> None:
    """By the phone's token and, for whoever has a desk, by a desk's session."""
    with site.visit(phone.person["name"]) as desk:
        for (kind, whose), photo in photos.items():
            may_see = permissions.may_see_records(phone.person, kind, GRIDS[whose])
            assert not (may_see and whose == "foreign")
            for client in (phone.client, desk):
                for size in ("original", "screen", "thumb"):
                    status = client.get(f"/api/photos/{photo}/{size}").status_code
                    assert status == (200 if may_see else 404), (kind, whose, size)


def test_a_photo_of_a_home_or_beat_is_shown_at_no_desk(phone: Phone, photos: dict[tuple[str, str], str]) -> None:
    opened = {kind for (kind, _), photo in photos.items() if phone.client.get(f"/api/photos/{photo}/thumb").is_success}
    assert opened == {"worker": {"grid", "home-quarter"}, "police": {"grid", "beat"}}.get(phone.person["roles"][0], {"grid"})


@pytest.fixture(scope="module")
def refused(site: Site) -> dict[str, str]:
    """Something refused in a grid of the township and in one elsewhere; the entries' ids."""
    found = {}
    for whose, grid in GRIDS.items():
        doc = {"_id": new_id("visit"), "_rev": "1-" + "c" * 32, "type": "visit", "address": "3号楼501室"}
        about = {"database": databases.home_quarter_db(grid, QUARTER), "device": "d1", "user": "nobody", "reason": "schema"}
        found[whose] = quarantine.keep(site.couch, doc=doc, fields={}, **about)
    return found


@pytest.mark.parametrize("whose", GRIDS)
def test_what_was_refused_is_decided_about_by_the_table_alone(
    site: Site, phone: Phone, refused: dict[str, str], whose: str
) -> None:
    """Every route of it, at a desk; by a phone's token none opens, whatever the role."""
    id, township = refused[whose], GRIDS[whose][:9]
    may = permissions.may_decide_refused(phone.person, [township])
    kept_out = 403 if not permissions.has_refused_desk(phone.person) else 404
    page = f"/quarantine/{id.partition(':')[2]}"
    routes = [("GET", f"/api/quarantine/{id}"), ("GET", f"/api/quarantine?township={township}"), ("GET", page)]
    routes += [("GET", f"/township/{township}/quarantine"), ("GET", f"{page}/photos/{new_id('photo')}")]
    with site.visit(phone.person["name"]) as desk:
        for method, path in routes:
            expected = {200, 403, 404} - ({200} if not may else {403, 404} if "photos" not in path else {200})
            status = desk.request(method, path).status_code
            assert status in (expected if may else {kept_out}), (method, path)
            assert phone.client.request(method, path).status_code in {401, 303}, path
        for path in (f"/api/quarantine/{id}/adoption", f"/api/quarantine/{id}/dismissal"):
            body = {"reason": " "} if path.endswith("dismissal") else {}
            assert desk.post(path, json=body).status_code == (422 if may else kept_out), path
        opened = desk.post(f"{page}/opening", data={"purpose": "核对"})
        is_read = may and not adoption.readers("home-quarter", "visit").isdisjoint(phone.person["roles"])
        assert ("501室" in opened.text) is is_read
        assert "501室" not in desk.get(page).text + desk.get(f"/api/quarantine/{id}").text


def test_superseded_values_of_a_home_are_the_communitys_alone(site: Site, phone: Phone) -> None:
    """Of every role that a desk knows; by a phone's token it opens to nobody."""
    may = permissions.has_household_reviews(phone.person)
    assert may is (phone.person["roles"] == ["community"])
    entry = f"/households/{GRID_A}/{new_id('household')}/none"
    with site.visit(phone.person["name"]) as desk:
        assert desk.get("/households/reviews").status_code == (200 if may else 404)
        assert phone.client.get("/households/reviews").status_code in {401, 303}
        for what in ("opening", "restoration", "review"):
            assert desk.post(f"{entry}/{what}", data={"purpose": "核对"}).status_code == 404, what
            assert phone.client.post(f"{entry}/{what}", data={"purpose": "核对"}).status_code in {401, 303}, what


def test_household_files_are_read_at_the_desk_by_community_and_triage_alone(site: Site, phone: Phone) -> None:
    """Never by police, who ask in writing, nor by whoever needs no household for what they decide."""
    may = permissions.has_household_desk(phone.person)
    assert may is (phone.person["roles"] in (["community"], ["triage"]))
    with site.visit(phone.person["name"]) as desk:
        assert desk.get("/households").status_code == (200 if may else 404)
        assert phone.client.get("/households").status_code in {401, 303}


@pytest.mark.parametrize("scope", [GRID_A[:9], GRID_ELSEWHERE[:9], GRID_A[:6], "*"])
def test_the_access_log_is_read_by_the_table_alone(site: Site, phone: Phone, scope: str) -> None:
    may = permissions.may_read_audit(phone.person, scope)
    assert not may or phone.person["roles"][0] in {"admin", "triage", "district"}
    assert not may or scope != GRID_ELSEWHERE[:9]
    with site.visit(phone.person["name"]) as desk:
        assert desk.get("/audit", params={"scope": scope}).status_code == (200 if may else 404)
        form = {"scope": scope, "purpose": "核对", "as": "csv"}
        assert desk.post("/audit/export", data=form).status_code == (200 if may else 404)
    assert phone.client.get("/audit", params={"scope": scope}).status_code in {401, 303}


def test_everybody_reads_their_own_notices_and_nobody_anothers(site: Site, phone: Phone) -> None:
    own = notices.notify(site.couch, to=[f"user:{phone.person['name']}"], what="case.urged", subject="x", key=phone.device_id)
    other = notices.notify(site.couch, to=["user:nobody"], what="case.urged", subject="x", key="nobody's")
    with site.visit(phone.person["name"]) as desk:
        assert desk.get("/notices").status_code == 200
        for client in (desk, phone.client):
            shown = [one["id"] for one in client.get("/api/notices").json()["notices"]]
            assert own.partition(":")[2] in shown
            assert other.partition(":")[2] not in shown
            assert client.post(f"/api/notices/{other.partition(':')[2]}/reading").status_code == 404


def test_lists_and_hand_downs_open_by_the_table_alone(site: Site, phone: Phone) -> None:
    """Every route of them, at a desk, for every role; by a phone's token none opens."""
    reads, edits = permissions.may_read_lists(phone.person), permissions.may_edit_lists(phone.person)
    sees = permissions.sees_handdowns(phone.person)
    gets = dict.fromkeys(("/lists/units", "/lists/changes", "/lists/download"), reads)
    gets |= {"/lists/units/new": edits, "/handdowns": sees, "/api/handdowns": sees}
    posts = dict.fromkeys(("/lists/units/entries", "/lists/changes/1/undoing"), edits)
    with site.visit(phone.person["name"]) as desk:
        for path, is_open in gets.items():
            assert desk.get(path).status_code == (200 if is_open else 404), path
            assert phone.client.get(path).status_code in {401, 303}, path
        for path, is_open in posts.items():
            assert desk.post(path, data={"key": "x"}).status_code == (422 if is_open else 404), path
            assert phone.client.post(path, data={"key": "x"}).status_code in {401, 303}, path
        upload = {"file": ("a.xlsx", b"x")}
        assert desk.post("/lists/changes", files=upload).status_code == (422 if edits else 404)
        for path in ("/lists/drafts/a/application", "/lists/drafts/a/discard"):
            assert desk.post(path).status_code == 404, path
        # In the name of a unit that is not theirs nobody hands down, asks, or is told more.
        task = {"unit": "unit:enforcement", "township": GRID_A[:9], "category": "1401", "text": "整治"}
        assert desk.post("/api/handdowns", json=task).status_code == 403
        for path in ("/handdowns", "/admissions"):
            assert desk.post(path, data=task).status_code == (403 if sees else 404), path
        foreign = "/admissions/admission:640105003:0123456789abcdef/decision"
        assert desk.post(foreign, data={"verdict": "approve", "reason": "同意"}).status_code == 404
        assert phone.client.post("/api/handdowns", json=task).status_code == 401


def test_the_calendar_opens_by_the_table_alone(site: Site, phone: Phone) -> None:
    keeps = permissions.may_keep_calendar(phone.person)
    posts = {"/calendar/hours": {"hours": "never"}, "/calendar/2027/return": {"version": "7", "seen": "0"}}
    with site.visit(phone.person["name"]) as desk:
        assert desk.get("/calendar").status_code == (200 if keeps else 404)
        for path, fields in posts.items():
            assert desk.post(path, data=fields).status_code == (422 if keeps else 404), path
        upload = {"file": ("a.xlsx", b"PK\x03\x04")}
        assert desk.post("/calendar/2027", data={"seen": "0"}, files=upload).status_code == (422 if keeps else 404)
    for path in ("/calendar", "/calendar/2027", "/calendar/hours"):
        assert phone.client.get(path).status_code in {401, 303, 405}, path


def test_papers_of_a_case_open_to_whoever_may_see_it_and_letters_to_its_holder(site: Site, phone: Phone) -> None:
    """Of every role, for a case of the own grid and of a foreign one; by a phone's token none opens."""
    for whose, grid in GRIDS.items():
        case = site.make_case(grid=grid)
        event = {"move": "accept"}, {"move": "transfer", "authority": "水务局", "reason": "职权"}
        database = site.couch.database(databases.cases_db(grid[:9]))
        for n, fields in enumerate(event, 1):
            head = {"_id": ids.event_id(case["_id"], f"key-{n:05d}"), "type": "event", "v": 1, "case": case["_id"], "n": n}
            database.put(head | {"at": times.to_text(NOW), "by": "somebody", "party": f"township:{grid[:9]}"} | fields)
        present = store.refold(database, case["_id"])
        assert present is not None
        sees = case_rights.may_see(phone.person, present.case)
        writes = sees and case_rights.may_move(phone.person, "transfer", present.case)
        assert not sees or whose == "own"
        pages = {f"/cases/{case['_id']}/papers": sees, f"/api/cases/{case['_id']}/papers/file.html": sees}
        with site.visit(phone.person["name"]) as desk:
            for path, is_open in pages.items():
                assert desk.get(path).status_code == (200 if is_open else 404), path
                assert phone.client.get(path).status_code in {401, 303}, path
            letter = f"/api/cases/{case['_id']}/papers/transfer"
            for ending in ("html", "pdf") if not writes else ("html",):
                status = desk.get(f"{letter}.{ending}").status_code
                assert status == (200 if writes else 403 if sees else 404), ending
            if sees:
                seal = desk.get(f"/api/cases/{case['_id']}/papers/file.html").headers["x-paper-seal"]
                assert desk.get(f"/papers/{seal}").status_code == 200
                assert phone.client.get(f"/papers/{seal}").status_code in {401, 303}


@pytest.mark.parametrize("whose", GRIDS)
def test_taking_in_at_the_counter_is_for_the_table_alone(site: Site, phone: Phone, whose: str) -> None:
    township = GRIDS[whose][:9]
    may = permissions.may_register(phone.person, township)
    assert may is (whose == "own" and phone.person["roles"][0] in {"triage", "community"})
    with site.visit(phone.person["name"]) as desk:
        for client in (desk, phone.client):
            kept_out = {403, 404} if client is desk else {401, 303}
            for answer in (
                client.get(f"/township/{township}/intake"),
                client.post(f"/township/{township}/intake", data={"x": "1"}),
            ):
                assert answer.status_code in ({200, 422} if may and client is desk else kept_out)


def test_other_systems_are_an_administrators_alone(site: Site, phone: Phone) -> None:
    may = permissions.may_manage_sources(phone.person)
    assert may is (phone.person["roles"] == ["admin"])
    with site.visit(phone.person["name"]) as desk:
        assert desk.get("/sources").status_code == (200 if may else 404)
        for path in ("/sources", "/sources/nobody", "/sources/calls/case:x/retry"):
            assert desk.post(path, data={"id": "?"}).status_code in ({404, 422} if may else {404})
    assert phone.client.get("/sources").status_code in {401, 303}
