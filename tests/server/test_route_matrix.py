"""Every role on every route of the table, with what is its own and with what is another place's: one status each, from one table.

A route that is added without a row fails. What a role may do inside a page, and databases, is `test_permission_matrix.py`; rules
of single moves are the workflow's. Everybody holds the same grid, community, township and unit: the role makes the difference.
"""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import redis
from starlette.routing import Route

from server.app import create_app
from server.domain import permissions
from server.nudges import Nudges
from server.people import accounts
from server.settings import Settings
from tests.conftest import COMMUNITY, GRID_A, GRID_ELSEWHERE
from tests.server import route_things
from tests.server.route_table import STATUSES
from tests.server.web.site import PASSWORD, Site, running_site

GRIDS = {"own": GRID_A, "foreign": GRID_ELSEWHERE}
UNITS = {"own": "unit:enforcement", "foreign": "unit:utilities"}
NOWHERE = Settings(couchdb_url="http://a:b@127.0.0.1:1", broker_url="redis://127.0.0.1:1/0")
# The session's own beginning and end; they are tried by `web/test_session_routes.py`.
SESSION = {"POST /", "POST /sign-out", "POST /api/session", "DELETE /api/session"}
# Told by a password, a token, a key or a signature, not by the session: 401, 403 or 422 without, whoever asks.
KEYED = {"POST /api/devices", "POST /api/rescue", "POST /api/ingest/{source}", "POST /open311/v2/requests.{format}"}
PUBLIC = {"GET /", "GET /healthz", "GET /api/openapi.json"}
FORM = "application/x-www-form-urlencoded"
UPLOADS = {"/lists/changes", "/calendar/{year:int}", "/township/{code}/intake/rows", "/rescue"}
NOBODYS = "0123456789abcdef"
FOREIGN = (
    "case",
    "uuid",
    "seal",
    "whistle",
    "refused",
    "notice",
    "campaign",
    "household",
    "erasure",
    "request",
    "admission",
    "photo",
)
# Whose id stands in an address, by how the address begins.
IDS = {
    "/cases/": "case",
    "/api/cases/": "case",
    "/whistles/": "whistle",
    "/api/whistles/": "whistle",
    "/quarantine/": "refused",
    "/api/quarantine/": "refused",
    "/notices/": "notice",
    "/api/notices/": "notice",
    "/campaigns/": "campaign",
    "/households/": "household",
    "/erasures/": "erasure",
    "/requests/": "request",
    "/api/requests/": "request",
    "/admissions/": "admission",
    "/api/devices/": "device",
    "/sources/": "source",
    "/open311/": "uuid",
}
OTHERS = {"list": "units", "n": "1", "year": "2026", "size": "thumb", "format": "json", "kind": "file", "source": "none"}
# Asked so that rights are looked at, and that nothing comes of it for those who have them: a reason is missing, a day is past.
WHISTLE = {"township": "{township}", "text": "请到场", "address": "路口", "by_at": "2020-01-01T08:00"}
REQUEST: dict[str, Any] = {"township": "{township}", "basis": "none", "document_no": "1", "purpose": "x", "address": "x"}
REQUEST |= {"period_from": "2026-01-01", "period_to": "2026-01-02"}
TASK = {"unit": "{unit}", "township": "{township}", "category": "none", "text": "请清理"}
ASKED: dict[str, dict[str, Any]] = {
    "/api/cases/{id}/events": {"move": "return"},
    "/cases/{id}/moves": {"move": "return"},
    "/api/whistles/{id}/events": {"move": "solve"},
    "/whistles/{id}/moves": {"move": "solve"},
    "/api/whistles": WHISTLE | {"by_at": "2020-01-01T00:00:00.000Z", "units": [], "place": {"address": "路口"}},
    "/whistles": WHISTLE,
    "/api/handdowns": TASK,
    "/handdowns": TASK,
    "/admissions": {"unit": "{unit}", "township": "{township}"},
    "/api/quarantine/{id}/dismissal": {"reason": ""},
    "/api/notices/reading": {"upto": "2020-01-01T00:00:00.000Z"},
    "/notices/reading": {"upto": "2020-01-01T00:00:00.000Z"},
    "/audit/export": {"scope": "{township}"},
    "/api/devices/me/data-key": {"sealed": "x", "password": "x"},
    "/requests": REQUEST,
    "/api/requests": REQUEST | {"facts": ["address"]},
    "/requests/{id}/decision": {"verdict": "refuse", "reason": ""},
    "/api/requests/{id}/decision": {"verdict": "refuse", "reason": ""},
    "/households/needs": {"grid": "{grid}", "need": "助餐"},
    "/households/{grid}/{id}/export": {"of": "{household}", "as": "json"},
    "/households/{grid}/{id}/erasure": {"of": "{household}", "basis": "asked_for", "typed": ""},
    "/households/{grid}/{id}/opening": {"of": "{household}", "field": "contact_phone"},
}
QUERIES = {
    "/api/cases": "?township={township}",
    "/api/quarantine": "?township={township}",
    "/audit": "?scope={township}",
    "/households": "?grid={grid}",
    "/households/reviews": "?grid={grid}",
}
Names = dict[str, dict[str, str]]


def routes() -> list[str]:
    """`METHOD path` of every route of our own; what is mounted has tables of its own."""
    found = [route for route in create_app(NOWHERE).routes if isinstance(route, Route) and route.methods]
    return sorted(f"{method} {route.path}" for route in found for method in (route.methods or set()) - {"HEAD"})


TRIED = [one for one in routes() if one not in SESSION]


@pytest.fixture(scope="module")
def site(own_store: str, broker_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    redis.Redis.from_url(broker_url).flushall()
    with running_site(own_store, broker_url, tmp_path_factory.mktemp("site")) as found:
        held = {"grids": [GRID_A], "communities": [COMMUNITY], "townships": [GRID_A[:9]], "units": [UNITS["own"]]}
        named = {
            role: accounts.make(f"{role}9", [role], {"zh-CN": role, "en": role}, PASSWORD, **held) for role in permissions.ROLES
        }
        accounts.save_all(found.couch, list(named.values()))
        route_things.write_reference(found.couch, GRIDS.values(), UNITS.values())
        yield found


@pytest.fixture(scope="module")
def names(site: Site, broker_url: str) -> Names:
    """What stands in the addresses' slots, by whose it is."""
    nudges = Nudges(broker_url)
    found = {whose: route_things.make(site, nudges, whose, GRIDS[whose], UNITS[whose]) for whose in GRIDS}
    nudges.close()
    return found


def address(path: str, things: dict[str, str]) -> str:
    """The path with its slots filled; what nothing is named for stands for something that is not there."""
    kind = next((kind for start, kind in IDS.items() if path.startswith(start)), None)
    slots = things | OTHERS | {"id": things.get(kind, NOBODYS) if kind else NOBODYS, "code": things["township"]}
    slots |= {"code": things["district"]} if path.startswith("/district/") else {}
    slots |= {"format": "csv"} if path.startswith("/campaigns/") else {}
    return re.sub(r"{(\w+)(?::\w+)?}", lambda slot: slots.get(slot[1], "none"), path) + QUERIES.get(path, "").format(**things)


def status(client: httpx.Client, method: str, path: str, things: dict[str, str]) -> int:
    """What a request is answered, its body not waited for: some never end."""
    content: dict[str, Any] = {}
    asked = {name: value.format(**things) if isinstance(value, str) else value for name, value in ASKED.get(path, {}).items()}
    if path in UPLOADS:
        content = {"files": {"note": (None, "1")}}
    elif method in {"POST", "PUT"}:
        content = {"json": asked} if path.startswith("/api/") else {"data": asked, "headers": {"Content-Type": FORM}}
    with client.stream(method, address(path, things), timeout=120, **content) as answer:
        return answer.status_code


@pytest.mark.parametrize("role", permissions.ROLES)
def test_every_role_is_answered_on_every_route_as_the_table_says(site: Site, names: Names, role: str) -> None:
    n, wrong = permissions.ROLES.index(role), {}
    with site.visit(f"{role}9") as client:
        for route in TRIED:
            method, path = route.split()
            for whose, expected in zip(("own", "foreign"), STATUSES.get(route, ((), ())), strict=True):
                found = status(client, method, path, names[whose])
                if not expected or found != expected[n]:
                    wrong[f"{route} {whose}"] = found
    assert wrong == {}


@pytest.mark.parametrize("role", [role for role in permissions.ROLES if role != "admin"])
def test_nothing_of_another_place_is_told_by_any_page_or_list(site: Site, names: Names, role: str) -> None:
    """Whoever asks, and whatever for; administrators look after devices, other systems and refused records of every place."""
    foreign = {kind: names["foreign"][kind] for kind in FOREIGN}
    with site.visit(f"{role}9") as client:
        for route in TRIED:
            method, path = route.split()
            if method == "GET" and not path.endswith(("/live", "/poke", ".pdf")):
                for whose in ("own", "foreign"):
                    url = address(path, names[whose])
                    answer = client.get(url, headers={"Accept": "text/html"}, timeout=120)
                    told = [kind for kind, id in foreign.items() if id in answer.text.replace(url, "")]
                    assert not (answer.is_success and told), (url, told)


def test_nobody_gets_in_without_signing_in(site: Site, names: Names, nobody: httpx.Client) -> None:
    read_by_all = {route for route in TRIED if route.startswith("GET /open311/")}
    for route in set(TRIED) - PUBLIC - read_by_all:
        method, path = route.split()
        found = status(nobody, method, path, names["own"])
        assert found in ({401, 403, 422} if route in KEYED else {401, 303}), (route, found)


def test_each_route_has_a_row_and_each_row_a_route() -> None:
    assert set(STATUSES) == set(TRIED)
