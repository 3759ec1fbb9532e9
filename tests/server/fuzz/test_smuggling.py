"""Requests that want to be read in two ways, against the real process: what is refused, and what the store is asked of them."""

import re
import socket
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync import databases
from tests.conftest import GRID_A
from tests.server.fuzz.conftest import FOREIGN_DB, GRID_DB, QUARTER, Front, no_trace, say, status_of

FOREIGN = [FOREIGN_DB, "people", "devices", "quarantine", databases.cases_db(GRID_A[:9]), "_users", "_all_dbs"]
# What the server asks of its own accord: who holds a token, what was erased, and what changed.
OWN_QUESTIONS = re.compile(
    r"GET /(devices/device%3A[0-9a-z]{16}|people/user%3A[a-z0-9_-]+|(devices|people|erasures)/_changes\?[a-zA-Z0-9_=&%-]*)"
    r"|POST /_dbs_info|GET /_up"
)
MINE = "|".join(
    re.escape(name) for name in ("ref", GRID_DB, databases.home_db(GRID_A), databases.home_quarter_db(GRID_A, QUARTER))
)
LAST = databases.previous_quarter(QUARTER)
OPENED = rf"(?:{MINE}|(?:grid|home)-{GRID_A}-{LAST}|track-worker1-\d{{6}}|log-[0-9a-z]{{16}})"
DOCUMENT = r"(?!_)[^/?]+"
OFFERED = re.compile(
    rf"GET /{OPENED}(/(_changes|_all_docs|_local/[0-9a-z]{{16}}\.[^/?]+|{DOCUMENT}))?(\?[^?#]*)?"
    rf"|POST /{OPENED}/(_changes|_all_docs|_bulk_get|_revs_diff|_bulk_docs)(\?[^?#]*)?"
    rf"|PUT /{OPENED}(/_local/[0-9a-z]{{16}}\.[^/?]+|\?q=1)"
)


def check_asked(asked: list[str]) -> None:
    """The store was asked nothing but what a device may ask, of its own databases."""
    strange = [line for line in asked if not OWN_QUESTIONS.fullmatch(line) and not OFFERED.fullmatch(line)]
    assert not strange


TARGETS = [
    f"/db/{GRID_DB}/../people/_all_docs",
    f"/db/{GRID_DB}/%2e%2e/people/_all_docs",
    f"/db/{GRID_DB}/.%2e/people/_all_docs",
    f"/db/{GRID_DB}%2f..%2fpeople/_all_docs",
    f"/db/{GRID_DB}%252f..%252fpeople",
    f"/db/{GRID_DB}/%252e%252e/people",
    f"/db/{GRID_DB}/..%5cpeople",
    f"/db/{GRID_DB}\\..\\people",
    f"/db/{GRID_DB};/people",
    f"/db//{FOREIGN_DB}",
    f"/db/{GRID_DB}%00",
    f"/db/{GRID_DB}%0d%0aGET%20/people",
    f"/db/{GRID_DB}/_all_docs%3finclude_docs=true/../../people",
    f"/db/{GRID_DB}/_all_docs#/people",
    "/db/%70eople/_all_docs",
    "/db/%C1%A5%C1%A5ople",
    "/db/people%E2%80%8B",
    "/db/ｐｅｏｐｌｅ/_all_docs",
    "/db/%EF%BD%90eople/_all_docs",
    "/db/PEOPLE/_all_docs",
    "/DB/people",
    "/db/../people",
    "/./db/people",
    "//db/people",
    "/db/people/",
    f"/db/{GRID_DB}/_design%2fcases/_view/all",
    f"/db/{GRID_DB}/_local_docs",
    f"/db/{GRID_DB}/_local%2f..%2f..%2fpeople",
    f"/db/{GRID_DB}/_local/..%2f..%2fpeople",
    f"/db/{GRID_DB}/_revs_limit",
    f"/db/{GRID_DB}/_%73ecurity",
    f"/db/{GRID_DB}/_all_docs?limit=1&limit=2",
    f"/db/{GRID_DB}/_changes?filter=_view&view=x/y",
    f"/db/{GRID_DB}/_changes?filter=%5fview",
    f"/db/{GRID_DB}/_changes?feed=continuous",
    f"/db/{GRID_DB}/_changes?%66eed=eventsource",
    "http://127.0.0.1:5984/people/_all_docs",
    f"http://phone.test/db/{GRID_DB}",
    "https://phone.test/db/people",
    "phone.test:443",
    "*",
    "db/people",
    "?/db/people",
    "/db/" + "a" * 9000,
    "/db/" + "%61" * 700,
    f"/db/{GRID_DB}?" + "a=1&" * 4000,
    f"/db/{GRID_DB}/_all_docs?" + "&".join(f"p{n}=1" for n in range(60)),
]


@pytest.mark.parametrize("target", TARGETS)
def test_no_way_of_writing_an_address_leads_elsewhere(target: str, front: Front, since: Callable[[], list[str]]) -> None:
    for method, body in (("GET", b""), ("POST", b"{}"), ("PUT", b"{}"), ("DELETE", b"")):
        answer = front.ask(method, target, "content-type: application/json", body=body)
        assert status_of(answer) in {400, 403, 404, 405, 414, 501}, answer[:300]
        no_trace(answer)
    check_asked(since())


@pytest.mark.parametrize("name", FOREIGN)
def test_no_database_but_the_devices_own(name: str, front: Front, since: Callable[[], list[str]]) -> None:
    asked = ("", "/", "/_all_docs?include_docs=true", "/_changes?include_docs=true", f"/planted:{name}", "/_local/x")
    for path in asked:
        answer = front.ask("GET", f"/db/{name}{path}")
        assert status_of(answer) == 403, answer[:300]
        no_trace(answer)
    assert not [line for line in since() if f"/{name}/" in line.replace("/_changes", "") and not OWN_QUESTIONS.fullmatch(line)]


PUSH = f"POST /db/{GRID_DB}/_bulk_docs HTTP/1.1\r\n"
STOWAWAY = b"GET /db/people/_all_docs?include_docs=true HTTP/1.1\r\nhost: x\r\nauthorization: Bearer @\r\n\r\n"
BODY = b'{"docs":[],"new_edits":false}'
HEADS: list[tuple[str, bytes]] = [
    ("two lengths", b"content-length: 29\r\ncontent-length: 0\r\n"),
    ("the same length twice", b"content-length: 29\r\ncontent-length: 29\r\n"),
    ("a list of lengths", b"content-length: 29, 29\r\n"),
    ("a length with a sign", b"content-length: +29\r\n"),
    ("a negative length", b"content-length: -1\r\n"),
    ("a length in hexadecimal", b"content-length: 0x1d\r\n"),
    ("a length beyond all numbers", b"content-length: 99999999999999999999\r\n"),
    ("length and chunks", b"content-length: 29\r\ntransfer-encoding: chunked\r\n"),
    ("chunks and length", b"transfer-encoding: chunked\r\ncontent-length: 29\r\n"),
    ("chunks twice", b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n"),
    ("chunks by another name", b"transfer-encoding: xchunked\r\n"),
    ("chunks and identity", b"transfer-encoding: chunked, identity\r\n"),
    ("identity", b"transfer-encoding: identity\r\ncontent-length: 29\r\n"),
    ("gzip and chunks", b"transfer-encoding: gzip, chunked\r\n"),
    ("chunks behind a tab", b"transfer-encoding:\x0bchunked\r\n"),
    ("a space before the colon", b"transfer-encoding : chunked\r\n"),
    ("a folded line", b"x-a: b\r\n transfer-encoding: chunked\r\ncontent-length: 29\r\n"),
    ("a folded coding", b"transfer-encoding:\r\n chunked\r\n"),
    ("a NUL in a value", b"x-a: b\0c\r\ncontent-length: 29\r\n"),
    ("a NUL in a name", b"x-\0a: b\r\ncontent-length: 29\r\n"),
    ("a lone carriage return", b"x-a: b\rtransfer-encoding: chunked\r\ncontent-length: 29\r\n"),
    ("a lone line feed", b"x-a: b\ntransfer-encoding: chunked\r\ncontent-length: 29\r\n"),
    ("no name", b": b\r\ncontent-length: 29\r\n"),
    ("two hosts", b"host: other.test\r\ncontent-length: 29\r\n"),
    ("two tokens", b"authorization: Bearer x\r\ncontent-length: 29\r\n"),
    ("an upgrade", b"connection: upgrade\r\nupgrade: websocket\r\ncontent-length: 29\r\n"),
    (
        "an upgrade to HTTP/2",
        b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\ncontent-length: 29\r\n",
    ),
    ("a line of 40 KB", b"x-a: " + b"b" * 40_000 + b"\r\ncontent-length: 29\r\n"),
    ("a hundred lines", b"".join(b"x-%d: b\r\n" % n for n in range(100)) + b"content-length: 29\r\n"),
]


@pytest.mark.parametrize(("what", "lines"), HEADS, ids=[what for what, _ in HEADS])
def test_a_head_that_can_be_read_in_two_ways_is_refused_and_nothing_after_it_is_read(
    what: str, lines: bytes, front: Front, since: Callable[[], list[str]]
) -> None:
    head = PUSH.encode() + b"host: x\r\nauthorization: Bearer " + front.token.encode() + b"\r\n" + lines + b"\r\n"
    answer = say(front.address, head + BODY + STOWAWAY.replace(b"@", front.token.encode()) * 2)
    assert status_of(answer) in {400, 401, 413, 431}, answer[:300]
    assert answer.count(b"HTTP/1.1 ") == 1, answer[:600]
    assert b"connection: close" in answer
    no_trace(answer)
    check_asked(since())


@pytest.mark.parametrize(
    "line",
    [
        "x-http-method-override: DELETE",
        "x-http-method: PUT",
        "x-method-override: PUT",
        "x-original-url: /db/people/_all_docs",
        "x-rewrite-url: /db/people/_all_docs",
        "x-couch-full-commit: false",
        "x-auth-couchdb-username: admin",
        "x-auth-couchdb-roles: _admin",
        "x-forwarded-host: people",
        "destination: report:x",
        "if-match: 1-x",
        "cookie: AuthSession=YWRtaW46NQ",
    ],
)
def test_no_header_changes_what_is_asked_of_the_store(line: str, front: Front, since: Callable[[], list[str]]) -> None:
    answer = front.ask("GET", f"/db/{GRID_DB}", line)
    assert status_of(answer) == 200, answer[:300]
    front.ask("POST", f"/db/{GRID_DB}/_revs_diff", line, body=b"{}")
    kinds = {line.partition("?")[0] for line in since() if not OWN_QUESTIONS.fullmatch(line)}
    assert kinds <= {f"GET /{GRID_DB}", f"PUT /{GRID_DB}", f"POST /{GRID_DB}/_revs_diff"}


def test_requests_sent_ahead_are_answered_one_by_one_each_by_its_own_right(front: Front, since: Callable[[], list[str]]) -> None:
    good = f"GET /db/{GRID_DB} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {front.token}\r\n\r\n".encode()
    answer = say(front.address, good + STOWAWAY.replace(b"@", front.token.encode()) + good.replace(b"Bearer ", b"Bearer x"))
    found = re.findall(rb"HTTP/1.1 (\d{3})", answer)
    assert found == [b"200", b"403", b"401"]
    check_asked(since())


def test_a_head_that_never_ends_is_cut_off_while_another_answer_is_awaited(front: Front) -> None:
    waiting = (
        f"GET /db/{GRID_DB}/_changes?feed=longpoll&since=now HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {front.token}\r\n\r\n"
    )
    with socket.create_connection(front.address, 10) as connection:
        connection.sendall(waiting.encode() + b"GET / HTTP/1.1\r\nx-a: ")
        with pytest.raises(OSError):
            for _ in range(2_000):
                connection.sendall(b"b" * 4096)


WAYS = "/ // . .. %2e %2E%2e %2f %5c \\ %00 %0a %0d%0a %25 %252e %252f ; ? & = # %23 %3f %20 + : %3A * @ http:"
LETTERS = "· ａ %E5%B7%A1 %C0%AF %ff"
NAMES = "_all_docs _changes _bulk_get _local _design _security _find _local/x %5fall_docs people devices ref report:x x/y"
FIELDS = "limit feed filter=_view include_docs=true"
PIECES = [
    *WAYS.split(),
    *LETTERS.split(),
    *NAMES.split(),
    *FIELDS.split(),
    GRID_DB,
    FOREIGN_DB,
    GRID_DB.upper(),
    "planted:people",
    " ",
]


@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "COPY", "PROPFIND"]),
    pieces=st.lists(st.sampled_from(PIECES), max_size=9),
    start=st.sampled_from(["/db/", f"/db/{GRID_DB}/", "/", f"/db/{FOREIGN_DB}/", "/db/ref/"]),
)
def test_whatever_the_address_the_store_is_asked_only_what_is_offered(
    front: Front, method: str, pieces: list[str], start: str
) -> None:
    begun = len(front.recorder.asked)
    answer = front.ask(method, start + "".join(pieces), "content-type: application/json", body=b"{}" if method == "POST" else b"")
    assert status_of(answer) < 500 or status_of(answer) == 501, answer[:300]
    no_trace(answer)
    check_asked(front.recorder.asked[begun:])
