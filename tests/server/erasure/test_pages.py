"""The desk's pages of an erasure: what goes and stays is said first, the name is typed, and the result has a number."""

import re

import pytest

from server.erasure import carrying, store
from sync.databases import PEOPLE
from tests.conftest import GRID_A
from tests.server.erasure import world as worlds
from tests.server.erasure.world import NOW, WORD, World
from tests.server.web.site import HTML, HTMX, Site, make_people
from tests.server.web.test_households import text_of


@pytest.fixture
def world(site: Site) -> World:
    made = worlds.make(site.couch)
    if site.couch.database(PEOPLE).find("user:worker1") is None:
        make_people(site.couch)
    return made


def test_a_clerk_erases_a_household_and_gets_a_receipt(site: Site, world: World) -> None:
    path = f"/households/{GRID_A}/{world.household}"
    with site.visit("community1") as clerk:
        assert f'action="{path}/erasure"' in clerk.get(path, headers=HTML).text
        form = clerk.get(f"{path}/erasure", headers=HTML).text
        words = text_of(form)
        assert "走访 2" in words
        assert "案件照常办理" in words
        key = re.findall(r'name="key" value="([^"]+)"', form)[0]
        asked = {"of": world.household, "key": key, "basis": "asked_for", "note": "申请 12 号", "typed": WORD}
        wrong = clerk.post(f"{path}/erasure", data=asked, headers=HTML)
        assert (wrong.status_code, "没有删除任何东西" in wrong.text) == (422, True)
        assert list(store.everything(site.couch, "")) == []
        answer = clerk.post(f"{path}/erasure", data=asked | {"typed": f"{WORD}家"}, headers=HTML)
        assert answer.status_code == 303
        page = clerk.get(answer.headers["location"], headers=HTML).text
        assert "正在删除" in page
        assert 'hx-trigger="every 2s"' in page
        for doc in carrying.due(site.couch, NOW):
            carrying.carry_out(site.couch, doc, NOW)
        part = clerk.get(answer.headers["location"], headers=HTMX).text
        assert "hx-trigger" not in part
        assert "住户档案 1" in text_of(part)
        [doc] = store.everything(site.couch, "erasure:")
        listed = clerk.get("/erasures", headers=HTML).text
        assert doc["number"] in listed
        assert WORD not in page + part + listed
        assert clerk.get(path, headers=HTML).status_code == 404


def test_a_member_is_erased_by_name_and_texts_that_tell_it_are_counted(site: Site, world: World) -> None:
    path = f"/households/{GRID_A}/{world.household}/erasure"
    with site.visit("community1") as clerk:
        page = text_of(clerk.get(path, params={"of": world.member}, headers=HTML).text)
        assert f"有 3 处写到“{WORD}”" in page or f"有 2 处写到“{WORD}”" in page
        assert "联系人姓名和电话" in page


def test_a_township_reads_the_file_and_is_offered_no_erasure(site: Site, world: World) -> None:
    path = f"/households/{GRID_A}/{world.household}"
    with site.visit("triage1") as triage:
        assert "/erasure" not in triage.get(path, headers=HTML).text
        assert triage.get(f"{path}/erasure", headers=HTML).status_code == 404
        assert triage.get("/erasures", headers=HTML).status_code == 404
