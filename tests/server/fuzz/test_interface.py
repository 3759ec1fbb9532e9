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
from server.domain import whistles, workflow
from server.settings import Settings
from server.web import move_docs, move_forms, openapi
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


def moves_told(path: str) -> dict[str, dict[str, Any]]:
    """The moves that the document lists for an address, by name."""
    body = DOCUMENT["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return {one["properties"]["move"]["const"]: one for one in body["oneOf"]}


def test_every_move_is_in_the_document_with_its_fields_its_people_and_its_states() -> None:
    told = moves_told("/api/cases/{id}/events")
    for name, move in workflow.MOVES.items():
        assert (name in told) is bool(move.who), name
        if move.who:
            assert told[name]["required"] == ["move", *move.required]
            assert set(told[name]["properties"]) == {"move", *move.required, *move.optional}
            assert (tuple(told[name]["x-who"]), set(told[name]["x-from"])) == (move.who, set(move.sources))
            assert all(state in told[name]["description"] for state in move.sources) or len(move.sources) == len(workflow.STATES)
            assert all(move_docs.ACTORS[actor] in told[name]["description"] for actor in move.who)
            # What is documented can be sent.
            assert {*move.required, *move.optional} <= set(move_forms.MoveBody.__struct_fields__), name
    called = moves_told("/api/whistles/{id}/events")
    assert {name: one["required"] for name, one in called.items()} == {
        name: ["move", *move.required] for name, move in whistles.MOVES.items()
    }


def test_moves_say_how_to_be_made_once_and_on_what_was_seen() -> None:
    said = {one["name"] for one in DOCUMENT["paths"]["/api/cases/{id}/events"]["post"]["parameters"] if one["in"] == "header"}
    assert said == {"If-Match", "Idempotency-Key"}


def test_every_operation_says_what_it_is_and_what_it_answers() -> None:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            assert any(status.startswith("2") for status in operation["responses"]), (method, path)
            named = set(re.findall(r"{(\w+)}", path))
            assert {one["name"] for one in operation["parameters"] if one["in"] == "path"} == named


def test_what_other_systems_send_says_how_many_links_there_may_be_and_how_long() -> None:
    told = DOCUMENT["components"]["schemas"]["Item"]["properties"]["links"]
    assert (told["type"], told["maxItems"], told["default"]) == ("array", 10, [])
    assert (told["items"]["format"], told["items"]["maxLength"]) == ("uri", 2000)


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
    cookies = {}
    for name in ("triage1", "triage2"):
        with site.visit(name) as desk:
            cookies[name] = {"Cookie": f"xunge_session={desk.cookies['xunge_session']}"}
    return {"phone": {"Authorization": f"Bearer {token}"}, "desk": cookies["triage2"], "holder": cookies["triage1"], "nobody": {}}


@pytest.fixture(scope="module")
def case(site: Site) -> str:
    """A case of the holder's, so that some of what is asked gets as far as a move."""
    return str(site.make_case()["_id"])


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as found:
        yield found


@pytest.mark.parametrize("label", sorted(label for label in OPERATIONS if not label.endswith(ENDLESS)))
def test_whatever_is_asked_the_answer_is_honest(
    label: str, site: Site, askers: dict[str, dict[str, str]], session: requests.Session, case: str
) -> None:
    operation = OPERATIONS[label]

    is_of_case = "/cases/{id}" in label

    @settings(max_examples=EXAMPLES * (4 if is_of_case else 1), suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    @given(data=st.data(), who=st.sampled_from(sorted(askers)), name=st.none() | st.sampled_from([*NAMES, "own case"]))
    def ask(data: st.DataObject, who: str, name: str | None) -> None:
        who, name = ("holder", case) if is_of_case and name == "own case" else (who, name)
        asked = data.draw(st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in MODES)))
        for parameter in asked.path_parameters or {} if name else ():
            asked.path_parameters[parameter] = name
        given = asked.as_transport_kwargs(base_url=site.url)
        given["headers"] = {**given["headers"], **askers[who]}
        given["params"] = {key: value for key, value in (given.get("params") or {}).items() if key not in WAITING}
        given.pop("cookies", None)
        answer = session.request(**given, timeout=60, allow_redirects=False)
        assert answer.status_code < 500 or answer.status_code in (501, 503), (given, answer.text[:500])
        no_trace(answer.content)
        no_trace(str(answer.headers).encode())
        if answer.status_code not in (307, 404, 405):
            asked.validate_response(
                answer, checks=[content_type_conformance, response_schema_conformance, status_code_conformance]
            )

    ask()
