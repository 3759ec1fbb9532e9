"""When beat sends what: each entry of the schedule every so many seconds, by the machine's steady clock.

Celery's own schedulers reckon by the wall clock: after it was set back by a day they send nothing for a day. Here nothing is
remembered over a restart either; what is periodic is sent once at a start. What there is to send is in `app.py`.
"""

import logging
import time
from typing import Any

import redis
from celery.beat import ScheduleEntry, Scheduler, SchedulingError
from kombu.exceptions import OperationalError

from server.queues import ONE_AT_MOST, QUEUE_OF

RETRY_S = 3.0
TROUBLE = (redis.RedisError, OperationalError, SchedulingError, OSError)
LOG = logging.getLogger(__name__)


class Pacing(Scheduler):  # type: ignore[misc]
    """A scheduler for entries whose schedule is a number of seconds."""

    def setup_schedule(self) -> None:
        """Part of Celery's scheduler: takes the entries over; all are due at once."""
        self.update_from_dict(self.app.conf.beat_schedule)
        self._due_s = dict.fromkeys(self.schedule, time.monotonic())

    def tick(self, *_: Any, **__: Any) -> float:
        """Part of Celery's scheduler: sends what is due; how many seconds until the next is."""
        for name, entry in self.schedule.items():
            if time.monotonic() >= self._due_s[name]:
                pause_s = entry.schedule.run_every.total_seconds() if self._send(entry) else RETRY_S
                self._due_s[name] = time.monotonic() + pause_s
        return float(max(0.0, min(self._due_s.values()) - time.monotonic()))

    def _send(self, entry: ScheduleEntry) -> bool:
        """Send one; False when the broker is away. A sweep, say, that nobody took yet is replaced: one is enough."""
        try:
            if (queue := QUEUE_OF.get(entry.task)) in ONE_AT_MOST:
                self.producer.channel.queue_purge(queue)
            self.apply_async(entry, producer=self.producer, advance=False)
        except TROUBLE as error:
            LOG.warning("%s not sent (%s); again in %s s", entry.name, type(error).__name__, RETRY_S)
            return False
        return True
