"""The pages for somebody who called and wants a copy, or to be erased: said first, confirmed, told of afterwards."""

import re
from typing import Any

import httpx
import pytest

from server.cases.callers import Caller
from server.erasure import caller_asking, carrying
from sync.databases import ERASURES
from tests.conftest import GRID_A
from tests.server.erasure.world import NOW
from tests.server.sources.conftest import make_places, make_source
from tests.server.web.site import HTML, HTMX, TOWNSHIP, Site
from tests.server.web.test_households import text_of
from tests.server.web.test_open311 import report

NAME, PHONE = "欧阳建国", "13800004712"
JSON = {"Accept": "application/json"}


@pytest.fixture
def case(site: Site) -> dict[str, Any]:
    return site.make_case(grid=GRID_A, text=f"{NAME}反映路灯不亮", caller=Caller(NAME, PHONE))


def path_of(case: dict[str, Any]) -> str:
    return f"/cases/{case['_id']}/caller"


def erase(clerk: httpx.Client, case: dict[str, Any], **changes: str) -> httpx.Response:
    given = {"basis": "asked_for", "note": "申请 12 号", "typed": case["case_no"]} | changes
    return clerk.post(f"{path_of(case)}/erasure", data=given, headers=HTML)


def carry_out(site: Site) -> None:
    for doc in carrying.due(site.couch, NOW):
        carrying.carry_out(site.couch, doc, NOW)


def test_a_clerk_sees_what_goes_and_stays_types_the_number_and_the_case_says_it(site: Site, case: dict[str, Any]) -> None:
    with site.visit("triage1") as clerk:
        assert f'href="{path_of(case)}/erasure"' in clerk.get(f"/cases/{case['_id']}", headers=HTML).text
        form = clerk.get(f"{path_of(case)}/erasure", headers=HTML).text
        assert "有 1 处文字写到来电人的姓名或电话" in text_of(form)
        assert NAME not in form, "looking at what would go is no reading"
        wrong = erase(clerk, case, typed="别的")
        assert (wrong.status_code, "没有删除任何东西" in wrong.text, "申请 12 号" in wrong.text) == (422, True, True)
        assert erase(clerk, case, basis="").status_code == 422
        assert caller_asking.find(site.couch, case) is None
        answer = erase(clerk, case)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/cases/{case['_id']}")
        assert erase(clerk, case).status_code == 303, "posted twice"
        page = clerk.get(f"/cases/{case['_id']}", headers=HTML).text
        doc = caller_asking.find(site.couch, case)
        assert doc is not None
        assert "起依法永久删除，正在进行" in page
        assert f"{doc['number']} · 正在删除" in text_of(page)
        assert "公开来电人" not in page
        assert f"{path_of(case)}/export" not in page
        carry_out(site)
        assert "依法永久删除，正在" not in clerk.get(f"/cases/{case['_id']}", headers=HTML).text
        english = clerk.get(f"/cases/{case['_id']}?lang=en", headers=HTML).text
        assert "identity was erased for ever" in english
        assert f"{doc['number']} · Erased" in text_of(english)
        assert PHONE not in page + english
        assert clerk.get(f"/api/cases/{case['_id']}").json()["has_caller"] is True


def test_reading_and_copying_what_was_erased_is_a_clear_problem(site: Site, case: dict[str, Any]) -> None:
    with site.visit("triage1") as clerk:
        erase(clerk, case)
        for way in ("", "/export"):
            answer = clerk.post(f"{path_of(case)}{way}", data={"purpose": "回访"}, headers=JSON)
            assert (answer.status_code, answer.json()["code"]) == (410, "caller_erased")
            assert "永久删除" in answer.json()["detail"]
        assert clerk.get(f"{path_of(case)}/erasure", headers=HTML).status_code == 410
        assert clerk.post(path_of(case), data={"purpose": "回访"}, headers=HTMX).status_code == 410


def test_a_copy_is_a_file_for_a_purpose_and_nothing_without_one(site: Site, case: dict[str, Any]) -> None:
    with site.visit("triage1") as clerk:
        without = clerk.post(f"{path_of(case)}/export", data={"purpose": " "}, headers=HTML)
        assert (without.status_code, PHONE in without.text) == (422, False)
        answer = clerk.post(f"{path_of(case)}/export", data={"purpose": "本人申请"}, headers=HTML)
        assert "attachment" in answer.headers["content-disposition"]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json()["caller"]["phone"] == PHONE
        asked = {"scope": TOWNSHIP, "subject": case["case_no"], "action": "caller.export"}
        found = clerk.get("/audit", params=asked, headers=HTML)
        assert "本人申请" in found.text


def test_it_is_searched_in_the_log_by_the_case_and_listed_beside_the_households(site: Site, case: dict[str, Any]) -> None:
    with site.visit("community1") as clerk, site.visit("triage1") as triage:
        assert erase(clerk, case).status_code == 303
        carry_out(site)
        doc = caller_asking.find(site.couch, case)
        assert doc is not None
        listed = clerk.get("/erasures", headers=HTML).text
        assert f'href="/cases/{case["_id"]}"' in listed
        assert "来电人身份信息" in listed
        own = clerk.get(f"/erasures/{doc['_id']}", headers=HTML).text
        assert "来电人身份信息 1" in text_of(own)
        assert case["case_no"] in own
        assert NAME not in listed + own
        assert f'href="/erasures/{doc["_id"]}"' in clerk.get(f"/cases/{case['_id']}", headers=HTML).text
        assert triage.get("/erasures", headers=HTML).status_code == 404
        assert f'href="/erasures/{doc["_id"]}"' not in triage.get(f"/cases/{case['_id']}", headers=HTML).text
        for subject in (case["_id"], case["case_no"]):
            asked = {"scope": TOWNSHIP, "subject": subject, "action": "caller.erase"}
            found = triage.get("/audit", params=asked, headers=HTML).text
            assert re.search(r"永久删除来电人信息.*要求删除", text_of(found))


def test_somebody_elses_township_and_whoever_only_looks_erase_nothing(site: Site, case: dict[str, Any]) -> None:
    with site.visit("triage2") as other, site.visit("worker1") as worker:
        assert erase(other, case).status_code == 404
        assert erase(worker, case).status_code == 404
    assert caller_asking.find(site.couch, case) is None


def test_what_was_asked_for_is_known_outside_the_store_before_the_answer(site: Site, case: dict[str, Any]) -> None:
    other = site.make_case(grid=GRID_A, caller=Caller("别人", None))
    with site.visit("triage1") as clerk:
        erase(clerk, case)
        site.couch.delete(ERASURES)
        assert caller_asking.find(site.couch, case) is None
        erase(clerk, other)
    assert caller_asking.find(site.couch, case), "the register told the store what it had lost"


def test_a_citizen_is_erased_like_a_caller_and_telling_it_again_is_the_same_request(site: Site) -> None:
    make_places(site.couch)
    key = make_source(site.couch, "citizens", "open311", name="我的城市")[1].api_key
    told = {"first_name": "建国", "last_name": "欧阳", "phone": PHONE}
    with site.visit() as citizen, site.visit("triage1") as clerk:
        first = report(citizen, key, key="app-000001", **told)
        assert first.status_code == 201
        number = first.json()[0]["service_request_id"]
        theirs = clerk.get(f"/api/cases/case:{number}").json() | {"_id": f"case:{number}"}
        assert erase(clerk, theirs).status_code == 303
        carry_out(site)
        again = report(citizen, key, key="app-000001", **told)
        assert (again.status_code, again.json()[0]["service_request_id"]) == (200, number)
    assert site.couch.database(f"cases-{TOWNSHIP}").find(f"caller:{number}") is None
    rows = [row for name in ("sources", f"cases-{TOWNSHIP}") for row in site.couch.database(name).changes(None, 999).results]
    texts = [str(row["doc"]) for row in rows if number in str(row["doc"])]
    assert len(texts) > 2
    assert not [text for text in texts if "建国" in text or PHONE in text]
