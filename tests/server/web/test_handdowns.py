"""Hand-downs at the desk and by API: who sees them, the refusal with its code, the counts, the way from request to approval."""

from datetime import UTC, datetime

import pytest

from server import reference
from server.demo import district
from server.domain import lists
from server.domain.list_versions import Version
from server.lists import seeds, store
from server.people import accounts
from sync import databases
from tests.server.web.site import PASSWORD, TOWNSHIP, Site

BODY = {"unit": "unit:enforcement", "township": TOWNSHIP, "category": "1401", "text": "早市占道整治"}


@pytest.fixture(scope="module", autouse=True)
def prepared(site: Site) -> None:
    reference.write(site.couch, [doc for doc in district.documents() if doc["type"] == "township"])
    body = lists.Admission(item="市容整治", categories=["14"], area=TOWNSHIP, from_unit="unit:enforcement")
    seeds.seed(site.couch, datetime.now(UTC), [Version("admission", "z-01", 0, "2026-01-01", None, body)])
    more = [("dept1", "department", {"units": ["unit:enforcement"]}), ("admin", "admin", {}), ("city1", "city", {})]
    accounts.save_all(site.couch, [accounts.make(n, [r], {"zh-CN": n, "en": n}, PASSWORD, **held) for n, r, held in more])


@pytest.fixture(autouse=True)
def nothing_yet(site: Site) -> None:
    site.couch.delete(databases.HANDDOWNS)
    for couch in list(store._SEEN):
        store.forget(couch)


def test_departments_townships_and_above_see_the_page_and_nobody_else(site: Site) -> None:
    seers = {"dept1", "triage1", "district1", "city1", "admin"}
    for name in ("worker1", "police1", "community1", *sorted(seers)):
        with site.visit(name) as client:
            for path in ("/handdowns", "/api/handdowns"):
                assert client.get(path).status_code == (200 if name in seers else 404), (name, path)
            if name != "dept1":
                expected = 403 if name in seers else 404
                assert client.post("/handdowns", data=BODY).status_code == expected, name
                assert client.post("/admissions", data={"unit": "unit:enforcement"}).status_code == expected, name
                assert client.post("/api/handdowns", json=BODY).status_code == 403, name


def test_a_district_looks_on_in_its_own_townships_alone(site: Site) -> None:
    for name, township in (("own", TOWNSHIP), ("other", "640106001")):
        account = accounts.make(f"district-{name}", ["district"], {"zh-CN": name, "en": name}, PASSWORD, townships=[township])
        accounts.save_all(site.couch, [account])
    with site.visit("dept1") as dept:
        assert dept.post("/api/handdowns", json=BODY).status_code == 201
    with site.visit("district-own") as own, site.visit("district-other") as other:
        assert [one["unit"] for one in own.get("/api/handdowns").json()["units"]] == ["unit:enforcement"]
        assert other.get("/api/handdowns").json() == {"units": []}


def test_the_api_hands_down_once_and_names_the_rule_when_it_refuses(site: Site) -> None:
    with site.visit("dept1") as client:
        made = [client.post("/api/handdowns", json=BODY, headers={"Idempotency-Key": "0123456789"}) for _ in range(2)]
        assert [answer.status_code for answer in made] == [201, 201]
        assert made[0].json() == made[1].json()
        assert made[0].json()["entry"] == "entry:admission:z-01"
        refused = client.post("/api/handdowns", json=BODY | {"category": "0103"})
        assert refused.headers["content-type"] == "application/problem+json"
        assert (refused.status_code, refused.json()["code"]) == (403, "not_admitted")
        assert client.get("/api/handdowns").json() == {"units": [{"unit": "unit:enforcement", "admitted": 1, "refused": 1}]}
        assert client.post("/api/handdowns", json=BODY | {"text": ""}).json()["fields"] == {"text": "required"}
    with site.visit("triage1") as triage:
        page = triage.get(f"/cases/{made[0].json()['case']}", headers={"Accept": "text/html"})
        assert page.status_code == 200
        assert "部门交办" in page.text


def test_the_page_refuses_in_words_and_keeps_what_was_typed(site: Site) -> None:
    with site.visit("dept1") as client:
        page = client.post("/handdowns", data=BODY | {"category": "0103", "text": "修一下路灯"})
        assert page.status_code == 403
        assert "交办事项准入制度" in page.text
        assert "修一下路灯" in page.text
        done = client.post("/handdowns", data=BODY)
        assert done.status_code == 303
        assert "entry:admission:z-01" in client.get(done.headers["location"]).text


def test_a_request_goes_from_the_department_to_the_township_and_back_as_an_admission(site: Site) -> None:
    asked = {
        "unit": "unit:enforcement",
        "township": TOWNSHIP,
        "item": "消防通道检查",
        "categories": "3101、3104",
        "reason": "冬防",
    }
    with site.visit("dept1") as department, site.visit("triage1") as triage, site.visit("triage2") as elsewhere:
        wrong = department.post("/admissions", data=asked | {"valid_from": "2026-11-27", "valid_to": ""})
        assert (wrong.status_code, "冬防" in wrong.text) == (422, True)
        sent = department.post("/admissions", data=asked | {"valid_from": "2026-01-01", "valid_to": "2099-12-31"})
        assert sent.status_code == 303
        assert "消防通道检查" in triage.get("/handdowns").text
        assert "消防通道检查" not in elsewhere.get("/handdowns").text
        id = triage.get("/handdowns").text.partition('action="/admissions/')[2].partition("/decision")[0]
        verdict = {"verdict": "approve", "reason": "同意"}
        assert elsewhere.post(f"/admissions/{id}/decision", data=verdict).status_code == 404
        assert triage.post(f"/admissions/{id}/decision", data=verdict | {"reason": ""}).status_code == 422
        assert triage.post(f"/admissions/{id}/decision", data=verdict).status_code == 303
        assert triage.post(f"/admissions/{id}/decision", data=verdict).status_code == 409
        answer = department.post("/api/handdowns", json=BODY | {"category": "3101"})
        assert (answer.status_code, answer.json()["entry"].startswith("entry:admission:a-")) == (201, True)
