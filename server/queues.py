"""Names that server and worker share about the broker: tasks, queues, and how a client of it behaves.

The tasks themselves are in `worker/`, which the server does not import.
"""

from typing import Any

INTAKE, PHOTOS = "intake", "photos"
# What was missed or is left over: taken by turns with `intake`, so that a backlog does not hold up what just came.
CATCH_UP = "catch-up"
# What no record waits for: the search for possible duplicates.
TWINS = "twins"
# Holds one sweep at most: beat empties it before it sends the next. No expiry by the clock, which two machines may disagree on.
SWEEPS = "sweeps"
# The same for looking at deadlines: what a worker that was off did not take is not done many times over.
DEADLINES = "deadlines"
# The same for telling sources what became of their cases.
CALLS = "calls"
ONE_AT_MOST = frozenset({SWEEPS, DEADLINES, CALLS})
INTAKE_TASK, PHOTO_TASK, SWEEP_TASK, CARE_TASK = "xunge.intake", "xunge.photo", "xunge.sweep", "xunge.care"
TWINS_TASK, DEADLINES_TASK, CALLS_TASK, ERASE_TASK = "xunge.twins", "xunge.deadlines", "xunge.calls", "xunge.erase"
QUEUE_OF = {
    INTAKE_TASK: INTAKE,
    PHOTO_TASK: PHOTOS,
    TWINS_TASK: TWINS,
    SWEEP_TASK: SWEEPS,
    DEADLINES_TASK: DEADLINES,
    CALLS_TASK: CALLS,
    CARE_TASK: CATCH_UP,
    ERASE_TASK: CATCH_UP,
}
# A task whose worker was killed is handed out again after this long; the sweep of a restarted worker is sooner.
VISIBILITY_S = 120
POOL_MOST = 10


def common_options() -> dict[str, Any]:
    """What both sides of a queue must agree on."""
    return {
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        # One number for both: kombu has one pool a process, and a worker's own client with another limit would resize it under a
        # thread that is just sending.
        "broker_pool_limit": POOL_MOST,
        "task_default_queue": INTAKE,
        "task_routes": {task: {"queue": queue} for task, queue in QUEUE_OF.items()},
        "broker_transport_options": {"visibility_timeout": VISIBILITY_S},
    }


def client_options(timeout_s: float) -> dict[str, Any]:
    """A client that only sends: bounded waits, no second try (a lost nudge is the sweep's to repair)."""
    transport = {
        "visibility_timeout": VISIBILITY_S,
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "max_retries": 0,
        "interval_start": 0,
    }
    return common_options() | {
        "broker_transport_options": transport,
        "broker_connection_timeout": timeout_s,
        "task_publish_retry": False,
    }
