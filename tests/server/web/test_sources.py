"""Sources at the desk: administrators alone, keys shown once, call-backs that were given up tried again."""

import re
from collections.abc import Iterator

import httpx
import pytest
from click.testing import CliRunner

from server.cli import main
from server.people import accounts
from server.sources import store
from server.sources.signing import mark_of
from sync.databases import SOURCES
from tests.server.sources.conftest import make_places, make_source
from tests.server.web.site import HTML, PASSWORD, TOWNSHIP, Site

FORM = {"id": "order-desk", "kind": "hotline", "name": "市 12345", "areas": TOWNSHIP, "callback_url": "https://10.1.2.3/x"}


@pytest.fixture(scope="module", autouse=True)
def people(site: Site) -> None:
    make_places(site.couch)
    accounts.save_all(
        site.couch, [accounts.make("admin", ["admin"], {"zh-CN": "管", "en": "Ad"}, PASSWORD, townships=[TOWNSHIP])]
    )


@pytest.fixture
def admin(site: Site) -> Iterator[httpx.Client]:
    site.couch.delete(SOURCES)
    with site.visit("admin") as client:
        client.headers.update(HTML)
        yield client


def test_a_new_sources_keys_are_shown_once_and_are_good(site: Site, admin: httpx.Client) -> None:
    made = admin.post("/sources", data=FORM | {"categories": "市容 = 1101\n* = 1107"})
    assert made.status_code == 200
    [secret] = re.findall(r"<code>([0-9a-f]{64})</code>", made.text)
    kept = store.find(site.couch, "order-desk")
    assert kept["mark"] == mark_of(secret)
    assert kept["categories"] == {"市容": "1101", "*": "1107"}
    for path in ("/sources", "/sources/order-desk"):
        page = admin.get(path)
        assert "市 12345" in page.text
        assert secret not in page.text
    renewed = admin.post("/sources/order-desk/keys").text
    assert re.findall(r"<code>([0-9a-f]{64})</code>", renewed) not in ([], [secret])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"id": "A b"}, "id"),
        ({"areas": "64"}, "areas"),
        ({"areas": ""}, "areas"),
        ({"fallback": "640105003"}, "fallback"),
        ({"callback_url": "ftp://x/"}, "callback_url"),
        ({"callback_url": "http://u:p@x/"}, "callback_url"),
        ({"categories": "no sign"}, "categories"),
        ({"fields": "secret = x"}, "fields"),
        ({"name": " "}, "name"),
    ],
)
def test_what_is_wrong_is_said_beside_what_was_typed(admin: httpx.Client, change: dict[str, str], code: str) -> None:
    answer = admin.post("/sources", data=FORM | change)
    assert answer.status_code == 422
    assert re.search(rf'id="{code}"[^>]*aria-invalid="true"', answer.text, re.DOTALL)


def test_settings_change_and_a_source_is_let_in_no_more_and_again(site: Site, admin: httpx.Client) -> None:
    make_source(site.couch, "order-desk")
    changed = admin.post("/sources/order-desk", data=FORM | {"name": "新名称"})
    assert changed.status_code == 303
    assert "新名称" in admin.get("/sources/order-desk?done=saved").text
    assert admin.post("/sources/order-desk/disabling").status_code == 303
    assert store.find(site.couch, "order-desk")["is_disabled"]
    admin.post("/sources/order-desk/enabling")
    assert not store.find(site.couch, "order-desk")["is_disabled"]
    assert admin.post("/sources/order-desk", data=FORM | {"areas": "x"}).status_code == 422


def test_calls_that_were_given_up_are_seen_tried_again_and_passed_over(site: Site, admin: httpx.Client) -> None:
    database = store.ensure(site.couch)
    case = "case:00000000-0000-7000-8000-000000000001"
    last = {"event_id": "event:x", "status": "accepted", "at": "2026-11-27T01:00:00.000Z", "outcome": "http_503"}
    dead = {
        "_id": "calls:" + case[5:],
        "type": "calls",
        "v": 1,
        "source": "order-desk",
        "number": "YC-77",
        "case": case,
        "last": last,
    }
    dead |= {"township": TOWNSHIP, "known": 3, "sent": 1, "tries": 12, "state": "dead", "next_at": "2026-11-27T01:00:00.000Z"}
    database.put(dead)
    page = admin.get("/sources").text
    assert "YC-77" in page
    assert "http_503" in page
    assert admin.post(f"/sources/calls/{case}/passing").status_code == 303
    after = database.get(dead["_id"])
    assert (after["state"], after["sent"], after["tries"]) == ("waiting", 2, 0)
    assert admin.post(f"/sources/calls/{case}/retry").status_code == 404


@pytest.mark.parametrize("path", ["/sources", "/sources/order-desk"])
@pytest.mark.parametrize("name", ["triage1", "community1", "district1", "worker1"])
def test_sources_are_the_administrators_alone(site: Site, name: str, path: str) -> None:
    if not store.every(site.couch):
        make_source(site.couch, "order-desk")
    with site.visit(name) as client:
        assert client.get(path).status_code == 404
        for action in ("", "/keys", "/disabling", "/enabling"):
            assert client.post(f"/sources/order-desk{action}", data=FORM).status_code == 404
        assert client.post("/sources", data=FORM).status_code == 404


def test_sources_by_command(site: Site, own_store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"COUCHDB_URL": own_store, "SECRET": "only for tests"}.items():
        monkeypatch.setenv(f"XUNGE_{name}", value)
    site.couch.delete(SOURCES)

    def ask(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["source", *words])
        return result.exit_code, result.output

    code, said = ask("add", "city", "--kind", "open311", "--name", "我的城市", "--area", TOWNSHIP)
    assert code == 0
    assert "api_key: city." in said
    assert ask("add", "city", "--kind", "fax", "--name", "x", "--area", TOWNSHIP)[0] == 1
    assert "city  open311  640105002  in use  我的城市" in ask("list")[1]
    assert ask("disable", "city")[0] == 0
    assert "disabled" in ask("list")[1]
    assert ask("disable", "nobody")[0] == 1
