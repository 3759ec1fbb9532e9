"""Other systems at the door: only what is signed, in time and sound comes in; everything else is refused and named."""

import html
import json
import re
import time
from typing import Any

import httpx
import pytest

from server.sources import signing, store
from tests.server.sources.conftest import IN_A, make_places, make_source
from tests.server.web.site import Site

SECRET = "only for tests"
ITEM: dict[str, Any] = {"number": "W-1", "category": "井盖", "text": "井盖缺失", "lat": IN_A[0], "lon": IN_A[1]}


@pytest.fixture(scope="module")
def secret(site: Site) -> str:
    """The secret of a 12345 source of the township; `off` is a disabled one."""
    make_places(site.couch)
    make_source(site.couch, "off")
    store.set_disabled(site.couch, "off", True)
    return make_source(site.couch)[1].secret


def send(
    client: httpx.Client, secret: str, item: Any, *, to: str = "hotline-1", ago_s: float = 0, **headers: Any
) -> httpx.Response:
    body = item if isinstance(item, bytes) else json.dumps(item).encode()
    stamp = str(int(time.time() - ago_s))
    signed = {signing.TIMESTAMP: stamp, signing.SIGNATURE: signing.sign(secret, stamp, body), "Content-Type": "application/json"}
    return client.post(f"/api/ingest/{to}", content=body, headers=signed | headers)


def test_a_signed_order_is_a_case_and_again_the_same(site: Site, nobody: httpx.Client, secret: str) -> None:
    made, again = (send(nobody, secret, ITEM, **{"Idempotency-Key": "key-00001"}) for _ in range(2))
    assert (made.status_code, again.status_code) == (201, 200)
    told = made.json()
    assert (told["number"], told["state"], told["is_new"]) == ("W-1", "reported", True)
    assert again.json() == told | {"is_new": False}
    with site.visit("triage1") as desk:
        [row] = [one for one in desk.get("/api/cases").json()["cases"] if one["id"] == told["case"]]
        assert row["origin"] == {"system": "hotline-1", "number": "W-1"}
        page = desk.get(f"/cases/{told['case']}", headers={"Accept": "text/html"}).text
        assert "12345 热线" in page
        assert "W-1" in page


PICTURES = ["https://12345.example.cn/p/\"><b>'.jpg?a=1&b=2", "http://10.1.2.3:8080/%E5%9B%BE.jpg"]


def test_an_orders_pictures_are_links_on_the_page_of_its_case_and_in_no_list(
    site: Site, nobody: httpx.Client, secret: str
) -> None:
    order = ITEM | {"number": "W-P", "附件": PICTURES}
    made, again = (send(nobody, secret, order) for _ in range(2))
    assert (made.status_code, again.status_code) == (201, 200)
    assert send(nobody, secret, order | {"附件": "\n".join(PICTURES)}).status_code == 200
    other = send(nobody, secret, order | {"附件": PICTURES[:1]})
    assert (other.status_code, other.json()["fields"]) == (409, {"links": "differs"})
    assert (other.json()["kept"]["links"], other.json()["sent"]["links"]) == (PICTURES, PICTURES[:1])
    case = made.json()["case"]
    with site.visit("triage1") as desk:
        assert desk.get(f"/api/cases/{case}").json()["links"] == PICTURES
        assert "example.cn" not in desk.get("/api/cases").text
        page = desk.get(f"/cases/{case}", headers={"Accept": "text/html"}).text
        english = desk.get(f"/cases/{case}?lang=en", headers={"Accept": "text/html"}).text
    panel = page.partition('<section class="panel links"')[2].partition("</section>")[0]
    assert "来源附件" in panel
    assert "未核验" in panel
    assert "Attachments at the source" in english
    assert "<b>" not in panel
    found = re.findall(r'<a href="([^"]*)" title="[^"]*" target="_blank" rel="noopener noreferrer">([^<]*)</a>', panel)
    assert [html.unescape(href) for href, _ in found] == PICTURES
    assert [html.unescape(name) for _, name in found] == ["12345.example.cn/…/\"><b>'.jpg", "10.1.2.3:8080/图.jpg"]


def test_a_case_without_links_has_no_such_panel(site: Site, nobody: httpx.Client, secret: str) -> None:
    case = send(nobody, secret, ITEM | {"number": "W-N"}).json()["case"]
    with site.visit("triage1") as desk:
        assert "来源附件" not in desk.get(f"/cases/{case}", headers={"Accept": "text/html"}).text


@pytest.mark.parametrize(
    ("link", "code"),
    [
        ("javascript:alert(1)", "not_a_link"),
        ("https://wang:secret@example.cn/a.jpg", "link_with_password"),
        ("https://example.cn/" + "x" * 2000, "link_too_long"),
    ],
)
def test_a_bad_link_makes_no_case_and_is_named_but_holds_up_no_order(
    site: Site, nobody: httpx.Client, secret: str, link: str, code: str
) -> None:
    order = send(nobody, secret, ITEM | {"number": f"W-{code}", "attachments": [PICTURES[0], link]})
    assert order.status_code == 201, "an order of 12345 is taken without it"
    assert order.json()["is_new"]
    _, keys = make_source(site.couch, f"own-{code.replace('_', '-')}", "webhook")
    body = {"number": "W-B", "category": "井盖", "text": "井盖缺失", "links": [link]}
    refused = send(nobody, keys.secret, body, to=f"own-{code.replace('_', '-')}")
    assert (refused.status_code, refused.json()["fields"]) == (422, {"links": code})
    assert "secret@" not in refused.text


def test_other_content_is_409_with_both_shown_and_a_used_key_names_itself(nobody: httpx.Client, secret: str) -> None:
    kept = send(nobody, secret, ITEM | {"number": "W-2"}).json()
    refused = send(nobody, secret, ITEM | {"number": "W-2", "text": "不一样"})
    assert (refused.status_code, refused.json()["fields"]) == (409, {"text": "differs"})
    assert (refused.json()["kept"]["text"], refused.json()["sent"]["text"]) == ("井盖缺失", "不一样")
    assert refused.json()["kept"]["id"] == kept["case"]
    send(nobody, secret, ITEM | {"number": "W-3"}, **{"Idempotency-Key": "key-00003"})
    reused = send(nobody, secret, ITEM | {"number": "W-4"}, **{"Idempotency-Key": "key-00003"})
    assert (reused.status_code, reused.json()["fields"]) == (409, {"Idempotency-Key": "reused"})


@pytest.mark.parametrize(
    "change",
    [
        {"secret": "wrong"},
        {"ago_s": 301},
        {"ago_s": -302},
        {"to": "nobody"},
        {"to": "off"},
        {"to": "source:off"},
        {signing.SIGNATURE: ""},
        {signing.SIGNATURE: "sha256=é".encode().decode("latin-1")},
        {signing.TIMESTAMP: "9" * 400},
        {signing.TIMESTAMP: "٣"},
        {signing.TIMESTAMP: "-1"},
    ],
)
def test_what_proves_nothing_is_refused_all_alike(nobody: httpx.Client, secret: str, change: dict[str, Any]) -> None:
    key = change.pop("secret", secret)
    named = {name: change.pop(name) for name in ("to", "ago_s") if name in change}
    headers = {name: value.encode() for name, value in change.items()}
    answer = send(nobody, key, ITEM | {"number": "never"}, **named, **headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")


def test_a_signature_is_good_for_its_body_and_source_alone(site: Site, nobody: httpx.Client, secret: str) -> None:
    body, stamp = json.dumps(ITEM).encode(), str(int(time.time()))
    headers = {signing.TIMESTAMP: stamp, signing.SIGNATURE: signing.sign(secret, stamp, body), "Content-Type": "application/json"}
    make_source(site.couch, "hotline-2")
    assert nobody.post("/api/ingest/hotline-1", content=body.replace(b"W-1", b"W-9"), headers=headers).status_code == 401
    assert nobody.post("/api/ingest/hotline-2", content=body, headers=headers).status_code == 401


def test_a_new_key_ends_the_old_one(site: Site, nobody: httpx.Client) -> None:
    _, keys = make_source(site.couch, "rolling")
    assert send(nobody, keys.secret, ITEM, to="rolling").status_code == 201
    _, fresh = store.renew_keys(site.couch, SECRET, "rolling")
    assert send(nobody, keys.secret, ITEM, to="rolling").status_code == 401
    assert send(nobody, fresh.secret, ITEM, to="rolling").status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"\xff", 400),
        (b"[" * 30_000, 400),
        (b"[]", 422),
        (json.dumps(ITEM | {"number": "x" * 101}).encode(), 422),
        (json.dumps(ITEM | {"category": "飞碟", "number": "u"}).encode(), 422),
        (json.dumps(ITEM | {"lat": "北"}).encode(), 422),
        (json.dumps(ITEM | {"number": {"$gt": ""}}).encode(), 422),
        (json.dumps(ITEM | {"text": "x" * 70_000}).encode(), 413),
    ],
)
def test_what_is_signed_and_unsound_is_a_problem_and_not_a_fault(
    nobody: httpx.Client, secret: str, body: bytes, status: int
) -> None:
    answer = send(nobody, secret, body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_no_answer_and_no_document_gives_the_secret_away(site: Site, nobody: httpx.Client, secret: str) -> None:
    kept = site.couch.database("sources").range("source:", "source:\ufff0", 99)
    assert secret not in str(kept)
    assert secret not in send(nobody, secret, ITEM).text
