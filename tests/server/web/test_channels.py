"""Channels are an administrator's, their addresses are never shown again, and what was given up can be tried once more."""

from collections.abc import Iterator

import httpx
import pytest

from server.notices import outside
from server.people import accounts
from sync.databases import NOTICES
from tests.server.web.site import HTML, PASSWORD, Site

FORM = {"name": "值班群", "url": "dingtalk://topsecrettoken", "parties": "township:640105002, unit:water", "least": "urgent"}


@pytest.fixture(scope="module")
def admin(site: Site) -> Iterator[httpx.Client]:
    accounts.save_all(site.couch, [accounts.make("admin", ["admin"], {"zh-CN": "管理员", "en": "Admin"}, PASSWORD)])
    with site.visit("admin") as client:
        yield client


@pytest.fixture(autouse=True)
def empty(site: Site) -> None:
    site.couch.delete(NOTICES)


def test_an_address_is_written_and_never_shown(site: Site, admin: httpx.Client) -> None:
    assert admin.post("/channels", data=FORM | {"quiet_from": "22:00", "quiet_to": "07:00"}).status_code == 303
    page = admin.get("/channels", headers=HTML).text
    assert "值班群" in page and "unit:water" in page and "22:00" in page
    assert "topsecret" not in page
    [channel] = outside.channels_of(site.couch)
    assert channel["url"] == FORM["url"]


def test_what_is_wrong_is_named_and_the_address_is_not_given_back(site: Site, admin: httpx.Client) -> None:
    answer = admin.post("/channels", data=FORM | {"parties": "everybody", "digest_at": "25:00"}, headers=HTML)
    assert answer.status_code == 422
    assert "接收方" in answer.text and "topsecret" not in answer.text
    assert outside.channels_of(site.couch) == []


def test_a_changed_channel_keeps_its_address_unless_it_is_given_another(site: Site, admin: httpx.Client) -> None:
    admin.post("/channels", data=FORM)
    id = outside.channels_of(site.couch)[0]["_id"].partition(":")[2]
    form = admin.get("/channels", params={"edit": id}, headers=HTML).text
    assert "township:640105002 unit:water" in form and "topsecret" not in form
    assert admin.post(f"/channels/{id}", data=FORM | {"name": "夜班群", "url": ""}).status_code == 303
    [kept] = outside.channels_of(site.couch)
    assert (kept["name"], kept["url"]) == ("夜班群", FORM["url"])
    assert admin.post(f"/channels/{id}", data=FORM | {"url": "dingtalk://another"}).status_code == 303
    assert outside.channels_of(site.couch)[0]["url"] == "dingtalk://another"
    wrong = admin.post(f"/channels/{id}", data=FORM | {"parties": "everybody"}, headers=HTML)
    assert wrong.status_code == 422 and f'action="/channels/{id}"' in wrong.text
    assert admin.post("/channels/nobody", data=FORM).status_code == 404


def test_a_removed_channel_is_gone_with_its_secret(site: Site, admin: httpx.Client) -> None:
    admin.post("/channels", data=FORM)
    [channel] = outside.channels_of(site.couch)
    id = channel["_id"].partition(":")[2]
    assert admin.post(f"/channels/{id}/removal", data={"id": id}).status_code == 303
    assert outside.channels_of(site.couch) == []
    assert admin.post(f"/channels/{id}/removal", data={"id": id}).status_code == 404


def test_nobody_else_sees_that_there_are_channels(site: Site, triage: httpx.Client) -> None:
    assert triage.get("/channels", headers=HTML).status_code == 404
    assert triage.post("/channels", data=FORM).status_code == 404
    assert triage.post("/channels/1", data=FORM).status_code == 404
    assert triage.post("/channels/deliveries/1/retry", data={"id": "1"}).status_code == 404
