"""Twenty clerks of four kinds on the same fifty cases, over HTTP: what was answered as made counts once, the rest is told why.

How two moves are put in order is `server/domain/workflow/folding.py` and `server/cases/store.py`; here the whole server is asked.
"""

import html
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from server.cases import store
from server.domain import ids, workflow
from server.people import accounts
from tests.conftest import COMMUNITY, GRID_A, GRID_B
from tests.server.web.site import HTML, HTMX, PASSWORD, TOWNSHIP, Site

CASES = 50
# Whoever was told of a change looks again and goes on, at every so manieth case.
SECOND_LOOK = 4
KINDS: dict[str, dict[str, list[str]]] = {
    "triage": {"townships": [TOWNSHIP]},
    "community": {"communities": [COMMUNITY]},
    "district": {"townships": [TOWNSHIP, "640105003"]},
    "department": {"units": ["unit:enforcement"]},
}
CLERKS = [(f"{role}{n + 10}", role) for role, count in zip(KINDS, (8, 6, 3, 3), strict=True) for n in range(count)]
SENT_OUT = {"move": "dispatch", "unit": "unit:enforcement", "reason": "职责范围"}
# What each kind of clerk tries, whatever the state: much of it is not theirs to do just then.
TRIES: dict[str, list[dict[str, Any]]] = {
    "triage": [SENT_OUT, {"move": "accept"}, {"move": "amend", "urgency": "urgent", "reason": "更正"}, {"move": "take_on"}],
    "community": [{"move": "accept"}, {"move": "amend", "address": "同心北街9号", "reason": "更正"}, {"move": "file"}],
    "district": [{"move": "urge", "text": "请尽快办理"}, {"move": "remark", "text": "已知悉"}],
    "department": [{"move": "start"}, {"move": "answer", "result": "已处理"}, {"move": "remark", "text": "在路上"}],
}


@dataclass
class Told:
    """What the clerks were answered: moves made, as (case, key), and everything else by status."""

    made: list[tuple[str, str]] = field(default_factory=list)
    changed: list[dict[str, Any]] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)


@pytest.fixture(scope="module")
def clerks(site: Site) -> Iterator[dict[str, httpx.Client]]:
    """Browsers of twenty people, by account."""
    one = accounts.make("clerk", ["triage"], {"zh-CN": "职员", "en": "Clerk"}, PASSWORD)
    nothing: dict[str, list[str]] = {held: [] for holds in KINDS.values() for held in holds}
    accounts.save_all(site.couch, [one | nothing | KINDS[role] | named(name, role) for name, role in CLERKS])
    site.couch.create("ref", replicated=True)
    site.couch.database("ref").bulk([{"_id": SENT_OUT["unit"], "type": "unit", "level": "township"}])
    found = {}
    for name, _ in CLERKS:
        with site.visit(name) as client:
            found[name] = httpx.Client(base_url=site.url, timeout=60, cookies=client.cookies)
    yield found
    for client in found.values():
        client.close()


def named(name: str, role: str) -> dict[str, Any]:
    return {"_id": f"user:{name}", "name": name, "roles": [role], "display": {"zh-CN": f"职员{name}", "en": name}}


def at_once(names: list[str], work: Callable[[str], Any]) -> list[Any]:
    """Everybody does the work at the same moment; what each brought back."""
    gate = threading.Barrier(len(names))

    def begin(name: str) -> Any:
        gate.wait(60)
        return work(name)

    with ThreadPoolExecutor(len(names)) as pool:
        return list(pool.map(begin, names))


def test_twenty_clerks_on_fifty_cases_lose_no_move_and_each_is_told(site: Site, clerks: dict[str, httpx.Client]) -> None:
    cases = [site.make_case(grid=(GRID_A, GRID_B)[n % 2]) for n in range(CASES)]
    roles, told = dict(CLERKS), Told()

    def work(name: str) -> None:
        known = {case["_id"]: workflow.version_of(case) for case in cases}
        for n, case in enumerate([*cases, *cases[::SECOND_LOOK]]):
            body = TRIES[roles[name]][n % len(TRIES[roles[name]])]
            known[case["_id"]] = try_to_move(clerks[name], case["_id"], known[case["_id"]], body, told)

    at_once(list(clerks), work)
    assert told.statuses <= {201, 403, 404, 409}, told.statuses
    assert len(told.made) > CASES
    assert len(told.changed) > 5 * CASES
    for problem in told.changed:
        last = problem["case"]["last_event"]
        assert (problem["state"], bool(last["by"]), bool(last["at"])) == (problem["case"]["state"], True, True)
    audit(site, [case["_id"] for case in cases], told)


def try_to_move(client: httpx.Client, case: str, version: str, body: dict[str, Any], told: Told) -> str:
    """One move on the version that the clerk saw last; the version that the answer told."""
    key = secrets.token_hex(8)
    answer = client.post(f"/api/cases/{case}/events", json=body, headers={"If-Match": f'"{version}"', "Idempotency-Key": key})
    told.statuses.add(answer.status_code)
    if answer.status_code == 201:
        told.made.append((case, key))
        return answer.headers["etag"].strip('"')
    problem = answer.json()
    if problem.get("code") == "changed_meanwhile":
        told.changed.append(problem)
        return str(problem["case"]["version"])
    return version


def audit(site: Site, cases: list[str], told: Told) -> None:
    """Each made move is once in its case and each other in none; the saved case is the fold of its events."""
    database = site.couch.database(f"cases-{TOWNSHIP}")
    made = {ids.event_id(case, key) for case, key in told.made}
    assert len(made) == len(told.made)
    counted: list[str] = []
    for id in cases:
        loaded = store.load(database, id)
        assert loaded is not None
        kept = {name: value for name, value in loaded.case.items() if name != "_rev"}
        assert workflow.fold(loaded.events) == kept
        counted += loaded.case["applied"][1:]
    assert sorted(counted) == sorted(made)


def test_two_who_correct_the_same_case_at_once_do_not_overwrite_each_other(site: Site, clerks: dict[str, httpx.Client]) -> None:
    """Both moves would be legal one after the other: only what each had seen tells them apart."""
    everybody = [name for name, role in CLERKS if role in {"triage", "community"}]
    for _ in range(5):
        case, told = site.make_case(grid=GRID_A), Told()
        at_once(
            everybody,
            lambda name, case=case, told=told: try_to_move(
                clerks[name],
                case["_id"],
                workflow.version_of(case),
                {"move": "amend", "address": f"{name} 号", "reason": name},
                told,
            ),
        )
        assert (len(told.made), len(told.changed)) == (1, len(everybody) - 1)
        audit(site, [case["_id"]], told)


def test_twenty_forms_at_once_make_one_move_and_the_others_keep_every_word(site: Site, clerks: dict[str, httpx.Client]) -> None:
    case = site.make_case(grid=GRID_A)
    path = f"/cases/{case['_id']}"
    holders = [name for name, role in CLERKS if role in {"triage", "community"}]

    def send(name: str) -> tuple[str, httpx.Response]:
        form = {
            "move": "return",
            "version": workflow.version_of(case),
            "key": secrets.token_hex(8),
            "reason": f"照片看不清 <{name}>",
        }
        return name, clerks[name].post(f"{path}/moves", data=form, headers=HTMX)

    answers = dict(at_once(holders, send))
    assert sorted(answer.status_code for answer in answers.values()) == [200] + [409] * (len(holders) - 1)
    winner = next(name for name, answer in answers.items() if answer.status_code == 200)
    for name, answer in answers.items():
        if name != winner:
            assert f"职员{winner}" in answer.text
            assert f"照片看不清 &lt;{name}&gt;" in answer.text


def test_a_form_that_came_too_late_keeps_choices_ticks_and_texts(site: Site, clerks: dict[str, httpx.Client]) -> None:
    """The move is still possible: its form stands open and filled in, on the case as it is now."""
    case = site.make_case(grid=GRID_A)
    client, path = clerks["triage10"], f"/cases/{case['_id']}"
    page = client.get(path, headers=HTML).text
    assert 'value="amend"' in page
    assert client.post(f"/api{path}/events", json={"move": "accept"}).status_code == 201
    typed = {"move": "amend", "version": workflow.version_of(case), "key": secrets.token_hex(8)}
    typed |= {"reason": "地址写错", "urgency": "urgent", "address": "怀远路8号"}
    for headers in (HTMX, HTML):
        late = client.post(f"{path}/moves", data=typed, headers=headers)
        assert late.status_code == 409
        text = html.unescape(late.text)
        form = next(part for part in text.split("<form")[1:] if 'name="move" value="amend"' in part).partition("</form>")[0]
        assert "地址写错" in form
        assert 'value="怀远路8号"' in form
        assert re.search(r'value="urgent" selected', form)
