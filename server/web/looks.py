"""Looking is logged: a case's page or API, a photo's original. One durable entry before it is shown, at most one in ten minutes
for the same person and thing (`server/audit/entries.note_seen`). What is opened with a purpose logs itself where it is opened.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request

from server import audit
from server.domain.grids import township_of
from server.domain.permissions import Person
from server.web.services import services_of


def note_case(request: Request, person: Person, case: Mapping[str, Any]) -> None:
    """This person looks at this case. Raises the store's errors; then it is not shown."""
    audit.note_seen(
        services_of(request).couch,
        by=person["name"],
        action="case.open",
        subject=str(case["_id"]),
        township=township_of(str(case["grid"])),
        facts={"case_no": case["case_no"]},
        now=datetime.now(UTC),
    )


def note_original(request: Request, person: Person, photo: str) -> None:
    """This person looks at a photo as it was taken, or hears a voice note."""
    couch, now = services_of(request).couch, datetime.now(UTC)
    township = min(person.get("townships", ()), default=None) if len(person.get("townships", ())) == 1 else None
    audit.note_seen(couch, by=person["name"], action="photo.original", subject=photo, township=township, now=now)
