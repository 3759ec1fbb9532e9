"""Open311 GeoReport v2 as citizens' apps speak it: JSON and XML, the protocol's errors, and nobody's words or names in public."""

from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from server.sources import store
from tests.server.sources.conftest import IN_A, make_places, make_source
from tests.server.web.site import Site

BASE = "/open311/v2"
FORM = {
    "service_code": "0103",
    "lat": str(IN_A[0]),
    "long": str(IN_A[1] + 0.000012),
    "address_string": "王大妈家门口",
    "description": "王大妈家门口路灯不亮",
    "first_name": "建国",
    "last_name": "王",
    "phone": "13812345678",
    "email": "wang@example.org",
    "device_id": "d-42",
    "media_url": "https://photos.example.net/wang/1.jpg",
}
PRIVATE = ("example.net", "王大妈", "建国", "13812345678", "wang@example.org", "d-42")


@pytest.fixture(scope="module")
def api_key(site: Site) -> str:
    make_places(site.couch)
    make_source(site.couch, "shut", "open311")
    store.set_disabled(site.couch, "shut", True)
    return make_source(site.couch, "citizens", "open311", name="我的城市")[1].api_key


def report(client: httpx.Client, own_key: str, form: str = "json", key: str = "", **changes: str) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(f"{BASE}/requests.{form}", data=FORM | {"api_key": own_key} | changes, headers=headers)


@pytest.fixture(scope="module")
def reported(site: Site, api_key: str) -> str:
    """The number of something reported."""
    with site.visit() as client:
        return str(report(client, api_key).json()[0]["service_request_id"])


def test_services_are_what_concerns_no_person_in_both_formats(nobody: httpx.Client) -> None:
    rows = nobody.get(f"{BASE}/services.json").json()
    [light] = [row for row in rows if row["service_code"] == "0103"]
    assert light == {
        "service_code": "0103",
        "service_name": "路灯不亮",
        "description": "路灯不亮",
        "metadata": False,
        "type": "realtime",
        "keywords": "",
        "group": "公用设施",
    }
    assert not {row["service_code"][:2] for row in rows} & {"21", "41", "51", "61"}
    answer = nobody.get(f"{BASE}/services.xml?lang=en")
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    assert answer.content.startswith(b"<?xml version='1.0' encoding='utf-8'?>")
    tree = ElementTree.fromstring(answer.content)
    assert (tree.tag, {one.tag for one in tree}) == ("services", {"service"})
    assert "Street light out" in [one.text for one in tree.iter("service_name")]
    assert {one.text for one in tree.iter("metadata")} == {"false"}


def test_a_definition_has_no_attributes_and_an_unknown_one_is_404(nobody: httpx.Client) -> None:
    assert nobody.get(f"{BASE}/services/0103.json").json() == {"service_code": "0103", "attributes": []}
    tree = ElementTree.fromstring(nobody.get(f"{BASE}/services/0103.xml").content)
    assert [one.tag for one in tree] == ["service_code", "attributes"]
    for code in ("9999", "6101"):
        assert nobody.get(f"{BASE}/services/{code}.json").status_code == 404


def test_a_citizens_report_is_a_case_of_source_resident_with_the_caller_apart(site: Site, reported: str) -> None:
    with site.visit("triage1") as desk:
        case = desk.get(f"/api/cases/case:{reported}").json()
    assert (case["source"], case["category"], case["has_caller"], case["state"]) == ("resident", "0103", True, "reported")
    assert case["origin"]["system"] == "citizens"
    caller = site.couch.database(f"cases-{case['grid'][:9]}").get(f"caller:{reported}")
    assert (caller["name"], caller["phone"]) == ("王 建国", "13812345678")
    assert "example.org" not in str(caller)
    assert case["links"] == [FORM["media_url"]]


@pytest.mark.parametrize("path", ["requests.json", "requests/{id}.json", "requests.xml", "requests.json?service_request_id={id}"])
def test_in_public_nobodys_words_or_names_are_said(nobody: httpx.Client, reported: str, path: str) -> None:
    answer = nobody.get(f"{BASE}/{path.format(id=reported)}")
    assert reported in answer.text
    assert not [word for word in PRIVATE if word in answer.text]


def test_how_far_it_is_can_be_read_by_everybody(nobody: httpx.Client, reported: str) -> None:
    [row] = nobody.get(f"{BASE}/requests/{reported}.json").json()
    assert (row["status"], row["service_code"], row["lat"], row["long"]) == ("open", "0103", IN_A[0], round(IN_A[1], 4))
    assert row["description"] is row["media_url"] is row["address_id"] is None
    assert row["requested_datetime"].endswith("Z")
    tree = ElementTree.fromstring(nobody.get(f"{BASE}/requests/{reported}.xml").content)
    assert (tree.tag, tree[0].tag, tree[0].find("status").text) == ("service_requests", "request", "open")  # type: ignore[union-attr]


def test_a_hazard_in_a_home_shows_no_point(nobody: httpx.Client, api_key: str) -> None:
    number = report(nobody, api_key, service_code="3103").json()[0]["service_request_id"]
    [row] = nobody.get(f"{BASE}/requests/{number}.json").json()
    assert (row["lat"], row["long"]) == (None, None)


def test_reports_are_found_by_kind_state_and_time(nobody: httpx.Client, reported: str) -> None:
    def found(**query: str) -> bool:
        answer = nobody.get(f"{BASE}/requests.json", params=query)
        assert answer.status_code == 200, answer.text
        return reported in [row["service_request_id"] for row in answer.json()]

    assert found()
    assert found(status="open,closed", service_code="0103,0104")
    assert not found(status="closed")
    assert not found(service_code="0104")
    assert not found(start_date="2026-01-01T00:00:00Z", end_date="2026-02-01T00:00:00Z")
    assert found(service_request_id=f"{reported},no-such-thing", status="closed")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"api_key": ""}, 403),
        ({"api_key": "citizens.0000"}, 403),
        ({"api_key": "nobody.é"}, 403),
        ({"service_code": ""}, 400),
        ({"service_code": "9999"}, 404),
        ({"lat": ""}, 400),
        ({"lat": "north"}, 400),
        ({"lat": "nan"}, 400),
        ({"lat": "", "long": "", "address_string": ""}, 400),
        ({"description": "x" * 4001}, 400),
        ({"phone": "call me"}, 400),
        ({"media_url": "javascript:alert(1)"}, 400),
        ({"media_url": "https://a.cn/1.jpg https://a.cn/2.jpg"}, 400),
    ],
)
def test_a_bad_report_is_refused_in_the_protocols_shape(
    nobody: httpx.Client, api_key: str, changes: dict[str, str], status: int
) -> None:
    answer = report(nobody, api_key, **changes)
    assert answer.status_code == status
    [error] = answer.json()
    assert (error["code"], set(error)) == (status, {"code", "description"})
    tree = ElementTree.fromstring(report(nobody, api_key, "xml", **changes).content)
    assert (tree.tag, tree[0].tag, tree[0][0].text) == ("errors", "error", str(status))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("requests.json?status=lost", 400),
        ("requests.json?start_date=yesterday", 400),
        ("requests.json?start_date=2026-01-01T00:00:00", 400),
        ("requests.json?start_date=2025-01-01T00:00:00Z&end_date=2026-01-01T00:00:00Z", 400),
        ("requests/none.json", 404),
        ("services.csv", 404),
    ],
)
def test_a_bad_question_is_refused_in_the_protocols_shape(nobody: httpx.Client, path: str, status: int) -> None:
    answer = nobody.get(f"{BASE}/{path}")
    assert (answer.status_code, answer.json()[0]["code"]) == (status, status)


def test_too_much_is_refused_before_it_is_read_and_another_type_is_none_of_ours(nobody: httpx.Client, api_key: str) -> None:
    assert report(nobody, api_key, description="x" * 70_000).status_code == 413
    assert nobody.post(f"{BASE}/requests.json", json=FORM).status_code == 415


def test_the_keys_of_other_kinds_and_of_disabled_sources_open_nothing(site: Site, nobody: httpx.Client) -> None:
    other = make_source(site.couch, "order-desk", "hotline")[1].api_key
    for key in (other, store.renew_keys(site.couch, "only for tests", "shut")[1].api_key):
        assert report(nobody, key).status_code == 403


def test_a_report_sent_twice_under_a_key_is_one(nobody: httpx.Client, api_key: str) -> None:
    answers = [report(nobody, api_key, key="phone-1-00042") for _ in range(2)]
    assert [one.status_code for one in answers] == [201, 200]
    assert len({one.json()[0]["service_request_id"] for one in answers}) == 1


def test_a_bad_media_url_is_named_as_the_form_names_it_and_an_empty_one_is_none(
    site: Site, nobody: httpx.Client, api_key: str
) -> None:
    [error] = report(nobody, api_key, media_url="photo.jpg").json()
    assert "(media_url: not_a_link)" in error["description"]
    number = report(nobody, api_key, media_url="").json()[0]["service_request_id"]
    with site.visit("triage1") as desk:
        assert "links" not in desk.get(f"/api/cases/case:{number}").json()


def test_a_report_sent_again_under_its_key_with_another_picture_is_refused(nobody: httpx.Client, api_key: str) -> None:
    first, other = (report(nobody, api_key, key="phone-1-00043", media_url=f"https://a.cn/{n}.jpg") for n in range(2))
    assert (first.status_code, other.status_code) == (201, 409)


def test_only_what_citizens_reported_is_public(site: Site, nobody: httpx.Client, api_key: str) -> None:
    case: Any = site.make_case(category="0103")
    assert nobody.get(f"{BASE}/requests/{case['_id'][5:]}.json").status_code == 404
    assert case["_id"][5:] not in nobody.get(f"{BASE}/requests.json").text
