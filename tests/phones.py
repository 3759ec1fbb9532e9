"""A phone without a screen: speaks the real protocol as the app does, so that many can be run and killed around.

It keeps what it was told is safe (`acknowledged`, `uploaded`) apart from what it tried, because that difference is what the
tests count.
"""

import base64
import hashlib
import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from server.domain.ids import uuid7
from server.domain.times import to_text
from tests.running import PASSWORD

RETRY_S = 0.2
TRANSIENT = {429, 500, 502, 503, 504}


def make_id(type_: str, at: datetime | None = None) -> str:
    """A fresh record id."""
    return f"{type_}:{uuid7(at or datetime.now(UTC), os.urandom(10))}"


def first_revision(doc: dict[str, Any]) -> str:
    """A first revision's name; which one does not matter as long as it is the same for the same document."""
    return "1-" + hashlib.md5(repr(sorted(doc.items())).encode(), usedforsecurity=False).hexdigest()


@dataclass
class SimulatedPhone:
    """One enrolled device of one worker. Its clock may be wrong (`wrong_by_s`), and it does not know.

    It tries again after the answers in `transient`, and after every lost connection; `last_refusal` is the code of the last one.
    `held` and `quarantined` say where what the server answered for is: `{id: (database, revision)}`, the latest revision.
    """

    url: str
    username: str
    session: requests.Session = field(default_factory=requests.Session)
    acknowledged: set[str] = field(default_factory=set)
    uploaded: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    held: dict[str, tuple[str, str]] = field(default_factory=dict)
    quarantined: dict[str, tuple[str, str]] = field(default_factory=dict)
    photo_sha256: dict[str, str] = field(default_factory=dict)
    transient: set[int] = field(default_factory=lambda: set(TRANSIENT))
    last_refusal: str = ""
    wrong_by_s: float = 0.0
    enrolment: dict[str, Any] = field(default_factory=dict)

    def enrol(self) -> "SimulatedPhone":
        """Signs in once and keeps the token."""
        body = {"username": self.username, "password": PASSWORD, "name": "simulated"}
        answer = self.session.post(f"{self.url}/api/devices", json=body, timeout=30)
        assert answer.status_code == 201, answer.text
        self.enrolment = answer.json()
        self.session.headers["Authorization"] = f"Bearer {self.enrolment['token']}"
        return self

    @property
    def grid(self) -> str:
        """The first of its grids."""
        return str(self.enrolment["grids"][0])

    def database(self, kind: str = "grid", grid: str | None = None, *, quarterly: bool = False) -> str:
        """The current database of a kind, as the server announced it; `quarterly` leaves out the one that is for ever."""
        prefix = f"{kind}-{grid or self.grid}" + ("-" if quarterly else "")
        names = [entry["name"] for entry in self.enrolment["databases"] if entry["name"].startswith(prefix) and entry["push"]]
        return str(names[0])

    def now(self) -> datetime:
        """The time by this phone's clock."""
        return datetime.now(UTC) + timedelta(seconds=self.wrong_by_s)

    def envelope(self, type_: str, **fields: Any) -> dict[str, Any]:
        """A document of this phone with its revision, captured now."""
        doc = {
            "_id": make_id(type_, self.now()),
            "type": type_,
            "v": 1,
            "grid": self.grid,
            "author": self.username,
            "device": self.enrolment["device_id"],
            "captured_at": to_text(self.now()),
            "clock_offset_ms": 0,
            **fields,
        }
        return {**doc, "_rev": first_revision(doc)}

    def make_report(self, text: str = "楼道堆物", photos: tuple[bytes, ...] = ()) -> list[dict[str, Any]]:
        """A report and its photo records; the first is the report."""
        photo_ids = [make_id("photo") for _ in photos]
        report = self.envelope(
            "report",
            category="3102",
            text=text,
            urgency="normal",
            place={"lat": 38.5, "lon": 106.1, "accuracy_m": 10.0, "datum": "WGS84", "address": None, "compound": None},
            photos=photo_ids,
            source="patrol",
            patrol=None,
            solved=None,
        )
        records = [
            self.envelope("photo", _id=photo, of=report["_id"], files=[file_of(data)], taken_at=None, place=None)
            for photo, data in zip(photo_ids, photos, strict=True)
        ]
        return [report, *records]

    def push(self, docs: list[dict[str, Any]], database: str | None = None) -> list[dict[str, Any]]:
        """One push as it is answered; raises on anything but 201."""
        name = database or self.database()
        answer = self.session.post(f"{self.url}/db/{name}/_bulk_docs", json={"new_edits": False, "docs": docs}, timeout=30)
        answer.raise_for_status()
        for row in answer.json():
            if row.get("ok"):
                self.acknowledged.add(row["id"])
                self.held[row["id"]] = (name, row["rev"])
            else:
                self.refused[row["id"]] = row["reason"]
                if row.get("quarantined"):
                    self.quarantined[row["id"]] = (name, row["rev"])
        return list(answer.json())

    def make_note(self, of: str, text: str = "补充情况") -> dict[str, Any]:
        """A later fact about a report."""
        return self.envelope("note", of=of, text=text, photos=[])

    def make_household(self, address: str) -> dict[str, Any]:
        """A household file with the few facts it must have."""
        basis = {"purpose": "一户一档", "given_at": to_text(self.now()), "how": "consent_spoken"}
        return self.envelope("household", address=address, basis=basis, residents_count=2, stamps=self._stamps("address"))

    def edit_household(self, doc: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """The next revision of a household file, with its history, as PouchDB makes it."""
        generation, _, digest = doc["_rev"].partition("-")
        body = {name: value for name, value in doc.items() if name not in ("_rev", "_revisions")} | fields
        body["stamps"] = doc["stamps"] | self._stamps(*fields)
        child = first_revision(body).partition("-")[2]
        known = doc.get("_revisions", {"ids": [digest]})["ids"]
        start = int(generation) + 1
        return {**body, "_rev": f"{start}-{child}", "_revisions": {"start": start, "ids": [child, *known]}}

    def make_visit(self, household: str | None, address: str) -> dict[str, Any]:
        """One call on a household."""
        return self.envelope("visit", household=household, address=address, kind="routine", findings="一切正常", next_at=None)

    def _stamps(self, *fields: str) -> dict[str, str]:
        now_ms = int(self.now().timestamp() * 1000)
        return dict.fromkeys(fields, f"{now_ms:015d}-0000-{self.enrolment['device_id']}")

    def push_until_answered(self, docs: list[dict[str, Any]], database: str | None = None, timeout_s: float = 90.0) -> None:
        """Pushes again and again until the server has answered for every document, as the app does."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                self.push(docs, database)
            except requests.RequestException as error:
                response = getattr(error, "response", None)
                assert response is None or response.status_code in self.transient, response.text
                self.last_refusal = _reason_of(response)
                assert time.monotonic() < deadline, f"no answer in {timeout_s} s: {error}"
                time.sleep(RETRY_S)
            else:
                return

    def upload(self, photo: str, data: bytes, database: str | None = None, sha256: str | None = None) -> requests.Response:
        """One upload in one request (tus creation-with-upload)."""
        facts = {
            "photo": photo,
            "role": "sent",
            "database": database or self.database(),
            "sha256": sha256 or hashlib.sha256(data).hexdigest(),
            "filetype": "image/jpeg",
        }
        metadata = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in facts.items())
        headers = {
            "Tus-Resumable": "1.0.0",
            "Upload-Length": str(len(data)),
            "Upload-Metadata": metadata,
            "Content-Type": "application/offset+octet-stream",
        }
        return self.session.post(f"{self.url}/api/uploads", data=data, headers=headers, timeout=30)

    def upload_until_answered(self, photo: str, data: bytes, timeout_s: float = 90.0) -> None:
        """Uploads again and again until the server says that it holds the whole photo."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                answer = self.upload(photo, data)
                if answer.status_code == 201 and answer.headers.get("Upload-Offset") == str(len(data)):
                    self.photo_sha256[photo] = hashlib.sha256(data).hexdigest()
                    self.uploaded.add(photo)
                    return
                assert answer.status_code in {*self.transient, 201, 409, 423}, answer.text
                self.last_refusal = _reason_of(answer)
            except requests.RequestException:
                pass
            assert time.monotonic() < deadline, f"photo not taken in {timeout_s} s"
            time.sleep(RETRY_S)


def _reason_of(answer: requests.Response | None) -> str:
    """The code in a refusal, of the gateway or of the rest of the server; empty when nothing was answered."""
    try:
        body = {} if answer is None else answer.json()
    except requests.JSONDecodeError:
        return ""
    return str(body.get("reason") or body.get("code") or body.get("title") or "") if isinstance(body, dict) else ""


def file_of(data: bytes) -> dict[str, Any]:
    """The `files` entry of a JPEG's bytes."""
    return {
        "role": "sent",
        "sha256": hashlib.sha256(data).hexdigest(),
        "size_bytes": len(data),
        "content_type": "image/jpeg",
        "width_px": None,
        "height_px": None,
    }
