"""A phone says that it wants to be pushed to, and that it does not."""

import httpx

from server.push.keys import public_key
from sync.databases import DEVICES
from tests.server.push.push_service import Subscriber
from tests.server.web.site import Site, bearer

PATH = "/api/devices/me/push"


def push_of(site: Site, device: str) -> object:
    return site.couch.database(DEVICES).get(f"device:{device}").get("push")


def test_a_phone_subscribes_changes_its_mind_and_is_forgotten(site: Site, nobody: httpx.Client) -> None:
    phone, first, second = site.enrol("worker1"), Subscriber("https://push.example/1"), Subscriber("https://push.example/2")
    token = bearer(phone["token"])
    assert nobody.get("/api/devices/me", headers=token).json()["push_key"] == public_key("only for tests")
    for one in (first, first, second):
        assert nobody.put(PATH, json=one.body, headers=token).status_code == 204
        assert push_of(site, phone["device_id"]) == one.kept
        assert nobody.get("/api/devices/me", headers=token).json()["push_endpoint"] == one.endpoint, (
            "so that the phone can compare"
        )
    for _ in range(2):
        assert nobody.delete(PATH, headers=token).status_code == 204
        assert push_of(site, phone["device_id"]) is None
        assert nobody.get("/api/devices/me", headers=token).json()["push_endpoint"] == ""


def test_a_revoked_phone_is_subscribed_no_more(site: Site, nobody: httpx.Client) -> None:
    phone = site.enrol("worker2")
    token = bearer(phone["token"])
    assert nobody.put(PATH, json=Subscriber().body, headers=token).status_code == 204
    assert nobody.delete(f"/api/devices/{phone['device_id']}", headers=token).status_code == 204
    assert push_of(site, phone["device_id"]) is None
    assert nobody.put(PATH, json=Subscriber().body, headers=token).status_code == 401


def test_nonsense_is_refused_and_nothing_of_it_kept(site: Site, nobody: httpx.Client) -> None:
    phone = site.enrol("police1")
    token = bearer(phone["token"])
    for wrong in (
        {"endpoint": "http://127.0.0.1/"},
        {"endpoint": "https://x/" + "x" * 5000},
        {"keys": {"p256dh": "x", "auth": "y"}},
    ):
        answer = nobody.put(PATH, json=Subscriber().body | wrong, headers=token)
        assert answer.status_code in {400, 422}, answer.text
    assert nobody.put(PATH, content=b"x" * 10, headers=token | {"Content-Type": "application/json"}).status_code in {400, 422}
    assert push_of(site, phone["device_id"]) is None
