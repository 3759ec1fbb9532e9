"""What a phone may read through the gateway, and everything else that is not there for it."""

import http.client
import json
import threading
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from server.people import accounts, devices, known
from sync import databases
from sync.couch import Couch
from sync.gateway import checkpoints, relay
from tests.conftest import GRID_A, GRID_ELSEWHERE
from tests.sync.gateway.conftest import GRID_DB, Phone

QUARTER = GRID_DB[-6:]
HOME, BEAT = databases.home_db(GRID_A), databases.beat_db(GRID_A, QUARTER)


def test_the_endpoints_of_replication_answer_as_couchdb_does(worker1: Phone) -> None:
    report = worker1.report()
    worker1.push([report])
    id, rev = report["_id"], report["_rev"]
    assert worker1.ask("GET", "/").json()["couchdb"] == "Welcome"
    assert worker1.ask("GET", f"/{GRID_DB}/").json()["db_name"] == GRID_DB
    assert worker1.ask("GET", f"/{GRID_DB}").json()["doc_count"] > 0
    assert worker1.ask("GET", f"/{GRID_DB}/{id}").json() == report
    assert worker1.ask("GET", f"/{GRID_DB}/{id.replace(':', '%3A')}").json() == report
    missing = {id: ["1-" + "f" * 32]}
    assert worker1.ask("POST", f"/{GRID_DB}/_revs_diff", json=missing).json() == {id: {"missing": ["1-" + "f" * 32]}}
    assert worker1.ask("POST", f"/{GRID_DB}/_revs_diff", json={id: [rev]}).json() == {}
    found = worker1.ask("POST", f"/{GRID_DB}/_bulk_get", json={"docs": [{"id": id}]}, params={"revs": "true"}).json()
    assert found["results"][0]["docs"][0]["ok"]["_id"] == id
    rows = worker1.ask("POST", f"/{GRID_DB}/_all_docs", json={"keys": [id]}, params={"include_docs": "true"}).json()["rows"]
    assert rows[0]["doc"] == report
    changes = worker1.ask("GET", f"/{GRID_DB}/_changes", params={"limit": "1", "include_docs": "true"}).json()
    assert len(changes["results"]) == 1
    assert changes["pending"] > 0
    by_id = {"filter": "_doc_ids"}
    changes = worker1.ask("POST", f"/{GRID_DB}/_changes", params=by_id, json={"doc_ids": [id]}).json()
    assert [row["id"] for row in changes["results"]] == [id]


def test_every_answer_carries_the_servers_date_and_may_not_be_cached(worker1: Phone) -> None:
    for path in ("/", f"/{GRID_DB}", "/nothing"):
        answer = worker1.ask("GET", path)
        assert "date" in answer.headers
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-type"] == "application/json"


def test_a_quarter_without_records_has_a_page_of_nothing_and_no_database(couch: Couch, worker1: Phone) -> None:
    name = databases.home_quarter_db(GRID_A, QUARTER)
    couch.delete(name)
    for since in ("0", "17-abc"):
        page = worker1.ask("GET", f"/{name}/_changes", params={"since": since, "limit": "200", "include_docs": "true"})
        assert (page.status_code, page.json()) == (200, {"results": [], "last_seq": "0", "pending": 0})
    assert name not in couch.all_databases()
    couch.database(name, create=True).put({"_id": "visit:1", "type": "visit"})
    page = worker1.ask("GET", f"/{name}/_changes", params={"since": "0"}).json()
    assert [row["id"] for row in page["results"]] == ["visit:1"]


@pytest.mark.parametrize("since", ["17-0123456789abcdef", "17", "17-g1AAAAE7eJzLYWBg4MhgTmHgS0ktM3QwNDLXMwBCwxygOFM"])
def test_a_phone_that_comes_with_another_stores_sequence_begins_anew(since: str, worker1: Phone) -> None:
    report = worker1.report()
    worker1.push([report])
    answer = worker1.ask("GET", f"/{GRID_DB}/_changes", params={"since": since, "style": "all_docs"})
    assert answer.status_code == 200
    assert report["_id"] in [row["id"] for row in answer.json()["results"]]
    on = worker1.ask("GET", f"/{GRID_DB}/_changes", params={"since": answer.json()["last_seq"]})
    assert on.json()["results"] == []


def test_a_missing_document_is_told_from_a_missing_right(worker1: Phone) -> None:
    answer = worker1.ask("GET", f"/{GRID_DB}/report:none")
    assert (answer.status_code, answer.json()) == (404, {"error": "not_found", "reason": "missing"})


SERVERS_OWN = "people devices quarantine audit-202611 _users _all_dbs _dbs_info _up _session _node _replicate _utils"
CLOSED = [
    databases.grid_db(GRID_ELSEWHERE, QUARTER),
    databases.home_db(GRID_ELSEWHERE),
    databases.grid_db(GRID_A, "2019q1"),
    databases.cases_db(GRID_A[:9]),
    databases.media_db(GRID_A[:9]),
    *sorted(SERVERS_OWN.split()),
]
ENDPOINTS = [("GET", ""), ("GET", "/_all_docs"), ("GET", "/_changes"), ("POST", "/_bulk_get"), ("POST", "/_revs_diff")]
BAD_TOKENS = ["", "Bearer", "Bearer ", "Bearer nonsense", "Bearer 0123456789abcdef.wrong", "Basic YWRtaW46eA=="]


@pytest.mark.parametrize("name", CLOSED)
def test_any_other_database_or_server_endpoint_is_closed(name: str, worker1: Phone, couch: Couch) -> None:
    for method, path in (
        ("GET", ""),
        ("GET", "/_all_docs"),
        ("GET", "/_changes"),
        ("POST", "/_bulk_get"),
        ("POST", "/_revs_diff"),
    ):
        assert worker1.ask(method, f"/{name}{path}", json={}).status_code == 403
    assert worker1.ask("PUT", f"/{name}").status_code in (403, 405)
    assert not name.startswith(("grid-", "home-")) or name not in couch.all_databases()


@pytest.mark.parametrize("name", ["people", "devices", "quarantine", "_users", databases.cases_db(GRID_A[:9]), "ref"])
def test_nothing_is_pushed_into_the_servers_own_databases(name: str, worker1: Phone) -> None:
    answer = worker1.ask("POST", f"/{name}/_bulk_docs", json={"docs": [worker1.report()], "new_edits": False})
    assert answer.status_code == 403


def test_police_never_reach_household_files_and_workers_never_police_visits(worker1: Phone, police1: Phone) -> None:
    assert worker1.ask("GET", f"/{HOME}/_changes").status_code == 200
    assert police1.ask("GET", f"/{BEAT}/_changes").status_code == 200
    for phone, name in ((police1, HOME), (police1, databases.home_quarter_db(GRID_A, QUARTER)), (worker1, BEAT)):
        for path in ("", "/_changes", "/_all_docs", "/_local/x", "/household:x"):
            assert phone.ask("GET", f"/{name}{path}").status_code == 403


def test_tracks_and_reading_logs_are_pushed_and_never_read_back(worker1: Phone) -> None:
    for name in (databases.track_db("worker1", databases.month_at(datetime.now(UTC))), databases.log_db(worker1.device_id)):
        for path in ("/_changes", "/_all_docs", "/track:x"):
            assert worker1.ask("GET", f"/{name}{path}").json() == {"error": "forbidden", "reason": "pull_not_allowed"}
        assert worker1.ask("POST", f"/{name}/_revs_diff", json={}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("DELETE", f"/{GRID_DB}", 405),
        ("PUT", f"/{GRID_DB}", 405),
        ("POST", f"/{GRID_DB}", 405),
        ("PUT", f"/{GRID_DB}/report:x", 405),
        ("DELETE", f"/{GRID_DB}/report:x", 405),
        ("HEAD", f"/{GRID_DB}", 405),
        ("DELETE", f"/{GRID_DB}/_local/x", 405),
        ("GET", f"/{GRID_DB}/_bulk_docs", 405),
        ("GET", f"/{GRID_DB}/_security", 404),
        ("PUT", f"/{GRID_DB}/_security", 404),
        ("POST", f"/{GRID_DB}/_compact", 404),
        ("POST", f"/{GRID_DB}/_purge", 404),
        ("POST", f"/{GRID_DB}/_find", 404),
        ("GET", f"/{GRID_DB}/_design/cases/_view/all", 404),
        ("GET", f"/{GRID_DB}/_design%2Fcases", 404),
        ("GET", f"/{GRID_DB}/report:x/sent", 404),
        ("PUT", f"/{GRID_DB}/report:x/sent", 404),
        ("GET", f"/{GRID_DB}/_local_docs", 404),
        ("GET", f"/{GRID_DB}/_local/a/b", 404),
        ("GET", f"/{GRID_DB}/_local/", 404),
        ("GET", f"/{GRID_DB}/..%2Fpeople", 404),
        ("GET", f"/{GRID_DB}/../people/_all_docs", 400),
        ("GET", f"/{GRID_DB}/%2e%2e/people", 400),
        ("GET", f"/{GRID_DB}//_all_docs", 400),
        ("GET", f"/{GRID_DB}%2F_all_docs", 403),
        ("GET", f"/{GRID_DB}%00", 400),
        ("GET", f"/{GRID_DB}/%ff", 400),
        ("GET", "/" + "a" * 3000, 400),
        ("GET", f"/{GRID_DB}/_changes?limit=1&limit=2", 400),
        ("GET", f"/{GRID_DB}/_changes?limit=-1", 400),
        ("GET", f"/{GRID_DB}/_changes?limit=9{'9' * 30}", 400),
        ("GET", f"/{GRID_DB}/_changes?feed=continuous", 501),
        ("GET", f"/{GRID_DB}/_changes?feed=eventsource", 501),
        ("GET", f"/{GRID_DB}/_changes?filter=_view&view=a/b", 403),
        ("GET", f"/{GRID_DB}/_changes?filter=app/mine", 403),
        ("POST", f"/{GRID_DB}/_changes?filter=_selector", 403),
    ],
)
def test_what_is_not_offered_is_refused_without_reaching_the_store(method: str, path: str, status: int, worker1: Phone) -> None:
    connection = http.client.HTTPConnection(urlsplit(worker1.base).netloc, timeout=60)
    connection.request(method, "/db" + path, body=b"{}" if method == "POST" else None, headers=_authorization(worker1))
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status == status, body
    if method != "HEAD":
        assert set(json.loads(body)) == {"error", "reason"}


def _authorization(phone: Phone) -> dict[str, str]:
    return {"authorization": f"Bearer {phone.token}"}


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", "Bearer nonsense", "Bearer 0123456789abcdef.wrong", "Basic YWRtaW46eA=="]
)
def test_without_a_good_token_nothing_is_answered(value: str, gate: str) -> None:
    answer = requests.get(f"{gate}/{GRID_DB}", headers={"authorization": value} if value else {}, timeout=60)
    assert answer.status_code == 401
    assert answer.json()["error"] == "unauthorized"


def test_a_device_with_an_expired_token_is_told_so(couch: Couch, worker1: Phone) -> None:
    account = accounts.find(couch, "worker1")
    _, token = devices.enrol(couch, account, "old", now=datetime(2025, 1, 1, tzinfo=UTC))
    phone = Phone(worker1.base, "x", token, "worker1")
    assert phone.ask("GET", f"/{GRID_DB}").json() == {"error": "unauthorized", "reason": "token_expired"}


def test_checkpoints_are_kept_apart_per_device_under_the_names_they_were_given(
    worker1: Phone, enrolled: Any, people: dict[str, Any], couch: Couch
) -> None:
    other = enrolled(people["worker1"])
    path = f"/{GRID_DB}/_local/abc.d_1"
    assert worker1.ask("GET", path).status_code == 404
    written = worker1.ask("PUT", path, json={"_id": "_local/other-name", "last_seq": 7})
    assert (written.status_code, written.json()["id"]) == (201, "_local/abc.d_1")
    read = worker1.ask("GET", f"/{GRID_DB}/_local%2Fabc.d_1").json()
    assert (read["_id"], read["last_seq"]) == ("_local/abc.d_1", 7)
    again = worker1.ask("PUT", path, json={"_rev": read["_rev"], "last_seq": 8})
    assert again.status_code == 201
    assert other.ask("GET", path).status_code == 404
    assert couch.database(GRID_DB).local_get(f"{worker1.device_id}.abc.d_1") is not None


def test_no_list_or_body_names_another_devices_checkpoint(worker1: Phone, enrolled: Any, people: dict[str, Any]) -> None:
    other = enrolled(people["worker1"])
    worker1.ask("PUT", f"/{GRID_DB}/_local/mine", json={"last_seq": 4711})
    hidden = f"_local/{worker1.device_id}.mine"
    asked = [
        other.ask("POST", f"/{GRID_DB}/_all_docs", params={"include_docs": "true"}, json={"keys": [hidden]}),
        other.ask("POST", f"/{GRID_DB}/_all_docs", data=f'{{"keys": ["report:x"], "keys": ["{hidden}"]}}'.encode()),
        other.ask("GET", f"/{GRID_DB}/_all_docs", params={"include_docs": "true", "keys": json.dumps([hidden])}),
        other.ask("GET", f"/{GRID_DB}/_all_docs", params={"include_docs": "true", "key": json.dumps(hidden)}),
        other.ask("POST", f"/{GRID_DB}/_bulk_get", json={"docs": [{"id": "report:x"}, {"id": hidden}]}),
        other.ask("POST", f"/{GRID_DB}/_bulk_get", json={"docs": [{"id": "_design/cases"}]}),
        other.ask("POST", f"/{GRID_DB}/_revs_diff", json={hidden: ["0-1"]}),
    ]
    for answer in asked:
        assert (answer.status_code, answer.json()["reason"]) == (403, "reserved_id")
    swept = other.ask("GET", f"/{GRID_DB}/_all_docs", params={"include_docs": "true", "startkey": '"_"', "endkey": '"a"'})
    assert "4711" not in swept.text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("_bulk_get", b"{}"),
        ("_bulk_get", b'{"docs": {}}'),
        ("_bulk_get", b'{"docs": [{"rev": "1-x"}]}'),
        ("_all_docs", b'{"keys": "report:x"}'),
        ("_all_docs", b'{"keys": [1]}'),
        ("_revs_diff", b"[]"),
        ("_revs_diff", b'{"report:x": "1-x"}'),
        ("_changes", b'{"doc_ids": {}}'),
        ("_changes", b"{"),
        ("_revs_diff", b"[" * 100_000),
    ],
)
def test_a_question_that_is_not_what_it_must_be_is_refused(path: str, body: bytes, worker1: Phone) -> None:
    answer = worker1.ask("POST", f"/{GRID_DB}/{path}", data=body)
    assert (answer.status_code, answer.json()) == (400, {"error": "bad_request", "reason": "invalid_json"})


def test_members_nobody_offers_do_not_reach_the_store(worker1: Phone) -> None:
    report = worker1.report()
    worker1.push([report])
    body = {"keys": [report["_id"]], "include_docs": True, "queries": [{"include_docs": True}]}
    answer = worker1.ask("POST", f"/{GRID_DB}/_all_docs", json=body)
    assert [set(row) for row in answer.json()["rows"]] == [{"id", "key", "value"}]


def test_a_device_keeps_so_many_checkpoints_and_the_oldest_gives_way(worker1: Phone, couch: Couch) -> None:
    for number in range(checkpoints.NAMES + 3):
        assert worker1.ask("PUT", f"/{GRID_DB}/_local/name{number}", json={"last_seq": number}).status_code == 201
    present = [worker1.ask("GET", f"/{GRID_DB}/_local/name{number}").status_code for number in range(checkpoints.NAMES + 3)]
    assert present == [404] * 3 + [200] * checkpoints.NAMES
    again = worker1.ask("PUT", f"/{GRID_DB}/_local/name0", json={"last_seq": 0})
    assert again.status_code == 201
    assert worker1.ask("GET", f"/{GRID_DB}/_local/name3").status_code == 404
    kept = couch.database(GRID_DB).local_get(f"{worker1.device_id}.")
    assert kept is not None
    assert len(kept["names"]) == checkpoints.NAMES
    assert worker1.ask("PUT", f"/{GRID_DB}/_local/", json={"names": []}).status_code == 404
    assert worker1.ask("PUT", f"/{GRID_DB}/_local/x", data=b'{"a": "' + b"b" * 70_000 + b'"}').status_code == 413
    assert worker1.ask("PUT", f"/{GRID_DB}/_local/x", data=b'{"a": ' + b"[" * 500 + b"]" * 500 + b"}").status_code == 400


def test_a_longpoll_answers_when_something_comes(worker1: Phone) -> None:
    worker1.push([worker1.report()])
    since = worker1.ask("GET", f"/{GRID_DB}").json()["update_seq"]
    late, found = worker1.report(), []
    options = {"feed": "longpoll", "since": str(since), "timeout": "15000", "heartbeat": "5000"}

    def wait() -> None:
        found.append(Phone(worker1.base, "", worker1.token, "").ask("GET", f"/{GRID_DB}/_changes", params=options).json())

    waiting = threading.Thread(target=wait)
    waiting.start()
    worker1.push([late])
    waiting.join(60)
    assert late["_id"] in [row["id"] for row in found[0]["results"]]


def test_a_revoked_token_ends_a_waiting_longpoll_within_five_seconds(
    couch: Couch, enrolled: Any, people: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A fifth of the real patience, whose parts add up to less than five seconds: the rest is the machine's.
    monkeypatch.setattr(known, "SURE_S", 0.4)
    monkeypatch.setattr(relay, "RECHECK_S", 0.4)
    phone = enrolled(people["worker2"])
    name = databases.grid_db("640105002001002", QUARTER)
    since = phone.ask("GET", f"/{name}").json()["update_seq"]
    ended: list[float] = []

    def wait() -> None:
        try:
            answer = phone.ask("GET", f"/{name}/_changes", params={"feed": "longpoll", "since": str(since), "timeout": "30000"})
            assert answer.status_code == 401 or "last_seq" not in answer.text
        except OSError:
            pass
        ended.append(time.monotonic())

    waiting = threading.Thread(target=wait)
    waiting.start()
    begun_s = time.monotonic()
    devices.revoke(couch, phone.device_id, by=accounts.find(couch, "worker2"))
    waiting.join(60)
    assert ended
    assert ended[0] - begun_s < 5
    assert phone.ask("GET", f"/{name}").json()["reason"] == "token_revoked"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"null", 400),
        (b'{"docs": 1, "new_edits": false}', 400),
        (b'{"docs": []}', 400),
        (b'{"docs": [], "new_edits": true}', 400),
        (b'{"docs": [], "new_edits": 0}', 400),
        (b'{"docs": [], "new_edits": false}', 201),
        (b'{"docs": [NaN], "new_edits": false}', 400),
        (b'{"docs": [{"_id": "\xff"}], "new_edits": false}', 400),
        (b'{"docs": [' + b"[" * 50_000 + b"]" * 50_000 + b'], "new_edits": false}', 400),
        (b'{"docs": [' + b"[" * 900 + b"]" * 900 + b'], "new_edits": false}', 201),
        (b'{"docs": [1e999, 123456789012345678901234567890], "new_edits": false}', 201),
        (b'{"docs": [' + b"1," * 1000 + b'1], "new_edits": false}', 413),
        (b" " * (8 * 1024 * 1024 + 1), 413),
    ],
)
def test_a_hostile_push_body_is_answered_by_a_small_refusal(body: bytes, status: int, worker1: Phone) -> None:
    answer = worker1.ask("POST", f"/{GRID_DB}/_bulk_docs", data=body)
    assert answer.status_code == status, answer.text[:200]
    assert len(answer.content) < 1000


def test_a_doubled_key_is_stored_as_it_was_checked(worker1: Phone, couch: Couch) -> None:
    report = worker1.report()
    text = json.dumps(report).replace('"author": "worker1"', '"author": "worker2", "author": "worker1"')
    body = '{"new_edits": true, "docs": [' + text + '], "new_edits": false}'
    assert worker1.ask("POST", f"/{GRID_DB}/_bulk_docs", data=body.encode()).json()[0]["ok"] is True
    assert couch.database(GRID_DB).get(report["_id"]) == report
