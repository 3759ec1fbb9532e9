"""Signing in and out at the desk, and what a browser is told to do with the session."""

import httpx
import pytest

from server.web.session_routes import is_own_path
from tests.server.web.site import HTML, LIST, PASSWORD, Site


def test_a_session_cookie_is_out_of_reach_of_scripts_and_other_sites(nobody: httpx.Client) -> None:
    answer = nobody.post("/api/session", json={"username": "triage1", "password": PASSWORD})
    assert answer.status_code == 204
    flags = answer.headers["set-cookie"].lower()
    assert "httponly" in flags
    assert "samesite=lax" in flags


def test_the_cookie_is_secure_except_on_plain_loopback(nobody: httpx.Client) -> None:
    credentials = {"username": "triage1", "password": PASSWORD}
    assert "secure" not in nobody.post("/api/session", json=credentials).headers["set-cookie"].lower()
    elsewhere = nobody.post("/api/session", json=credentials, headers={"Host": "xunge.example"})
    assert "secure" in elsewhere.headers["set-cookie"].lower()


def test_a_wrong_password_and_an_unknown_name_are_told_alike(nobody: httpx.Client) -> None:
    answers = [nobody.post("/api/session", json={"username": name, "password": "wrong"}) for name in ("triage2", "nobody9")]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json()["detail"] == answers[1].json()["detail"] == "用户名或密码不正确。"
    assert "set-cookie" not in answers[0].headers


def test_the_sixth_try_is_locked_out_and_says_for_how_long(nobody: httpx.Client) -> None:
    for _ in range(5):
        nobody.post("/api/session", json={"username": "district1", "password": "wrong"})
    answer = nobody.post("/api/session", json={"username": "district1", "password": PASSWORD})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 900
    page = nobody.post("/?lang=en", data={"username": "district1", "password": PASSWORD}, headers=HTML)
    assert page.status_code == 429
    assert "Too many attempts" in page.text


def test_a_form_with_a_wrong_password_keeps_the_name_and_never_the_password(nobody: httpx.Client) -> None:
    page = nobody.post("/", data={"username": "community1", "password": "my secret"}, headers=HTML)
    assert page.status_code == 401
    assert 'value="community1"' in page.text
    assert "my secret" not in page.text


def test_signing_in_leads_to_the_page_that_was_asked_for(nobody: httpx.Client) -> None:
    asked = nobody.get(LIST, headers=HTML)
    assert asked.status_code == 303
    assert asked.headers["location"] == f"/?next={LIST}"
    done = nobody.post("/", data={"username": "triage1", "password": PASSWORD, "next": LIST})
    assert done.headers["location"] == LIST
    assert nobody.get(LIST, headers=HTML).status_code == 200


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "", "/\n/x"]
)
def test_nobody_is_led_to_another_site(path: str) -> None:
    assert not is_own_path(path)


def test_signing_out_ends_the_session(site: Site) -> None:
    with site.visit("triage1") as client:
        assert client.post("/sign-out").headers["location"] == "/"
        assert client.get(LIST, headers=HTML).status_code == 303


def test_a_forged_cookie_opens_nothing(nobody: httpx.Client) -> None:
    nobody.cookies.set("xunge_session", "eyJuYW1lIjoidHJpYWdlMSJ9.aaaa.bbbb")
    assert nobody.get("/api/cases").status_code == 401


def test_a_person_without_a_desk_is_told_so(site: Site) -> None:
    with site.visit("worker1") as client:
        assert client.get("/").headers["location"] == "/m/"
        assert client.get(LIST, headers=HTML).status_code == 404
