"""The interface's own document, tried against the whole server on a real store: as a phone, as a desk, as nobody.

Whatever is asked: no failure of the server's, nothing of a program's inside, nothing from where the asker may not look, and no
answer that the document does not know.
"""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.routing import Mount, Route

from server.app import create_app
from server.settings import Settings
from server.web import openapi
from sync.gateway import endpoints
from tests.conftest import GRID_A
from tests.server.fuzz.conftest import FOREIGN_DB, GRID_DB, no_trace, plant
from tests.server.web.site import Site

NOWHERE = Settings(couchdb_url="http://a:b@127.0.0.1:1", broker_url="redis://127.0.0.1:1/0")
ROUTES = create_app(NOWHERE).routes
DOCUMENT = openapi.describe(ROUTES)
# Streams without an end; what they say is tested where they are.
ENDLESS = ("/api/poke",)
EXAMPLES = 6
# Parameters with which the store waits for something to happen.
WAITING = ("feed", "timeout", "heartbeat")


def operations(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {(method, path) for path, methods in document["paths"].items() for method in methods}


def test_every_public_route_is_in_the_document() -> None:
    told = operations(DOCUMENT)
    for route in ROUTES:
        if isinstance(route, Route) and route.path.startswith("/api/") and inspectable(route):
            for method in (route.methods or set()) - {"HEAD"}:
                assert (method.lower(), route.path) in told
        elif isinstance(route, Mount) and route.path not in ("/static", "/m"):
            assert any(path.startswith(route.path) for _, path in told), route.path
    for path, endpoint in endpoints.OFFERED.items():
        for method in endpoint.methods:
            assert (method.lower(), f"/db{path}") in told


def inspectable(route: Route) -> bool:
    """A route of ours, not an application that is mounted under one address."""
    return route.methods is not None


def test_something_mounted_that_nobody_described_is_noticed() -> None:
    with pytest.raises(KeyError):
        openapi.describe([*ROUTES, Mount("/api/new", app=openapi.show_interface)])


def test_every_operation_says_what_it_is_and_what_it_answers() -> None:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            assert any(status.startswith("2") for status in operation["responses"]), (method, path)
            named = set(re.findall(r"{(\w+)}", path))
            assert {one["name"] for one in operation["parameters"] if one["in"] == "path"} == named


def test_the_document_is_served_to_anybody(nobody: httpx.Client) -> None:
    answer = nobody.get("/api/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert operations(answer.json()) == operations(DOCUMENT)
    assert answer.json()["openapi"] == "3.1.0"


def test_every_documented_operation_exists(site: Site, nobody: httpx.Client) -> None:
    phone = site.enrol("worker1")
    for method, path in sorted(operations(DOCUMENT)):
        if path not in ENDLESS:
            asked = (
                path.replace("{database}", GRID_DB)
                .replace("{upload}", "a" * 40)
                .replace("{document}", "report:x")
                .replace("{", "")
                .replace("}", "")
            )
            headers = {"authorization": f"Bearer {phone['token']}", "tus-resumable": "1.0.0"}
            answer = nobody.request(method, asked, headers=headers)
            assert answer.status_code != 405, (method, path, answer.text)
            assert "endpoint_not_offered" not in answer.text


@schemathesis.serializer("application/offset+octet-stream")
def write_bytes(_context: Any, value: Any) -> bytes:
    """A generated text as the bytes of an upload."""
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = {one.ok().label: one.ok() for one in SCHEMA.get_all_operations()}
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
NAMES = [
    GRID_DB,
    FOREIGN_DB,
    "ref",
    "people",
    "devices",
    "quarantine",
    "planted:people",
    "report:x",
    GRID_A[:9],
    "me",
    "_all_docs",
]


@pytest.fixture(scope="module")
def askers(site: Site) -> dict[str, dict[str, str]]:
    """Headers of a phone, a desk and nobody."""
    plant(site.couch)
    token = site.enrol("worker1")["token"]
    with site.visit("triage2") as desk:
        cookie = f"xunge_session={desk.cookies['xunge_session']}"
    return {"phone": {"Authorization": f"Bearer {token}"}, "desk": {"Cookie": cookie}, "nobody": {}}


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as found:
        yield found


@pytest.mark.parametrize("label", sorted(label for label in OPERATIONS if not label.endswith(ENDLESS)))
def test_whatever_is_asked_the_answer_is_honest(
    label: str, site: Site, askers: dict[str, dict[str, str]], session: requests.Session
) -> None:
    operation = OPERATIONS[label]

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    @given(data=st.data(), who=st.sampled_from(sorted(askers)), name=st.none() | st.sampled_from(NAMES))
    def ask(data: st.DataObject, who: str, name: str | None) -> None:
        case = data.draw(st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in MODES)))
        for parameter in case.path_parameters or {} if name else ():
            case.path_parameters[parameter] = name
        given = case.as_transport_kwargs(base_url=site.url)
        given["headers"] = {**given["headers"], **askers[who]}
        given["params"] = {key: value for key, value in (given.get("params") or {}).items() if key not in WAITING}
        given.pop("cookies", None)
        answer = session.request(**given, timeout=20, allow_redirects=False)
        assert answer.status_code < 500 or answer.status_code in (501, 503), (given, answer.text[:500])
        no_trace(answer.content)
        no_trace(str(answer.headers).encode())
        if answer.status_code not in (307, 404, 405):
            case.validate_response(
                answer, checks=[content_type_conformance, response_schema_conformance, status_code_conformance]
            )

    ask()
