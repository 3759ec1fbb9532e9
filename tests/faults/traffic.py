"""Work while things break: phones that record and push, clerks who move cases, each in a thread, until told that it is enough.

Everybody tries again as the app and a patient clerk do, and notes only what was answered as done. The counting is `audit.py`.
"""

import io
import random
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import requests
from PIL import Image

from tests.phones import TRANSIENT, SimulatedPhone
from tests.running import PASSWORD, until

PATIENCE_S = 300.0
RETRY_S = 0.2
TOWNSHIP = "640105002"
# Why the gate puts aside what `strange` makes.
STRANGE = "author_mismatch"


def picture(n: int) -> bytes:
    """A small JPEG, a different one for each n."""
    out = io.BytesIO()
    Image.new("RGB", (320, 240), (n * 37 % 256, n * 91 % 256, n * 53 % 256)).save(out, "JPEG", comment=str(n).encode())
    return out.getvalue()


def strange(phone: SimulatedPhone) -> dict[str, Any]:
    """A report in somebody else's name: refused, and kept for a clerk before that is answered."""
    return phone.make_report("他人名义")[0] | {"author": "nobody"}


class Clerk:
    """Somebody at a desk who takes cases through the flow: the township's own people, or a department whose cases they become.

    `moved` are the moves answered as made: (case, key).
    """

    def __init__(self, url: str, username: str = "triage1") -> None:
        self.url, self.username = url, username
        self.session = requests.Session()
        self.moved: set[tuple[str, str]] = set()
        self.turned_down: set[tuple[str, str]] = set()

    def sign_in(self) -> None:
        """Signs in; raises requests' errors when the server is away."""
        body = {"username": self.username, "password": PASSWORD}
        answer = self.session.post(f"{self.url}/api/session", json=body, timeout=15)
        assert answer.status_code in {204, 401, *TRANSIENT}, answer.text
        answer.raise_for_status()

    def work_once(self) -> None:
        """Looks at the newest cases and moves one that can be moved, until the answer is there; nothing when there is none."""
        page = self._patiently(lambda: self.session.get(f"{self.url}/api/cases", params=_PAGE, timeout=15))
        mine = _MOVES[self.username]
        cases = [case for case in page["cases"] if case["state"] in mine]
        if not cases:
            time.sleep(RETRY_S)
            return
        case = random.choice(cases)
        self.move(case["id"], random.choice(mine[case["state"]]))

    def move(self, case_id: str, move: dict[str, Any]) -> None:
        """One move, tried again with its key until it is answered as made or as refused."""
        key = secrets.token_hex(8)
        headers = {"Idempotency-Key": key}
        address = f"{self.url}/api/cases/{case_id}/events"
        answer = self._patiently(lambda: self.session.post(address, json=move, headers=headers, timeout=15))
        (self.turned_down if answer is None else self.moved).add((case_id, key))

    def _patiently(self, ask: Callable[[], requests.Response]) -> Any:
        """The JSON of a good answer, None for a 409; asks again through every fault, and signs in when the session is over."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                answer = ask()
                if answer.status_code == 401:
                    self.sign_in()
                elif answer.status_code == 409:
                    return None
                elif answer.status_code in (200, 201):
                    return answer.json()
                else:
                    assert answer.status_code in TRANSIENT, answer.text
            except requests.RequestException:
                pass
            assert time.monotonic() < deadline, f"no answer for a clerk in {PATIENCE_S} s"
            time.sleep(RETRY_S)


_PAGE = {"township": TOWNSHIP, "limit": "30"}
_DISPATCH = {"move": "dispatch", "unit": "unit:enforcement", "reason": "占道经营归执法队"}
# What each does with a case in a state, as often as it stands here.
_MOVES: dict[str, dict[str, list[dict[str, Any]]]] = {
    "triage1": {
        "reported": [{"move": "accept"}] * 3 + [{"move": "return", "reason": "不属于本辖区"}],
        "accepted": [{"move": "file"}, _DISPATCH, {"move": "send_task", "kind": "look_again", "text": "再看一次"}],
        "filed": [_DISPATCH],
        "answered": [
            {"move": "close", "result": "已处理"},
            {"move": "rework", "reason": "现场仍未清理"},
            {"move": "ask_verification"},
        ],
    },
    "dept1": {
        "dispatched": [{"move": "start"}],
        "rework": [{"move": "start"}],
        "in_hand": [{"move": "answer", "result": "已清理"}] * 2
        + [{"move": "ask", "what": "extension", "reason": "等待配件", "amount": 2}],
    },
}


class Traffic:
    """Phones and clerks at work. As a context: begins at once, ends well or raises what went wrong."""

    def __init__(self, phones: Sequence[SimulatedPhone], clerks: Sequence[Clerk] = (), *, has_photos: bool = True) -> None:
        self.phones, self.clerks, self._has_photos = phones, clerks, has_photos
        self.failures: list[BaseException] = []
        self._enough = threading.Event()
        works = [lambda p=phone: self._carry(p) for phone in phones] + [lambda c=clerk: self._sit(c) for clerk in clerks]
        self._threads = [threading.Thread(target=self._guard, args=(work,)) for work in works]

    def __enter__(self) -> "Traffic":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join(PATIENCE_S)
        if kind is None:
            assert not self.failures, self.failures
            assert not any(thread.is_alive() for thread in self._threads), "somebody still waits for an answer"

    @property
    def acknowledged(self) -> int:
        """How many records were answered as stored, or as kept in quarantine, so far."""
        return sum(len(phone.held) + len(phone.quarantined) for phone in self.phones)

    def wait_for_more(self, count: int, what: str, timeout_s: float = 120) -> None:
        """Waits until this many more records were acknowledged than now."""
        aim = self.acknowledged + count
        until(lambda: self.failures or self.acknowledged >= aim, f"{count} more records {what}", timeout_s)
        assert not self.failures, self.failures

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            while not self._enough.is_set():
                work()
        except BaseException as error:  # noqa: BLE001 - the main thread reports it
            self.failures.append(error)

    def _sit(self, clerk: Clerk) -> None:
        clerk.work_once()

    def _carry(self, phone: SimulatedPhone) -> None:
        """One stretch of a round: a report with its photo, a note about it, a household with an edit, a visit there.

        Every fourth time, about, something that is refused goes with the note.
        """
        n = secrets.randbits(24)
        data = picture(n)
        report, *photos = phone.make_report(f"{phone.username} {n}", (data,) if self._has_photos else ())
        phone.push_until_answered([report, *photos], timeout_s=PATIENCE_S)
        household = phone.make_household(f"{n} 号")
        home = f"home-{phone.grid}"
        refused = [strange(phone)] if n % 4 == 0 else []
        phone.push_until_answered([phone.make_note(report["_id"]), *refused], timeout_s=PATIENCE_S)
        phone.push_until_answered([household], home, PATIENCE_S)
        phone.push_until_answered(
            [phone.make_visit(household["_id"], f"{n} 号")], phone.database("home", quarterly=True), PATIENCE_S
        )
        phone.push_until_answered([phone.edit_household(household, residents_count=3)], home, PATIENCE_S)
        for photo in photos:
            phone.upload_until_answered(photo["_id"], data, timeout_s=PATIENCE_S)
