"""A campaign at the desk: sent to grids, counted by grids, its answers in files without names of people."""

import io
import re
from collections.abc import Iterator

import httpx
import openpyxl
import pytest

from server.cases import campaigns
from server.domain import campaigns as rules
from server.people import accounts
from tests.conftest import COMMUNITY, GRID_A
from tests.records import AT, taskreply
from tests.server.web.site import HTML, PASSWORD, Site

TOWNSHIP = GRID_A[:9]
FORM = {"text": "冬季消防检查", "questions": "灭火器几个 | 数字 | 必填\n通道畅通 | 是否", "grids": GRID_A, "days": "7"}


@pytest.fixture
def triage(site: Site) -> Iterator[httpx.Client]:
    with site.visit("triage1") as client:
        yield client


def sent(site: Site, triage: httpx.Client) -> str:
    answer = triage.post("/campaigns", data=FORM)
    assert answer.status_code == 303
    return str(answer.headers["location"])


def answered(site: Site, path: str) -> None:
    campaign = campaigns.load(site.couch, TOWNSHIP, path.rpartition("/")[2])
    task = rules.task_id(campaign, GRID_A)
    campaigns.keep_answer(site.couch, campaign["_id"], taskreply(task, text="=1+1", answers={"q1": "3", "q2": "yes"}), AT)


def test_it_is_sent_and_counted_by_grids(site: Site, triage: httpx.Client) -> None:
    path = sent(site, triage)
    answered(site, path)
    page = triage.get(path, headers=HTML).text
    assert "1 / 1" in page and "灭火器几个" in page and "<td>3</td>" in page and "<td>是</td>" in page
    assert "worker1" not in page
    assert "冬季消防检查" in triage.get("/campaigns", headers=HTML).text


def test_it_is_not_for_a_clerk_of_another_township_who_works_in_one_of_its_communities_too(
    site: Site, triage: httpx.Client
) -> None:
    held = {"townships": ["640105003"], "communities": [COMMUNITY]}
    accounts.save_all(site.couch, [accounts.make("both", ["triage", "community"], {"zh-CN": "b", "en": "b"}, PASSWORD, **held)])
    path = sent(site, triage)
    with site.visit("both") as client:
        assert client.get(path).status_code == 404
        assert path not in client.get("/campaigns", headers=HTML).text


def test_its_answers_come_as_files_without_names_of_people_and_without_formulas(site: Site, triage: httpx.Client) -> None:
    path = sent(site, triage)
    answered(site, path)
    book = openpyxl.load_workbook(io.BytesIO(triage.get(f"{path}/answers.xlsx").content))
    head, row = list(book.worksheets[0].iter_rows(values_only=True))
    assert head[4:] == ("灭火器几个", "通道畅通")
    assert row[2:] == ("已完成", "=1+1", "3", "是")
    csv = triage.get(f"{path}/answers.csv").content.decode("utf-8-sig")
    assert "'=1+1" in csv and "worker1" not in csv


def test_what_is_wrong_is_named_and_what_was_typed_stays(site: Site, triage: httpx.Client) -> None:
    answer = triage.post("/campaigns", data=FORM | {"grids": "", "text": "检查"}, headers=HTML)
    assert answer.status_code == 422
    assert "检查</textarea>" in answer.text


def test_it_is_ended_and_says_so(site: Site, triage: httpx.Client) -> None:
    path = sent(site, triage)
    assert triage.post(f"{path}/end", data={"id": "x"}).status_code == 303
    assert "已结束" in triage.get(path, headers=HTML).text


@pytest.mark.parametrize("name", ["worker1", "community1"])
def test_nobody_but_the_township_sees_campaigns(site: Site, triage: httpx.Client, name: str) -> None:
    path = sent(site, triage)
    with site.visit(name) as other:
        assert {other.get(path, headers=HTML).status_code, other.get(f"{path}/answers.csv").status_code} == {404}


def test_a_refused_campaign_names_each_wrong_field_and_says_what_is_wrong_beside_it(triage: httpx.Client) -> None:
    nowhere = triage.post("/campaigns", data=FORM | {"grids": "", "days": "0"}, headers=HTML)
    assert nowhere.status_code == 422
    assert "请检查：网格、完成天数<" in nowhere.text
    assert re.search(r'name="grids"[^>]*aria-invalid="true" aria-describedby="w-grids"', nowhere.text)
    assert "请勾选社区/村，或填写网格编码。" in nowhere.text
    strange = triage.post("/campaigns?lang=en", data=FORM | {"grids": "640199009001001", "text": ""}, headers=HTML).text
    assert "Please check: What to do, Grids<" in strange
    assert "Not every code is a grid of this township" in strange
