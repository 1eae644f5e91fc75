"""Lines of libraries, as ours look, and without what must not stand in a log.

Libraries write what they like into their messages: addresses with tokens, requests, values of
exceptions. What they say is kept as far as it cannot hold any of that: the first line of it, and of
values numbers, names of exception classes, and what looks like a name. It is one place for all of
them, so that a new library is in it too.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from typing import Any, Final, TextIO

from vestlus.log_errors import place_of

#: What a renderer of structlog's gets.
Line = MutableMapping[str, Any]

#: Libraries say less than ours: what they write below this is about requests and their contents.
LEAST_LEVEL: Final = logging.WARNING

#: Characters of a message.
_LONGEST: Final = 300

_GONE: Final = "…"

#: Of an address, scheme and host are kept. The path may hold ids, the rest tokens.
_ADDRESS: Final = re.compile(
    r"\b([a-z][a-z0-9+.-]*://)(?:[^\s/@'\"<>]*@)?([^\s/?#'\"<>)]*)[^\s'\"<>)]*"
)
_AUTHORISATION: Final = re.compile(r"\b(bearer|basic)\s+\S+", re.IGNORECASE)
_NAMED: Final = re.compile(
    r"([\w-]*(?:token|secret|password|passwd|api_?-?key|authorization|signature|cookie))"
    r"['\"]?\s*[=:]\s*['\"]?[^\s'\",;&}]+",
    re.IGNORECASE,
)
#: Keys and tokens, and ids of users and messages.
_LONG: Final = re.compile(r"[\w+/=-]{32,}|\d{12,}|\b(?:sk|IG|EA)[\w-]{12,}")
#: A name, a number with its unit, a host with its port, a file.
_NAME: Final = re.compile(r"[\w.:/@+<>\[\]()%-]{1,80}")


class ForeignFormatter(logging.Formatter):
    """Formats the records of libraries. ``processors`` and ``render`` are those of our lines."""

    def __init__(
        self,
        processors: Sequence[Callable[[Any, str, Line], Any]],
        render: Callable[[Any, str, Line], Any],
    ) -> None:
        super().__init__()
        self._processors = processors
        self._render = render

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line. Never raises: a line that cannot be made says so."""
        line: Line = {"event": said(record), "logger": record.name}
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = type(record.exc_info[1]).__name__
            line["place"] = place_of(record.exc_info[1])
        level = record.levelname.lower()
        for process in self._processors:
            line = process(None, level, line)
        return str(self._render(None, level, line))


def said(record: logging.LogRecord) -> str:
    """What a record says, as far as it may be written."""
    message, args = str(record.msg), record.args
    if args:
        made: object
        if isinstance(args, Mapping):
            made = {name: _value(one) for name, one in args.items()}
        else:
            made = tuple(_value(one) for one in args)
        # Its own words are worth having without the values.
        with suppress(TypeError, ValueError, KeyError):
            message = message % made
    first = message.strip().partition("\n")[0]
    return scrubbed(first)[:_LONGEST]


def scrubbed(text: str) -> str:
    """The text without what looks like a secret or an id."""
    text = _ADDRESS.sub(r"\1\2", text)
    text = _AUTHORISATION.sub(rf"\1 {_GONE}", text)
    text = _NAMED.sub(rf"\1={_GONE}", text)
    return _LONG.sub(_GONE, text)


def _value(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, BaseException):
        return type(value).__name__
    if isinstance(value, type):
        return value.__name__
    text = scrubbed(str(value))
    return text if _NAME.fullmatch(text) else _GONE


def take_over(formatter: logging.Formatter, level: int) -> None:
    """Has all libraries write through ``formatter``, at this level at least.

    Those that log at the root, and those that have handlers of their own, as Ray does.
    """
    root = logging.getLogger()
    for handler in [one for one in root.handlers if type(one) in (logging.StreamHandler, _Ours)]:
        root.removeHandler(handler)
    ours = _Ours(sys.stderr)
    ours.setFormatter(formatter)
    ours.setLevel(level)
    ours.addFilter(_is_news)
    root.addHandler(ours)
    root.setLevel(level)
    for logger in list(root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            for handler in logger.handlers:
                _take_over(handler, formatter, level)


def _is_news(record: logging.LogRecord) -> bool:
    """Whether somebody has to know of it.

    When a reader leaves a page that follows what happens, Ray Serve (2.60,
    ``serve/_private/http_util.py``) cancels the call in which it waited for that, and looks at it
    no more: asyncio then tells of an exception that nobody retrieved.
    """
    error = record.exc_info[1] if record.exc_info else None
    return not (record.name == "asyncio" and type(error).__name__ == "TaskCancelledError")


def _take_over(handler: logging.Handler, formatter: logging.Formatter, level: int) -> None:
    handler.setFormatter(formatter)
    handler.setLevel(max(handler.level, level))
    target = getattr(handler, "target", None)  # of a handler that only keeps records for another
    if isinstance(target, logging.Handler):
        _take_over(target, formatter, level)


class _Ours(logging.StreamHandler[TextIO]):
    """The one that this module added."""
