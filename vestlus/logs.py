"""Logs: one JSON object a line on standard error; in the demo and on a terminal, for people.

Lines hold no text of anybody's, no token and no id of a user. What a line is about is in its
``message_id``: see :mod:`vestlus.log_context`.
"""

from __future__ import annotations

import logging
import sys

import structlog

from vestlus.log_context import add_subject
from vestlus.logs_foreign import LEAST_LEVEL, ForeignFormatter, take_over


def configure_logs(level: str, *, readable: bool = False) -> None:
    """Sets up logging for this process. ``level`` is one of the names of :mod:`logging`.

    ``readable``: lines are for people also where standard error is no terminal. Libraries write
    in the same form, from WARNING on.
    """
    terminal = sys.stderr.isatty()
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    if readable or terminal:
        renderer = structlog.dev.ConsoleRenderer(
            colors=terminal, exception_formatter=structlog.dev.plain_traceback
        )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        add_subject,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    take_over(ForeignFormatter(shared, renderer), max(logging.getLevelName(level), LEAST_LEVEL))
