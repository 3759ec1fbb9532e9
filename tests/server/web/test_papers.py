"""Papers through the server: who gets which, what the log and the store keep of it, and verifying one by its seal."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from media import store as media_store
from media.derive import derive
from media.inspect import read_facts
from server import audit
from server.lists.proposals import propose_for
from server.papers import seal
from server.people import accounts
from sync.databases import cases_db, grid_db, media_db, month_at, quarter_at
from tests.conftest import GRID_A
from tests.media.photographs import as_bytes, scene
from tests.records import new_id
from tests.records import photo as photo_record
from tests.server.web.site import HTML, PASSWORD, TOWNSHIP, Site

Case = dict[str, Any]
# A press has its time limit; a busy machine may need most of it.
PRESS_S = 150


@pytest.fixture(scope="module", autouse=True)
def units(site: Site) -> None:
    """A unit with one member, and the district's own people."""
    site.couch.database("ref", create=True).put({"_id": "unit:road", "name": {"zh-CN": "市政养护所", "en": "Road team"}})
    member = accounts.make("road1", ["department"], {"zh-CN": "养护所", "en": "Road"}, PASSWORD, units=["unit:road"])
    site.couch.database("ref").put({"_id": f"township:{TOWNSHIP}", "code": TOWNSHIP, "name": {"zh-CN": "北京西路街道"}})
    accounts.save_all(site.couch, [member])


def make_photo(site: Site, of: str) -> str:
    """A photo of a report, that arrived and has its sizes."""
    photo, data, media = new_id("photo"), as_bytes(scene(400, 300), "JPEG"), site.couch.database(media_db(TOWNSHIP), create=True)
    arrival = media_store.Arrival(
        photo=photo,
        role="sent",
        database=grid_db(GRID_A, quarter_at(datetime.now(UTC))),
        device="d1",
        author="worker1",
        sha256=hashlib.sha256(data).hexdigest(),
        content_type="image/jpeg",
        facts=read_facts(data),
        received_at=datetime.now(UTC),
    )
    record = photo_record({"sent": arrival.sha256}, photo, of=of)
    site.couch.database(arrival.database, create=True).put(record)
    media_store.save_upload(media, arrival, data)
    media_store.save_sizes(media, photo, derive(data))
    return photo


@pytest.fixture
def dispatched(site: Site, triage: httpx.Client) -> Case:
    """A case with a photo, dispatched to the road team by the township."""
    report = new_id("report")
    case = site.make_case(_id=report, photos=[make_photo(site, report)])
    for move in ({"move": "accept"}, {"move": "dispatch", "unit": "unit:road", "reason": "市政设施"}):
        answer = triage.post(f"/api/cases/{case['_id']}/events", json=move)
        assert answer.status_code == 201, answer.text
    return case


def paper(client: httpx.Client, case: Case, kind: str, ending: str = "html", **query: str) -> httpx.Response:
    return client.get(f"/api/cases/{case['_id']}/papers/{kind}.{ending}", params=query, timeout=PRESS_S)


def test_the_page_offers_what_there_is_and_shows_the_chosen_one(triage: httpx.Client, dispatched: Case) -> None:
    assert f"/cases/{dispatched['_id']}/papers" in triage.get(f"/cases/{dispatched['_id']}", headers=HTML).text
    page = triage.get(f"/cases/{dispatched['_id']}/papers", headers=HTML).text
    assert "案件派遣单" in page
    assert "案卷" in page
    assert "移送函</b>" not in page
    assert "<iframe" not in page
    number = f"{dispatched['case_no']}-PQ1"
    chosen = triage.get(f"/cases/{dispatched['_id']}/papers", params={"paper": number}, headers=HTML).text
    assert f'<iframe class="paper-frame" src="/api/cases/{dispatched["_id"]}/papers/dispatch.html?' in chosen


def test_a_paper_comes_as_pdf_and_as_a_page_that_needs_nothing_else(triage: httpx.Client, dispatched: Case) -> None:
    pdf = paper(triage, dispatched, "dispatch", "pdf")
    assert (pdf.status_code, pdf.headers["content-type"]) == (200, "application/pdf")
    assert pdf.content.startswith(b"%PDF-")
    page = paper(triage, dispatched, "dispatch")
    assert pdf.headers["x-paper-seal"] == page.headers["x-paper-seal"]
    assert "市政养护所" in page.text
    assert "data:image/jpeg;base64," in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy


def test_the_basis_is_named_by_what_the_list_says(triage: httpx.Client, site: Site) -> None:
    case = site.make_case(category="0102")
    found = propose_for(site.couch, case, datetime.now(UTC))
    site.couch.database("ref").put({"_id": found.primary, "name": {"zh-CN": "市政所"}})
    for move in ({"move": "accept"}, {"move": "dispatch", "unit": found.primary, "entry": found.entry_id}):
        assert triage.post(f"/api/cases/{case['_id']}/events", json=move).status_code == 201
    assert "井盖" in paper(triage, case, "dispatch").text.partition("派遣依据")[2].partition("</tr>")[0]


def test_each_making_is_logged_and_the_paper_kept_once(site: Site, triage: httpx.Client, dispatched: Case) -> None:
    value = [paper(triage, dispatched, "file").headers["x-paper-seal"] for _ in range(2)]
    assert value[0] == value[1]
    kept = site.couch.database(cases_db(TOWNSHIP)).get(seal.paper_id(value[0]))
    assert (kept["made_by"], kept["case"]) == ("triage1", dispatched["_id"])
    assert seal.seal_of(kept["statement"]) == value[0]
    entries = audit.read(site.couch, month_at(datetime.now(UTC)), 1000)
    made = [one for one in entries if one["action"] == "paper.make" and one["facts"]["seal"] == value[0]]
    assert len(made) == 2
    assert {one["subject"] for one in made} == {dispatched["_id"]}


def test_letters_are_the_holders_and_the_file_is_for_all_who_see_the_case(site: Site, dispatched: Case) -> None:
    seen = {"triage1": (200, 200), "road1": (403, 200), "triage2": (404, 404), "worker1": (404, 404), "community1": (403, 200)}
    for name, expected in seen.items():
        with site.visit(name) as client:
            assert tuple(paper(client, dispatched, kind).status_code for kind in ("dispatch", "file")) == expected, name
    with site.visit() as nobody:
        assert paper(nobody, dispatched, "file").status_code == 401


def test_the_units_file_shows_the_photos_of_its_case(site: Site, dispatched: Case) -> None:
    with site.visit("road1") as client:
        assert "data:image/jpeg;base64," in paper(client, dispatched, "file").text


def test_a_photo_of_another_case_is_not_printed_for_whoever_names_it(site: Site, dispatched: Case) -> None:
    foreign = make_photo(site, new_id("report"))
    with site.visit("road1") as client:
        for move in ({"move": "start"}, {"move": "answer", "result": "已修", "photos": [foreign]}):
            assert client.post(f"/api/cases/{dispatched['_id']}/events", json=move).status_code in {201, 422}
        assert paper(client, dispatched, "file").text.count("data:image/jpeg;base64,") == 1


def test_there_is_no_letter_of_what_did_not_happen(triage: httpx.Client, dispatched: Case) -> None:
    for kind in ("return", "transfer", "refusal", "poem"):
        assert paper(triage, dispatched, kind).status_code == 404
    assert paper(triage, dispatched, "dispatch", event="event:none").status_code == 404


def test_verifying_agrees_until_something_was_changed(site: Site, triage: httpx.Client, dispatched: Case) -> None:
    value = paper(triage, dispatched, "dispatch").headers["x-paper-seal"]
    found = triage.get(f"/api/papers/{value}").json()
    assert (found["agrees"], found["differs"], found["later"]) == (True, [], 0)
    assert set(found["photos"].values()) == {"same"}
    assert "相符：" in triage.get(f"/papers/{value}", headers=HTML).text
    # What comes after does not make it wrong.
    assert triage.post(f"/api/cases/{dispatched['_id']}/events", json={"move": "urge", "text": "请加快"}).status_code == 201
    assert (triage.get(f"/api/papers/{value}").json()["agrees"], triage.get(f"/api/papers/{value}").json()["later"]) == (True, 1)
    change_event(site, dispatched, "dispatch", reason="别的理由")
    found = triage.get(f"/api/papers/{value}").json()
    assert (found["agrees"], found["differs"]) == (False, ["reason"])
    assert "不相符" in triage.get(f"/papers/{value}", headers=HTML).text


def test_verifying_finds_a_photo_whose_file_was_exchanged(site: Site, triage: httpx.Client, dispatched: Case) -> None:
    value = paper(triage, dispatched, "dispatch").headers["x-paper-seal"]
    photo, media = dispatched["photos"][0], site.couch.database(media_db(TOWNSHIP))
    media.attach(photo, media.get(photo)["_rev"], "sent", as_bytes(scene(401, 301), "JPEG"), "image/jpeg")
    found = triage.get(f"/api/papers/{value}").json()
    assert (found["agrees"], found["photos"]) == (False, {photo: "changed"})
    assert "原文件已变" in triage.get(f"/papers/{value}", headers=HTML).text


def test_verifying_finds_that_the_kept_paper_was_changed(site: Site, triage: httpx.Client, dispatched: Case) -> None:
    value = paper(triage, dispatched, "dispatch").headers["x-paper-seal"]
    database = site.couch.database(cases_db(TOWNSHIP))
    kept = database.get(seal.paper_id(value))
    kept["statement"]["facts"]["unit"] = "别的单位"
    database.put(kept)
    assert triage.get(f"/api/papers/{value}").json()["is_sealed"] is False
    assert "封存值不符" in triage.get(f"/papers/{value}", headers=HTML).text


def test_a_seal_opens_to_those_who_may_see_the_case_alone(site: Site, triage: httpx.Client, dispatched: Case) -> None:
    value = paper(triage, dispatched, "file").headers["x-paper-seal"]
    for name, expected in {"road1": 200, "community1": 200, "triage2": 404, "worker1": 404}.items():
        with site.visit(name) as client:
            assert client.get(f"/papers/{value}", headers=HTML).status_code == expected, name
            assert client.get(f"/api/papers/{value}").status_code == expected, name
    for odd in ("0" * 64, "x", "caller:1"):
        assert triage.get(f"/api/papers/{odd}").status_code == 404


def change_event(site: Site, case: Case, move: str, **fields: str) -> None:
    """What nobody may do: an event written over, and the case made of it again."""
    database = site.couch.database(cases_db(TOWNSHIP))
    prefix = f"event:{case['_id'].partition(':')[2]}:"
    event = next(one for one in database.range(prefix, prefix + "\ufff0", 50) if one["move"] == move)
    database.put(event | fields)
