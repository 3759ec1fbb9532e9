"""The Celery application: how tasks are handed out, when they count as done, and what beat starts. The tasks are in `tasks.py`,
from where workers start; beat starts from here, since it knows them by name alone.

A task is acknowledged after it ran, so a killed worker's task is run again; every task may therefore run twice. There is no
result backend: what a task did is in the store.
"""

from celery import Celery
from celery.signals import worker_ready

from server import settings as configuration
from server.queues import (
    CALLS_TASK,
    CARE_TASK,
    DEADLINES_TASK,
    INTAKE,
    INTAKE_TASK,
    PHOTO_TASK,
    SWEEP_TASK,
    common_options,
)

CARE_S = 24 * 3600.0
DEADLINES_S = 30.0
CALLS_S = 5.0
settings = configuration.from_environment()
app = Celery("worker", broker=settings.broker_url)
app.conf.update(
    common_options()
    | {
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        "worker_hijack_root_logger": False,
        "worker_send_task_events": False,
        "broker_connection_retry": True,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "task_annotations": {INTAKE_TASK: {"acks_on_failure_or_timeout": True}, PHOTO_TASK: {"acks_on_failure_or_timeout": True}},
        "beat_scheduler": "worker.pacing:Pacing",
        "beat_schedule": {
            "sweep": {"task": SWEEP_TASK, "schedule": float(settings.sweep_s)},
            "deadlines": {"task": DEADLINES_TASK, "schedule": DEADLINES_S},
            "calls": {"task": CALLS_TASK, "schedule": CALLS_S},
            "care": {"task": CARE_TASK, "schedule": CARE_S},
        },
    }
)


@worker_ready.connect  # type: ignore[untyped-decorator]
def look_around(**_: object) -> None:
    """A worker that just started looks at once: what its predecessor held when it was killed waits for nobody, nor does what
    fell due while none was there."""
    if INTAKE in app.amqp.queues.consume_from:
        for task in (SWEEP_TASK, DEADLINES_TASK, CALLS_TASK):
            app.send_task(task, retry=False)
