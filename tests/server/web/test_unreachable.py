"""A server whose store and broker are both away: it says so, in words, and loses nothing it was given."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import free_port
from tests.server.web.site import HTML, HTMX, PASSWORD, bearer, running_site

CREDENTIALS = {"username": "triage1", "password": PASSWORD}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder: Path = tmp_path_factory.mktemp("alone")
    dead = f"127.0.0.1:{free_port()}"
    with running_site(f"http://a:b@{dead}", f"redis://{dead}/0", folder) as site, site.visit() as found:
        yield found


def test_programs_are_told_to_come_again(client: httpx.Client) -> None:
    answer = client.post("/api/session", json=CREDENTIALS)
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unreachable")
    assert int(answer.headers["retry-after"]) > 0


def test_people_are_told_on_a_page_in_their_language(client: httpx.Client) -> None:
    page = client.post("/", data=CREDENTIALS, headers=HTML)
    assert (page.status_code, "数据库暂时连接不上" in page.text) == (503, True)
    assert "Traceback" not in page.text
    assert "does not answer" in client.post("/?lang=en", data=CREDENTIALS, headers=HTMX).text


def test_a_phone_is_not_signed_out_by_a_store_that_is_away(client: httpx.Client) -> None:
    headers = bearer("0123456789abcdef.secret")
    assert client.get("/api/devices/me", headers=headers).status_code == 503
    assert client.get("/api/poke", headers=headers).status_code == 503


def test_health_is_failing_and_the_start_pages_still_come(client: httpx.Client) -> None:
    body = client.get("/healthz").json()
    assert (body["status"], body["store"], body["broker"]) == ("failing", "down", "down")
    assert client.get("/", headers=HTML).status_code == client.get("/m/").status_code == 200
