"""The guards around everything: security headers, requests from other sites, errors that tell nothing they should not."""

import httpx
import pytest

from server.settings import Settings
from server.web.security import content_policy
from tests.server.web.site import HTML, HTMX, LIST, PASSWORD, Site

CREDENTIALS = {"username": "triage1", "password": PASSWORD}


@pytest.mark.parametrize("path", ["/", "/m/", "/healthz", "/nowhere", "/static/desk.js", "/api/cases", "/db/ref/_changes"])
def test_every_answer_carries_the_policy_and_a_request_id(nobody: httpx.Client, path: str) -> None:
    headers = nobody.get(path).headers
    assert "script-src 'self';" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-request-id"]


def test_the_policy_allows_no_inline_and_only_the_tiles_host() -> None:
    policy = content_policy(Settings(tile_url="https://tiles.example/{z}/{x}/{y}.png"))
    assert "unsafe" not in policy
    assert "img-src 'self' data: blob: https://tiles.example;" in policy


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}],
)
def test_a_change_sent_by_another_site_is_refused(site: Site, headers: dict[str, str]) -> None:
    with site.visit("triage1") as client:
        assert client.post("/sign-out", headers=headers).status_code == 403
        assert client.delete("/api/session", headers=headers).status_code == 403
        assert client.get(LIST, headers=HTML).status_code == 200


def test_a_change_from_our_own_pages_passes(nobody: httpx.Client, site: Site) -> None:
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": site.url}):
        assert nobody.post("/api/session", json=CREDENTIALS, headers=headers).status_code == 204


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed_json"),
        (b"\xff\xfe", "application/json", 400, "malformed_json"),
        (b"[" * 30_000, "application/json", 422, "invalid_input"),
        (b'{"username": 1, "password": "x"}', "application/json", 422, "invalid_input"),
        (b"{}", "application/json", 422, "invalid_input"),
        (b"username=a", "application/x-www-form-urlencoded", 415, "not_json"),
        (b'{"username": "' + b"a" * 70_000 + b'"}', "application/json", 413, "too_large"),
    ],
)
def test_bad_bodies_are_problems_not_faults(nobody: httpx.Client, body: bytes, kind: str, status: int, code: str) -> None:
    answer = nobody.post("/api/session", content=body, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/cases", 401),
        ("/api/nothing", 404),
        ("/api/cases/case:x", 401),
        ("/api/photos/photo:x/thumb", 401),
        ("/api/poke", 401),
    ],
)
def test_errors_of_the_api_are_problems(nobody: httpx.Client, path: str, status: int) -> None:
    answer = nobody.get(path)
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.status_code == problem["status"] == status
    assert {"type", "title", "detail", "code", "request_id"} <= problem.keys()


def test_a_person_gets_a_page_in_their_language(triage: httpx.Client) -> None:
    chinese = triage.get("/nowhere", headers=HTML)
    english = triage.get("/nowhere?lang=en", headers=HTML)
    assert "没有找到" in chinese.text
    assert "Not there" in english.text
    triage.cookies.delete("lang")


def test_htmx_gets_a_notice_and_leaves_the_page_alone(triage: httpx.Client) -> None:
    answer = triage.get("/cases/case:00000000-0000-7000-8000-000000000000", headers=HTMX)
    assert answer.status_code == 404
    assert answer.headers["hx-retarget"] == "#notices"
    assert "<html" not in answer.text


def test_htmx_without_a_session_is_sent_to_sign_in(nobody: httpx.Client) -> None:
    answer = nobody.get(LIST, headers=HTMX)
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/")
