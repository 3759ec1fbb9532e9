"""Tasks of a case: what is sent to a grid's workers, when it is due, and what its phone copy says (DESIGN §5, type `task`). Pure.

A task is sent by an event and is the case's as long as it exists; where its copy lies is `server/cases/tasks.py`.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from server.domain import times
from server.domain.workflow.states import OPEN_STATES

Case = dict[str, Any]
Event = dict[str, Any]
Task = dict[str, Any]

# Days that a task may take when whoever sends it says nothing (a place may want others).
DAYS = {"verify": 2, "look_again": 3, "visit": 7, "campaign": 7, "fix": 3}
# A task is due on a day, at the end of that day's work by China's clock.
DUE_HOUR = 18
CHINA = timedelta(hours=8)


def due_at(sent_at: str, kind: str, days: int | None) -> str:
    """When a task sent at this instant is due: `days` later (or the kind's own), at the end of the working day."""
    local = times.from_text(sent_at).astimezone(UTC) + CHINA + timedelta(days=days or DAYS[kind])
    return times.to_text(datetime(local.year, local.month, local.day, DUE_HOUR, tzinfo=UTC) - CHINA)


def sent_by(event: Event) -> Task:
    """The task of an event that carries `task_id`, as the case lists it."""
    return {
        "id": event["task_id"],
        "kind": event["kind"],
        "grid": event["grid"],
        "state": "open",
        "text": event.get("text", ""),
        "sent_at": event["at"],
        "due_at": due_at(event["at"], event["kind"], event.get("days")),
        "is_finding": event["move"] == "ask_verification",
        "answer": None,
    }


def answered_by(task: Task, event: Event) -> Task:
    """The task after a reply: the first answer counts, and an answer counts more than another worker's refusal."""
    is_refusal = event["outcome"] == "declined"
    if task["state"] == "answered" or (task["state"] == "declined" and is_refusal):
        return task
    answer = {"at": event["at"], "outcome": event["outcome"], "text": event.get("text", ""), "photos": event.get("photos", [])}
    return task | {"state": "declined" if is_refusal else "answered", "answer": answer}


def state_of(case: Case, task: Task) -> str:
    """open, answered, declined or withdrawn: nobody is sent to look at what is decided, or at an earlier round's work.

    `is_finding` marks the task of a verification, which is asked for once a round.
    """
    if task["state"] != "open":
        return str(task["state"])
    latest = [one["id"] for one in case["tasks"] if one["is_finding"]][-1:]
    is_past = task["is_finding"] and (case["state"] != "verifying" or [task["id"]] != latest)
    return "withdrawn" if is_past or case["state"] not in OPEN_STATES else "open"


def task_copy(case: Case, task: Task, household: str | None = None) -> dict[str, Any]:
    """The task as a phone is shown it: what to do, where, by when; of its case what the worker on the spot needs, no caller."""
    state = state_of(case, task)
    changed_at = (task["answer"] or {}).get("at") or (task["sent_at"] if state == "open" else case["updated_at"])
    return {
        "_id": task["id"],
        "type": "task",
        "v": 1,
        "grid": task["grid"],
        "kind": task["kind"],
        "text": task["text"],
        "case": _facts(case),
        "household": household,
        "campaign": None,
        "due_at": task["due_at"],
        "state": state,
        "form": None,
        "created_at": task["sent_at"],
        "updated_at": changed_at,
        "events": case["events"],
    }


def _facts(case: Case) -> dict[str, Any]:
    place = case["place"] or {}
    point = {name: place.get(name) for name in ("lat", "lon", "accuracy_m", "address")}
    return {
        "id": case["_id"],
        "case_no": case["case_no"],
        "category": case["category"],
        "text": case["text"],
        "place": point if case["place"] else None,
        "photos": case["photos"],
    }
