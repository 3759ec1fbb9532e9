"""Campaigns 专项: one task for many grids at once, its questions, and how far the grids are. Pure.

A campaign is a township's, kept in its `cases-*`; where its tasks and answers lie is `server/cases/campaigns.py`. Figures count
grids, never people (DESIGN §2.6).
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from server.domain import grids, ids, notices, times
from server.domain.channels import TASK_SENT
from server.domain.errors import InvalidInput
from server.domain.workflow.tasks import due_at

Document = dict[str, Any]
TEXT_LENGTH = 1000
LABEL_LENGTH = 100
QUESTIONS_MOST = 20
OPTIONS_MOST = 12
GRIDS_MOST = 1000
DAYS_MOST = 92
STATES = ("open", "answered", "declined", "withdrawn")
# How a line of the form's questions says what kind of answer it wants, in both languages.
KINDS = {"数字": "number", "number": "number", "是否": "yes_no", "yes/no": "yes_no"}
NEEDED = frozenset({"必填", "required"})
# Ended counts as later than any number of answers.
ENDED = 1_000_000


def made(township: str, fields: Mapping[str, Any], by: str, now: datetime, random: bytes) -> Document:
    """The document of a new campaign. `fields`: `text`, `questions` (lines), `grids`, `days`. Raises InvalidInput."""
    text, wrong = str(fields.get("text", "")).strip(), {}
    if not text or len(text) > TEXT_LENGTH:
        wrong["text"] = "required" if not text else "too_long"
    chosen = sorted(set(fields.get("grids", ())))
    if not chosen or len(chosen) > GRIDS_MOST or not all(_is_of(township, grid) for grid in chosen):
        wrong["grids"] = "unknown" if chosen else "required"
    days = fields.get("days")
    if not isinstance(days, int) or not 1 <= days <= DAYS_MOST:
        wrong["days"] = "unknown"
    form = questions_of(str(fields.get("questions", "")))
    if form is None:
        wrong["questions"] = "unknown"
    if wrong or not isinstance(days, int):
        raise InvalidInput(wrong)
    at = times.to_text(now)
    head = {"_id": f"campaign:{ids.uuid7(now, random)}", "type": "campaign", "v": 1, "township": township}
    said = {"text": text, "form": form or [], "grids": chosen, "due_at": due_at(at, "campaign", days)}
    return head | said | {"created_at": at, "by": by, "ended_at": None}


def _is_of(township: str, grid: Any) -> bool:
    return grids.is_grid(grid) and grids.township_of(grid) == township and not grids.is_unplaced(grid)


def questions_of(text: str) -> list[Document] | None:
    """One question a line: `label | number | required`, `label | yes/no`, `label | this, that`, or `label`. None: unreadable."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = [_question(line, at) for at, line in enumerate(lines, 1)]
    return None if len(found) > QUESTIONS_MOST or None in found else [one for one in found if one]


def _question(line: str, at: int) -> Document | None:
    label, *more = (part.strip() for part in re.split(r"[|｜]", line))
    said = {part.lower() for part in more}
    kind = next((KINDS[part] for part in said if part in KINDS), "text")
    rest = [part for part in more if part and part.lower() not in KINDS and part.lower() not in NEEDED]
    options = [option.strip() for part in rest for option in re.split(r"[,，、/]", part) if option.strip()]
    if not label or len(label) > LABEL_LENGTH or len(options) > OPTIONS_MOST or (options and kind != "text"):
        return None
    return {
        "key": f"q{at}",
        "label": label,
        "kind": "choice" if options else kind,
        "options": options,
        "needed": bool(said & NEEDED),
    }


def task_id(campaign: Document, grid: str) -> str:
    """The task of a campaign in one grid: always the same."""
    digest = hashlib.sha256(f"{campaign['_id']}/{grid}".encode()).digest()
    return "task:" + ids.uuid7(times.from_text(campaign["created_at"]), digest)


def state_of(campaign: Document, answers: Iterable[Document]) -> str:
    """Where a grid stands with these answers of its own; any answer counts more than a refusal."""
    outcomes = {answer["outcome"] for answer in answers}
    if outcomes - {"declined"}:
        return "answered"
    if outcomes:
        return "declined"
    return "withdrawn" if campaign["ended_at"] else "open"


def task_of(campaign: Document, grid: str, answers: list[Document]) -> Document:
    """The task document of one grid."""
    latest = max((answer["at"] for answer in answers), default=campaign["ended_at"] or campaign["created_at"])
    return {
        "_id": task_id(campaign, grid),
        "type": "task",
        "v": 1,
        "grid": grid,
        "kind": "campaign",
        "text": campaign["text"],
        "case": None,
        "household": None,
        "campaign": campaign["_id"],
        "due_at": campaign["due_at"],
        "state": state_of(campaign, answers),
        "form": campaign["form"],
        "created_at": campaign["created_at"],
        "updated_at": latest,
        "events": len(answers) + (ENDED if campaign["ended_at"] else 0),
    }


def tellings_of(campaign: Document, now: datetime) -> list[Document]:
    """The notices that tell its grids' phones of a campaign, the same whenever asked; none of an old one or one that is over."""
    if campaign["ended_at"] or campaign["created_at"] < times.to_text(now - notices.ISSUED):
        return []
    batches = [campaign["grids"][at : at + notices.PARTIES_MOST] for at in range(0, len(campaign["grids"]), notices.PARTIES_MOST)]
    return [
        notices.notice(
            to=[f"grid:{grid}" for grid in batch],
            what=TASK_SENT,
            subject=campaign["_id"],
            township=campaign["township"],
            facts={"due_at": campaign["due_at"]},
            key=f"{campaign['_id']}/{number}",
            at=times.from_text(campaign["created_at"]),
            noted_at=now,
        )
        for number, batch in enumerate(batches)
    ]


def answer_of(campaign: str, reply: Document, now: datetime) -> Document:
    """What is kept at the township of a worker's reply: the grid's answer."""
    names = ("grid", "outcome", "text", "photos", "answers", "captured_at")
    head = {"_id": f"answer:{ids.uuid_of(campaign)}:{ids.uuid_of(reply['_id'])}", "type": "answer", "v": 1, "campaign": campaign}
    return head | {name: reply.get(name) for name in names} | {"by": reply["author"], "at": times.to_text(now)}


def by_grid(campaign: Document, answers: Iterable[Document]) -> dict[str, list[Document]]:
    """The answers of each of its grids, oldest first; grids without any included."""
    found: dict[str, list[Document]] = {grid: [] for grid in campaign["grids"]}
    for answer in sorted(answers, key=lambda one: (one["at"], one["_id"])):
        if answer["grid"] in found:
            found[answer["grid"]].append(answer)
    return found


def figures(campaign: Document, answers: Iterable[Document]) -> dict[str, int]:
    """How many grids stand where."""
    counts = dict.fromkeys(STATES, 0)
    for own in by_grid(campaign, answers).values():
        counts[state_of(campaign, own)] += 1
    return counts
