"""A worker's code in processes that live for one task each: a test starts the task, kills it, starts the next.

The program reads lines of JSON, `[what, arguments…]`, and forks a child for each: loading the worker takes a second, a fork does
not. `what` is the name of a task, or `recover`: what a restarted worker does by itself. It prints the child's pid, then its code.
"""

import base64
import json
import os
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import redis

from server.queues import (
    CALLS,
    CALLS_TASK,
    CARE_TASK,
    CATCH_UP,
    DEADLINES,
    DEADLINES_TASK,
    INTAKE,
    PHOTOS,
    SWEEP_TASK,
    SWEEPS,
    TWINS,
)
from worker import notices, tasks
from worker.app import settings
from worker.connections import couch

PERIODIC = (SWEEP_TASK, DEADLINES_TASK, CALLS_TASK, CARE_TASK)
QUEUES = (INTAKE, CATCH_UP, PHOTOS, TWINS, SWEEPS, DEADLINES, CALLS)
# A claim that a killed sender left is taken over after two minutes.
CLAIM_IS_OVER = timedelta(minutes=3)


def run_task(name: str, *arguments: Any) -> None:
    """One task, as Celery would run it."""
    tasks.app.tasks[name].run(*arguments)


def recover() -> None:
    """Whatever the periodic tasks find, and whatever that asks for, until nothing is asked any more."""
    for _ in range(2):
        for name in PERIODIC:
            run_task(name)
        _work_off()
    notices.run(couch(), now=lambda: datetime.now(UTC) + CLAIM_IS_OVER)
    _work_off()


def _work_off() -> None:
    broker = redis.Redis.from_url(settings.broker_url)
    while sum(_take(broker, queue) for queue in QUEUES):
        pass


def _take(broker: "redis.Redis", queue: str) -> bool:
    raw: Any = broker.rpop(queue)
    if raw is None:
        return False
    message = json.loads(raw)
    arguments, keywords, _ = json.loads(base64.b64decode(message["body"]))
    tasks.app.tasks[message["headers"]["task"]].run(*arguments, **keywords)
    return True


def main() -> None:
    """Serves until the input ends."""
    print("ready", flush=True)
    for line in sys.stdin:
        what, *arguments = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _be_child(what, arguments)
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _be_child(what: str, arguments: Sequence[Any]) -> None:
    code = 1
    # The first output is the test's to read.
    os.dup2(2, 1)
    try:
        recover() if what == "recover" else run_task(what, *arguments)
        code = 0
    except BaseException:  # noqa: BLE001 - the process ends here
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
