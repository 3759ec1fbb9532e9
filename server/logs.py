"""How the server's log looks: one JSON object a line on standard output, ours and the libraries' alike, from one level on.

What is logged is decided where it happens, and is never what people wrote. The worker's log is Celery's.
"""

import logging
import sys

import orjson
import structlog
from structlog.typing import Processor

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
SHARED: list[Processor] = [
    structlog.stdlib.add_logger_name,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    structlog.processors.format_exc_info,
]


def configure(level: str) -> None:
    """Set up this process's log, once and before its first line. Raises ValueError for a level that is none of `LEVELS`."""
    if level not in LEVELS:
        raise ValueError(f"XUNGE_LOG_LEVEL must be one of {', '.join(LEVELS)}, not {level!r}")
    number = logging.getLevelNamesMapping()[level]
    _configure_ours(number)
    _configure_libraries(number)


def _configure_ours(number: int) -> None:
    # A line below the level costs one call of an empty method: an access line stands behind every push of every phone.
    structlog.configure(
        processors=[*SHARED[1:], structlog.processors.JSONRenderer(serializer=orjson.dumps)],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory(sys.stdout.buffer),
        cache_logger_on_first_use=True,
    )


def _configure_libraries(number: int) -> None:
    render = structlog.processors.JSONRenderer(serializer=lambda value, **_: orjson.dumps(value, default=str).decode())
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render], foreign_pre_chain=SHARED
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
